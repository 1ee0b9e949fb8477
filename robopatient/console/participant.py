"""The participant's screen as a process of its own: blinded, on the second monitor where there is one.

It hears the study's state, the force, the dial and the end, and nothing of what is presented or felt.
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
from robopatient.bus import ActorPort, Endpoints
from robopatient.clock import HostClock
from robopatient.config import SessionConfig
from robopatient.console.display import why_no_display
from robopatient.console.participant_model import ParticipantModel
from robopatient.errors import ConfigError, MissingPackageError, require
from robopatient.study.questions import QUESTIONS
from robopatient.study.strings import Strings, load_strings
from robopatient.study.study import load_study

__all__ = ["TOPICS_HEARD", "choose_screen", "main", "unshown"]

TOPICS_HEARD = ("study", "force", "dial", "health", "stop")
"""All that may reach a participant; factors, truth and presentation travel on other topics."""
PICTURE_HZ = 60.0
"""Rate of the force bar: people who steer by it see their own hand 16 ms late instead of 33."""
HEARTBEAT_NS = 1_000_000_000
LINGER_S = 6.0
"""The thanks stay this long after the session's end (assumption: read in three seconds, twice)."""


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Show the participant what to do until the session stops.

    Returns (and so ends the process with status 0) when no window can be shown, having told control why.
    """
    del folder  # nothing is written here: answers go to the record through control
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor decides
    port = ActorPort(endpoints, TOPICS_HEARD)
    try:
        _tell(port, "starting")
        reason = _why_not()
        if reason:
            _tell(port, "failed", reason)
            return
        try:
            strings = load_strings(config.study.language, QUESTIONS)
        except ConfigError as error:
            _tell(port, "failed", str(error))
            return
        Session(config, strings, endpoints, port).run()
        _tell(port, "stopped")
    finally:
        port.close()


class Session:
    """The screen, its model and the timer that feeds one and refreshes the other."""

    def __init__(self, config: SessionConfig, strings: Strings, endpoints: Endpoints, port: ActorPort) -> None:
        from PySide6.QtCore import Qt, QTimer
        from PySide6.QtWidgets import QApplication

        from robopatient.console.participant_screen import ParticipantScreen
        from robopatient.console.theme import DARK, LIGHT

        del endpoints
        self._app: Any = QApplication.instance() or QApplication(["robopatient"])
        self._port = port
        self._clock = HostClock()
        self._model = ParticipantModel(
            strings, QUESTIONS, self._clock, replays=_replays(config), dial=bool(config.rater.port)
        )
        self._screen = ParticipantScreen(self._model, port.tell)
        self._screen.wear(LIGHT if config.participant.theme == "light" else DARK)
        lacking = unshown(strings)
        self._state = ("degraded", lacking) if lacking else ("ready", "")
        self._told_ns = 0
        self._stopped_ns = 0
        self._failure: Exception | None = None
        self._place(config)
        signal.signal(signal.SIGTERM, self._on_sigterm)
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.turn)
        self._timer.start(round(1000.0 / PICTURE_HZ))

    def run(self) -> None:
        """Turn Qt's loop; an error within it ends it and is raised here."""
        self._app.exec()
        self._timer.stop()
        if self._failure is not None:
            raise self._failure

    def turn(self) -> None:
        """Once a picture: take what was said, draw it, tell that we live."""
        try:
            self._turn()
        except Exception as error:  # Qt would print it and call again, sixty times a second
            self._failure = error
            self._leave()

    def _turn(self) -> None:
        for message in self._port.receive():
            self._model.feed(message)
        self._screen.refresh()
        now_ns = self._clock.now_ns()
        if now_ns - self._told_ns > HEARTBEAT_NS:
            self._told_ns = now_ns
            state, detail = self._state
            if self._screen.film.trouble:
                state, detail = "degraded", self._screen.film.trouble
            _tell(self._port, state, detail)
            parent = parent_process()
            if parent is not None and not parent.is_alive():
                self._leave()
        if self._model.stop is not None:
            self._stopped_ns = self._stopped_ns or now_ns
            ended = self._model.state is not None and self._model.state.phase in ("done", "aborted")
            if not ended or now_ns - self._stopped_ns > LINGER_S * 1e9:
                self._leave()

    def _place(self, config: SessionConfig) -> None:
        """Full screen on the participant's monitor; a window where the operator has no other."""
        screens = self._app.screens()
        names = [screen.name() for screen in screens]
        at, full = choose_screen(names, config.participant.screen, config.face.screen, config.console.enabled)
        if config.participant.full_screen != "auto":
            full = config.participant.full_screen == "yes"
        self._screen.setGeometry(
            screens[at].geometry() if full else screens[at].availableGeometry().adjusted(40, 40, -40, -40)
        )
        self._screen.show()
        if full:
            self._screen.showFullScreen()
        self._screen.activateWindow()

    def _on_sigterm(self, _signal: int, _frame: FrameType | None) -> None:
        self._leave()

    def _leave(self) -> None:
        self._screen.closing = True
        self._screen.close()
        self._app.quit()


def _replays(config: SessionConfig) -> int:
    """How often the study lets a reaction be had again; a lesson never does."""
    return load_study(config.study.name).file.press.replays if config.study.name else 0


def choose_screen(names: list[str], wanted: str, taken: str, shared: bool) -> tuple[int, bool]:
    """Index of the participant's monitor and whether the screen may fill it.

    Parameters
    ----------
    names
        Of the monitors; the first one is the operator's.
    wanted
        Name or number that the session asks for, or "".
    taken
        Name of the monitor that shows the patient's face, or "".
    shared
        Whether an operator's console wants the first monitor.
    """
    if wanted:
        for index, name in enumerate(names):
            if wanted in (name, str(index)):
                return index, index > 0 or not shared
    free = [index for index in range(1, len(names)) if names[index] != taken]
    return (free[0], True) if free else (0, not shared)


def unshown(strings: Strings) -> str:
    """What to install when no font of this machine can show the language, or ""."""
    from PySide6.QtGui import QFontDatabase

    letters = {letter for letter in strings.everything() if ord(letter) > 0x2FF and letter.isalpha()}
    if not letters:
        return ""
    japanese = any(0x3040 <= ord(letter) <= 0x30FF for letter in letters)
    systems = QFontDatabase.WritingSystem
    system = systems.Japanese if japanese else _system_of(min(letters))
    if system is None or QFontDatabase.families(system):
        return ""
    package = "fonts-noto-cjk" if ord(min(letters)) >= 0x3000 else "fonts-noto-core"
    return f"no font shows {strings.language}: its letters appear as boxes; type: apt-get install {package}"


def _system_of(letter: str) -> Any:
    """Qt's writing system of a letter, where a font for it is not a matter of course."""
    from PySide6.QtGui import QFontDatabase

    systems = QFontDatabase.WritingSystem
    for low, high, system in (
        (0x370, 0x3FF, systems.Greek), (0x400, 0x52F, systems.Cyrillic), (0x590, 0x5FF, systems.Hebrew),
        (0x600, 0x6FF, systems.Arabic), (0x900, 0x97F, systems.Devanagari), (0xE00, 0xE7F, systems.Thai),
        (0x4E00, 0x9FFF, systems.SimplifiedChinese), (0xAC00, 0xD7AF, systems.Korean),
    ):  # fmt: skip
        if low <= ord(letter) <= high:
            return system
    return None


def _why_not() -> str:
    """Reason why no window can be shown, or ""."""
    try:
        require("PySide6.QtWidgets", "console")
    except MissingPackageError as error:
        return str(error)
    return why_no_display(os.environ, sys.platform)


def _tell(port: ActorPort, state: str, detail: str = "") -> None:
    port.tell(m.ActorState(HostClock().now_ns(), "participant", state, detail, os.getpid()))
