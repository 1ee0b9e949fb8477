import fcntl

import pytest
from PySide6.QtCore import QSettings, Qt

from robopatient.console.study_setup import StudySetupWindow
from robopatient.session import study_setup
from robopatient.session.study_setup import checked, offer, overrides_of
from robopatient.study.setup import Begin, Checked, Leave, StudyCheck, StudyChoices

pytestmark = pytest.mark.qt

STUDY = "congruence_corrected"


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """No sound server is asked."""
    monkeypatch.setattr(study_setup, "_sound", lambda: StudyCheck("Sound", "ok", "speakers"))


def state_of(told: Checked, thing: str) -> tuple[str, str]:
    return next((check.state, check.text) for check in told.checks if check.thing == thing)


def choices(**changes: object) -> StudyChoices:
    return StudyChoices(**{"study": STUDY, "participant": "P01"} | changes)


def test_a_new_participant_may_begin(tmp_path):
    told = checked(tmp_path, choices())
    assert told.may_begin
    assert not told.goes_on
    assert "new" in state_of(told, "Participant")[1]
    assert "min" in state_of(told, "Study")[1]


@pytest.mark.parametrize(
    ("changes", "thing", "said"),
    [
        ({"participant": ""}, "Participant", "needs a code"),
        ({"participant": "Anna"}, "Study", "needs a number"),
        ({"study": "no_such"}, "Study", "no_such"),
        ({"session": 9}, "Study", "session 9"),
        ({"language": "klingon"}, "Settings", "english, german, japanese"),
        ({"patient": "nobody"}, "Settings", "nobody"),
        ({"board": "/dev/ttyUSB99"}, "Board", "is not there"),
        ({"calibration": "nowhere"}, "Calibration", "nowhere"),
        ({"board": "/dev/null"}, "Calibration", "none chosen for this board"),
    ],
)
def test_what_stands_against_a_start_is_named(tmp_path, changes, thing, said):
    told = checked(tmp_path, choices(**changes))
    assert not told.may_begin
    state, text = state_of(told, thing)
    assert state == "bad"
    assert said in text


def test_a_full_disk_forbids_the_start(tmp_path, monkeypatch):
    monkeypatch.setattr(study_setup.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10_000_000})())
    told = checked(tmp_path, choices())
    assert state_of(told, "Disk")[0] == "bad"


def test_a_session_that_runs_on_another_console_forbids_the_start(tmp_path):
    with (tmp_path / f".{STUDY}_P01_s1.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = checked(tmp_path, choices())
    assert "another console" in state_of(told, "Participant")[1]


def test_choices_become_settings_and_what_is_left_to_the_study_does_not():
    assert overrides_of(choices(voice="rosa", calibration="mine")) == [
        'voice.identity="rosa"',
        'sensing.calibration="mine"',
    ]


class Sat:
    """The operator before the window; the other end of the pipe answers at once."""

    def __init__(self, qtbot, folder) -> None:
        self.sent: list[object] = []
        self._folder = folder
        settings = QSettings(str(folder / "x.ini"), QSettings.Format.IniFormat)
        self.window = StudySetupWindow(offer(StudyChoices()), self._send, settings)
        qtbot.addWidget(self.window)
        with qtbot.waitExposed(self.window):
            self.window.show()
        self.window.activateWindow()

    def _send(self, order: object) -> None:
        self.sent.append(order)

    def answer(self) -> None:
        self.window.show_checks(checked(self._folder, self.window.choices))


def test_a_session_is_set_up_by_keys_alone(qtbot, tmp_path):
    sat = Sat(qtbot, tmp_path)
    sat.answer()
    assert not sat.window.start.isEnabled()
    sat.window.study.setFocus()
    while sat.window.study.currentData() != STUDY:
        qtbot.keyClick(sat.window.study, Qt.Key.Key_Down)
    sat.window.participant.setFocus()
    qtbot.keyClicks(sat.window.participant, "P07")
    qtbot.keyClick(sat.window.start, Qt.Key.Key_Space)
    assert not any(isinstance(order, Begin) for order in sat.sent), "not before the checks are in"
    sat.answer()
    assert sat.window.verdict.text() == "Everything is in place"
    qtbot.mouseClick(sat.window.start, Qt.MouseButton.LeftButton)
    assert sat.sent[-1] == Begin(choices(participant="P07"), False)


def test_checks_of_older_choices_are_passed_over(qtbot, tmp_path):
    sat = Sat(qtbot, tmp_path)
    old = checked(tmp_path, choices())
    qtbot.keyClicks(sat.window.participant, "P02")
    sat.window.show_checks(old)
    assert sat.window.verdict.text() == "Checking …"
    assert not sat.window.start.isEnabled()


def test_closing_the_window_says_that_nothing_was_begun(qtbot, tmp_path):
    sat = Sat(qtbot, tmp_path)
    sat.window.close()
    assert isinstance(sat.sent[-1], Leave)
