"""Base of every process of a session: reports its state once a second and ends on request.

That it leaves with its parent is ``robopatient.parent``'s doing: a parent that is gone is a SIGTERM.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any, Protocol

from robopatient.bus import ActorPort
from robopatient.clock import Clock
from robopatient.messages import ActorState

__all__ = ["HEARTBEAT_NS", "Actor", "serve", "tell"]

HEARTBEAT_NS = 1_000_000_000
"""How often a process says how it is, while nothing changes; control waits for three (``topics``: actor)."""


def tell(port: ActorPort, clock: Clock, name: str, state: str, detail: str = "") -> None:
    """Say on the bus how this process is."""
    port.tell(ActorState(clock.now_ns(), name, state, detail, os.getpid()))


class Actor:
    """A process on the bus.

    Parameters
    ----------
    port
        Of the bus; ``close`` closes it.
    name
        Under which it says how it is.
    """

    def __init__(self, port: ActorPort, name: str, clock: Clock) -> None:
        self._port = port
        self._name = name
        self._clock = clock
        self._leaving = False
        self._told_ns = 0

    def leave(self) -> None:
        """End after the step in hand; safe in a signal handler."""
        self._leaving = True

    def close(self) -> None:
        """Say goodbye and leave the bus."""
        self._tell_state("stopped")
        self._port.close()

    def _condition(self) -> tuple[str, str]:
        """State of this process and its detail, as they are now."""
        return "ready", ""

    def _tell_state(self, state: str, detail: str = "") -> None:
        self._told_ns = self._clock.now_ns()
        self._port.tell(ActorState(self._told_ns, self._name, state, detail, os.getpid()))

    def _beat(self) -> None:
        """Say how it is, if that was said a second ago."""
        if self._clock.now_ns() - self._told_ns >= HEARTBEAT_NS:
            self._tell_state(*self._condition())

    def obey(self) -> None:
        """Leave when SIGTERM arrives."""
        signal.signal(signal.SIGTERM, lambda *_: self.leave())


class Running(Protocol):
    """An actor that ``serve`` can run."""

    def obey(self) -> None: ...

    def run(self) -> Any: ...

    def close(self) -> None: ...


def serve(make: Callable[[], Running]) -> None:
    """Be this process until the session ends or SIGTERM arrives."""
    actor = make()
    actor.obey()
    try:
        actor.run()
    finally:
        actor.close()
