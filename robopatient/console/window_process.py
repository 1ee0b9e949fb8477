"""A window in its own process: Qt's loop at the rate of its picture, heartbeat, shutdown.

It ends with its session, on request, or when its parent process is gone; the session goes on without it.
"""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from typing import Any

from robopatient.actor import Actor
from robopatient.bus import ActorPort
from robopatient.clock import HostClock
from robopatient.display import why_no_display
from robopatient.errors import MissingPackageError, require

__all__ = ["WindowProcess", "why_no_window"]


def why_no_window(*packages: str) -> str:
    """Reason why no window can be shown by these packages, or ""."""
    try:
        for package in packages:
            require(package, "console")
    except MissingPackageError as error:
        return str(error)
    return why_no_display(os.environ, sys.platform)


class WindowProcess(Actor, ABC):
    """A window and the timer that feeds and refreshes it.

    Parameters
    ----------
    port
        Of the bus; its owner closes it.
    actor
        Who says there how it is.
    picture_hz
        How often it is drawn.
    closed
        What ``run`` says when the window was closed by hand.
    """

    def __init__(self, port: ActorPort, actor: str, picture_hz: float, closed: str = "") -> None:
        from PySide6.QtWidgets import QApplication

        self._app: Any = QApplication.instance() or QApplication(["robopatient"])
        super().__init__(port, actor, HostClock())
        self._picture_hz = picture_hz
        self._why_left = closed
        self._failure: Exception | None = None

    def run(self) -> str:
        """Turn Qt's loop; return why it ended. An error within it ends it and is raised here."""
        from PySide6.QtCore import Qt, QTimer

        self.obey()
        timer = QTimer()
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(self.turn)
        timer.start(round(1000.0 / self._picture_hz))
        self._app.exec()
        timer.stop()
        if self._failure is not None:
            raise self._failure
        return self._why_left

    def turn(self) -> None:
        """Once a picture: take what was said, draw it, tell that we live."""
        try:
            self._turn()
        except Exception as error:  # Qt would print it and call again, at every picture
            self._failure = error
            self.leave("failed")

    def leave(self, why: str = "asked to leave") -> None:
        """Close the window and end the loop."""
        self._why_left = why
        self._shut()
        self._app.quit()

    def _turn(self) -> None:
        self._draw()
        self._beat()
        if self._is_over(self._clock.now_ns()):
            self.leave("session ended")

    @abstractmethod
    def _draw(self) -> None:
        """Take what was said and draw it."""

    @abstractmethod
    def _condition(self) -> tuple[str, str]:
        """State of this process and its detail."""

    @abstractmethod
    def _is_over(self, now_ns: int) -> bool:
        """Whether there is nothing more to show."""

    @abstractmethod
    def _shut(self) -> None:
        """Close the window without asking."""
