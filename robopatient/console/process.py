"""The console as a process: a client of control that may start late, end early or find no display.

Whatever happens here, the session goes on; only the operator's Stop ends it, and that is control's doing.
"""

from __future__ import annotations

import signal
from pathlib import Path

from robopatient.actor import tell
from robopatient.bus import ActorPort, Endpoints, MirrorReceiver
from robopatient.clock import HostClock
from robopatient.config import SessionConfig
from robopatient.console.model import ConsoleModel
from robopatient.console.window_process import WindowProcess, why_no_window
from robopatient.errors import RecordError
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
ACTOR = "console"
PICTURE_HZ = 30.0
FONT_HELP = "no font is installed, texts show as boxes; type: apt-get install fonts-dejavu-core"


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Show the session until it stops or the operator closes the window.

    Returns (and so ends the process with status 0) when no window can be shown, having told control why.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor decides
    port = ActorPort(endpoints, TOPICS_SHOWN)
    try:
        tell(port, HostClock(), ACTOR, "starting")
        reason = why_no_window("PySide6.QtWidgets", "pyqtgraph")
        if reason:
            tell(port, HostClock(), ACTOR, "failed", reason)
            return
        detail = ConsoleProcess(config, endpoints, folder, port).run()
        tell(port, HostClock(), ACTOR, "stopped", detail)
    finally:
        port.close()


class ConsoleProcess(WindowProcess):
    """The operator's window and its model."""

    def __init__(self, config: SessionConfig, endpoints: Endpoints, folder: Path, port: ActorPort) -> None:
        from PySide6.QtCore import QSettings
        from PySide6.QtGui import QFontDatabase

        from robopatient.console.window import ConsoleWindow

        super().__init__(port, ACTOR, PICTURE_HZ, "window closed; the session goes on")
        self._mirror = MirrorReceiver(endpoints)
        patient, phantom = load_patient(config.patient), load_phantom(config.sensing.phantom)
        self._model = ConsoleModel(config, self._clock, patient, phantom)
        catch_up(self._model, folder)
        self._window = ConsoleWindow(self._model, port.tell, QSettings("robopatient", "console"))
        self._state = ("ready", "") if QFontDatabase.families() else ("degraded", FONT_HELP)

    def run(self) -> str:
        """Show the window until it ends; return why it did."""
        self._window.show()
        try:
            return super().run()
        finally:
            self._mirror.close()

    def _draw(self) -> None:
        for message in self._port.receive():
            self._model.feed(message)
        picture = self._mirror.latest()
        if picture is not None:
            self._model.show(*picture)
        self._window.refresh()

    def _condition(self) -> tuple[str, str]:
        return self._state

    def _is_over(self, now_ns: int) -> bool:
        return self._model.stop is not None

    def _shut(self) -> None:
        self._window.close()


def catch_up(model: ConsoleModel, folder: Path) -> None:
    """Learn from the record what a console that comes late has missed: when it all began, presses, notes."""
    try:
        with Record(folder) as record:
            missed = [message for topic in TOPICS_MISSED for message in record.messages(topic)]
    except RecordError:
        return  # the session has only just begun
    for message in sorted(missed, key=lambda message: message.t_ns):
        model.feed(message)
