import msgspec
import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication, QPushButton

from experiments.benchmarks.rehearsal import PATIENT, PHANTOM
from robopatient import messages as m
from robopatient.bus import ActorPort, make_endpoints
from robopatient.clock import FakeClock
from robopatient.config import SessionConfig, TrainingConfig
from robopatient.console.examination import ExaminationModel, figure_lines
from robopatient.console.instructor import InstructorWindow
from robopatient.console.model import ConsoleModel
from robopatient.console.window import ConsoleWindow
from robopatient.record.reader import Record
from robopatient.session.control import Control

pytestmark = pytest.mark.qt

MS = 1_000_000


def press(t_s: float, newton: float, region: str, x_mm: float = 100.0, y_mm: float = 100.0) -> m.Press:
    t_ns = round(t_s * 1e9)
    return m.Press(t_ns, 0, t_ns + 300 * MS, 0, t_ns + 800 * MS, newton, 50.0, x_mm, y_mm, region)


def pressed() -> ExaminationModel:
    """Two seconds: a light press, and a deep one that shows in the face 400 ms later."""
    examination = ExaminationModel(SessionConfig(), PATIENT, PHANTOM)
    for tick in range(500):
        t_ns = tick * 4 * MS
        newton = 10.0 if 200 <= tick * 4 < 1000 else 30.0 if 1200 <= tick * 4 < 1800 else 0.0
        examination.feed(m.ForceFrame(t_ns, t_ns, tick, (newton,)))
        examination.feed(m.PainState(t_ns, tick, 6.0 if newton > 20 else 0.0, "", "hold" if newton else "rest"))
        examination.feed(m.Seen(t_ns, tick, tick, t_ns, m.FacePose(), 5.0 if tick * 4 >= 1600 else 0.0))
    examination.feed(press(0.2, 10.0, "umbilical"))
    examination.feed(press(1.2, 30.0, "umbilical"))
    return examination


def test_the_live_figures_are_those_of_the_debrief():
    x = pressed().figures()
    assert (x.regions["umbilical"].light, x.regions["umbilical"].deep) == (1, 1)
    assert x.light_before_deep == 1
    [response] = x.responses
    assert response.newton == 30.0
    assert response.eased_ms == pytest.approx(200, abs=70)  # kept at thirty a second


def test_a_press_told_twice_counts_once():
    examination = pressed()
    examination.feed(press(0.2, 10.0, "umbilical"))
    assert examination.figures().presses == 2


def test_before_anything_is_pressed_there_are_words_for_it():
    lines = dict(figure_lines(ExaminationModel(SessionConfig(), PATIENT, PHANTOM).figures()))
    assert lines["Before the tender region"] == "not yet pressed"
    assert "nan" not in " ".join(lines.values())


@pytest.fixture
def instructor(qtbot):
    clock = FakeClock(1_000_000_000_000)
    config = msgspec.structs.replace(SessionConfig(), scenario="first_examination")
    model = ConsoleModel(config, clock, PATIENT, PHANTOM)
    actions: list[m.OperatorAction] = []
    window = InstructorWindow(model, actions.append)
    qtbot.addWidget(window)
    window.show()
    return window, model, clock, actions


def click(qtbot, window, name: str) -> None:
    [button] = [button for button in window.findChildren(QPushButton) if button.text() == name]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize(
    ("button", "action", "argument"),
    [
        ("Where?  2", "ask", "where"),
        ("“this may hurt”  6", "cue", "this may hurt"),
        ("history taken", "trigger", "history taken"),
        ("Hold", "scenario", "hold"),
        ("Go there", "scenario", "goto before"),
        ("partly", "rating", "OSCE.hygiene 0.5"),
    ],
)
def test_each_button_asks_for_its_action(instructor, qtbot, button, action, argument):
    window, _, _, actions = instructor
    click(qtbot, window, button)
    assert [(each.action, each.argument) for each in actions] == [(action, argument)]


def test_digits_make_the_patient_answer_and_announce_what_comes(instructor, qtbot):
    window, _, _, actions = instructor
    window.activateWindow()
    window.setFocus()
    for key in "12345678":
        qtbot.keyClick(window, key)
    assert [each.argument for each in actions] == [
        "nrs", "where", "quality", "feeling", "history", "this may hurt", "breathe in", "breathe out",
    ]  # fmt: skip
    assert [each.action for each in actions] == ["ask"] * 5 + ["cue"] * 3


def test_a_digit_typed_as_a_rating_asks_nothing(instructor, qtbot):
    window, _, _, actions = instructor
    window.rate()
    qtbot.keyClicks(window.value.lineEdit(), "7")
    assert actions == []
    click(qtbot, window, "Record")
    assert actions[-1].argument == "NRS 7"


def test_r_6_return_puts_the_trainees_rating_on_the_record_and_the_digits_ask_again(qtbot, tmp_path):
    """The console's real windows, the bus and the loop's own record at its other end."""
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    (tmp_path / "session").mkdir()
    clock, endpoints = FakeClock(1_000_000_000_000), make_endpoints(sockets)
    config = SessionConfig(training=TrainingConfig(trainee="T07"))
    control = Control(config, endpoints, tmp_path / "session", clock)
    port = ActorPort(endpoints, ())
    model = ConsoleModel(config, clock, PATIENT, PHANTOM)
    model.feed(m.PainState(clock.now_ns(), 1, 7.1, "", "hold"))
    settings = QSettings(str(tmp_path / "console.ini"), QSettings.Format.IniFormat)
    window = ConsoleWindow(model, port.tell, settings)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    try:
        qtbot.keyClick(window, Qt.Key.Key_R)
        instructor = window.instructor
        qtbot.waitUntil(instructor.isActiveWindow)
        qtbot.keyClicks(QApplication.focusWidget(), "6")
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
        assert instructor.rated.text() == "trainee: 6 (felt 7.1)"
        assert not instructor.value.hasFocus()
        qtbot.keyClick(QApplication.focusWidget(), "2")
        for _ in range(200):
            control._take_messages()
            if {"rating", "ask"} <= {each.action for each in control.pipeline._actions}:
                break
            qtbot.wait(10)
    finally:
        control._say(m.SessionStop(clock.now_ns(), "done"))
        control.record.close()
        control.journal.close()
        control.hub.close()
        port.close()
    with Record(tmp_path / "session") as record:
        ratings = [(each.rater, each.scale, each.value) for each in record.messages("rating")]
        asked = [(each.action, each.argument) for each in record.messages("action")]
    assert ratings == [("trainee", "NRS", 6.0)], "once"
    assert asked == [("rating", "NRS 6"), ("ask", "where")]


def test_a_rating_is_held_within_its_scale(instructor, qtbot):
    window, _, _, actions = instructor
    window.scale.setCurrentText("BPS.face")
    window.value.setValue(9)
    click(qtbot, window, "Record")
    assert actions[-1].argument == "BPS.face 4"


def test_what_the_patient_says_and_where_the_scenario_is_can_be_read(instructor):
    window, model, clock, _ = instructor
    model.feed(m.Said(clock.now_ns(), 0, "where", "Down on the right."))
    model.feed(m.ScenarioChange(clock.now_ns(), 0, "wary", "", "x", "The patient is wary."))
    clock.advance_s(2.0)
    window.refresh()
    assert window.answer.text() == "“Down on the right.”"
    assert "The patient is wary." in window.state.text()
    assert any("Down on the right" in event.text for event in model.events)


def test_the_coverage_fills_in(instructor):
    window, model, clock, _ = instructor
    model.feed(press(1.0, 20.0, "epigastric"))
    clock.advance_s(2.0)
    window.refresh()
    assert window.coverage.accessibleDescription() == "1 of 9 regions palpated"
