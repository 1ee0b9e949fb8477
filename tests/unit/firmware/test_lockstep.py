"""The firmware itself, compiled for the AVR and run cycle by cycle in simulated time."""

from __future__ import annotations

import hashlib
import random
import struct

import numpy as np
import pytest
from support import lockstep
from support.lockstep import events, samples

from firmware_bridge import wire
from firmware_bridge.frames import Status

FULL = 0x7FFFFF
PERIOD = struct.Struct("<I")


def t_us(frames):
    return np.array([frame.t_us for frame in samples(frames)])


def test_a_board_says_who_it_is(board):
    first = board()
    assert first.received[:1] == b"\0"
    boot = wire.Parser().feed(first.received)[0]
    assert (boot.type, boot.seq) == (wire.Type.EVENT, 0)
    assert wire.parse_event(boot.payload) == (wire.EventCode.BOOT, wire.ResetCause.POWER_ON)
    ident = first.ident()
    assert (ident.protocol, ident.device_class, ident.n_channels) == (1, wire.DeviceClass.ABDOMEN, 4)
    assert (ident.adc_type, ident.rate_hz, ident.uid) == (wire.AdcType.HX711, 80, lockstep.SIM_UID)
    assert ident.board == "4xhx711 atmega328p"


@pytest.mark.parametrize(("sensor", "sps"), [("hx711", 80), ("hx717", 320)])
def test_samples_come_at_the_converters_rate_with_the_time_of_conversion(board, sensor, sps):
    streaming = board(SENSOR=sensor, sps=sps)
    assert streaming.start(0) == 1_000_000 // sps
    frames = streaming.run(2.0)
    assert len(samples(frames)) == pytest.approx(2 * sps, abs=1)
    # The time is latched by the pin's interrupt: only the latency of another interrupt can delay it.
    assert np.abs(np.diff(t_us(frames)) - 1e6 / sps).max() <= 20
    assert {frame.status for frame in samples(frames)} == {0}
    assert {frame.ready_mask for frame in samples(frames)} == {0b1111}
    assert streaming.parser.counters.bad == 0


def test_the_adc_samples_at_1_khz_without_loss_or_jitter(board):
    streaming = board(SENSOR="amplifier")
    for channel, millivolts in enumerate((0, 1250, 2500, 4000)):
        streaming.set_millivolts(channel, millivolts)
    assert streaming.start(1000) == 1000
    frames = samples(streaming.run(2.0))
    assert len(frames) == pytest.approx(2000, abs=2)
    assert np.abs(np.diff(t_us(frames)) - 1000).max() <= 20
    assert np.diff([frame.seq for frame in frames]).tolist() == [1] * (len(frames) - 1)
    # Four 10-bit conversions are summed: 4 * 1023 counts are 5 V.
    assert frames[-1].counts == pytest.approx([mv * 4 * 1023 / 5000 for mv in (0, 1250, 2500, 4000)], abs=4)
    assert frames[-1].saturated_mask == 0b0001, "an amplifier at 0 V is at an end of its range"


def test_an_untouched_fsr_is_not_saturated(board):
    streaming = board(SENSOR="fsr", CELLS=6)
    for channel, millivolts in enumerate((0, 5000, 100, 0, 0, 0)):
        streaming.set_millivolts(channel, millivolts)
    streaming.start(1000)
    frame = samples(streaming.run(0.05))[-1]
    assert frame.saturated_mask == 0b000010
    assert frame.counts[0] == 0


@pytest.mark.parametrize("count", [0, 1, -1, 123456, -123456, FULL - 1, 1 - FULL])
def test_24_bit_values_arrive_exactly(board, count):
    streaming = board()
    streaming.set_counts(count, -count, count ^ 0x155555, 0)
    streaming.start()
    frame = samples(streaming.run(0.1))[-1]
    assert frame.counts == (count, -count, count ^ 0x155555, 0)
    assert frame.saturated_mask == 0


def test_ends_of_the_range_are_saturated_and_90_percent_is_overload(board):
    streaming = board()
    streaming.set_counts(FULL, -FULL - 1, 100, 0)
    streaming.start()
    frame = samples(streaming.run(0.1))[-1]
    assert frame.saturated_mask == 0b0011
    assert frame.status == Status.SATURATED | Status.OVERLOAD
    streaming.set_counts(0, 0, round(0.91 * FULL), 0)
    frame = samples(streaming.run(0.1))[-1]
    assert frame.status == Status.OVERLOAD, "it stays until START"
    streaming.set_counts(0, 0, 0, 0)
    streaming.run(0.05)
    streaming.start()
    assert samples(streaming.run(0.1))[-1].status == 0


@pytest.mark.parametrize("mcu", ["atmega328p", "atmega2560"])
def test_nine_cells_are_read_on_both_microcontrollers(board, mcu):
    streaming = board(MCU=mcu, CELLS=9, SENSOR="hx717", sps=320)
    counts = tuple(1000 * (cell + 1) * (-1) ** cell for cell in range(9))
    streaming.set_counts(*counts)
    streaming.start()
    frames = samples(streaming.run(0.5))
    assert len(frames) == pytest.approx(160, abs=1)
    assert {frame.counts for frame in frames} == {counts}
    assert {frame.ready_mask for frame in frames} == {0b1_1111_1111}
    assert np.abs(np.diff(t_us(frames)) - 3125).max() <= 20


def test_one_dead_cell_never_holds_the_others_up(board):
    streaming = board()
    streaming.set_counts(10, 20, 30, 40)
    streaming.start()
    streaming.run(0.5)
    streaming.set_dead(1)
    frames = samples(streaming.run(1.0))
    # One wait of half a period for the cell that went, then full speed.
    assert len(frames) == pytest.approx(80, abs=1)
    assert np.diff(t_us(frames)).max() <= 1.5 * 12_500
    dead = frames[5:]
    assert {frame.counts for frame in dead} == {(10, 0, 30, 40)}
    assert {frame.ready_mask for frame in dead} == {0b1101}
    assert {frame.status for frame in dead} == {Status.NOT_READY}
    streaming.set_dead()
    back = samples(streaming.run(0.5))[-1]
    assert (back.counts, back.ready_mask, back.status) == ((10, 20, 30, 40), 0b1111, 0)


def test_when_all_cells_are_dead_frames_still_come_every_one_and_a_half_periods(board):
    streaming = board()
    streaming.start()
    streaming.set_dead(0, 1, 2, 3)
    streaming.run(0.1)
    frames = samples(streaming.run(1.0))
    assert len(frames) == pytest.approx(1 / (1.5 / 80), abs=2)
    assert {frame.ready_mask for frame in frames} == {0}


def test_a_line_at_ground_is_a_dead_cell_and_not_a_zero(board):
    streaming = board()
    streaming.set_counts(10, 20, 30, 40)
    streaming.set_shorted(2)
    streaming.start()
    frames = samples(streaming.run(0.5))[2:]
    assert {frame.ready_mask for frame in frames} == {0b1011}
    assert {frame.counts for frame in frames} == {(10, 20, 0, 40)}


def test_converters_on_their_own_oscillators_never_give_a_wrong_count(board):
    streaming = board(SENSOR="hx717", sps=320)
    counts = (1234567, -7654321, 5555, -1)
    streaming.set_counts(*counts)
    for cell, sps in enumerate((320.0, 323.1, 317.7, 320.9)):  # 1 % apart
        streaming.set_rate(cell, sps, phase_s=cell * 0.0007)
    streaming.start()
    streaming.run(0.1)
    frames = samples(streaming.run(10.0))
    assert len(frames) == pytest.approx(10 * 317.7, rel=0.01), "the slowest sets the pace"
    for frame in frames:
        for cell, count in enumerate(frame.counts):
            assert count == (counts[cell] if frame.ready_mask >> cell & 1 else 0)
    assert {frame.ready_mask for frame in frames} == {0b1111}
    assert np.diff(t_us(frames)).max() < 1e6 / 317.7 + 500, "the pulses are held back for no longer than they last"
    assert streaming.parser.counters.bad == 0


def test_the_clock_line_is_never_high_long_enough_to_switch_a_converter_off(board):
    streaming = board(CELLS=9, SENSOR="hx717", sps=320)
    streaming.start()
    for _ in range(50):
        streaming.send(wire.Command.SYNC, struct.pack("<Q", 1))
        streaming.run(0.01)
    assert streaming.clock_high_us < 10, "50 us by the datasheet"


def test_slower_rates_are_means_of_whole_conversions(board):
    streaming = board(SENSOR="hx717", sps=320)
    assert streaming.start(12_500) == 12_500
    streaming.set_counts(100, -100, 7, 0)
    frames = samples(streaming.run(1.0))
    assert len(frames) == pytest.approx(80, abs=1)
    assert frames[-1].counts == (100, -100, 7, 0)
    assert streaming.start(10_000) == 9375, "the nearest that is a whole number of conversions"
    assert streaming.start(1000) == 3125, "faster than the converters: as fast as they are"
    for period_us in (1, 499, 313_000, 0xFFFFFFFF):
        assert streaming.ack(wire.Command.SET_RATE, PERIOD.pack(period_us)) == (wire.AckCode.BAD_ARGUMENT, 3125)


def test_streaming_stops_one_second_after_the_host_goes_silent(board):
    streaming = board()
    streaming.start()
    streaming.run(0.5)
    before_us = streaming.run(0.1)[-1].t_us
    frames = streaming.run(2.0, heartbeat=False)
    assert events(frames) == [(wire.EventCode.WATCHDOG_EXPIRED, 1000)]
    assert 0.8e6 < t_us(frames)[-1] - before_us < 1.02e6
    assert frames[-1].status & Status.WATCHDOG
    frames = streaming.run(0.5)
    assert samples(frames) == [], "a heartbeat does not start the stream"
    assert streaming.ask(wire.Command.IDENT).status & Status.WATCHDOG == 0
    streaming.start()
    assert len(samples(streaming.run(0.5))) == pytest.approx(40, abs=1)


def test_sync_tells_when_the_command_arrived_even_while_samples_are_being_sent(board):
    streaming = board(SENSOR="amplifier")
    streaming.start(1000)
    offsets = []
    for step in range(200):
        streaming.run(0.0137 + step * 1e-5, heartbeat=False)
        asked_s = streaming.t_s
        tag = streaming.send(wire.Command.SYNC, struct.pack("<Q", 2**63 + step))
        streaming.send(wire.Command.HEARTBEAT, tag=0)
        replies = [frame for frame in streaming.run(0.004, heartbeat=False) if frame.type == wire.Type.SYNC]
        assert len(replies) == 1
        replied, host_ns, device_us = wire.parse_sync(replies[0].payload)
        assert (replied, host_ns) == (tag, 2**63 + step)
        offsets.append(device_us - asked_s * 1e6)
        assert replies[0].t_us > device_us
    # 17 bytes take 340 us; what is left is the interrupt's latency, not the main loop's.
    assert np.ptp(offsets) < 40


def test_a_tare_becomes_zero_once_and_only_where_asked(board):
    streaming = board()
    streaming.set_counts(100, 200, -300, 400)
    streaming.start()
    streaming.run(0.1)
    tag = streaming.send(wire.Command.TARE, struct.pack("<H", 0b0101), tag=77)
    streaming.run(0.1)
    streaming.set_counts(110, 210, -290, 410)
    streaming.send(wire.Command.TARE, struct.pack("<H", 0b0101), tag=tag)  # a retry: not a second tare
    acks = [wire.parse_ack(f.payload) for f in streaming.run(0.1) if f.type == wire.Type.ACK]
    assert acks == [(wire.Command.TARE, 77, wire.AckCode.OK, 0b0101)]
    frame = samples(streaming.run(0.1))[-1]
    assert frame.counts == (10, 210, 10, 410)
    assert frame.status == Status.TARED
    streaming.reset(lockstep.EXTERNAL)
    streaming.run(0.1)
    streaming.start()
    assert samples(streaming.run(0.1))[-1].counts == (110, 210, -290, 410)


@pytest.mark.parametrize(
    ("flags", "cause", "status"),
    [
        (lockstep.POWER_ON, wire.ResetCause.POWER_ON, 0),
        (lockstep.EXTERNAL, wire.ResetCause.EXTERNAL, 0),
        (lockstep.BROWNOUT, wire.ResetCause.BROWNOUT, Status.BROWNOUT_RESET),
    ],
)
def test_a_reset_says_its_cause_and_begins_again(board, flags, cause, status):
    streaming = board()
    streaming.start()
    streaming.run(0.5)
    streaming.reset(flags)
    frames = streaming.run(0.1)
    assert (frames[0].seq, events(frames)) == (0, [(wire.EventCode.BOOT, cause)])
    assert frames[0].t_us < 5000
    assert samples(frames) == []
    assert frames[0].status == status
    assert streaming.ident().reset_cause == cause
    streaming.start()
    assert samples(streaming.run(0.1))[-1].status == 0, "START clears it"


def test_reboot_is_answered_and_then_done(board):
    rebooting = board()
    code, _ = rebooting.ack(wire.Command.REBOOT)
    assert code == wire.AckCode.OK
    # 15 ms on the chip; libsimavr keeps the running watchdog's 250 ms.
    assert events(rebooting.run(0.3)) == [(wire.EventCode.BOOT, wire.ResetCause.COMMAND)]


def test_a_program_that_hangs_is_reset_by_the_hardware(board):
    hanging = board()
    hanging.start()
    hanging.run(0.2)
    hanging.hang()
    frames = hanging.run(0.6, heartbeat=False)
    assert events(frames)[-1] == (wire.EventCode.BOOT, wire.ResetCause.WATCHDOG)


def test_the_clock_uses_all_32_bits(board):
    streaming = board()
    streaming.start()
    streaming.run(0.1)
    # Overflows of a 16-bit timer at 2 MHz: 2^32 us are 2^17 of them.
    streaming.poke("overflows", struct.pack("<I", 2**17 - 6))
    streaming.start()
    times = t_us(streaming.run(0.4)).astype(np.int64)
    assert times[0] > 2**32 - 200_000
    assert times[-1] < 400_000
    assert (np.diff(times) % 2**32 == 12_500).all()
    assert streaming.parser.counters.bad == 0


def test_a_note_outlives_a_reset_and_a_damaged_one_is_told(board):
    noted = board()
    note = bytes(range(48))
    assert noted.ack(wire.Command.CAL_SET, note, within_s=0.3) == (wire.AckCode.OK, wire.blob_hash(note))
    noted.reset(lockstep.POWER_ON)
    noted.run(0.9)
    reply = noted.ask(wire.Command.CAL_GET)
    assert (reply.type, reply.payload[1:]) == (wire.Type.CALIBRATION, note)
    assert reply.status & Status.CAL_VALID
    assert noted.ident().calibration_hash == wire.blob_hash(note)

    noted.write_eeprom(20, b"\x55")
    reply = noted.ask(wire.Command.SELFTEST)
    assert wire.SelfTest.parse(reply.payload)[1].failures & 1 << 4
    assert reply.status & Status.CAL_VALID == 0
    noted.reset(lockstep.POWER_ON)
    noted.run(0.1)
    reply = noted.ask(wire.Command.CAL_GET)
    assert (reply.payload[1:], reply.status & Status.CAL_VALID) == (b"", 0)
    assert noted.ident().calibration_hash == 0
    assert noted.ident().uid == lockstep.SIM_UID

    assert noted.ack(wire.Command.CAL_SET, b"", within_s=0.3) == (wire.AckCode.OK, 0)
    assert noted.ask(wire.Command.CAL_GET).payload[1:] == b""


def test_a_note_being_written_makes_others_wait_and_is_answered_once(board):
    noted = board()
    tag = noted.send(wire.Command.CAL_SET, b"x" * 48)
    noted.run(0.01)
    assert noted.ack(wire.Command.CAL_SET, b"y")[0] == wire.AckCode.BUSY
    noted.send(wire.Command.CAL_SET, b"x" * 48, tag=tag)  # the host's retry
    replies = [frame for frame in noted.run(0.5) if frame.type == wire.Type.ACK]
    assert [wire.parse_ack(frame.payload)[1:] for frame in replies] == [(tag, 0, wire.blob_hash(b"x" * 48))]
    assert noted.ack(wire.Command.CAL_SET, b"z" * 49)[0] == wire.AckCode.BAD_ARGUMENT
    assert noted.ask(wire.Command.CAL_GET).payload[1:] == b"x" * 48


def test_a_uid_once_stored_outlives_another_firmware(board):
    uid = board(UID="0x53494D00DEADBEEF")
    assert uid.ident().uid == 0x53494D00DEADBEEF
    stored = uid.eeprom(64, 10)
    other = board()
    other.write_eeprom(64, stored)
    other.reset(lockstep.EXTERNAL)
    other.run(0.1)
    assert other.ident().uid == 0x53494D00DEADBEEF


def test_the_self_test_finds_what_is_wrong(board):
    tested = board()
    tested.set_counts(5, 6, 7, FULL)
    assert tested.ack(wire.Command.SELFTEST)[0] == wire.AckCode.BUSY, "the first 64 conversions take 0.8 s"
    tested.set_dead(1)
    tested.run(2.0)
    reply = tested.ask(wire.Command.SELFTEST)
    _, test = wire.SelfTest.parse(reply.payload)
    assert (test.ready_mask, test.saturated_mask, test.stuck_mask) == (0b1101, 0b1000, 0b1101)
    assert test.failures == 0b0111
    assert test.rate_millihertz == pytest.approx(80_000, rel=0.001)
    assert reply.status & Status.SELFTEST_FAIL

    tested.set_dead()
    rng = random.Random(1)
    for _ in range(200):
        tested.set_counts(*(rng.randrange(-1000, 1000) for _ in range(4)))
        tested.run(0.0125)
    reply = tested.ask(wire.Command.SELFTEST)
    assert wire.SelfTest.parse(reply.payload)[1].failures == 0
    assert reply.status & Status.SELFTEST_FAIL == 0

    for cell in range(4):
        tested.set_rate(cell, 86.0)
    tested.run(2.0)
    _, test = wire.SelfTest.parse(tested.ask(wire.Command.SELFTEST).payload)
    assert test.failures & 1 << 3
    assert test.rate_millihertz == pytest.approx(86_000, rel=0.001)


def test_an_overloaded_line_drops_whole_samples_says_so_and_still_answers(board):
    slow = board(SENSOR="amplifier", BAUD=115200)
    slow.start(1000)  # 35 kB/s into 11.5
    frames = slow.run(2.0)
    received = samples(frames)
    assert slow.parser.counters.bad == 0
    assert 250 < len(received) / 2 < 330
    seq = np.array([frame.seq for frame in received])
    lost = int((np.diff(seq) % 65536 - 1).sum())
    assert lost == pytest.approx(2000 - len(received), abs=30)
    # The bit is carried by the first sample after each gap and by no other.
    after_gap = np.diff(seq) % 65536 > 1
    dropped = np.array([bool(frame.status & Status.TX_DROP) for frame in received[1:]])
    assert (dropped[after_gap]).mean() > 0.95
    for _ in range(10):
        assert slow.ack(wire.Command.SET_RATE, PERIOD.pack(0), within_s=0.05)[0] == wire.AckCode.OK
    slow.start(4000)
    slow.run(0.2)
    calm = samples(slow.run(0.5))
    assert np.diff([frame.seq for frame in calm]).tolist() == [1] * (len(calm) - 1)
    assert calm[-1].status & Status.TX_DROP == 0


def test_after_each_burst_of_garbage_the_next_command_is_answered(board):
    deafened = board()
    rng = random.Random(1)
    for _ in range(300):
        deafened.raw(rng.randbytes(rng.randrange(1, 120)) + b"\0")
        deafened.run(0.005, heartbeat=False)
        assert deafened.ident().uid == lockstep.SIM_UID
    assert deafened.ask(wire.Command.IDENT).status & Status.RX_ERR
    deafened.start()
    assert samples(deafened.run(0.1))[-1].status == 0


def test_no_command_with_a_single_wrong_bit_is_accepted(board):
    damaged = board()
    rng = random.Random(2)
    period_us = damaged.ack(wire.Command.SET_RATE, PERIOD.pack(0))[1]
    for _ in range(1000):
        command = bytearray(wire.encode_command(wire.Command.SET_RATE, rng.randrange(256), PERIOD.pack(25_000)))
        command[rng.randrange(1, len(command) - 1)] ^= 1 << rng.randrange(8)
        damaged.raw(bytes(command))
        assert damaged.run(0.004, heartbeat=False) == []
    assert damaged.ack(wire.Command.SET_RATE, PERIOD.pack(0)) == (wire.AckCode.OK, period_us)


def test_identity_is_answered_in_any_version_and_other_commands_in_none_but_this(board):
    newer = board()
    for version in (0, 2, 255):
        for command, answered in ((wire.Command.IDENT, True), (wire.Command.STOP, False)):
            body = bytes([version, command, 9])
            newer.raw(b"\0" + wire._seal(body) + b"\0")
            frames = newer.run(0.01, heartbeat=False)
            assert [frame.type for frame in frames] == ([wire.Type.IDENT] if answered else [])


def test_a_trigger_input_is_marked_at_the_moment_of_its_first_contact(board):
    marked = board()
    for bounce_s in (0.0, 0.0011, 0.0023, 0.004):
        at_s = marked.t_s
        marked.set_button(1, pressed=True)
        marked.run(0.0011, heartbeat=False)
        marked.set_button(1, pressed=False)
        marked.run(bounce_s, heartbeat=False)
        marked.set_button(1, pressed=True)
        frames = [frame for frame in marked.run(0.05, heartbeat=False) if frame.type == wire.Type.EVENT]
        assert events(frames) == [(wire.EventCode.MARK, 0x101)]
        assert frames[0].t_us == pytest.approx(at_s * 1e6, abs=1100)
        marked.set_button(1, pressed=False)
        assert events(marked.run(0.05, heartbeat=False)) == [(wire.EventCode.MARK, 0x001)]


def test_two_runs_are_equal_to_the_bit(board):
    def digest():
        repeated = board(SENSOR="hx717", sps=320)
        repeated.start()
        rng = random.Random(3)
        for _ in range(200):
            repeated.set_counts(*(rng.randrange(-FULL, FULL) for _ in range(4)))
            repeated.raw(rng.randbytes(10) + b"\0")
            repeated.run(0.01)
        return hashlib.sha256(repeated.received).hexdigest()

    assert digest() == digest()


@pytest.mark.parametrize("mcu", ["atmega328p", "atmega2560"])
def test_a_rater_sends_dial_buttons_and_commits(board, mcu):
    rater = board(DEVICE="rater", MCU=mcu)
    ident = rater.ident()
    assert (ident.device_class, ident.n_channels, ident.board) == (wire.DeviceClass.RATER, 3, f"rater {mcu}")
    rater.set_millivolts(0, 2500)
    assert rater.start(20_000) == 20_000
    frames = samples(rater.run(1.0))
    assert len(frames) == pytest.approx(50, abs=1)
    assert np.abs(np.diff(t_us(frames)) - 20_000).max() <= 20
    assert frames[-1].counts == (50, 0, 0)
    rater.set_button(0, pressed=True)
    rater.set_button(1, pressed=True)
    frames = rater.run(0.1)
    assert sorted(events(frames)) == [(wire.EventCode.MARK, 0x101), (wire.EventCode.COMMIT, 1 << 8 | 50)]
    assert samples(frames)[-1].counts == (50, 0b11, 1 << 8 | 50)
    rater.set_millivolts(0, 5000)
    assert samples(rater.run(0.1))[-1].counts == (100, 0b11, 1 << 8 | 50)
