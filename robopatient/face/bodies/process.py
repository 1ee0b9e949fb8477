"""The process that other bodies hang on: it hears what the face showed and tells it on, and nothing waits for it.

Without a face process it would hear nothing, so it says so; the wish alone (``FaceCommand``) is not an expression yet.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from robopatient.bus import ActorPort, Endpoints
from robopatient.clock import Clock, HostClock
from robopatient.config import SessionConfig
from robopatient.errors import RobopatientError
from robopatient.face.bodies.arkit import body_frame
from robopatient.face.bodies.outlets import JsonLines, LslFace, Outlet, VmcSender, address
from robopatient.face.film import pose_of
from robopatient.messages import ActorState, Seen, SessionStop

__all__ = ["BodiesActor", "main"]

RECEIVE_MS = 100
HEARTBEAT_NS = 1_000_000_000


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Tell other bodies until the session ends, SIGTERM arrives or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    actor = BodiesActor(config, endpoints, folder.name, HostClock())
    signal.signal(signal.SIGTERM, lambda *_: actor.leave())
    try:
        actor.run()
    finally:
        actor.close()


class BodiesActor:
    """Hears ``Seen``, tells the outlets; without one of them it goes on and says what is missing."""

    def __init__(self, config: SessionConfig, endpoints: Endpoints, session: str, clock: Clock) -> None:
        self._clock = clock
        self._port = ActorPort(endpoints, ("seen", "stop"), every=True)
        self._parent = os.getppid()
        self._leave = False
        self._trouble = "" if config.face.enabled else "face.enabled is false: there is no expression to stream"
        self._heartbeat_ns = 0
        self._outlets: list[Outlet] = []
        self._tell("starting")
        wished = config.interop
        if wished.face_osc:
            host, port = address(wished.face_osc) or ("", 0)
            self._add(lambda: VmcSender(host, port))
        if wished.face_lsl:
            self._add(lambda: LslFace(session, config.face.fps, wished.lsl_scope))
        if wished.face_lines:
            self._add(lambda: JsonLines(wished.face_lines))

    def run(self) -> None:
        """Pass on until told to leave."""
        while not self._leave and os.getppid() == self._parent:
            now_ns = self._clock.now_ns()
            if now_ns - self._heartbeat_ns >= HEARTBEAT_NS:
                self._heartbeat_ns = now_ns
                self._tell("degraded" if self._trouble else "ready")
            for message in self._port.receive(RECEIVE_MS):
                if isinstance(message, Seen):
                    self.pass_on(message)
                self._leave = self._leave or isinstance(message, SessionStop)

    def pass_on(self, seen: Seen) -> None:
        """Tell every outlet one frame."""
        frame = body_frame(pose_of(seen))
        for outlet in self._outlets:
            try:
                outlet.send(seen.t_ns, frame)
            except OSError as error:
                self._trouble = f"{type(outlet).__name__}: {error}"

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

    def _tell(self, state: str) -> None:
        self._port.tell(ActorState(self._clock.now_ns(), "bodies", state, self._trouble, os.getpid()))
