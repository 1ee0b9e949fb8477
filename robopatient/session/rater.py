"""The rater's process: what a person commits by dial and button becomes a rating of the session.

The dial's 0 to 100 is the NRS times ten; the mark button writes a note. A rater that is unplugged comes back by itself.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from firmware_bridge.errors import BridgeError
from firmware_bridge.rater import Mark, Rater, Rating, make_rater
from robopatient import messages as m
from robopatient.bus import ActorPort, Endpoints
from robopatient.clock import Clock, HostClock
from robopatient.config import SessionConfig

__all__ = ["RaterActor", "main"]

STEP_S = 0.02
HEARTBEAT_NS = 1_000_000_000
DIAL_PER_NRS = 10.0


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Pass ratings on until the session ends, SIGTERM arrives or the parent is gone."""
    del folder  # ratings go to the record through control
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    actor = RaterActor(make_rater(config.rater.port, config.rater.baud), config.rater.who, endpoints, HostClock())
    signal.signal(signal.SIGTERM, lambda *_: actor.leave())
    try:
        actor.run()
    finally:
        actor.close()


class RaterActor:
    """Steps the device and tells control what was committed; without a device it says so and the session goes on."""

    def __init__(self, rater: Rater, who: str, endpoints: Endpoints, clock: Clock) -> None:
        self.rater = rater
        self._who = who
        self._clock = clock
        self._port = ActorPort(endpoints, ("stop",))
        self._parent = os.getppid()
        self._leave = False
        self._beat_ns = 0
        self._trouble = ""
        self._tell("starting")
        try:
            rater.open()
        except BridgeError as error:
            self._trouble = str(error)
            self._tell("degraded")

    def run(self) -> None:
        """Until told to leave; a rater that could not be opened is only waited out."""
        while not self._leave and os.getppid() == self._parent:
            for entry in self.rater.step(STEP_S) if not self._trouble else ():
                self._port.tell(self._action(entry))
            wait_ms = 0 if not self._trouble else round(STEP_S * 1e3)
            self._leave = self._leave or any(isinstance(x, m.SessionStop) for x in self._port.receive(wait_ms))
            if self._clock.now_ns() - self._beat_ns >= HEARTBEAT_NS:
                self._tell("degraded" if self._trouble or self.rater.health().detail else "ready")

    def leave(self) -> None:
        """End after the step in hand; safe in a signal handler."""
        self._leave = True

    def close(self) -> None:
        """Give the port back and say goodbye."""
        if not self._trouble:
            self.rater.close()
        self._tell("stopped")
        self._port.close()

    def _action(self, entry: Rating | Mark) -> m.OperatorAction:
        if isinstance(entry, Rating):
            return m.OperatorAction(entry.t_ns, "rating", f"NRS {entry.value / DIAL_PER_NRS:g}", source=self._who)
        word = "pressed" if entry.pressed else "released"
        return m.OperatorAction(entry.t_ns, "note", f"mark {entry.line} {word}", source=self._who)

    def _tell(self, state: str) -> None:
        self._beat_ns = self._clock.now_ns()
        detail = self._trouble or self.rater.health().detail
        self._port.tell(m.ActorState(self._beat_ns, "rater", state, detail, os.getpid()))
