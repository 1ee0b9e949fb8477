"""The set-up window: what may be chosen on the left, what the choices come to and Start on the right.

It starts nothing by itself: Start runs ``robopatient`` with the words of the tab; a calibration opens its screen.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from PySide6.QtCore import QProcess, QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from firmware_bridge.errors import BridgeError
from robopatient.checks import Check, checks_of_json, worst_first
from robopatient.console.calibrate import open_dialog
from robopatient.console.check_list import CheckList
from robopatient.console.controls import KeyButton, set_role
from robopatient.console.elided import ElidedLabel
from robopatient.console.help_sheet import HelpSheet
from robopatient.console.parts import mouse_button, mouse_switch, plain_label
from robopatient.console.setup.calibration_tab import plan
from robopatient.console.setup.form import Form
from robopatient.console.setup.model import Choices, Outlook, Tab
from robopatient.console.theme import Theme
from robopatient.console.window_state import RestoredWindow, bind_keys
from robopatient.errors import RobopatientError

__all__ = ["KEYS", "SetupWindow"]

KEYS: tuple[tuple[str, str], ...] = (
    ("Ctrl Return", "Start what is chosen"),
    ("Ctrl 1 … Ctrl 4", "Session, study, training by ratings, calibration"),
    ("Ctrl K", "Calibrate the board that is chosen"),
    ("F5", "Look again: ports, packages, speed, and the board that is chosen"),
    ("Ctrl R", "Watch the last session again"),
    ("Tab", "Next field; Alt and the underlined letter: that field or tab"),
    ("Ctrl T", "Dark or light"),
    ("Ctrl Q", "Close"),
    ("F1", "This sheet"),
    ("Esc", "Close this sheet"),
)
LOOK_MS = 250
"""After the last change, before the choices are looked at (assumption: a pause in typing)."""
POLL_MS, KILL_MS = 20, 2000
PROGRAM = "from robopatient.cli import main; main()"
TOLD = "session in "
"""Begins the line in which a session tells its folder."""


class SetupWindow(RestoredWindow):
    """Tabs above, a form on the left; checks, Start and what is said on the right.

    Parameters
    ----------
    tabs
        In the order in which they are shown.
    settings
        Where choices, theme and layout are stored.

    Attributes
    ----------
    outlook
        What the choices come to; None while that is being found out.
    running
        The process that Start began.
    status
        Exit status of the last one.
    calibrated
        The last calibration file that was saved.
    """

    def __init__(self, tabs: Sequence[Tab], settings: QSettings) -> None:
        super().__init__(settings, "setup/")
        self.outlook: Outlook | None = None
        self.machine_checks: list[Check] = []
        self.running: QProcess | None = None
        self.status = 0
        self.last_folder: Path | None = None
        self.calibrated: Path | None = None
        self._tabs = tabs
        self._doctor: QProcess | None = None
        self._said: list[str] = []
        self._came_from: int | None = None
        self.setWindowTitle("robopatient: set up")
        self.bar = QTabBar(self)
        self.bar.setDrawBase(False)
        self.bar.setExpanding(False)
        self.forms = [Form(tab.fields, self) for tab in tabs]
        self.stack = QStackedWidget(self)
        self.verdict = plain_label("", "headline", self, wraps=True)
        self.choice_list = CheckList(self)
        self.machine_list = CheckList(self)
        self.machine_verdict = plain_label("Not looked at yet: F5", "title", self)
        self.all_checks = mouse_switch("Show all", lambda _on: self._draw(), self)
        self.again = QPushButton("Look again  F5", self)
        self.said = plain_label("", "small", self, wraps=True)
        self.trouble = plain_label("", "trouble", self, wraps=True)
        self.typed = ElidedLabel(self)
        self.start = KeyButton("Start", "Ctrl Return", self.begin, self)
        self.replay_button = QPushButton("Watch the last one  Ctrl R", self)
        self._pool = ThreadPoolExecutor(1)
        self._looking: Future[tuple[Choices, Outlook]] = Future()
        self._pause = QTimer(self, interval=LOOK_MS, singleShot=True)
        self._pause.timeout.connect(self.look)
        self._poll = QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self._looked)
        self._lay_out()
        self.help = HelpSheet(self, KEYS, "Everything here can also be typed: robopatient --help")
        self._bind_keys()
        self.restore()
        self.open_tab(tabs[0].name, {})

    # What was chosen

    @property
    def tab(self) -> Tab:
        """The tab that is open."""
        return self._tabs[self.bar.currentIndex()]

    @property
    def form(self) -> Form:
        """Its form."""
        return self.forms[self.bar.currentIndex()]

    @property
    def choices(self) -> Choices:
        """Its choices, as the fields say."""
        return self.form.choices

    def open_tab(self, name: str, values: Choices) -> None:
        """Open a tab and choose, as a person would."""
        self.bar.setCurrentIndex(next(index for index, tab in enumerate(self._tabs) if tab.name == name))
        self.choose(**values)
        self.form.focus_first()

    def choose(self, **values: str | float) -> None:
        """Set fields of the open tab."""
        self.form.choose(values)
        self.look()

    # What the operator does

    def look(self) -> None:
        """Find out in a thread what the choices come to."""
        tab, chosen = self.tab, self.choices
        self._pause.stop()
        self.outlook = None
        self._draw()
        self._looking.cancel()
        self._looking = self._pool.submit(lambda: (chosen, tab.look(chosen)))
        self._poll.start()

    def begin(self) -> None:
        """Start what was chosen."""
        if not self.start.isEnabled() or self.outlook is None:
            return
        self.remember()
        self._stop_doctor()  # a board has one user at a time
        if self.tab.name == "calibration":
            self._guide()
            return
        self._said, self.running = [], QProcess(self)
        self.running.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        self.running.readyReadStandardOutput.connect(self._hear)
        self.running.finished.connect(self._ended)
        self.running.start(sys.executable, ["-c", PROGRAM, *self.outlook.words])
        self._show_trouble("")

    def run_doctor(self) -> None:
        """Look again what there is on this computer; the board that is chosen is opened and asked."""
        if self._doctor is not None or self.running is not None:
            return
        self._offer()
        words = ["doctor", "--json"]
        for name in ("board", "calibration"):
            value = self.choices.get(name, "")
            words += [f"--{name}", value] if value else []
        self._doctor = QProcess(self)
        self._doctor.finished.connect(self._examined)
        self._doctor.start(sys.executable, ["-c", PROGRAM, *words])
        self.again.setText("Looking …")

    def calibrate(self) -> None:
        """Open the calibration's tab for the board that is chosen."""
        if self.running is None and self.tab.name != "calibration":
            self._came_from = self.bar.currentIndex()
            self.open_tab("calibration", {"board": self.choices["board"] or "virtual"})

    def watch_last(self) -> None:
        """Watch the last session again."""
        if self.last_folder is not None:
            QProcess.startDetached(sys.executable, ["-c", PROGRAM, "replay", str(self.last_folder), "--console"])

    def set_theme(self, theme: Theme) -> None:
        """Put on a theme."""
        super().set_theme(theme)
        self._draw()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Store the choices; while a session runs the window stays, as it is the session's parent."""
        if self.running is not None:
            self._show_trouble("The session is running, or its film is being made: stop it in its own window first")
            event.ignore()
            return
        self.remember()
        self._stop_doctor()
        self._pause.stop()
        self._poll.stop()
        self._pool.shutdown(cancel_futures=True)
        event.accept()

    def remember(self) -> None:
        """Store the choices too."""
        assert self._settings is not None
        for tab, form in zip(self._tabs, self.forms, strict=True):
            for name, value in form.kept().items():
                self._settings.setValue(self._key(tab, name), value)
        super().remember()

    def restore(self) -> None:
        """Make the choices of the last time again."""
        assert self._settings is not None
        for tab, form in zip(self._tabs, self.forms, strict=True):
            stored = {name: self._settings.value(self._key(tab, name)) for name in form.kept()}
            form.choose({name: str(value) for name, value in stored.items() if value is not None})
        super().restore()

    # Within

    def _key(self, tab: Tab, name: str) -> str:
        """Of a choice in the settings; a session's choices lie where 0.1 stored them."""
        return f"setup/{name}" if tab.name == "session" else f"setup/{tab.name}/{name}"

    def _changed(self) -> None:
        self.outlook = None
        self._draw()
        self._pause.start()

    def _looked(self) -> None:
        """Take what choices come to; that of older ones is passed over."""
        if self._looking.done():
            self._poll.stop()
            chosen, outlook = self._looking.result()
            if chosen == self.choices:
                self.outlook = outlook
                self._draw()

    def _turn_to(self, index: int) -> None:
        if self.running is None:
            self.bar.setCurrentIndex(index)

    def _turned(self, index: int) -> None:
        self.stack.setCurrentIndex(index)
        self.look()

    def _offer(self) -> None:
        """Offer what there is now: a board that was plugged in, a calibration that was saved."""
        for tab, form in zip(self._tabs, self.forms, strict=True):
            tab.fields = tab.offer()
            form.offer(tab.fields)

    def _guide(self) -> None:
        """Go through the guided calibration, then back to the tab that asked for it, with the new file chosen."""
        try:
            chosen = self.choices
            saved = open_dialog(chosen["board"], plan(chosen), chosen["phantom"], self.theme, self)
        except (RobopatientError, BridgeError) as error:
            self._show_trouble(str(error))
            return
        self._offer()
        self.said.setText(f"Saved: {saved}" if saved else "No calibration was saved")
        self.calibrated = saved or self.calibrated
        if saved is not None and self._came_from is not None:
            self.open_tab(self._tabs[self._came_from].name, {"calibration": str(saved)})
        self._came_from = None

    def _hear(self) -> None:
        if self.running is None:
            return
        text = bytes(self.running.readAllStandardOutput().data()).decode("utf-8", "replace")
        print(text, end="", file=sys.stderr, flush=True)
        self._said += [line for line in text.splitlines() if line.strip()]
        for line in self._said:
            if line.startswith(TOLD):
                self.last_folder = Path(line.removeprefix(TOLD).partition(";")[0])
        self.said.setText("\n".join(self._said[-6:]))
        self._draw()

    def _ended(self, status: int) -> None:
        self._hear()
        self.running, self.status = None, status
        last = self._said[-1] if self._said else "nothing was said"
        self.look()
        self._show_trouble(f"It ended with status {status}: {last}" if status else "")
        self.form.clear_unkept()  # the next participant
        self.form.focus_first()

    def _examined(self) -> None:
        doctor, self._doctor = self._doctor, None
        if doctor is not None:
            self.machine_checks = checks_of_json(bytes(doctor.readAllStandardOutput().data()))
        self.again.setText("Look again  F5")
        self._draw()

    def _stop_doctor(self) -> None:
        if self._doctor is not None:
            self._doctor.finished.disconnect()
            self._doctor.kill()
            self._doctor.waitForFinished(KILL_MS)
            self._doctor = None
            self.again.setText("Look again  F5")

    def _show_trouble(self, text: str) -> None:
        self.trouble.setText(text)
        self._draw()

    def _draw(self) -> None:
        """Say what is true now."""
        outlook, running = self.outlook, self.running is not None
        failed = outlook.failed if outlook is not None else ()
        able = outlook is not None and not failed and not running
        self.verdict.setText("Running …" if running else outlook.verdict if outlook is not None else "Checking …")
        if running or outlook is not None:
            self.start.show_name("Running …" if running or outlook is None else outlook.start)
        self.start.setEnabled(able)
        self.start.setAccessibleDescription("; ".join(f"{check.name}: {check.found}" for check in failed))
        set_role(self.start, "start" if able else "off")
        if outlook is not None:
            self.choice_list.show_checks(worst_first(outlook.checks), self.theme)
            self.form.mark({check.name: check.found for check in failed})
            self.typed.show_text("" if failed else shlex.join(("robopatient", *outlook.words)))
        shown = worst_first(self.machine_checks)
        bad = [check for check in shown if check.state != "ok"]
        self.machine_list.show_checks(shown if self.all_checks.isChecked() else bad, self.theme)
        if shown:
            words = f"{len(bad)} of {len(shown)} to look at" if bad else "all is well"
            self.machine_verdict.setText(f"This computer: {words}")
        self.all_checks.setVisible(bool(shown))
        self.trouble.setVisible(bool(self.trouble.text()))
        self.said.setVisible(bool(self.said.text()))
        for part in (self.bar, self.stack):
            part.setEnabled(not running)
        self.replay_button.setVisible(self.last_folder is not None and not running)

    def _lay_out(self) -> None:
        for tab, form in zip(self._tabs, self.forms, strict=True):
            self.bar.addTab(tab.title)
            self.stack.addWidget(_scrolled(form))
            form.changed.connect(self._changed)
        self.bar.currentChanged.connect(self._turned)
        head = QHBoxLayout()
        head.addWidget(self.bar, 1)
        for name, pressed in (("Theme  Ctrl T", self.toggle_theme), ("Keys  F1", lambda: self.help.toggle())):
            head.addWidget(mouse_button(name, "quiet", pressed, self))
        columns = QHBoxLayout()
        columns.setSpacing(12)
        columns.addWidget(self.stack, 1)
        columns.addWidget(self._panel(), 1)
        body = QWidget(self)
        body.setObjectName("window")
        page = QVBoxLayout(body)
        page.setContentsMargins(14, 10, 14, 14)
        page.setSpacing(10)
        page.addLayout(head)
        page.addLayout(columns, 1)
        self.setCentralWidget(body)
        self.resize(1120, 680)

    def _panel(self) -> QFrame:
        lists = QWidget(self)
        column = QVBoxLayout(lists)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(12)
        column.addWidget(self.choice_list)
        machine = QHBoxLayout()
        machine.addWidget(self.machine_verdict, 1)
        machine.addWidget(self.all_checks)
        for button, pressed in ((self.again, self.run_doctor), (self.replay_button, self.watch_last)):
            button.setProperty("role", "quiet")
            button.clicked.connect(lambda _checked, pressed=pressed: pressed())
        machine.addWidget(self.again)
        column.addSpacing(6)
        column.addLayout(machine)
        column.addWidget(self.machine_list)
        column.addStretch(1)
        panel = QFrame(self)
        panel.setProperty("role", "panel")
        right = QVBoxLayout(panel)
        right.setContentsMargins(20, 14, 14, 14)
        right.setSpacing(10)
        right.addWidget(self.verdict)
        right.addWidget(_scrolled(lists), 1)
        right.addWidget(self.said)
        right.addWidget(self.trouble)
        foot = QHBoxLayout()
        self.start.setMinimumWidth(260)
        foot.addWidget(self.start)
        foot.addWidget(self.replay_button)
        foot.addStretch(1)
        right.addLayout(foot)
        self.typed.setProperty("role", "small")
        self.typed.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        right.addWidget(self.typed)
        return panel

    def _bind_keys(self) -> None:
        bound: list[tuple[str, Callable[[], object]]] = [
            ("Ctrl+Return", self.begin),
            ("Ctrl+Enter", self.begin),
            ("Ctrl+K", self.calibrate),
            ("F5", self.run_doctor),
            ("Ctrl+R", self.watch_last),
            ("Ctrl+T", self.toggle_theme),
            ("Ctrl+Q", self.close),
            ("F1", lambda: self.help.toggle()),
            ("Esc", lambda: self.help.hide()),
        ]
        bound += [(f"Ctrl+{at + 1}", partial(self._turn_to, at)) for at in range(len(self._tabs))]
        bind_keys(self, bound)


def _scrolled(content: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    return area
