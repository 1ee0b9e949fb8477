"""Messages between the processes of one session, over ZeroMQ on loopback.

Control speaks, the actors listen: control binds a PUB socket for what it says and a PULL socket for what it is
told. The face binds a PUB socket of its own for the picture that the console mirrors. Latest-wins topics are
conflated by the receiver; the others are queued, and an overflow is counted, never silent.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import zmq

from robopatient import messages as m
from robopatient.folders import new_socket_folder
from robopatient.topics import TOPICS, topic_of

__all__ = ["ActorPort", "Endpoints", "HubPort", "MirrorReceiver", "MirrorSender", "make_endpoints"]

QUEUE = 20_000
"""Messages that a data stream may hold (assumption: over 60 s of audio blocks)."""

_encode = msgspec.msgpack.Encoder().encode
_decoders = {name: msgspec.msgpack.Decoder(row.message) for name, row in TOPICS.items()}


class Endpoints(msgspec.Struct, frozen=True):
    """Addresses of one session's sockets."""

    control_pub: str
    control_pull: str
    mirror_pub: str


def make_endpoints(folder: Path | None = None) -> Endpoints:
    """Addresses in a private folder of this machine: reachable by this user only, no port to collide with."""
    base = folder if folder is not None else new_socket_folder()
    return Endpoints(*(f"ipc://{base}/{name}" for name in ("control-pub", "control-pull", "mirror-pub")))


def encode(message: m.Message) -> bytes:
    """Wire form: topic name, a zero byte, MessagePack body; one part, because ZeroMQ conflates no others."""
    return topic_of(message).name.encode() + b"\0" + _encode(message)


def decode(wire: bytes) -> m.Message:
    """Message of a wire form; msgspec.DecodeError for garbage, KeyError for an unknown topic."""
    name, _, body = wire.partition(b"\0")
    return _decoders[name.decode(errors="replace")].decode(body)


class HubPort:
    """Control's end: publish what is said, collect what the actors tell."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._context = zmq.Context()
        self._pub = self._context.socket(zmq.PUB)
        self._pub.set_hwm(QUEUE)
        self._pub.setsockopt(zmq.LINGER, 200)
        self._pub.bind(endpoints.control_pub)
        self._pull = self._context.socket(zmq.PULL)
        self._pull.set_hwm(QUEUE)
        self._pull.bind(endpoints.control_pull)

    def publish(self, message: m.Message) -> None:
        """Say it to all who listen; never blocks."""
        self._pub.send(encode(message), zmq.NOBLOCK)

    def receive(self, limit: int = 2000) -> list[m.Message]:
        """All that the actors have told since the last call, oldest first, at most ``limit``."""
        told: list[m.Message] = []
        while len(told) < limit:
            try:
                wire = self._pull.recv(zmq.NOBLOCK)
            except zmq.Again:
                break
            try:
                told.append(decode(wire))
            except (msgspec.DecodeError, KeyError):
                continue  # another program on this socket; our own never sends it
        return told

    def close(self) -> None:
        """Let go of the sockets."""
        self._pub.close()
        self._pull.close()
        self._context.term()


class ActorPort:
    """An actor's end: hear the topics it wants, tell control what happened.

    Parameters
    ----------
    every
        Hear every message of the control streams too, for those who pass them on rather than act on them.
    """

    def __init__(self, endpoints: Endpoints, topics: Iterable[str], *, every: bool = False) -> None:
        self.lost = 0
        self._every = every
        self._context = zmq.Context()
        self._push = self._context.socket(zmq.PUSH)
        self._push.set_hwm(QUEUE)
        self._push.setsockopt(zmq.LINGER, 200)
        self._push.connect(endpoints.control_pull)
        self._poller = zmq.Poller()
        self._subs = [self._subscribe(endpoints.control_pub, name) for name in topics]

    def _subscribe(self, address: str, name: str) -> zmq.Socket[bytes]:
        row = TOPICS[name]
        sub = self._context.socket(zmq.SUB)
        if row.delivery == "latest" and not self._every:
            sub.setsockopt(zmq.CONFLATE, 1)  # a short queue is no substitute: what waits in the kernel is older still
        else:
            sub.set_hwm(QUEUE)
        sub.setsockopt(zmq.SUBSCRIBE, name.encode() + b"\0")
        sub.connect(address)
        self._poller.register(sub, zmq.POLLIN)
        return sub

    def receive(self, timeout_ms: int = 0) -> list[m.Message]:
        """What was said since the last call: every data message, but only the newest of each control stream.

        Parameters
        ----------
        timeout_ms
            How long to wait for the first message.
        """
        ready = dict(self._poller.poll(timeout_ms))
        heard: list[m.Message] = []
        for sub in self._subs:
            if sub not in ready:
                continue  # an empty socket answers with an exception, dear at 30 to 190 calls a second
            while True:
                try:
                    heard.append(decode(sub.recv(zmq.NOBLOCK)))
                except zmq.Again:
                    break
                if sub.getsockopt(zmq.CONFLATE):
                    break
        return heard

    def tell(self, message: m.Message) -> None:
        """Tell control; an overflow is counted in ``lost``."""
        try:
            self._push.send(encode(message), zmq.NOBLOCK)
        except zmq.Again:
            self.lost += 1

    def close(self) -> None:
        """Let go of the sockets."""
        self._push.close()
        for sub in self._subs:
            sub.close()
        self._context.term()


class MirrorSender:
    """The face's end of the picture: height, width and RGB bytes, latest wins, dropped without a reader."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._context = zmq.Context()
        self._pub = self._context.socket(zmq.PUB)
        self._pub.set_hwm(1)
        self._pub.setsockopt(zmq.LINGER, 0)
        self._pub.bind(endpoints.mirror_pub)

    def send(self, height: int, width: int, rgb: bytes) -> None:
        """Show one picture, ``height * width * 3`` bytes, top row first."""
        self._pub.send(height.to_bytes(2, "little") + width.to_bytes(2, "little") + rgb, zmq.NOBLOCK)

    def close(self) -> None:
        """Let go of the socket."""
        self._pub.close()
        self._context.term()


class MirrorReceiver:
    """The console's end of the picture."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._context = zmq.Context()
        self._sub = self._context.socket(zmq.SUB)
        self._sub.setsockopt(zmq.CONFLATE, 1)
        self._sub.setsockopt(zmq.SUBSCRIBE, b"")
        self._sub.connect(endpoints.mirror_pub)

    def latest(self) -> tuple[int, int, bytes] | None:
        """Newest picture as (height, width, rgb bytes), or None when there is no new one."""
        try:
            wire = self._sub.recv(zmq.NOBLOCK)
        except zmq.Again:
            return None
        height, width = (int.from_bytes(wire[at : at + 2], "little") for at in (0, 2))
        return (height, width, wire[4:]) if len(wire) == 4 + height * width * 3 else None

    def close(self) -> None:
        """Let go of the socket."""
        self._sub.close()
        self._context.term()
