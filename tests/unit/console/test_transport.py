from __future__ import annotations

import pytest

from robopatient.clock import FakeClock
from robopatient.console.transport import PATIENCE_S, Transport
from robopatient.voice.playback import Order, Place

LENGTH_S = 60.0


class Device:
    """A sound card with a clock of its own: told of orders, and telling places, by the host's clock."""

    def __init__(self, clock: FakeClock, ppm: float = 0.0, starts_after_s: float = 0.04) -> None:
        self.clock, self.pace, self.starts_after_s = clock, 1.0 + ppm * 1e-6, starts_after_s
        self.orders: list[Order] = []
        self.begun_ns = 0
        self.skipped_s = 0.0
        self.dumb = self.dead = False

    def order(self, order: Order) -> None:
        self.orders.append(order)
        self.begun_ns = self.clock.now_ns() + round(self.starts_after_s * 1e9)
        self.skipped_s = 0.0

    def heard_s(self) -> float:
        """The truth: the moment of the session that leaves the DAC now."""
        order = self.orders[-1]
        since_s = max(0.0, (self.clock.now_ns() - self.begun_ns) * 1e-9 * self.pace - self.skipped_s)
        return order.at_s + since_s * order.speed

    def place(self) -> Place | None:
        if self.dead:
            return Place(-1, 0, 0.0, 0.0, "failed", "died")
        if self.dumb or not self.orders or self.clock.now_ns() < self.begun_ns:
            return None
        return Place(self.orders[-1].serial, self.clock.now_ns(), self.heard_s(), self.orders[-1].speed, "ready")

    def close(self) -> None:
        self.dead = True


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(5_000_000_000)


def run(transport: Transport, clock: FakeClock, seconds: float) -> list[float]:
    shown = []
    for _ in range(round(seconds * 30)):
        clock.advance_s(1 / 30)
        shown.append(transport.position_s())
    return shown


def test_without_sound_the_hosts_clock_counts(clock):
    transport = Transport(LENGTH_S, clock)
    transport.toggle()
    run(transport, clock, 2.0)
    assert transport.position_s() == pytest.approx(2.0)
    transport.set_speed(0.5)
    run(transport, clock, 2.0)
    assert transport.position_s() == pytest.approx(3.0)


@pytest.mark.parametrize("ppm", [0.0, 500.0, -20_000.0])
def test_the_picture_keeps_to_the_sound_cards_clock_and_never_drifts_from_it(clock, ppm):
    device = Device(clock, ppm)
    transport = Transport(LENGTH_S, clock, device)
    transport.toggle()
    for _ in range(30 * 40):
        clock.advance_s(1 / 30)
        assert transport.position_s() == pytest.approx(device.heard_s(), abs=1e-6)


def test_a_device_that_skips_takes_the_picture_with_it(clock):
    device = Device(clock)
    transport = Transport(LENGTH_S, clock, device)
    transport.toggle()
    run(transport, clock, 5.0)
    device.skipped_s += 0.7
    run(transport, clock, 5.0)
    assert transport.position_s() == pytest.approx(device.heard_s(), abs=1e-6)


def test_the_picture_waits_for_the_sound_to_begin(clock):
    device = Device(clock, starts_after_s=0.3)
    transport = Transport(LENGTH_S, clock, device)
    transport.seek(10.0)
    transport.toggle()
    assert set(run(transport, clock, 0.25)) == {10.0}
    run(transport, clock, 1.0)
    assert transport.position_s() == pytest.approx(device.heard_s(), abs=1e-6)


def test_between_two_words_of_the_sound_the_picture_goes_on(clock):
    device = Device(clock)
    transport = Transport(LENGTH_S, clock, device)
    transport.toggle()
    run(transport, clock, 1.0)
    device.dumb = True
    shown = run(transport, clock, 0.5)
    assert shown == sorted(set(shown))
    assert shown[-1] == pytest.approx(device.heard_s(), abs=1e-6)


@pytest.mark.parametrize("trouble", ["dumb", "dead"])
def test_when_the_sound_is_gone_the_replay_goes_on_without_it(clock, trouble):
    device = Device(clock)
    transport = Transport(LENGTH_S, clock, device)
    setattr(device, trouble, True)
    transport.toggle()
    run(transport, clock, PATIENCE_S + 2.0)
    assert transport.position_s() == pytest.approx(PATIENCE_S + 2.0, abs=0.1)
    assert (transport.sound_state[0] == "failed") == (trouble == "dead")


def test_it_ends_at_the_end_and_begins_again_from_there(clock):
    device = Device(clock)
    transport = Transport(3.0, clock, device)
    transport.toggle()
    run(transport, clock, 4.0)
    assert not transport.playing
    assert transport.position_s() == 3.0
    assert device.orders[-1].speed == 0.0
    transport.toggle()
    run(transport, clock, 1.0)
    assert transport.position_s() == pytest.approx(0.96, abs=0.05)


def test_seeking_speed_and_mute_are_one_order_each_and_bounded(clock):
    device = Device(clock)
    transport = Transport(LENGTH_S, clock, device)
    transport.seek(-5.0)
    assert device.orders[-1].at_s == 0.0
    transport.seek(1e9)
    assert device.orders[-1].at_s == LENGTH_S
    transport.seek(20.0)
    for _ in range(9):
        transport.step_speed(1)
    assert transport.speed == 4.0
    for _ in range(9):
        transport.step_speed(-1)
    assert transport.speed == 0.25
    transport.toggle()
    transport.toggle_mute()
    assert (device.orders[-1].muted, device.orders[-1].speed) == (True, 0.25)
    assert transport.position_s() == 20.0


def test_a_pause_holds_the_moment_that_was_heard(clock):
    device = Device(clock)
    transport = Transport(LENGTH_S, clock, device)
    transport.toggle()
    run(transport, clock, 3.0)
    heard_s = device.heard_s()
    transport.toggle()
    run(transport, clock, 3.0)
    assert transport.position_s() == pytest.approx(heard_s, abs=1e-6)
    assert device.orders[-1].at_s == pytest.approx(heard_s, abs=1e-6)
