import pytest

from robopatient.console.setup.calibration_tab import CalibrationChoices, CalibrationTab
from robopatient.sensing.calibrate import CalibrationPlan


def test_every_choice_has_a_field():
    assert {field.name for field in CalibrationTab().fields()} == set(CalibrationChoices.__struct_fields__)


def test_the_choices_are_the_plan_of_the_command():
    assert CalibrationChoices().plan == CalibrationPlan.of_range(80.0)
    own = CalibrationChoices(weights="20,40", places="9", exercises=1, creep_min=2.5)
    assert own.plan == CalibrationPlan(newton=(20.0, 40.0), places=9, exercises=1, creep_min=2.5)


def test_the_number_of_steps_is_told_before_the_start():
    outlook = CalibrationTab().look(CalibrationChoices())
    assert not outlook.failed
    assert outlook.checks[-1].found == "8, 16, 32, 48, 64, 80 N; 69 steps"


@pytest.mark.parametrize(
    ("changes", "name", "said"),
    [
        ({"board": "/dev/ttyUSB99"}, "Board", "is not there"),
        ({"board": "no-driver"}, "Board", "no-driver"),
        ({"phantom": "nowhere"}, "Phantom", "nowhere"),
        ({"weights": "20,heavy"}, "Weights, N", "heavy"),
    ],
)
def test_what_stands_against_a_start_is_named(changes, name, said):
    [failed] = CalibrationTab().look(CalibrationChoices(**changes)).failed
    assert failed.name == name
    assert said in failed.found
