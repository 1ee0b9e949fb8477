"""What every process does beside its work."""

from __future__ import annotations

import os
import signal

import pytest

from robopatient.actor import HEARTBEAT_NS, Actor, serve
from robopatient.clock import FakeClock
from robopatient.messages import ActorState, Message


class Port:
    """Of the bus: keeps what was told."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.closed = False

    def tell(self, message: Message) -> None:
        self.told.append(message)

    def close(self) -> None:
        self.closed = True


def actor() -> tuple[Actor, Port, FakeClock]:
    port, clock = Port(), FakeClock(5 * HEARTBEAT_NS)
    return Actor(port, "somebody", clock), port, clock  # type: ignore[arg-type]


def test_it_says_how_it_is_at_once_and_then_once_a_second():
    one, port, clock = actor()
    for _ in range(24):
        one._beat()
        clock.advance_s(0.125)
    assert [message.t_ns // HEARTBEAT_NS for message in port.told] == [5, 6, 7]  # type: ignore[attr-defined]
    assert port.told[0] == ActorState(5 * HEARTBEAT_NS, "somebody", "ready", "", os.getpid())


@pytest.mark.parametrize("fails", [False, True])
def test_a_served_actor_leaves_at_sigterm_and_says_goodbye_whatever_happens(fails):
    one, port, _ = actor()

    def run() -> None:
        if fails:
            raise OSError("no such device")
        os.kill(os.getpid(), signal.SIGTERM)
        assert one._leaving

    one.run = run  # type: ignore[attr-defined]
    before = signal.getsignal(signal.SIGTERM)
    try:
        if fails:
            with pytest.raises(OSError, match="no such device"):
                serve(lambda: one)  # type: ignore[arg-type,return-value]
        else:
            serve(lambda: one)  # type: ignore[arg-type,return-value]
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [message.state for message in port.told] == ["stopped"]  # type: ignore[attr-defined]
    assert port.closed
