"""The interop process: an actor that only listens to the bus, so that a slow network never holds the loop up."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from robopatient import messages as m
from robopatient.bus import ActorPort, Endpoints
from robopatient.clock import Clock, HostClock
from robopatient.config import SessionConfig
from robopatient.errors import RobopatientError
from robopatient.interop.lsl import LslOutlets
from robopatient.interop.markers import Marker, Markers
from robopatient.interop.osc import OscSender
from robopatient.phantom import load_phantom

__all__ = ["InteropActor", "main"]

TOPICS = ("force", "pain", "press", "heard", "seen", "action", "health", "note", "study", "trial", "stop")
RECEIVE_MS = 100
HEARTBEAT_NS = 1_000_000_000


class Outlet(Protocol):
    """Where messages and markers go."""

    def send(self, message: m.Message) -> None: ...

    def mark(self, marker: Marker) -> None: ...

    def close(self) -> None: ...


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Pass on what flows until the session ends, SIGTERM arrives or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    actor = InteropActor(config, endpoints, folder.name, HostClock())
    signal.signal(signal.SIGTERM, lambda *_: actor.leave())
    try:
        actor.run()
    finally:
        actor.close()


class InteropActor:
    """Hears the bus, tells the outlets; without one of them it goes on and says what is missing."""

    def __init__(self, config: SessionConfig, endpoints: Endpoints, session: str, clock: Clock) -> None:
        self._clock = clock
        self._port = ActorPort(endpoints, TOPICS, every=True)
        self._parent = os.getppid()
        self._leave = False
        self._trouble = ""
        self._heartbeat_ns = 0
        self._markers = Markers()
        self._outlets: list[Outlet] = []
        self._tell("starting")
        if config.interop.lsl:
            rate_hz = min(config.board.rate_hz, config.control.loop_hz)
            n_cells = len(load_phantom(config.sensing.phantom).cells_mm)
            self._add(lambda: LslOutlets(session, n_cells, rate_hz, config.control.loop_hz, config.interop.lsl_scope))
        if config.interop.osc:
            self._add(lambda: OscSender(config.interop.osc))
        self._mark(Markers.begin(clock.now_ns(), session))

    def run(self) -> None:
        """Pass on until told to leave."""
        while not self._leave and os.getppid() == self._parent:
            now_ns = self._clock.now_ns()
            if now_ns - self._heartbeat_ns >= HEARTBEAT_NS:
                self._heartbeat_ns = now_ns
                self._tell("degraded" if self._trouble else "ready")
            for message in self._port.receive(RECEIVE_MS):
                self._pass_on(message)
                self._leave = self._leave or isinstance(message, m.SessionStop)

    def leave(self) -> None:
        """Stop within one wait."""
        self._leave = True

    def close(self) -> None:
        """End the streams and leave the bus."""
        for outlet in self._outlets:
            outlet.close()
        self._tell("stopped")
        self._port.close()

    def _pass_on(self, message: m.Message) -> None:
        self._try(lambda outlet: outlet.send(message))
        for marker in self._markers.every(message):
            self._mark(marker)

    def _mark(self, marker: Marker) -> None:
        self._try(lambda outlet: outlet.mark(marker))

    def _try(self, act: Callable[[Outlet], None]) -> None:
        for outlet in self._outlets:
            try:
                act(outlet)
            except OSError as error:
                self._trouble = f"{type(outlet).__name__}: {error}"

    def _add(self, make: Callable[[], Outlet]) -> None:
        try:
            self._outlets.append(make())
        except (RobopatientError, OSError, RuntimeError) as error:
            self._trouble = str(error)

    def _tell(self, state: str) -> None:
        self._port.tell(m.ActorState(self._clock.now_ns(), "interop", state, self._trouble, os.getpid()))
