import time
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QShortcut
from PySide6.QtWidgets import QApplication, QLabel

from robopatient.checks import Check
from robopatient.console.setup import window as setup_window
from robopatient.console.setup.calibration_tab import CalibrationTab
from robopatient.console.setup.session_tab import SessionTab
from robopatient.console.setup.study_tab import StudyTab
from robopatient.console.setup.training_tab import TrainingTab
from robopatient.console.setup.window import KEYS, SetupWindow
from robopatient.console.theme import LIGHT

pytestmark = pytest.mark.qt

CTRL = Qt.KeyboardModifier.ControlModifier
STUDY = "psychophysics"


class Bench:
    """A window on its own folder, as ``show`` makes it."""

    def __init__(self, qtbot, folder: Path) -> None:
        self._qtbot = qtbot
        tabs = (SessionTab(), StudyTab(folder), TrainingTab(), CalibrationTab())
        self.window = SetupWindow(tabs, QSettings(str(folder / "setup.ini"), QSettings.Format.IniFormat))
        qtbot.addWidget(self.window)
        with qtbot.waitExposed(self.window):
            self.window.show()
        self.window.activateWindow()
        self.settle()

    def settle(self) -> None:
        self._qtbot.waitUntil(lambda: self.window.outlook is not None, timeout=20_000)

    def choose(self, **values: str | float) -> None:
        self.window.choose(**values)
        self.settle()

    def open(self, tab: str, **values: str | float) -> None:
        self.window.open_tab(tab, values)
        self.settle()

    def run_to_its_end(self) -> None:
        self.window.begin()
        self._qtbot.waitUntil(lambda: self.window.running is None, timeout=20_000)
        self.settle()

    def read(self, words: str) -> None:
        """Wait until words are shown."""

        def texts() -> str:
            return "\n".join(label.text() for label in self.window.findChildren(QLabel) if label.isVisible())

        self._qtbot.waitUntil(lambda: words in texts(), timeout=20_000)


@pytest.fixture
def bench(qtbot, tmp_path, monkeypatch) -> Bench:
    monkeypatch.chdir(tmp_path)
    return Bench(qtbot, tmp_path)


def says(path: Path, line: str = "", status: int = 0) -> str:
    """A program that writes the words it was given and says a line."""
    return (
        f"import sys, pathlib; pathlib.Path({str(path)!r}).write_text(' '.join(sys.argv[1:])); "
        f"print({line!r}); sys.exit({status})"
    )


def test_a_choice_that_cannot_be_keeps_start_shut_and_says_why(bench):
    window = bench.window
    assert window.start.isEnabled()
    bench.choose(calibration="nowhere.toml")
    assert not window.start.isEnabled()
    assert window.verdict.text() == "Not ready: Calibration"
    assert "nowhere.toml" in window.start.accessibleDescription()
    bench.read("nowhere.toml")
    assert window.form.widgets["calibration"].property("role") == "wrong"
    assert "nowhere.toml" in window.form.widgets["calibration"].toolTip()
    bench.choose(calibration="")
    assert window.start.isEnabled()
    assert window.form.widgets["calibration"].property("role") == ""


def test_what_start_types_can_be_read(bench):
    bench.choose(patient="gastritis")
    assert bench.window.typed.full_text == """robopatient run --set 'patient="gastritis"'"""


def test_start_is_shut_while_the_choices_are_looked_at(bench):
    bench.window.choose(patient="gastritis")
    assert bench.window.verdict.text() == "Checking …"
    assert not bench.window.start.isEnabled()


def test_checks_of_older_choices_are_passed_over(bench):
    bench.window.look()
    bench.window.form.choose({"patient": "nobody"})
    while not bench.window._looking.done():
        time.sleep(0.01)
    bench.window._looked()
    assert bench.window.outlook is None
    bench.settle()
    assert [check.name for check in bench.window.outlook.failed] == ["Patient"]


def test_this_computer_is_told_in_a_line_and_what_is_wrong_with_it_worst_first(bench, qtbot):
    window = bench.window
    window.machine_checks = [
        Check("Python", "ok", "3.11"),
        Check("sound", "warn", "no device", "plug it in"),
        Check("head mesh", "fail", "x"),
    ]
    bench.choose()
    assert [check.name for check in window.machine_list.checks] == ["head mesh", "sound"]
    assert window.machine_verdict.text() == "This computer: 2 of 3 to look at"
    bench.read("To fix: plug it in")
    qtbot.mouseClick(window.all_checks, Qt.MouseButton.LeftButton)
    assert [check.name for check in window.machine_list.checks] == ["head mesh", "sound", "Python"]


def test_start_runs_what_could_be_typed_and_shows_what_it_says(bench, qtbot, monkeypatch, tmp_path, capfd):
    said = tmp_path / "said.txt"
    monkeypatch.setattr(setup_window, "PROGRAM", says(said, "session in /tmp/s1; Ctrl-C ends it"))
    bench.choose(patient="gastritis", board="virtual")
    qtbot.keyClick(bench.window, Qt.Key.Key_Return, CTRL)
    assert not bench.window.start.isEnabled()
    assert bench.window.verdict.text() == "Running …"
    qtbot.waitUntil(lambda: bench.window.running is None, timeout=20_000)
    assert said.read_text() == 'run --board virtual --set patient="gastritis"'
    assert "session in /tmp/s1" in bench.window.said.text()
    assert "session in /tmp/s1" in capfd.readouterr().err, "the terminal has it too"
    assert bench.window.last_folder == Path("/tmp/s1")
    bench.settle()
    assert bench.window.start.isEnabled()
    said.unlink()
    qtbot.keyClick(bench.window, Qt.Key.Key_R, CTRL)
    qtbot.waitUntil(lambda: said.exists() and bool(said.read_text()), timeout=20_000)
    assert said.read_text() == "replay /tmp/s1 --console"


def test_while_a_session_runs_the_window_stays_and_the_board_is_left_alone(bench, qtbot, monkeypatch):
    monkeypatch.setattr(setup_window, "PROGRAM", "import sys; sys.stdin.read()")
    window = bench.window
    window.begin()
    qtbot.waitUntil(lambda: window.running.processId() > 0, timeout=20_000)
    window.close()
    assert window.isVisible()
    assert "running" in window.trouble.text()
    window.run_doctor()
    assert window._doctor is None
    window.calibrate()
    qtbot.keyClick(window, Qt.Key.Key_2, CTRL)
    assert window.tab.name == "session"
    assert not window.form.widgets["patient"].isEnabled(), "it shows what runs"
    window.running.closeWriteChannel()
    qtbot.waitUntil(lambda: window.running is None, timeout=20_000)
    window.close()
    assert not window.isVisible()


def test_a_session_that_fails_is_told_with_its_last_words(bench, monkeypatch, tmp_path):
    monkeypatch.setattr(setup_window, "PROGRAM", says(tmp_path / "x", "robopatient: no space left", status=1))
    bench.run_to_its_end()
    assert "status 1: robopatient: no space left" in bench.window.trouble.text()
    assert bench.window.status == 1


def test_the_doctor_looks_at_the_board_that_is_chosen(bench, qtbot, monkeypatch):
    program = (
        "import sys, json; "
        "print(json.dumps({'findings': [{'thing': ' '.join(sys.argv[1:]), 'state': 'ok', 'detail': ''}]}))"
    )
    monkeypatch.setattr(setup_window, "PROGRAM", program)
    bench.choose(board="virtual", calibration="virtual")
    qtbot.keyClick(bench.window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: bool(bench.window.machine_checks), timeout=20_000)
    assert bench.window.machine_checks[0].name == "doctor --json --board virtual --calibration virtual"
    assert bench.window.machine_verdict.text() == "This computer: all is well"


def test_start_does_not_wait_for_the_doctor_who_may_hold_the_board(bench, qtbot, monkeypatch):
    monkeypatch.setattr(setup_window, "PROGRAM", "import sys; sys.stdin.read()")
    bench.window.run_doctor()
    doctor = bench.window._doctor
    bench.window.begin()
    assert doctor.state() == doctor.ProcessState.NotRunning
    assert bench.window._doctor is None
    bench.window.running.closeWriteChannel()
    qtbot.waitUntil(lambda: bench.window.running is None, timeout=20_000)


def test_a_study_is_set_up_by_keys_alone_and_the_next_participant_starts_afresh(bench, qtbot, monkeypatch, tmp_path):
    said = tmp_path / "said.txt"
    monkeypatch.setattr(setup_window, "PROGRAM", says(said))
    window = bench.window
    qtbot.keyClick(window, Qt.Key.Key_2, CTRL)
    bench.settle()
    assert not window.start.isEnabled()
    study = window.form.widgets["study"]
    study.setFocus()
    while study.currentData() != STUDY:
        qtbot.keyClick(study, Qt.Key.Key_Down)
    participant = window.form.widgets["participant"]
    participant.setFocus()
    qtbot.keyClicks(participant, "P07")
    qtbot.keyClick(participant, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is window.form.widgets["session"]
    qtbot.keyClick(window, Qt.Key.Key_Return, CTRL)
    assert window.running is None, "not before the checks are in"
    bench.settle()
    assert window.verdict.text() == "Ready, 1 to look at"
    qtbot.keyClick(window, Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: window.running is None, timeout=20_000)
    assert said.read_text().startswith(
        f"study run {STUDY} --participant P07 --session 1 --language english --board virtual"
    )
    assert window.choices["study"] == STUDY
    assert window.choices["participant"] == ""
    assert QApplication.focusWidget() is participant


def test_every_field_is_reached_by_tab_in_the_order_in_which_it_is_read(bench, qtbot):
    for name in ("session", "study", "training", "calibration"):
        bench.open(name)
        widgets = list(bench.window.form.widgets.values())
        widgets[0].setFocus()
        reached = []
        for _ in widgets:
            reached.append(QApplication.focusWidget())
            qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert reached == widgets


def test_no_two_fields_or_tabs_share_a_letter(bench):
    tabs = [tab.title for tab in bench.window._tabs]
    for tab in bench.window._tabs:
        letters = [text.split("&")[1][0].lower() for text in (*tabs, *(field.label for field in tab.fields))]
        assert sorted(letters) == sorted(set(letters)), tab.name


def test_calibration_is_one_key_away_and_its_file_is_chosen_where_it_was_asked_for(bench, qtbot, monkeypatch, tmp_path):
    asked = []

    def calibrated(board, plan, phantom, theme, parent) -> Path:
        asked.append((board, phantom, len(plan.newton)))
        saved = Path("calibration/new.toml")
        saved.parent.mkdir()
        saved.touch()
        return saved

    monkeypatch.setattr(setup_window, "open_dialog", calibrated)
    bench.choose(board="/dev/null")
    qtbot.keyClick(bench.window, Qt.Key.Key_K, CTRL)
    assert bench.window.tab.name == "calibration"
    bench.settle()
    qtbot.keyClick(bench.window, Qt.Key.Key_Return, CTRL)
    assert asked == [("/dev/null", "square-290", 6)]
    assert bench.window.tab.name == "session"
    assert bench.window.choices["calibration"] == "calibration/new.toml"
    assert bench.window.calibrated == Path("calibration/new.toml")


def test_choices_and_theme_are_remembered_but_no_person(bench, qtbot, tmp_path):
    bench.choose(patient="gastritis", trainee="T07", minutes=5.0)
    bench.open("study", study=STUDY, participant="P07", demographics="age=34")
    qtbot.keyClick(bench.window, Qt.Key.Key_T, CTRL)
    bench.window.close()
    again = Bench(qtbot, tmp_path)
    assert again.window.theme is LIGHT
    assert again.window.choices == SessionTab().defaults | {"patient": "gastritis", "trainee": "T07", "minutes": 5.0}
    again.open("study")
    assert (again.window.choices["study"], again.window.choices["participant"]) == (STUDY, "")
    assert "age=34" not in (tmp_path / "setup.ini").read_text()


def test_words_for_no_choice_are_no_choice(bench):
    for name, widget in bench.window.form.widgets.items():
        if hasattr(widget, "setEditText") and widget.isEditable():
            widget.setEditText(widget.itemText(0))
        assert bench.window.choices == SessionTab().defaults, name


def test_the_sheet_is_closed_by_escape(bench, qtbot):
    qtbot.keyClick(bench.window, Qt.Key.Key_F1)
    assert bench.window.help.isVisible()
    qtbot.keyClick(bench.window, Qt.Key.Key_Escape)
    assert not bench.window.help.isVisible()


def test_the_sheet_tells_every_key(bench):
    listed = " ".join(key for key, _ in KEYS).replace("1 … Ctrl 4", "1 Ctrl 2 Ctrl 3 Ctrl 4").replace("Ctrl ", "Ctrl+")
    listed = listed.replace("Return", "Return Ctrl+Enter").split()
    for shortcut in bench.window.findChildren(QShortcut):
        assert shortcut.key().toString() in listed


@pytest.mark.parametrize("size", [(1280, 680), (1000, 600)])
def test_start_and_every_line_stay_inside_a_small_screen(bench, size):
    bench.window.resize(*size)
    long = "/dev/serial/by-id/usb-" + "A_Very_Long_Name" * 6
    bench.choose(board=long)
    until = time.monotonic() + 0.2
    while time.monotonic() < until:
        QApplication.processEvents()
    window = bench.window
    assert (window.width(), window.height()) == size
    assert window.rect().contains(window.start.mapTo(window, window.start.rect().bottomRight()))
    for label in window.choice_list.findChildren(QLabel):
        if label.isVisible():
            assert label.mapTo(window, label.rect().topRight()).x() < window.width()
