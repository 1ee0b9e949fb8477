"""A process that tells on what it hears on the bus, by outlets any of which may fail; nothing waits for it.

What an outlet cannot do is said in the process's state, and the others go on.
"""

from __future__ import annotations

import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from robopatient.bus import ActorPort
from robopatient.clock import Clock
from robopatient.errors import RobopatientError
from robopatient.messages import ActorState, Message, SessionStop

__all__ = ["OutletsActor", "serve"]

RECEIVE_MS = 100
HEARTBEAT_NS = 1_000_000_000


class Closing(Protocol):
    """What every outlet can do."""

    def close(self) -> None: ...


Outlet = TypeVar("Outlet", bound=Closing)


class OutletsActor(ABC, Generic[Outlet]):
    """Hears the bus, tells the outlets; without one of them it goes on and says what is missing.

    Parameters
    ----------
    port
        Of the bus, with the topics that are told on; ``close`` closes it.
    name
        Of this actor.
    trouble
        What is known to be missing from the beginning.
    """

    def __init__(self, port: ActorPort, name: str, clock: Clock, trouble: str = "") -> None:
        self._port = port
        self._name = name
        self._clock = clock
        self._trouble = trouble
        self._leave = False
        self._heartbeat_ns = 0
        self._outlets: list[Outlet] = []
        self._tell("starting")

    @abstractmethod
    def pass_on(self, message: Message) -> None:
        """Tell every outlet what this message means to it."""

    def run(self) -> None:
        """Pass on until told to leave or the session ends."""
        while not self._leave:
            now_ns = self._clock.now_ns()
            if now_ns - self._heartbeat_ns >= HEARTBEAT_NS:
                self._heartbeat_ns = now_ns
                self._tell("degraded" if self._trouble else "ready")
            for message in self._port.receive(RECEIVE_MS):
                self.pass_on(message)
                self._leave = self._leave or isinstance(message, SessionStop)

    def leave(self) -> None:
        """Stop within one wait."""
        self._leave = True

    def close(self) -> None:
        """End the streams and leave the bus."""
        for outlet in self._outlets:
            outlet.close()
        self._tell("stopped")
        self._port.close()

    def _add(self, make: Callable[[], Outlet]) -> None:
        try:
            self._outlets.append(make())
        except (RobopatientError, OSError, RuntimeError) as error:
            self._trouble = str(error)

    def _try(self, act: Callable[[Outlet], None]) -> None:
        for outlet in self._outlets:
            try:
                act(outlet)
            except OSError as error:
                self._trouble = f"{type(outlet).__name__}: {error}"

    def _tell(self, state: str) -> None:
        self._port.tell(ActorState(self._clock.now_ns(), self._name, state, self._trouble, os.getpid()))


def serve(make: Callable[[], OutletsActor[Outlet]]) -> None:
    """Be this process until the session ends or SIGTERM arrives."""
    actor = make()
    signal.signal(signal.SIGTERM, lambda *_: actor.leave())
    try:
        actor.run()
    finally:
        actor.close()
