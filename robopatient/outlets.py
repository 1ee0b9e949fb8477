"""Forwards bus messages to optional outputs (LSL, OSC, faces); a failing output never blocks the session.

What an outlet cannot do is said in the process's state, and the others go on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from robopatient.actor import Actor
from robopatient.bus import ActorPort
from robopatient.clock import Clock
from robopatient.errors import RobopatientError
from robopatient.messages import Message, SessionStop

__all__ = ["OutletsActor"]

RECEIVE_MS = 100


class Closing(Protocol):
    """What every outlet can do."""

    def close(self) -> None: ...


Outlet = TypeVar("Outlet", bound=Closing)


class OutletsActor(Actor, ABC, Generic[Outlet]):
    """Hears the bus, tells the outlets; without one of them it goes on and says what is missing.

    Parameters
    ----------
    port
        Port to the bus with the forwarded topics; ``close`` closes it.
    name
        Of this actor.
    fault
        What is known to be missing from the beginning.
    """

    def __init__(self, port: ActorPort, name: str, clock: Clock, fault: str = "") -> None:
        super().__init__(port, name, clock)
        self._fault = fault
        self._outlets: list[Outlet] = []
        self._tell_state("starting", fault)

    @abstractmethod
    def pass_on(self, message: Message) -> None:
        """Tell every outlet what this message means to it."""

    def run(self) -> None:
        """Pass on until told to leave or the session ends."""
        self._tell_state(*self._condition())
        while not self._leaving:
            self._beat()
            for message in self._port.receive(RECEIVE_MS):
                self.pass_on(message)
                self._leaving = self._leaving or isinstance(message, SessionStop)

    def close(self) -> None:
        """End the streams and leave the bus."""
        for outlet in self._outlets:
            outlet.close()
        self._tell_state("stopped", self._fault)
        self._port.close()

    def _condition(self) -> tuple[str, str]:
        return "degraded" if self._fault else "ready", self._fault

    def _add(self, make: Callable[[], Outlet]) -> None:
        try:
            self._outlets.append(make())
        except (RobopatientError, OSError, RuntimeError) as error:
            self._fault = str(error)

    def _try(self, act: Callable[[Outlet], None]) -> None:
        for outlet in self._outlets:
            try:
                act(outlet)
            except OSError as error:
                self._fault = f"{type(outlet).__name__}: {error}"
