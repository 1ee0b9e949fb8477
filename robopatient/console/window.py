"""The operator's window: its panels, keys, theme and stored layout.

It owns no session state: panels are refreshed from the model, and every wish of the operator goes to ``act``.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from robopatient import messages as m
from robopatient.console.abdomen import AbdomenMap
from robopatient.console.banner import Banner
from robopatient.console.controls import Controls
from robopatient.console.event_list import EventList, clock_text
from robopatient.console.force_trace import ForceTrace
from robopatient.console.help_sheet import HelpSheet
from robopatient.console.instructor import InstructorWindow
from robopatient.console.light_bar import LightBar
from robopatient.console.mirror import FaceMirror
from robopatient.console.model import ConsoleModel
from robopatient.console.pain_traces import PainTrace, SeenTrace, VoiceTrace
from robopatient.console.parts import mouse_button, mouse_switch
from robopatient.console.plot import READOUT_HZ
from robopatient.console.study_desk import make_desk
from robopatient.console.theme import Theme
from robopatient.console.window_state import Layout, RestoredWindow, bind_keys

__all__ = ["ConsoleWindow"]

SPACING = 10
TITLE_PX = 26


class ConsoleWindow(RestoredWindow):
    """Everything on one screen.

    Parameters
    ----------
    model
        What to show.
    act
        Called with every action of the operator.
    settings
        Where theme and layout are remembered.
    """

    def __init__(
        self, model: ConsoleModel, act: Callable[[m.OperatorAction], None], settings: QSettings | None
    ) -> None:
        super().__init__(settings)
        self.model = model
        self._act = act
        self._numbers_ns = 0
        self.setWindowTitle(f"robopatient: {model.patient.name}")
        self.force = ForceTrace(self)
        self.pain = PainTrace(self)
        self.voice = VoiceTrace(self)
        self.seen = SeenTrace(self)
        self.abdomen = AbdomenMap(model, self)
        self.mirror = FaceMirror(self)
        self.lights = LightBar(self)
        self.banner = Banner(self)
        self.events = EventList(self)
        self.controls = Controls(self.toggle_run, self.tare, self.send_note, self.press_stop, self.toggle_hush, self)
        self.desk = make_desk(model, self._do, self)
        self.elapsed = QLabel(self)
        self.elapsed.setProperty("role", "elapsed")
        self.sites = mouse_switch("Show where it hurts  S", self.abdomen.show_sites, self)
        self._lay_out()
        self.help = HelpSheet(self) if self.desk is None else HelpSheet(self, self.desk.help_keys)
        self.instructor = InstructorWindow(model, act, self)
        self._bind_keys()
        self.restore()
        self.controls.run.setFocus()
        self.refresh()

    # What the operator does

    def toggle_run(self) -> None:
        """Start or pause."""
        self._do(self.model.toggle_run())

    def tare(self) -> None:
        """Zero the cells."""
        self._do(self.model.tare())

    def toggle_hush(self) -> None:
        """Silence, or end the silence."""
        self._do(self.model.toggle_hush())

    def hush(self) -> None:
        """Silence; never the end of it, so that a hand that hits the key twice is not heard again."""
        self._do(self.model.hush())

    def send_note(self, text: str) -> None:
        """Put a remark on the record."""
        self._do(self.model.note(text))

    def press_stop(self) -> None:
        """Ask first, then end the session."""
        self._do(self.model.press_stop())

    def set_theme(self, theme: Theme) -> None:
        """Put on a theme."""
        super().set_theme(theme)
        for panel in (self.force, self.pain, self.voice, self.seen):
            panel.apply(theme)
        self.abdomen.apply(theme)
        self.mirror.apply(theme)
        self.lights.apply(theme)
        self.banner.apply(theme)
        self.events.apply(theme)
        if self.desk is not None:
            self.desk.apply(theme)
        self.instructor.apply(theme)
        self._numbers_ns = 0
        self.refresh()

    def layout_parts(self) -> Layout:
        """Place, and how the columns share it: with a study's panel otherwise than without."""
        suffix = "" if self.desk is None else self.desk.name
        splitters = {"columns": self._columns, "right": self._right, "top": self._top}
        return super().layout_parts() | {
            f"{name}{suffix}": (splitter.saveState, splitter.restoreState) for name, splitter in splitters.items()
        }

    # What the timer does

    def refresh(self) -> None:
        """Draw what the model says now; called at the rate of the picture."""
        now_ns = self.model.clock.now_ns()
        numbers = now_ns - self._numbers_ns >= 1e9 / READOUT_HZ
        for plot in (self.force, self.pain, self.voice, self.seen):
            plot.refresh(self.model, numbers)
        self.abdomen.refresh()
        self.mirror.refresh(self.model)
        self.controls.refresh(self.model)
        self.events.refresh(self.model)
        self.instructor.refresh()
        if numbers:
            self._numbers_ns = now_ns
            self.lights.refresh(self.model.lights())
            self.banner.refresh(self.model)
            if self.desk is not None:
                self.desk.refresh()
            text = clock_text(self.model.elapsed_s)
            if self.model.config.duration_s:
                text += f" / {clock_text(self.model.config.duration_s)}"
            if text != self.elapsed.text():
                self.elapsed.setText(text)

    # Qt's own

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Remember the layout; the session goes on without this window."""
        self.remember()
        event.accept()

    # Within

    def _do(self, action: m.OperatorAction | None) -> None:
        if action is not None:
            self._act(action)
        self._numbers_ns = 0
        self.refresh()

    def _focus_note(self) -> None:
        self.controls.note.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _bind_keys(self) -> None:
        bound: tuple[tuple[str, Callable[[], None]], ...] = (
            ("Esc", self.hush),
            ("H", self.toggle_hush),
            ("Space", self.toggle_run),
            ("T", self.tare),
            ("N", self._focus_note),
            ("S", self.sites.toggle),
            ("I", self.instructor.toggle),
            ("R", self.instructor.rate),
            ("Ctrl+Q", self.press_stop),
            ("Ctrl+T", self.toggle_theme),
            ("F1", self.help.toggle),
            ("?", self.help.toggle),
        )
        keys = dict(bound)
        if self.desk is not None:
            del keys["I"]  # its questions have the number keys, which answer now
            keys.update(self.desk.keys())
        bind_keys(self, keys.items(), everywhere=True)

    def _lay_out(self) -> None:
        name = QLabel(f"{self.model.patient.name}, {self.model.patient.age_years}", self)
        name.setProperty("role", "patient")
        complaint = QLabel(self.model.patient.complaint, self)
        complaint.setProperty("role", "muted")
        keys = mouse_button("Keys  F1", "quiet", lambda: self.help.toggle(), self)
        head = QHBoxLayout()
        head.setContentsMargins(6, 0, 6, 0)
        head.setSpacing(14)
        head.addWidget(name, 0, Qt.AlignmentFlag.AlignBaseline)
        head.addWidget(complaint, 1, Qt.AlignmentFlag.AlignBaseline)
        instructor = mouse_button("Instructor  I", "quiet", lambda: self.instructor.toggle(), self)
        head.addWidget(instructor)
        head.addWidget(keys)
        head.addWidget(self.elapsed)

        strips = QWidget(self)
        left = QVBoxLayout(strips)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(SPACING)
        left.addWidget(self.force, 4)
        left.addWidget(self.pain, 4)
        left.addWidget(self.voice, 4)
        left.addWidget(self.seen, 4)
        self._top = QSplitter(Qt.Orientation.Horizontal, self)
        self._top.addWidget(_panel("Abdomen", self.abdomen, self.sites))
        self._top.addWidget(_panel("Face", self.mirror))
        self._top.setStretchFactor(0, 5)
        self._top.setStretchFactor(1, 4)
        self._right = QSplitter(Qt.Orientation.Vertical, self)
        self._right.addWidget(self._top)
        if self.desk is not None:
            self._right.addWidget(self.desk.panel)
        self._right.addWidget(_panel("Events", self.events))
        self._right.setStretchFactor(0, 3)
        self._right.setStretchFactor(self._right.count() - 1, 1)
        self._columns = QSplitter(Qt.Orientation.Horizontal, self)
        self._columns.addWidget(strips)
        self._columns.addWidget(self._right)
        self._columns.setStretchFactor(0, 1)
        self._columns.setStretchFactor(1, 1)
        for splitter in (self._top, self._right, self._columns):
            splitter.setHandleWidth(SPACING)
            splitter.setChildrenCollapsible(False)

        body = QWidget(self)
        body.setObjectName("window")
        page = QVBoxLayout(body)
        page.setContentsMargins(14, 12, 14, 14)
        page.setSpacing(SPACING)
        page.addLayout(head)
        page.addWidget(self.lights)
        page.addWidget(self.banner)
        page.addWidget(self._columns, 1)
        page.addWidget(self.controls)
        self.setCentralWidget(body)
        self.resize(1280, 800)
        self._columns.setSizes([590, 650])
        self._top.setSizes([370, 270])
        self._right.setSizes([380, 180])
        if self.desk is not None:
            instructor.hide()
            self.desk.arrange(self._columns, self._top, self._right, self.controls)


def _panel(title: str, content: QWidget, *extras: QWidget) -> QFrame:
    """A framed place for a widget, with its title and what belongs beside the title."""
    frame = QFrame()
    frame.setProperty("role", "panel")
    column = QVBoxLayout(frame)
    column.setContentsMargins(12, 4, 12, 10)
    column.setSpacing(2)
    if title or extras:
        label = QLabel(title)
        label.setProperty("role", "title")
        label.setFixedHeight(TITLE_PX)
        row = QHBoxLayout()
        row.addWidget(label, 1)
        for extra in extras:
            row.addWidget(extra)
        column.addLayout(row)
    column.addWidget(content, 1)
    return frame
