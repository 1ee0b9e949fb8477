from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QShortcut
from PySide6.QtWidgets import QLabel

from robopatient.console import setup_window
from robopatient.console.setup_model import SessionChoices, SetupCheck, arguments, look, options, parse_checks
from robopatient.console.setup_window import EMPTY, FIELDS, KEYS, SetupWindow
from robopatient.console.theme import DARK, LIGHT

pytestmark = pytest.mark.qt

CTRL = Qt.KeyboardModifier.ControlModifier


def test_what_is_offered_is_what_is_shipped():
    offered = options()
    assert "appendicitis" in offered.patient
    assert "training_appendicitis" in offered.session
    assert offered.board[0] == "virtual"
    assert "virtual" in offered.calibration
    assert "congruence_corrected" in offered.study


def test_nothing_chosen_is_a_default_session_that_can_be_started():
    outlook = look(SessionChoices())
    assert outlook.trouble == ""
    assert outlook.patient is not None
    assert arguments(SessionChoices()) == ["run"]


def test_choices_become_the_words_that_could_be_typed():
    chosen = SessionChoices(
        session="training_appendicitis", patient="gastritis", trainee="T07", board="virtual", minutes=12.5,
        voice="david", calibration="virtual",
    )  # fmt: skip
    words = arguments(chosen)
    assert words[0] == "run"
    assert words[1].endswith("training_appendicitis.toml")
    assert words[words.index("--board") + 1] == "virtual"
    assert words[words.index("--duration") + 1] == "750"
    assert 'patient="gastritis"' in words
    assert 'training.trainee="T07"' in words
    config = look(chosen).config
    assert config is not None
    assert (config.patient, config.voice.identity, config.training.trainee) == ("gastritis", "david", "T07")
    assert config.scenario == "first_examination", "of the session file"


@pytest.mark.parametrize(
    ("chosen", "field", "words"),
    [
        ({"patient": "nobody"}, "patient", "nobody"),
        ({"calibration": "nowhere.toml"}, "calibration", "nowhere.toml"),
        ({"voice": "nobody"}, "voice", "nobody"),
        ({"face": "nobody"}, "face", "nobody"),
        ({"scenario": "nothing"}, "scenario", "nothing"),
        ({"session": "no/such.toml"}, "session", "no/such.toml"),
        ({"board": "no-driver"}, "board", "no-driver"),
        ({"trainee": "A. Name"}, "", "training.trainee"),
        ({"study": "congruence_corrected"}, "participant", "pseudonym"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_before_the_start(chosen, field, words):
    outlook = look(SessionChoices(**chosen))
    assert words in outlook.trouble
    assert outlook.field == field


def test_findings_of_the_doctor_are_read_and_a_doctor_that_says_nothing_is_told():
    told = b'{"findings": [{"thing": "sound", "state": "warn", "detail": "none", "mend": "plug in"}]}'
    assert parse_checks(told) == [SetupCheck("sound", "warn", "none", "plug in")]
    assert parse_checks(b"Traceback")[0].state == "warn"


class Bench:
    def __init__(self, qtbot, tmp_path: Path) -> None:
        self.calibrated: list[str] = []
        self.replayed: list[Path] = []
        settings = QSettings(str(tmp_path / "setup.ini"), QSettings.Format.IniFormat)
        self.window = SetupWindow(options(), self.calibrate, self.replayed.append, settings)
        qtbot.addWidget(self.window)
        with qtbot.waitExposed(self.window):
            self.window.show()
        self.window.activateWindow()

    def calibrate(self, board: str, parent: object) -> None:
        self.calibrated.append(board)

    def texts(self) -> str:
        return "\n".join(label.text() for label in self.window.findChildren(QLabel) if not label.isHidden())


@pytest.fixture
def bench(qtbot, tmp_path) -> Bench:
    return Bench(qtbot, tmp_path)


def test_every_choice_has_a_field(bench):
    assert {name for _, name, _ in FIELDS} == set(SessionChoices.__struct_fields__) == set(bench.window.fields)
    assert bench.window.choices == SessionChoices()


def test_a_choice_that_cannot_be_keeps_start_shut_and_says_why(bench):
    window = bench.window
    assert window.start.isEnabled()
    window.choose(calibration="nowhere.toml")
    assert not window.start.isEnabled()
    assert "nowhere.toml" in window.trouble.text()
    assert window.fields["calibration"].property("role") == "wrong"
    window.choose(calibration="")
    assert window.start.isEnabled()
    assert window.fields["calibration"].property("role") == ""


def test_who_and_what_is_chosen_is_told_in_words(bench):
    bench.window.choose(patient="cholecystitis")
    assert "Margaret Hughes" in bench.window.summary.text()
    assert "Calibration virtual: 2026" in bench.window.summary.text()


def test_checks_are_listed_worst_first_with_the_command_that_mends(bench):
    bench.window.show_checks(
        [
            SetupCheck("Python", "ok", "3.11"),
            SetupCheck("sound", "warn", "no device", "plug it in"),
            SetupCheck("head", "missing", "x"),
        ]
    )
    assert [check.state for check in bench.window.checks] == ["missing", "warn", "ok"]
    assert "type: plug it in" in bench.texts()


def test_start_runs_what_could_be_typed_and_shows_what_it_says(bench, qtbot, monkeypatch, tmp_path):
    out = tmp_path / "said.txt"
    program = (
        f"import sys, pathlib; pathlib.Path({str(out)!r}).write_text(' '.join(sys.argv[1:])); "
        "print('session in /tmp/s1; Ctrl-C ends it'); print('record   /tmp/s1/record.sqlite')"
    )
    monkeypatch.setattr(setup_window, "PROGRAM", program)
    bench.window.choose(patient="gastritis", board="virtual")
    qtbot.keyClick(bench.window, Qt.Key.Key_Return, CTRL)
    assert not bench.window.start.isEnabled()
    qtbot.waitUntil(lambda: bench.window.running is None, timeout=20_000)
    assert out.read_text() == 'run --board virtual --set patient="gastritis"'
    assert bench.window.start.isEnabled()
    assert "record   /tmp/s1" in bench.window.summary.text()
    assert bench.window.last_folder == Path("/tmp/s1")
    qtbot.keyClick(bench.window, Qt.Key.Key_R, CTRL)
    assert bench.replayed == [Path("/tmp/s1")]


def test_while_a_session_runs_the_window_stays_and_the_board_is_left_alone(bench, qtbot, monkeypatch):
    monkeypatch.setattr(setup_window, "PROGRAM", "import sys; sys.stdin.read()")
    bench.window.begin()
    qtbot.waitUntil(lambda: bench.window.running.processId() > 0, timeout=20_000)
    bench.window.close()
    assert bench.window.isVisible()
    assert "running" in bench.window.trouble.text()
    bench.window.look_again()
    assert bench.window._doctor is None
    bench.window.calibrate()
    assert bench.calibrated == []
    bench.window.running.closeWriteChannel()
    qtbot.waitUntil(lambda: bench.window.running is None, timeout=20_000)
    bench.window.close()
    assert not bench.window.isVisible()


def test_a_session_that_fails_is_told_with_its_last_words(bench, qtbot, monkeypatch):
    monkeypatch.setattr(setup_window, "PROGRAM", "import sys; print('robopatient: no space left'); sys.exit(1)")
    bench.window.begin()
    qtbot.waitUntil(lambda: bench.window.running is None, timeout=20_000)
    assert "status 1: robopatient: no space left" in bench.window.trouble.text()


def test_the_doctor_looks_at_the_board_that_is_chosen(bench, qtbot, monkeypatch):
    program = (
        "import sys, json; "
        "print(json.dumps({'findings': [{'thing': ' '.join(sys.argv[1:]), 'state': 'ok', 'detail': ''}]}))"
    )
    monkeypatch.setattr(setup_window, "PROGRAM", program)
    bench.window.choose(board="virtual", calibration="virtual")
    qtbot.keyClick(bench.window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: bool(bench.window.checks), timeout=20_000)
    assert bench.window.checks[0].thing == "doctor --json --board virtual --calibration virtual"


def test_calibration_is_one_key_away(bench, qtbot):
    bench.window.choose(board="/dev/ttyACM0")
    qtbot.keyClick(bench.window, Qt.Key.Key_K, CTRL)
    assert bench.calibrated == ["/dev/ttyACM0"]
    bench.window.refresh_calibrations(["virtual", "calibration/new.toml"])
    assert bench.window.choices.calibration == "calibration/new.toml"


def test_choices_and_theme_are_remembered(bench, qtbot, tmp_path):
    bench.window.choose(patient="gastritis", trainee="T07", minutes=5.0)
    qtbot.keyClick(bench.window, Qt.Key.Key_T, CTRL)
    bench.window.close()
    again = Bench(qtbot, tmp_path).window
    assert again.theme is LIGHT is not DARK
    assert again.choices == SessionChoices(patient="gastritis", trainee="T07", minutes=5.0)


def test_the_sheet_tells_every_key(bench):
    listed = " ".join(key for key, _ in KEYS).replace("Ctrl ", "Ctrl+").replace("Return", "Return Ctrl+Enter").split()
    for shortcut in bench.window.findChildren(QShortcut):
        assert shortcut.key().toString() in listed


def test_words_for_no_choice_are_no_choice(bench):
    for name, words in EMPTY.items():
        bench.window.choose(**{name: words})
    assert bench.window.choices == SessionChoices()
    assert msgspec.structs.asdict(bench.window.choices)["patient"] == ""
    assert sys.executable
