"""The window before a session: choose patient, face, voice and board; run the checks.

It starts nothing by itself: ``Start`` calls ``robopatient run`` with the words that ``setup_model`` puts together.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from PySide6.QtCore import QProcess, QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from robopatient.console.controls import KeyButton, set_role
from robopatient.console.help_sheet import HelpSheet
from robopatient.console.light_bar import Shape
from robopatient.console.parts import mouse_button, plain_label
from robopatient.console.setup_model import Options, Outlook, SessionChoices, SetupCheck, arguments, look, parse_checks
from robopatient.console.theme import Theme
from robopatient.console.window_state import RestoredWindow, bind_keys

__all__ = ["KEYS", "SetupWindow"]

KEYS: tuple[tuple[str, str], ...] = (
    ("Ctrl Return", "Start the session"),
    ("Ctrl K", "Calibrate the board"),
    ("F5", "Look again: ports, packages, speed, and the board that is chosen"),
    ("Ctrl R", "Watch the last session again"),
    ("Tab", "Next field"),
    ("Ctrl T", "Dark or light"),
    ("Ctrl Q", "Close"),
    ("F1", "This sheet"),
)
STATES = {"ok": "ok", "warn": "warn", "missing": "bad"}
LOOK_MS = 250
"""After the last change, before the choices are resolved (assumption: a pause in typing)."""
PROGRAM = "from robopatient.cli import main; main()"

FIELDS: tuple[tuple[str, str, str], ...] = (
    ("Session", "session", "Session file"),
    ("Session", "patient", "Patient"),
    ("Session", "scenario", "Scenario"),
    ("Session", "trainee", "Trainee (code)"),
    ("Session", "instructor", "Instructor (code)"),
    ("Session", "minutes", "Length, minutes"),
    ("Study", "study", "Study"),
    ("Study", "participant", "Participant (pseudonym)"),
    ("Voice and face", "voice", "Voice"),
    ("Voice and face", "face", "Face"),
    ("Board", "board", "Board"),
    ("Board", "calibration", "Calibration"),
)
EMPTY = {
    "session": "default session",
    "patient": "as in the session file",
    "scenario": "as in the session file",
    "voice": "the patient's own",
    "face": "the patient's own",
    "board": "as in the session file",
    "calibration": "as in the session file",
    "study": "no study",
}


class SetupWindow(RestoredWindow):
    """Choices on the left, checks on the right, Start below.

    Parameters
    ----------
    offered
        What there is to choose from.
    calibrate
        Called with board and calibration to open the guided calibration.
    replay
        Called with the folder of a session to watch it again.
    settings
        Where choices, theme and layout are remembered.
    """

    def __init__(
        self,
        offered: Options,
        calibrate: Callable[[str, QWidget], None],
        replay: Callable[[Path], None],
        settings: QSettings,
    ) -> None:
        super().__init__(settings, "setup/")
        self.checks: list[SetupCheck] = []
        self.outlook = Outlook()
        self.running: QProcess | None = None
        self.last_folder: Path | None = None
        self._doctor: QProcess | None = None
        self._offered = offered
        self._calibrate = calibrate
        self._replay = replay
        self._said: list[str] = []
        self.setWindowTitle("robopatient: before the session")
        self.fields: dict[str, QWidget] = {name: self._field(name) for _, name, _ in FIELDS}
        self.summary = self._label("", "small")
        self.trouble = self._label("", "trouble")
        self.start = KeyButton("Start", "Ctrl Return", self.begin, self)
        self.again = QPushButton("Look again  F5", self)
        self.calibration_button = QPushButton("Calibrate  Ctrl K", self)
        self.replay_button = QPushButton("Watch the last one  Ctrl R", self)
        self._checks_box = QVBoxLayout()
        self._looking = QTimer(self)
        self._looking.setSingleShot(True)
        self._looking.setInterval(LOOK_MS)
        self._looking.timeout.connect(self.resolve)
        self._lay_out()
        self.help = HelpSheet(self, KEYS, "Everything here can also be typed: robopatient run --help")
        self._bind_keys()
        self.restore()
        self.resolve()
        self.show_checks([])

    # What was chosen

    @property
    def choices(self) -> SessionChoices:
        """As the fields say."""
        values: dict[str, str | float] = {}
        for name, field in self.fields.items():
            if isinstance(field, QComboBox):
                text = field.currentText().strip()
                values[name] = "" if text == EMPTY.get(name) else text
            elif isinstance(field, QLineEdit):
                values[name] = field.text().strip()
            elif isinstance(field, QDoubleSpinBox):
                values[name] = field.value()
        return msgspec.convert(values, SessionChoices)

    def choose(self, **values: str | float) -> None:
        """Set fields, as a person would."""
        for name, value in values.items():
            field = self.fields[name]
            if isinstance(field, QComboBox):
                field.setCurrentText(str(value) or EMPTY[name])
            elif isinstance(field, QLineEdit):
                field.setText(str(value))
            elif isinstance(field, QDoubleSpinBox):
                field.setValue(float(value))
        self.resolve()

    # What the operator does

    def resolve(self) -> None:
        """Say what the choices come to, or what is in the way."""
        self.outlook = look(self.choices)
        self.trouble.setText(self.outlook.trouble)
        self.trouble.setVisible(bool(self.outlook.trouble))
        config, patient = self.outlook.config, self.outlook.patient
        if config is not None and patient is not None:
            self.summary.setText(
                f"{patient.name}, {patient.age_years}, {patient.sex}. {patient.complaint}. "
                f"Board: {config.board.driver} {config.board.port}".rstrip()
                + f". Calibration {config.sensing.calibration}: {self.outlook.calibrated}."
            )
        for name, field in self.fields.items():
            set_role(field, "wrong" if name == self.outlook.field else "")
        self._show_start()

    def begin(self) -> None:
        """Start the session that was chosen."""
        if self.outlook.trouble or self.running is not None:
            return
        self.remember()
        self._said = []
        self.running = QProcess(self)
        self.running.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        self.running.readyReadStandardOutput.connect(self._hear)
        self.running.finished.connect(self._ended)
        self.running.start(sys.executable, ["-c", PROGRAM, *arguments(self.choices)])
        self._show_start()

    def look_again(self) -> None:
        """Let the doctor look; the board that is chosen is opened and asked."""
        if self._doctor is not None or self.running is not None:  # a board has one user at a time
            return
        words = ["doctor", "--json"]
        choices = self.choices
        if choices.board:
            words += ["--board", choices.board]
        if choices.calibration:
            words += ["--calibration", choices.calibration]
        self._doctor = QProcess(self)
        self._doctor.finished.connect(self._examined)
        self._doctor.start(sys.executable, ["-c", PROGRAM, *words])
        self.again.setText("Looking …")

    def calibrate(self) -> None:
        """Open the guided calibration of the board that is chosen."""
        if self.running is None:
            self._calibrate(self.choices.board or "virtual", self)

    def watch_last(self) -> None:
        """Watch the last session again."""
        if self.last_folder is not None:
            self._replay(self.last_folder)

    def set_theme(self, theme: Theme) -> None:
        """Put on a theme."""
        super().set_theme(theme)
        self.show_checks(self.checks)

    def show_checks(self, checks: list[SetupCheck]) -> None:
        """List what the doctor found, worst first."""
        self.checks = sorted(checks, key=lambda check: ("missing", "warn", "ok").index(check.state))
        while self._checks_box.count():
            item = self._checks_box.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        if not checks:
            self._checks_box.addWidget(self._label("Not looked yet: F5", "muted"))
        for check in self.checks:
            self._checks_box.addWidget(self._line(check))
        self._checks_box.addStretch(1)

    def refresh_calibrations(self, names: list[str]) -> None:
        """Offer the calibrations that there are now, and take the newest of this lab's."""
        box = self.fields["calibration"]
        if isinstance(box, QComboBox):
            new = [name for name in names if box.findText(name) < 0]
            box.addItems(new)
            if new:
                self.choose(calibration=new[-1])

    # Qt's own

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Remember what was chosen; while a session runs the window stays, as it is the session's parent."""
        if self.running is not None:
            self.trouble.setText("The session is running, or its film is being made: stop it in its own window first")
            self.trouble.setVisible(True)
            event.ignore()
            return
        self.remember()
        if self._doctor is not None:
            self._doctor.finished.disconnect()
            self._doctor.kill()
            self._doctor.waitForFinished(2000)
        event.accept()

    # Within

    def _hear(self) -> None:
        if self.running is None:
            return
        text = bytes(self.running.readAllStandardOutput().data()).decode("utf-8", "replace")
        self._said += [line for line in text.splitlines() if line.strip()]
        for line in self._said:
            if line.startswith("session in "):
                self.last_folder = Path(line.removeprefix("session in ").partition(";")[0])
        self.summary.setText("\n".join(self._said[-6:]))

    def _ended(self, status: int) -> None:
        self._hear()
        self.running = None
        last = self._said[-1] if self._said else "nothing was said"
        self.trouble.setText("" if status == 0 else f"The session ended with status {status}: {last}")
        self.trouble.setVisible(status != 0)
        self._show_start()

    def _examined(self) -> None:
        doctor, self._doctor = self._doctor, None
        if doctor is not None:
            self.show_checks(parse_checks(bytes(doctor.readAllStandardOutput().data())))
        self.again.setText("Look again  F5")

    def _show_start(self) -> None:
        running = self.running is not None
        self.start.show_name("Running …" if running else "Start")
        able = not running and not self.outlook.trouble
        self.start.setEnabled(able)
        set_role(self.start, "" if able else "off")
        self.calibration_button.setEnabled(not running)
        self.replay_button.setVisible(self.last_folder is not None and not running)

    def _field(self, name: str) -> QWidget:
        field: QWidget
        if name == "minutes":
            spin = QDoubleSpinBox(self)
            spin.setRange(0.0, 600.0)
            spin.setDecimals(1)
            spin.lineEdit().setTextMargins(8, 0, 0, 0)
            spin.setSpecialValueText("until stopped")
            spin.valueChanged.connect(lambda _value: self._looking.start())
            field = spin
        elif name in EMPTY:
            box = QComboBox(self)
            box.setEditable(name in ("session", "board", "calibration", "patient", "scenario"))
            box.addItems([EMPTY[name], *getattr(self._offered, name)])
            box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
            box.currentTextChanged.connect(lambda _text: self._looking.start())
            field = box
        else:
            line = QLineEdit(self)
            line.setMaxLength(32)
            line.textChanged.connect(lambda _text: self._looking.start())
            field = line
        field.setAccessibleName(name)
        field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return field

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(10)
        for title in dict.fromkeys(part for part, _, _ in FIELDS):
            left.addWidget(self._card(title))
        left.addStretch(1)
        right = QVBoxLayout()
        right.setSpacing(10)
        right.addWidget(self._checks_card(), 1)
        head = QHBoxLayout()
        head.setContentsMargins(6, 0, 6, 0)
        head.addWidget(self._label("Before the session", "patient"), 1)
        for name, pressed in (("Theme  Ctrl T", self.toggle_theme), ("Keys  F1", lambda: self.help.toggle())):
            head.addWidget(mouse_button(name, "quiet", pressed, self))
        columns = QHBoxLayout()
        columns.setSpacing(12)
        columns.addLayout(left, 5)
        columns.addLayout(right, 6)
        foot = QHBoxLayout()
        foot.setSpacing(14)
        self.start.setMinimumWidth(220)
        foot.addWidget(self.start)
        words = QVBoxLayout()
        words.addWidget(self.trouble)
        words.addWidget(self.summary)
        foot.addLayout(words, 1)
        self.replay_button.setProperty("role", "small")
        self.replay_button.clicked.connect(lambda _checked: self.watch_last())
        foot.addWidget(self.replay_button)
        body = QWidget(self)
        body.setObjectName("window")
        page = QVBoxLayout(body)
        page.setContentsMargins(14, 12, 14, 14)
        page.setSpacing(10)
        page.addLayout(head)
        page.addLayout(columns, 1)
        page.addLayout(foot)
        self.setCentralWidget(body)
        self.resize(1120, 780)

    def _card(self, title: str) -> QFrame:
        frame = QFrame(self)
        frame.setProperty("role", "panel")
        grid = QGridLayout(frame)
        grid.setContentsMargins(14, 10, 14, 12)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(6)
        grid.setColumnMinimumWidth(0, 150)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self._label(title, "title"), 0, 0, 1, 2)
        for row, (_, name, text) in enumerate([each for each in FIELDS if each[0] == title], start=1):
            grid.addWidget(self._label(text, "muted"), row, 0)
            grid.addWidget(self.fields[name], row, 1)
        if title == "Board":
            self.calibration_button.setProperty("role", "small")
            self.calibration_button.clicked.connect(lambda _checked: self.calibrate())
            grid.addWidget(self.calibration_button, 3, 1)
        return frame

    def _checks_card(self) -> QFrame:
        frame = QFrame(self)
        frame.setProperty("role", "panel")
        column = QVBoxLayout(frame)
        column.setContentsMargins(14, 10, 14, 12)
        head = QHBoxLayout()
        head.addWidget(self._label("Checks before the start", "title"), 1)
        self.again.setProperty("role", "quiet")
        self.again.clicked.connect(lambda _checked: self.look_again())
        head.addWidget(self.again)
        column.addLayout(head)
        inner = QWidget()
        inner.setLayout(self._checks_box)
        self._checks_box.setContentsMargins(0, 0, 6, 0)
        self._checks_box.setSpacing(8)
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inner)
        column.addWidget(area, 1)
        return frame

    def _line(self, check: SetupCheck) -> QWidget:
        """A finding: shape, what, detail, and the command that fixes it."""
        row = QWidget(self)
        grid = QGridLayout(row)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(1, 1)
        shape = Shape(row)
        shape.show_state(STATES[check.state], self.theme)  # type: ignore[arg-type]
        grid.addWidget(shape, 0, 0)
        grid.addWidget(self._label(check.thing, ""), 0, 1)
        grid.addWidget(self._label(check.detail, "small"), 1, 1)
        if check.mend:
            mend = self._label(f"type: {check.mend}", "small")
            mend.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(mend, 2, 1)
        return row

    def _label(self, text: str, role: str) -> QLabel:
        return plain_label(text, role, self, wraps=role in ("small", "trouble"))

    def _bind_keys(self) -> None:
        bound: tuple[tuple[str, Callable[[], object]], ...] = (
            ("Ctrl+Return", self.begin),
            ("Ctrl+Enter", self.begin),
            ("Ctrl+K", self.calibrate),
            ("F5", self.look_again),
            ("Ctrl+R", self.watch_last),
            ("Ctrl+T", self.toggle_theme),
            ("Ctrl+Q", self.close),
            ("F1", lambda: self.help.toggle()),
        )
        bind_keys(self, bound)

    def remember(self) -> None:
        """Keep the choices too."""
        assert self._settings is not None
        for name, value in msgspec.structs.asdict(self.choices).items():
            self._settings.setValue(f"setup/{name}", value)
        super().remember()

    def restore(self) -> None:
        """Make the choices of the last time again."""
        assert self._settings is not None
        known: dict[str, str | float] = {}
        for _, name, _ in FIELDS:
            value = self._settings.value(f"setup/{name}")
            if value is not None and name != "minutes":
                known[name] = str(value)
            elif value is not None:
                known[name] = float(str(value))
        self.choose(**known)
        super().restore()
