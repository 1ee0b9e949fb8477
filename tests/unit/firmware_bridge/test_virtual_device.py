"""Host and virtual board talk to each other here without a port, under a clock that the test turns."""

import struct

import numpy as np
import pytest

from firmware_bridge import phantom, wire
from firmware_bridge.conversation import Conversation
from firmware_bridge.decoder import Decoder
from firmware_bridge.faults import parse_fault
from firmware_bridge.frames import RawFrame, Status
from firmware_bridge.virtual_device import UID, VirtualDevice

MS = 1_000_000


class Ramp:
    """Cell k feels k + 1 newtons times the time in seconds."""

    def forces(self, t_s: np.ndarray, period_s: float) -> np.ndarray:
        return t_s[:, None] * np.arange(1.0, 5.0)


class Untouched:
    def forces(self, t_s: np.ndarray, period_s: float) -> np.ndarray:
        return np.zeros((len(t_s), 4))


class Talk:
    """Steps both sides by 1 ms; bytes take 0.4 ms there and 0.5 ms back."""

    def __init__(self, source, rate_hz: float = 1000.0, **options) -> None:
        self.now_ns = 5_000 * MS
        self.device = VirtualDevice(source, now_ns=self.now_ns, **options)
        self.device.run(self.now_ns)
        self.decoder = Decoder()
        self.host = Conversation(rate_hz)
        self.samples: list[RawFrame] = []
        self.heard: list[wire.WireFrame] = []

    def run(self, seconds: float, host_lives: bool = True) -> list[RawFrame]:
        before = len(self.samples)
        for _ in range(round(seconds * 1000)):
            self.now_ns += MS
            if host_lives:
                self.device.receive(self.host.poll(self.now_ns, 1), self.now_ns + 400_000)
            self.hear(b"".join(self.device.run(self.now_ns + 400_000)))
        return self.samples[before:]

    def hear(self, data: bytes) -> None:
        samples, others = self.decoder.decode(self.now_ns + 900_000, data)
        self.samples += samples
        self.heard += others
        for frame in others:
            self.host.hear(frame)
        if samples:
            self.host.hear_samples(self.now_ns + 900_000)

    def tell(self, command: wire.Command, tag: int, payload: bytes = b"") -> wire.WireFrame:
        self.device.receive(wire.encode_command(command, tag, payload), self.now_ns)
        self.hear(b"".join(self.device.run(self.now_ns)))
        return self.heard[-1]

    def inject(self, fault: str) -> None:
        self.device.inject(parse_fault(fault), self.now_ns)


def test_the_host_identifies_starts_and_streams():
    talk = Talk(Untouched())
    samples = talk.run(1.0)
    assert talk.host.state == "streaming"
    assert talk.host.ident is not None
    assert talk.host.ident.uid == UID
    assert 980 <= len(samples) <= 1000
    assert talk.decoder.lost == 0


@pytest.mark.parametrize("rate_hz", [80.0, 250.0, 320.0, 1000.0])
def test_conversions_are_exactly_a_period_apart_and_tell_the_true_time(rate_hz):
    talk = Talk(Ramp(), rate_hz, noise_counts=0.0)
    samples = talk.run(2.0)
    steps_us = np.diff([frame.board_us for frame in samples])
    assert np.abs(steps_us - 1e6 / rate_hz).max() <= 1
    newtons = np.array([frame.counts[0] - 84_000 for frame in samples]) / 42_000
    slope = np.polyfit([frame.t_ns * 1e-9 for frame in samples[len(samples) // 2 :]], newtons[len(newtons) // 2 :], 1)
    assert slope[0] == pytest.approx(1.0, rel=1e-3)


def test_counts_are_offset_plus_42000_per_newton_with_noise_of_30():
    talk = Talk(Untouched())
    counts = np.array([frame.counts for frame in talk.run(2.0)])
    assert counts.mean(axis=0) == pytest.approx(phantom.OFFSET_COUNTS, abs=4)
    assert counts.std(axis=0) == pytest.approx([30] * 4, rel=0.1)


def test_a_load_beyond_24_bits_is_clipped_and_flagged():
    talk = Talk(Ramp())
    talk.device._origin_ns = talk.now_ns - 100_000 * MS
    last = talk.run(0.2)[-1]
    assert last.counts[3] == 0x7FFFFF
    assert last.saturated_mask & 8
    assert last.status & Status.SATURATED


def test_mapped_times_follow_a_board_clock_that_drifts_and_wraps():
    talk = Talk(Untouched(), drift_ppm=300.0, boot_us=2**32 - 3_000_000)
    origin_ns = talk.now_ns
    samples = talk.run(20.0)[6000:]
    assert talk.decoder.epoch == 0
    true_ns = [origin_ns + (frame.board_us - (2**32 - 3_000_000)) * 1000 / 1.0003 for frame in samples]
    errors_ms = (np.array([frame.t_ns for frame in samples]) - true_ns) * 1e-6
    assert talk.decoder.clock.synced
    assert np.sqrt(np.mean(errors_ms**2)) < 0.2
    assert talk.decoder.clock.residual_ms < 0.2
    assert talk.decoder.clock.drift_ppm == pytest.approx(-300.0, abs=10.0)


def test_without_heartbeats_the_board_stops_after_a_second_and_says_so():
    talk = Talk(Untouched())
    talk.run(0.5)
    quiet = talk.run(1.5, host_lives=False)
    assert 850 <= len(quiet) <= 1050
    events = [wire.parse_event(frame.payload)[0] for frame in talk.heard if frame.type == wire.Type.EVENT]
    assert wire.EventCode.WATCHDOG_EXPIRED in events
    assert talk.decoder.status & Status.WATCHDOG
    assert len(talk.run(0.5)) > 400
    assert not talk.decoder.status & Status.WATCHDOG


def test_a_command_repeated_with_its_tag_is_answered_again_but_done_once():
    talk = Talk(Ramp(), noise_counts=0.0)
    talk.run(0.5)
    mask = struct.pack("<H", 0b0001)
    first = talk.tell(wire.Command.TARE, 77, mask)
    zeroed = talk.run(0.1)
    again = talk.tell(wire.Command.TARE, 77, mask)
    later = talk.run(0.1)
    assert first.payload == again.payload
    assert abs(zeroed[0].counts[0]) < 100
    assert later[-1].counts[0] == pytest.approx(0.2 * 42_000, abs=300)
    assert later[-1].counts[1] > 2 * 0.5 * 42_000 - 31_000
    assert later[-1].status & Status.TARED


def test_every_command_has_one_reply_with_its_tag():
    talk = Talk(Untouched())
    for command, payload, reply in [
        (wire.Command.IDENT, b"", wire.Type.IDENT),
        (wire.Command.START, struct.pack("<I", 4000), wire.Type.ACK),
        (wire.Command.SET_RATE, struct.pack("<I", 2000), wire.Type.ACK),
        (wire.Command.STOP, b"", wire.Type.ACK),
        (wire.Command.TARE, b"\x0f\0", wire.Type.ACK),
        (wire.Command.SYNC, bytes(8), wire.Type.SYNC),
        (wire.Command.SELFTEST, b"", wire.Type.SELFTEST),
        (wire.Command.CAL_SET, b"phantom-a 2026-01-31", wire.Type.ACK),
        (wire.Command.CAL_GET, b"", wire.Type.CALIBRATION),
    ]:
        before = len(talk.heard)
        frame = talk.tell(command, 42, payload)
        assert len(talk.heard) == before + 1
        assert frame.type == reply
        assert frame.payload[1 if reply == wire.Type.ACK else 0] == 42
    assert talk.heard[-1].payload[1:] == b"phantom-a 2026-01-31"
    assert talk.heard[-1].status & Status.CAL_VALID


@pytest.mark.parametrize(
    ("command", "payload", "code"),
    [
        (wire.Command.START, struct.pack("<I", 1), wire.AckCode.BAD_ARGUMENT),
        (wire.Command.START, b"", wire.AckCode.BAD_ARGUMENT),
        (wire.Command.SET_RATE, struct.pack("<I", 10**9), wire.AckCode.BAD_ARGUMENT),
        (wire.Command.TARE, b"", wire.AckCode.BAD_ARGUMENT),
        (wire.Command.CAL_SET, bytes(49), wire.AckCode.BAD_ARGUMENT),
        (0x99, b"", wire.AckCode.UNKNOWN_COMMAND),
    ],
)
def test_a_wrong_command_is_answered_and_changes_nothing(command, payload, code):
    talk = Talk(Untouched())
    talk.run(0.2)
    reply = wire.parse_ack(talk.tell(command, 9, payload).payload)
    assert reply[:3] == (command, 9, code)
    assert len(talk.run(0.2)) == pytest.approx(200, abs=2)


def test_a_bad_command_frame_is_not_answered_but_raises_a_flag():
    talk = Talk(Untouched())
    talk.run(0.2)
    talk.device.receive(b"\0\x03garbage\0", talk.now_ns)
    assert talk.run(0.01)[-1].status & Status.RX_ERR


def test_a_board_that_refuses_the_rate_is_named_in_the_detail():
    talk = Talk(Untouched(), rate_hz=2000.0)
    talk.run(0.5)
    assert talk.host.state == "starting"
    assert "refuses to start at 2000 Hz (BAD_ARGUMENT)" in talk.host.detail


def test_after_a_reboot_the_host_identifies_and_starts_again_in_a_new_epoch():
    talk = Talk(Untouched())
    talk.run(0.5)
    talk.inject("reboot")
    samples = talk.run(0.5)
    assert talk.decoder.epoch == 1
    assert samples[-1].epoch == 1
    assert talk.host.state == "streaming"
    assert talk.host.ident is not None
    assert talk.host.ident.reset_cause == wire.ResetCause.WATCHDOG


def test_a_reboot_command_is_acknowledged_before_the_reset():
    talk = Talk(Untouched())
    talk.run(0.2)
    talk.tell(wire.Command.REBOOT, 3)
    assert [frame.type for frame in talk.heard[-2:]] == [wire.Type.ACK, wire.Type.EVENT]
    assert talk.run(0.3)[-1].epoch == 1


def test_silence_is_noticed_within_300_ms_and_healed_when_the_board_speaks_again():
    talk = Talk(Untouched())
    talk.run(0.5)
    talk.inject("silent+1")
    talk.run(0.3)
    assert talk.host.state == "silent"
    assert "check the cable" in talk.host.detail
    talk.run(1.0)
    assert talk.host.state == "streaming"
    assert talk.host.detail == ""
    assert talk.decoder.epoch == 0


@pytest.mark.parametrize("kind", ["garbage", "truncated", "flipped", "duplicate", "dropped"])
def test_a_bad_line_costs_frames_but_the_good_ones_carry_their_true_counts(kind):
    talk = Talk(Ramp(), noise_counts=0.0)
    talk.run(0.2)
    talk.inject(f"{kind}+1")
    samples = talk.run(1.5)
    counted = talk.decoder
    assert {"duplicate": counted.duplicate, "dropped": counted.lost}.get(kind, counted.counters.bad) > 20
    assert counted.epoch == 0
    assert talk.host.state == "streaming"
    newtons = np.array([frame.counts[0] - 84_000 for frame in samples]) / 42_000
    expected = newtons[-1] - (samples[-1].board_us - np.array([frame.board_us for frame in samples])) * 1e-6
    assert np.abs(newtons - expected).max() < 1e-3


def test_a_dead_cell_clears_its_ready_bit_and_the_others_go_on():
    talk = Talk(Ramp(), noise_counts=0.0)
    talk.run(0.2)
    talk.inject("dead:2+0.1")
    during = talk.run(0.05)[-1]
    assert during.ready_mask == 0b1101
    assert during.status & Status.NOT_READY
    assert during.counts[1] == 0
    assert during.counts[0] > 84_000
    after = talk.run(0.2)[-1]
    assert after.ready_mask == 0b1111
    assert not after.status & Status.NOT_READY


def test_a_dead_cell_stays_0_under_a_tare_and_takes_its_turn_when_it_is_back():
    talk = Talk(Untouched(), noise_counts=0.0)
    talk.run(0.2)
    talk.tell(wire.Command.TARE, 51, struct.pack("<H", 0b0001))
    talk.run(0.01)
    talk.inject("dead:1+0.1")
    talk.inject("dead:2+0.2")
    talk.tell(wire.Command.TARE, 52, struct.pack("<H", 0b1110))
    both = talk.run(0.05)[-1]
    assert (both.ready_mask, both.counts) == (0b1100, (0, 0, 0, 0))
    assert both.status & Status.TARED
    first_back = talk.run(0.1)[-1]
    assert (first_back.ready_mask, first_back.counts) == (0b1101, (0, 0, 0, 0)), "its tare of before holds"
    all_back = talk.run(0.2)[-1]
    assert (all_back.ready_mask, all_back.counts) == (0b1111, (0, 0, 0, 0)), "the tare it owed is taken now"


def test_a_stuck_and_a_saturated_cell_look_like_it():
    talk = Talk(Ramp())
    talk.run(0.2)
    talk.inject("stuck:1")
    talk.inject("saturated:3")
    samples = talk.run(0.1)[1:]
    assert len({frame.counts[0] for frame in samples}) == 1
    assert samples[-1].saturated_mask == 0b0100
    test = wire.SelfTest.parse(talk.tell(wire.Command.SELFTEST, 8).payload)[1]
    assert (test.failures, test.saturated_mask, test.stuck_mask) == (6, 4, 1)


def test_a_board_held_up_for_long_loses_conversions_and_admits_it():
    talk = Talk(Untouched())
    talk.run(0.5)
    talk.now_ns += 700 * MS
    samples = talk.run(0.1)
    assert talk.decoder.lost == pytest.approx(300, abs=3)
    assert samples[0].status & Status.TX_DROP
    assert talk.decoder.epoch == 0


def test_equal_seeds_send_equal_bytes():
    def bytes_of(seed: int) -> list[RawFrame]:
        return Talk(Untouched(), seed=seed).run(0.3)

    assert bytes_of(1) == bytes_of(1)
    assert bytes_of(1) != bytes_of(2)
