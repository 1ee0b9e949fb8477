"""The participant's screen as a process of its own: blinded, on the second monitor where there is one.

It hears the study's state, the force, the dial and the end, and nothing of what is presented or felt.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from robopatient.actor import tell
from robopatient.bus import ActorPort, Endpoints
from robopatient.clock import HostClock
from robopatient.config import SessionConfig
from robopatient.console.participant_model import ParticipantModel
from robopatient.console.window_process import WindowProcess, why_no_window
from robopatient.errors import ConfigError
from robopatient.study.questions import QUESTIONS
from robopatient.study.strings import Strings, load_strings
from robopatient.study.study import load_study

__all__ = ["TOPICS_HEARD", "choose_screen", "main", "unshown"]

TOPICS_HEARD = ("study", "force", "dial", "health", "stop")
"""All that may reach a participant; factors, truth and presentation travel on other topics."""
ACTOR = "participant"
PICTURE_HZ = 60.0
"""Rate of the force bar: people who steer by it see their own hand 16 ms late instead of 33."""
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
        tell(port, HostClock(), ACTOR, "starting")
        reason = why_no_window("PySide6.QtWidgets")
        if reason:
            tell(port, HostClock(), ACTOR, "failed", reason)
            return
        try:
            strings = load_strings(config.study.language, QUESTIONS)
        except ConfigError as error:
            tell(port, HostClock(), ACTOR, "failed", str(error))
            return
        ParticipantProcess(config, strings, port).run()
        tell(port, HostClock(), ACTOR, "stopped")
    finally:
        port.close()


class ParticipantProcess(WindowProcess):
    """The participant's screen and its model."""

    def __init__(self, config: SessionConfig, strings: Strings, port: ActorPort) -> None:
        from robopatient.console.participant_screen import ParticipantScreen
        from robopatient.console.theme import DARK, LIGHT

        super().__init__(port, ACTOR, PICTURE_HZ)
        self._model = ParticipantModel(
            strings, QUESTIONS, self._clock, replays=_replays(config), dial=bool(config.rater.port)
        )
        self._screen = ParticipantScreen(self._model, port.tell)
        self._screen.set_theme(LIGHT if config.participant.theme == "light" else DARK)
        lacking = unshown(strings)
        self._state = ("degraded", lacking) if lacking else ("ready", "")
        self._stopped_ns = 0
        self._place(config)

    def _draw(self) -> None:
        for message in self._port.receive():
            self._model.feed(message)
        self._screen.refresh()

    def _condition(self) -> tuple[str, str]:
        fault = self._screen.film.fault
        return ("degraded", fault) if fault else self._state

    def _is_over(self, now_ns: int) -> bool:
        """With the session, but the thanks stay for a while."""
        if self._model.stop is None:
            return False
        self._stopped_ns = self._stopped_ns or now_ns
        thanked = self._model.state is not None and self._model.state.phase in ("done", "aborted")
        return not thanked or now_ns - self._stopped_ns > LINGER_S * 1e9

    def _shut(self) -> None:
        self._screen.closing = True
        self._screen.close()

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


def _replays(config: SessionConfig) -> int:
    """How often the study allows a replay of a reaction; a training session never does."""
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
