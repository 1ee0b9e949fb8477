"""The interop process: an actor that only reads the bus, so that a slow network never delays the loop."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from robopatient import messages as m
from robopatient.actor import serve
from robopatient.bus import ActorPort, Endpoints
from robopatient.clock import Clock, HostClock
from robopatient.config import SessionConfig
from robopatient.interop.lsl import LslOutlets
from robopatient.interop.markers import Marker, Markers
from robopatient.interop.osc import OscSender
from robopatient.outlets import OutletsActor
from robopatient.phantom import load_phantom

__all__ = ["InteropActor", "main"]

TOPICS = ("force", "pain", "press", "heard", "seen", "action", "health", "note", "study", "trial", "stop")


class MessageOutlet(Protocol):
    """Where messages and markers go."""

    def send(self, message: m.Message) -> None: ...

    def mark(self, marker: Marker) -> None: ...

    def close(self) -> None: ...


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Pass on what flows until the session ends, SIGTERM arrives or the parent is gone."""
    serve(lambda: InteropActor(config, endpoints, folder.name, HostClock()))


class InteropActor(OutletsActor[MessageOutlet]):
    """Tells messages and markers to the outlets that the session wishes."""

    def __init__(self, config: SessionConfig, endpoints: Endpoints, session: str, clock: Clock) -> None:
        super().__init__(ActorPort(endpoints, TOPICS, every=True), "interop", clock)
        self._markers = Markers()
        if config.interop.lsl:
            rate_hz = min(config.board.rate_hz, config.control.loop_hz)
            n_cells = len(load_phantom(config.sensing.phantom).cells_mm)
            self._add(lambda: LslOutlets(session, n_cells, rate_hz, config.control.loop_hz, config.interop.lsl_scope))
        if config.interop.osc:
            self._add(lambda: OscSender(config.interop.osc))
        self._mark(Markers.begin(clock.now_ns(), session))

    def pass_on(self, message: m.Message) -> None:
        """Tell every outlet the message and its markers."""
        self._try(lambda outlet: outlet.send(message))
        for marker in self._markers.every(message):
            self._mark(marker)

    def _mark(self, marker: Marker) -> None:
        self._try(lambda outlet: outlet.mark(marker))
