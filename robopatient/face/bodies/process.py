"""The process for other bodies: it receives what the face showed and forwards it; nothing waits for it.

Without a face process it would hear nothing, so it says so; the wish alone (``FaceCommand``) is not an expression yet.
"""

from __future__ import annotations

from pathlib import Path

from robopatient.actor import serve
from robopatient.bus import ActorPort, Endpoints
from robopatient.clock import Clock, HostClock
from robopatient.config import SessionConfig
from robopatient.face.bodies.arkit import body_frame
from robopatient.face.bodies.outlets import BodyOutlet, JsonLines, LslFace, VmcSender, address
from robopatient.messages import Message, Seen
from robopatient.outlets import OutletsActor

__all__ = ["BodiesActor", "main"]

NO_FACE = "face.enabled is false: there is no expression to stream"


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Tell other bodies until the session ends, SIGTERM arrives or the parent is gone."""
    serve(lambda: BodiesActor(config, endpoints, folder.name, HostClock()))


class BodiesActor(OutletsActor[BodyOutlet]):
    """Tells what was seen to the outlets that the session wishes."""

    def __init__(self, config: SessionConfig, endpoints: Endpoints, session: str, clock: Clock) -> None:
        port = ActorPort(endpoints, ("seen", "stop"), every=True)
        super().__init__(port, "bodies", clock, "" if config.face.enabled else NO_FACE)
        wished = config.interop
        if wished.face_osc:
            host, port_number = address(wished.face_osc) or ("", 0)
            self._add(lambda: VmcSender(host, port_number))
        if wished.face_lsl:
            self._add(lambda: LslFace(session, config.face.fps, wished.lsl_scope))
        if wished.face_lines:
            self._add(lambda: JsonLines(wished.face_lines))

    def pass_on(self, message: Message) -> None:
        """Tell every outlet one frame."""
        if isinstance(message, Seen):
            frame = body_frame(message.pose)
            self._try(lambda outlet: outlet.send(message.t_ns, frame))
