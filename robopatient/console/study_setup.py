"""The set-up window: choose study, participant and rig on the left; what prevents a start is listed on the right.

It decides nothing: choices go to the other end of the pipe, the list of checks comes back.
"""

from __future__ import annotations

import os
import sys
from multiprocessing.connection import Connection

import msgspec
from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QFormLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from robopatient.console.display import why_no_display
from robopatient.console.light_bar import Shape
from robopatient.console.theme import DARK, LIGHT, Theme, style_sheet
from robopatient.console.window_state import bind_keys, saved_theme
from robopatient.errors import MissingPackageError
from robopatient.study.setup import Begin, Checked, Leave, Offer, StudyCheck, StudyChoices

__all__ = ["StudySetupWindow", "main"]

LISTEN_MS = 50
MOST_CHECKS = 9
STUDY_SAYS = "as the study says"


def main(connection: Connection) -> None:
    """Show the window until it is closed or a session is begun.

    Raises
    ------
    MissingPackageError
        When no window can be shown: saying why.
    """
    reason = why_no_display(os.environ, sys.platform)
    if reason:
        raise MissingPackageError(f"{reason}; a session without this window: robopatient study run --help")
    app = QApplication(["robopatient"])
    offer = msgspec.msgpack.decode(connection.recv_bytes(), type=Offer)
    window = StudySetupWindow(offer, lambda order: connection.send_bytes(msgspec.msgpack.encode(order)))

    def listen() -> None:
        try:
            while connection.poll():
                window.show_checks(msgspec.msgpack.decode(connection.recv_bytes(), type=Checked))
        except (EOFError, OSError):
            window.close()

    timer = QTimer()
    timer.timeout.connect(listen)
    timer.start(LISTEN_MS)
    window.show()
    app.exec()


class StudySetupWindow(QWidget):
    """A form and a list.

    Parameters
    ----------
    offer
        What there is to choose from.
    send
        Called with ``StudyChoices`` at every change, and with ``Begin`` or ``Leave`` at the end.
    """

    def __init__(self, offer: Offer, send, settings: QSettings | None = None) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.setObjectName("window")
        self.setWindowTitle("robopatient: set up a session")
        self._send = send
        self._settings = settings or QSettings("robopatient", "console")
        self._begun = False
        self._checked: Checked | None = None
        self.theme = DARK
        chosen = offer.chosen
        self.study = self._combo([(title, name) for name, title in offer.studies], chosen.study)
        self.participant = QLineEdit(chosen.participant, self)
        self.participant.setPlaceholderText("P01")
        self.participant.setMaxLength(32)
        self.participant.setProperty("role", "form")
        self.session = QSpinBox(self)
        self.session.setRange(1, 99)
        self.session.setValue(chosen.session)
        self.language = self._combo([(name.capitalize(), name) for name in offer.languages], chosen.language)
        study_says = [(STUDY_SAYS, "")]
        self.patient = self._combo(study_says + [(name, name) for name in offer.patients], chosen.patient)
        self.voice = self._combo(study_says + [(name, name) for name in offer.voices], chosen.voice)
        self.face = self._combo(study_says + [(name, name) for name in offer.faces], chosen.face)
        self.board = self._combo([(f"{name}  ({said})", name) for name, said in offer.boards], chosen.board)
        known = [("the default", "")] + [(name, name) for name in offer.calibrations]
        self.calibration = self._combo(known, chosen.calibration)
        self.start = QPushButton("Start", self)
        self.start.setDefault(True)
        self.start.setProperty("role", "start")
        self.start.clicked.connect(self.begin)
        self.lines = [(Shape(self), QLabel(self), QLabel(self)) for _ in range(MOST_CHECKS)]
        self.verdict = QLabel("Checking …", self)
        self.verdict.setProperty("role", "headline")
        self._lay_out()
        for box in (self.study, self.language, self.patient, self.voice, self.face, self.board, self.calibration):
            box.currentIndexChanged.connect(self._changed)
        self.participant.textChanged.connect(self._changed)
        self.session.valueChanged.connect(self._changed)
        bind_keys(self, [("Ctrl+T", lambda: self.set_theme(LIGHT if self.theme is DARK else DARK))])
        self.set_theme(saved_theme(self._settings))
        self.resize(980, 600)
        self.participant.setFocus()
        self._changed()

    @property
    def choices(self) -> StudyChoices:
        """What is chosen now."""
        return StudyChoices(
            self.study.currentData() or "",
            self.participant.text().strip(),
            self.session.value(),
            self.language.currentData() or "english",
            self.patient.currentData() or "",
            self.voice.currentData() or "",
            self.face.currentData() or "",
            self.board.currentData() or "virtual",
            self.calibration.currentData() or "",
        )

    def begin(self) -> None:
        """Start, if nothing stands against it."""
        checked = self._checked
        if checked is None or not checked.may_begin or checked.choices != self.choices:
            return
        self._begun = True
        self._send(Begin(checked.choices, checked.goes_on))
        self.close()

    def show_checks(self, checked: Checked) -> None:
        """Show the list; one that belongs to older choices is passed over."""
        if checked.choices != self.choices:
            return
        self._checked = checked
        self._draw()

    def set_theme(self, theme: Theme) -> None:
        """Put on a theme."""
        self.theme = theme
        self.setStyleSheet(style_sheet(theme))
        self._draw()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Say that nothing was begun."""
        if not self._begun:
            self._begun = True
            self._send(Leave())
        event.accept()

    # Within

    def _changed(self) -> None:
        self._checked = None
        self._draw()
        self._send(self.choices)

    def _draw(self) -> None:
        checked = self._checked
        checks: tuple[StudyCheck, ...] = checked.checks if checked is not None else ()
        for index, (shape, name, text) in enumerate(self.lines):
            there = index < len(checks)
            for part in (shape, name, text):
                part.setVisible(there)
            if there:
                check = checks[index]
                shape.show_state(check.state, self.theme)
                name.setText(check.thing)
                text.setText(check.text + (f"\n{check.mend}" if check.mend and check.state != "ok" else ""))
        bad = [check for check in checks if check.state == "bad"]
        self.start.setEnabled(checked is not None and checked.may_begin)
        self.start.setText("Go on with this session" if checked is not None and checked.goes_on else "Start")
        words = "Checking …" if checked is None else "Everything is in place" if not bad else "Something is missing"
        self.verdict.setText(words)

    def _combo(self, entries: list[tuple[str, str]], chosen: str) -> QComboBox:
        box = QComboBox(self)
        for words, value in entries:
            box.addItem(words, value)
        at = box.findData(chosen)
        box.setCurrentIndex(max(0, at))
        return box

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(10)
        form.setHorizontalSpacing(16)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows = (
            ("Study", self.study), ("Participant (code)", self.participant), ("Session", self.session),
            ("Language", self.language), ("Patient", self.patient), ("Voice", self.voice), ("Face", self.face),
            ("Board", self.board), ("Calibration", self.calibration),
        )  # fmt: skip
        for words, field in rows:
            label = QLabel(words, self)
            label.setProperty("role", "muted")
            field.setAccessibleName(words)
            field.setMinimumWidth(300)
            form.addRow(label, field)
        left = QVBoxLayout()
        left.addLayout(form)
        left.addStretch(1)
        grid = QGridLayout()
        grid.setVerticalSpacing(12)
        grid.setHorizontalSpacing(12)
        grid.setColumnStretch(2, 1)
        for row, (shape, name, text) in enumerate(self.lines):
            name.setProperty("role", "muted")
            text.setWordWrap(True)
            text.setTextFormat(Qt.TextFormat.PlainText)
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(shape, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(name, row, 1, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(text, row, 2)
        panel = QFrame(self)
        panel.setProperty("role", "panel")
        right = QVBoxLayout(panel)
        right.setContentsMargins(20, 16, 20, 16)
        right.setSpacing(14)
        right.addWidget(self.verdict)
        right.addLayout(grid)
        right.addStretch(1)
        right.addWidget(self.start)
        title = QLabel("Set up a session", self)
        title.setProperty("role", "patient")
        columns = QHBoxLayout()
        columns.setSpacing(24)
        columns.addLayout(left, 5)
        columns.addWidget(panel, 6)
        page = QVBoxLayout(self)
        page.setContentsMargins(24, 18, 24, 20)
        page.setSpacing(16)
        page.addWidget(title)
        page.addLayout(columns, 1)
