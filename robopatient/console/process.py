"""The console as a process: a client of control that may come late, leave early or never find a display.

Whatever happens here, the session goes on; only the operator's Stop ends it, and that is control's doing.
"""

from __future__ import annotations

import os
import signal
import sys
from multiprocessing import parent_process
from pathlib import Path
from types import FrameType
from typing import Any

from robopatient import messages as m
from robopatient.bus import ActorPort, Endpoints, MirrorReceiver
from robopatient.clock import HostClock
from robopatient.config import SessionConfig
from robopatient.console.display import why_no_display
from robopatient.console.model import ConsoleModel
from robopatient.errors import MissingPackageError, RecordError, require
from robopatient.patient import load_patient
from robopatient.phantom import load_phantom
from robopatient.record.reader import Record

__all__ = ["TOPICS_SHOWN", "catch_up", "main"]

TOPICS_SHOWN = (
    "force", "pain", "heard", "seen", "press", "said", "spoken", "loudness", "scenario", "rating", "health", "actor",
    "action", "note",
    "start", "stop", "study", "presented", "trial", "lesson",
)  # fmt: skip
TOPICS_MISSED = ("health", "press", "said", "scenario", "note", "presented", "trial")
PICTURE_HZ = 30.0
HEARTBEAT_S = 1.0
FONT_HELP = "no font is installed, texts show as boxes; type: apt-get install fonts-dejavu-core"


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Show the session until it stops or the operator closes the window.

    Returns (and so ends the process with status 0) when no window can be shown, having told control why.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor decides
    port = ActorPort(endpoints, TOPICS_SHOWN)
    try:
        _tell(port, "starting")
        reason = _why_not()
        if reason:
            _tell(port, "failed", reason)
            return
        detail = Session(config, endpoints, folder, port).run()
        _tell(port, "stopped", detail)
    finally:
        port.close()


class Session:
    """A window, its model and the timer that feeds one and refreshes the other."""

    def __init__(self, config: SessionConfig, endpoints: Endpoints, folder: Path, port: ActorPort) -> None:
        from PySide6.QtCore import QSettings, Qt, QTimer
        from PySide6.QtGui import QFontDatabase
        from PySide6.QtWidgets import QApplication

        from robopatient.console.window import ConsoleWindow

        self._app: Any = QApplication.instance() or QApplication(["robopatient"])
        self._port = port
        self._clock = HostClock()
        self._mirror = MirrorReceiver(endpoints)
        patient, phantom = load_patient(config.patient), load_phantom(config.sensing.phantom)
        self._model = ConsoleModel(config, self._clock, patient, phantom)
        catch_up(self._model, folder)
        self._window = ConsoleWindow(self._model, port.tell, QSettings("robopatient", "console"))
        self._state = ("ready", "") if QFontDatabase.families() else ("degraded", FONT_HELP)
        self._told_ns = 0
        self._why_left = "window closed; the session goes on"
        self._failure: Exception | None = None
        signal.signal(signal.SIGTERM, self._on_sigterm)
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.turn)
        self._timer.start(round(1000.0 / PICTURE_HZ))

    def run(self) -> str:
        """Turn Qt's loop; return why it ended. An error within it ends it and is raised here."""
        self._window.show()
        self._app.exec()
        self._timer.stop()
        self._mirror.close()
        if self._failure is not None:
            raise self._failure
        return self._why_left

    def turn(self) -> None:
        """Once a picture: take what was said, draw it, tell that we live."""
        try:
            self._turn()
        except Exception as error:  # Qt would print it and call again, thirty times a second
            self._failure = error
            self._leave("failed")

    def _turn(self) -> None:
        for message in self._port.receive():
            self._model.feed(message)
        picture = self._mirror.latest()
        if picture is not None:
            self._model.show(*picture)
        self._window.refresh()
        now_ns = self._clock.now_ns()
        if now_ns - self._told_ns > HEARTBEAT_S * 1e9:
            self._told_ns = now_ns
            _tell(self._port, *self._state)
            parent = parent_process()
            if parent is not None and not parent.is_alive():
                self._leave("the supervisor is gone")
        if self._model.stop is not None:
            self._leave("session ended")

    def _on_sigterm(self, _signal: int, _frame: FrameType | None) -> None:
        self._leave("asked to leave")

    def _leave(self, why: str) -> None:
        self._why_left = why
        self._window.close()
        self._app.quit()


def catch_up(model: ConsoleModel, folder: Path) -> None:
    """Learn from the record what a console that comes late has missed: when it all began, presses, notes."""
    try:
        with Record(folder) as record:
            missed = [message for topic in TOPICS_MISSED for message in record.messages(topic)]
    except RecordError:
        return  # the session has only just begun
    for message in sorted(missed, key=lambda message: message.t_ns):
        model.feed(message)


def _why_not() -> str:
    """Reason why no window can be shown, or ""."""
    try:
        require("PySide6.QtWidgets", "console")
        require("pyqtgraph", "console")
    except MissingPackageError as error:
        return str(error)
    return why_no_display(os.environ, sys.platform)


def _tell(port: ActorPort, state: str, detail: str = "") -> None:
    port.tell(m.ActorState(HostClock().now_ns(), "console", state, detail, os.getpid()))
