import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import wire
from firmware_bridge.decoder import Decoder

MS = 1_000_000


def sample(seq: int, t_us: int, value: int = 0) -> bytes:
    return wire.encode_sample(seq, t_us, (value, 2, 3, 4), 0, 15, 0)


def boot(cause: wire.ResetCause = wire.ResetCause.POWER_ON, t_us: int = 0) -> bytes:
    payload = wire.encode_event(wire.EventCode.BOOT, cause)
    return wire.encode_frame(wire.WireFrame(wire.Type.EVENT, 0, t_us, 4, 0, 15, 0, (), payload))


def feed(decoder: Decoder, frames: list[tuple[int, bytes]]) -> list:
    return [sample for received_ns, data in frames for sample in decoder.decode(received_ns, data)[0]]


def run(first_seq: int, first_us: int, n: int, at_ns: int = 1_000 * MS) -> list[tuple[int, bytes]]:
    return [
        (at_ns + k * MS + 300_000, sample(first_seq + k & 0xFFFF, first_us + 1000 * k & 0xFFFFFFFF)) for k in range(n)
    ]


def test_the_sequence_number_goes_on_past_its_16_bits():
    decoder = Decoder()
    seqs = [frame.seq for frame in feed(decoder, run(0xFFF0, 0, 40))]
    assert seqs == list(range(0xFFF0, 0xFFF0 + 40))
    assert decoder.lost == 0
    assert decoder.epoch == 0


def test_the_board_time_goes_on_past_its_32_bits():
    decoder = Decoder()
    start = 2**32 - 10_000
    frames = feed(decoder, run(5, start, 40))
    assert [frame.board_us for frame in frames] == [start + 1000 * k for k in range(40)]
    assert decoder.epoch == 0


def test_an_hour_without_samples_still_counts_the_right_number_of_wraps():
    decoder = Decoder()
    hours_us = 2 * 2**32 + 7_000_000
    feed(decoder, run(0, 0, 3))
    (late,) = feed(decoder, [(1_000 * MS + hours_us * 1000, sample(9, hours_us & 0xFFFFFFFF))])
    assert late.board_us == hours_us
    assert decoder.epoch == 0


def test_gaps_are_counted_as_lost_frames():
    decoder = Decoder()
    stream = run(0, 0, 100)
    kept = [pair for k, pair in enumerate(stream) if k not in (10, 11, 12, 50)]
    frames = feed(decoder, kept)
    assert decoder.lost == 4
    assert len(frames) == 96


def test_duplicates_are_dropped_and_counted():
    decoder = Decoder()
    stream = run(0, 0, 50)
    frames = feed(decoder, [pair for pair in stream for _ in range(2)])
    assert [frame.seq for frame in frames] == list(range(50))
    assert decoder.duplicate == 50
    assert decoder.lost == 0


def test_a_frame_out_of_order_is_dropped_and_time_never_goes_back():
    decoder = Decoder()
    stream = run(0, 0, 20)
    held = stream.pop(5)
    stream.insert(8, (stream[8][0], held[1]))
    frames = feed(decoder, stream)
    assert decoder.stray == 1
    assert [frame.seq for frame in frames] == [seq for seq in range(20) if seq != 5]


def test_a_boot_event_begins_a_new_epoch_even_when_the_board_had_run_for_a_moment_only():
    decoder = Decoder()
    first = feed(decoder, [(1_000 * MS, boot()), *run(1, 1000, 5)])
    second = feed(decoder, [(1_100 * MS, boot()), *run(1, 1000, 5, 1_100 * MS)])
    assert {frame.epoch for frame in first} == {0}
    assert {frame.epoch for frame in second} == {1}
    assert second[0].seq == 1


@pytest.mark.parametrize("ran_us", [700_000, 30_000_000, 40 * 60_000_000, 60 * 60_000_000])
def test_a_reboot_is_seen_without_its_event_however_long_the_board_had_run(ran_us):
    decoder = Decoder()
    feed(decoder, run(100, ran_us, 300, 10_000_000 * MS))
    frames = feed(decoder, run(3, 4000, 10, 10_000_500 * MS))
    assert decoder.epoch == 1
    assert [frame.seq for frame in frames] == list(range(3, 13))


def test_a_host_that_slept_while_the_board_went_on_sees_a_gap_and_no_reboot():
    decoder = Decoder()
    feed(decoder, run(0, 0, 100))
    buffered = [(7_000 * MS, data) for _, data in run(100, 100_000, 60)]
    frames = feed(decoder, buffered + run(5_900, 5_900_000, 50, 1_000 * MS + 5_900 * MS + 200 * MS))
    assert decoder.epoch == 0
    assert decoder.lost == 5_900 - 160
    assert frames[-1].board_us == 5_949_000


def test_mapped_times_rise_and_are_never_after_the_bytes():
    decoder = Decoder()
    stream = []
    for k in range(3000):
        late_ns = (k * 7919) % 3_000_000
        stream.append((1_000 * MS + k * MS + late_ns, sample(k, k * 1000)))
    received, previous = 0, -1
    for received_ns, data in stream:
        received = max(received, received_ns)
        for frame in decoder.decode(received, data)[0]:
            assert previous < frame.t_ns <= received
            previous = frame.t_ns


def test_another_number_of_channels_in_mid_stream_is_damage():
    decoder = Decoder()
    feed(decoder, run(0, 0, 3))
    odd = wire.encode_sample(3, 3000, (1, 2), 0, 3, 0)
    assert feed(decoder, [(1_004 * MS, odd)]) == []
    assert decoder.counters.bad == 1


@settings(max_examples=60, deadline=None)
@given(junk=st.lists(st.binary(max_size=60), min_size=1, max_size=10))
def test_equal_bytes_give_equal_frames_and_nothing_raises(junk):
    stream = run(0, 2**32 - 3000, 10)
    mixed = [(received, data + junk[k % len(junk)]) for k, (received, data) in enumerate(stream)]
    assert feed(Decoder(), mixed) == feed(Decoder(), mixed)


@settings(max_examples=60, deadline=None)
@given(heads=st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 2**32 - 1)), min_size=1, max_size=40))
def test_well_formed_nonsense_never_raises_and_seq_never_goes_back_within_an_epoch(heads):
    decoder = Decoder()
    sync = wire.encode_sync(1, 900 * MS, 5)
    last = (-1, -1)
    for k, (seq, t_us) in enumerate(heads):
        data = sample(seq, t_us) + wire.encode_frame(wire.WireFrame(wire.Type.SYNC, seq, t_us, 4, 0, 15, 0, (), sync))
        for frame in decoder.decode(1_000 * MS + k * MS, data)[0]:
            assert (frame.epoch, frame.seq) > last
            last = (frame.epoch, frame.seq)
