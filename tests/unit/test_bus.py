from __future__ import annotations

import time

import pytest

from robopatient import messages as m
from robopatient.bus import ActorPort, HubPort, MirrorReceiver, MirrorSender, make_endpoints

pytestmark = pytest.mark.timeout(30)


def voice(seq: int) -> m.VoiceCommand:
    ask = m.VoiceAsk(level_db=-3.0, f0_semitones=9.0, roughness=0.2, breathiness=0.1)
    return m.VoiceCommand(t_ns=seq, cause_seq=seq, received_ns=seq, nrs=5.0, phase="hold", ask=ask)


@pytest.fixture
def endpoints(tmp_path):
    return make_endpoints(tmp_path)


@pytest.fixture
def hub(endpoints):
    port = HubPort(endpoints)
    yield port
    port.close()


def until(ask, tries: int = 500):
    """First true answer; sockets of another thread need a moment."""
    for _ in range(tries):
        answer = ask()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError("no answer")


def test_a_control_stream_gives_only_its_newest_command(hub, endpoints):
    actor = ActorPort(endpoints, ["voice"])
    until(lambda: hub.publish(voice(0)) or actor.receive(timeout_ms=10))
    for seq in range(1, 4):
        hub.publish(voice(seq))
    heard = until(lambda: [x for x in actor.receive(10) if x.cause_seq == 3])
    assert heard == [voice(3)]
    actor.close()


def test_a_slow_actor_gets_the_newest_command_and_no_backlog(hub, endpoints):
    actor = ActorPort(endpoints, ["voice"])
    until(lambda: hub.publish(voice(0)) or actor.receive(timeout_ms=10))
    for seq in range(1, 2001):
        hub.publish(voice(seq))
    time.sleep(0.5)  # the transport's own threads deliver what they can
    assert [x.cause_seq for x in actor.receive(10)] == [2000]
    assert actor.receive() == []
    actor.close()


def test_what_was_heard_reaches_control_in_order_and_whole(hub, endpoints):
    actor = ActorPort(endpoints, [])
    told = [m.Heard(i, i, 7, 5, 210.5, -20.25, 0.125, "moan", 0) for i in range(500)]
    for message in told:
        actor.tell(message)
    got: list[m.Message] = []
    until(lambda: got.extend(hub.receive()) or len(got) == 500)
    assert got == told
    assert actor.lost == 0
    actor.close()


def test_an_actor_hears_only_its_topics(hub, endpoints):
    actor = ActorPort(endpoints, ["stop"])
    stop = m.SessionStop(1, "done")
    got: list[m.Message] = []
    until(lambda: hub.publish(voice(1)) or hub.publish(stop) or got.extend(actor.receive(10)) or got)
    assert set(got) == {stop}
    actor.close()


def test_garbage_on_the_socket_is_ignored(hub, endpoints):
    import zmq

    context = zmq.Context()
    push = context.socket(zmq.PUSH)
    push.connect(endpoints.control_pull)
    for wire in (b"heard\0\xc1\xc1", b"nonsense\0", b"alone", b"\xff\xff\0x", b""):
        push.send(wire)
    actor = ActorPort(endpoints, [])
    actor.tell(m.SessionStop(2, "done"))
    assert until(hub.receive) == [m.SessionStop(2, "done")]
    actor.close()
    push.close()
    context.term()


def test_the_mirror_shows_the_newest_picture(endpoints):
    sender, receiver = MirrorSender(endpoints), MirrorReceiver(endpoints)
    picture = until(lambda: sender.send(2, 3, bytes(range(18))) or receiver.latest())
    assert picture == (2, 3, bytes(range(18)))
    sender.close()
    receiver.close()
