import pytest

from robopatient.console.setup.calibration_tab import CalibrationTab, plan
from robopatient.sensing.calibrate import CalibrationPlan

TAB = CalibrationTab()


def test_the_choices_are_the_plan_of_the_command():
    assert plan(TAB.defaults) == CalibrationPlan.of_range(80.0)
    own = TAB.defaults | {"newton": "20,40", "places": "9", "exercises": 0.0, "creep": 2.5}
    assert plan(own) == CalibrationPlan(newton=(20.0, 40.0), places=9, exercises=0, creep_min=2.5)
    assert TAB.look(own).words == (
        "board", "calibrate", "--console", "--board", "virtual", "--phantom", "square-290", "--range", "80",
        "--newton", "20,40", "--places", "9", "--exercises", "0", "--creep", "2.5",
    )  # fmt: skip


def test_the_number_of_steps_is_told_before_the_start():
    outlook = TAB.look(TAB.defaults)
    assert not outlook.failed
    assert outlook.checks[-1].found == "8, 16, 32, 48, 64, 80 N; 69 steps"


@pytest.mark.parametrize(
    ("changes", "name", "said"),
    [
        ({"board": "/dev/ttyUSB99"}, "Board", "is not there"),
        ({"board": "no-driver"}, "Board", "no-driver"),
        ({"phantom": "nowhere"}, "Phantom", "nowhere"),
        ({"newton": "20,heavy"}, "Weights, N", "heavy"),
    ],
)
def test_what_stands_against_a_start_is_named(changes, name, said):
    [failed] = TAB.look(TAB.defaults | changes).failed
    assert failed.name == name
    assert said in failed.found
