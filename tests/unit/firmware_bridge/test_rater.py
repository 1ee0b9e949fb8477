"""Ratings by dial and button: each once, none lost, none that was meant for somebody else."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.simulated_bench import Bench

from firmware_bridge import wire
from firmware_bridge.board import BoardEvent
from firmware_bridge.frames import RawFrame
from firmware_bridge.rater import ButtonChange, Rater, RatingCommit, Ratings, make_rater
from firmware_bridge.virtual_rater import Untouched, VirtualRater

MS = 1_000_000


def sample(t_ms: int, dial: int, last: int = 0, epoch: int = 0, buttons: int = 0) -> RawFrame:
    return RawFrame(t_ms * MS, t_ms * MS, t_ms * 1000, t_ms, epoch, (dial, buttons, last), 0, 7, 0)


def commit(t_ms: int, number: int, value: int, epoch: int = 0) -> BoardEvent:
    return BoardEvent(t_ns=t_ms * MS, epoch=epoch, code=wire.EventCode.COMMIT, value=number << 8 | value)


def boot(epoch: int = 0) -> BoardEvent:
    return BoardEvent(t_ns=0, epoch=epoch, code=wire.EventCode.BOOT, value=1)


def test_a_commit_is_one_rating_however_often_the_samples_repeat_it():
    ratings = Ratings()
    ratings.event(boot())
    assert ratings.sample(sample(0, 40)) == []
    assert ratings.event(commit(15, 1, 42)) == [RatingCommit(t_ns=15 * MS, value=42, number=1)]
    assert [ratings.sample(sample(t, 42, 1 << 8 | 42)) for t in (20, 40, 60)] == [[], [], []]
    assert ratings.dial == 42


def test_a_commit_whose_frame_was_lost_is_recovered_from_the_next_sample():
    ratings = Ratings()
    ratings.event(boot())
    ratings.sample(sample(0, 10))
    (rating,) = ratings.sample(sample(20, 70, 1 << 8 | 70))
    assert (rating.value, rating.recovered, rating.missed) == (70, True, 0)
    (rating,) = ratings.sample(sample(40, 80, 4 << 8 | 80))
    assert (rating.number, rating.missed) == (4, 2)


def test_what_was_committed_before_this_program_listened_is_not_taken():
    ratings = Ratings()
    assert ratings.sample(sample(0, 30, 9 << 8 | 55)) == []
    assert ratings.event(commit(30, 10, 31))[0].value == 31


def test_a_commit_that_is_the_first_thing_heard_is_a_rating():
    assert Ratings().event(commit(5, 3, 60))[0].number == 3


def test_after_a_reboot_the_count_begins_again_and_nothing_is_lost():
    ratings = Ratings()
    ratings.event(boot())
    ratings.event(commit(5, 7, 50))
    assert ratings.sample(sample(0, 20, 1 << 8 | 20, epoch=1))[0].value == 20


def test_a_dial_beyond_its_scale_is_no_rating():
    ratings = Ratings()
    ratings.event(boot())
    assert ratings.sample(sample(0, 101)) == []
    assert ratings.dial is None
    assert ratings.event(commit(5, 1, 200)) == []


def test_marks_tell_line_and_direction():
    event = BoardEvent(t_ns=5, epoch=0, code=wire.EventCode.MARK, value=2 | 0x100)
    assert Ratings().event(event) == [ButtonChange(t_ns=5, line=2, pressed=True)]


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(st.integers(0, 100), min_size=1, max_size=20),
    lost=st.sets(st.integers(0, 19)),
    order=st.booleans(),
)
def test_whichever_frames_are_lost_every_commit_comes_exactly_once(values, lost, order):
    ratings = Ratings()
    ratings.event(boot())
    told = []
    for number, value in enumerate(values, start=1):
        pair = [
            lambda n=number, v=value: ratings.event(commit(20 * n, n, v)),
            lambda n=number, v=value: ratings.sample(sample(20 * n, v, n << 8 | v)),
        ]
        if number - 1 in lost:
            pair = pair[1:]
        for hear in pair if order else reversed(pair):
            told += hear()
    assert [(rating.number, rating.value) for rating in told] == list(enumerate(values, start=1))


def test_a_rating_carries_the_time_at_which_the_button_went_down():
    device = VirtualRater(Untouched(), now_ns=0, rate_hz=50.0)
    bench = Bench(rate_hz=50.0, device=device, device_class=wire.DeviceClass.RATER)
    bench.run(2.0)
    pressed_ns = bench.cable.now_ns
    device.obey_line("dial 63", pressed_ns)
    device.obey_line("commit", pressed_ns)
    bench.run(0.1)
    told = [
        entry for event in bench.board.events for entry in Ratings().event(event) if isinstance(entry, RatingCommit)
    ]
    assert [rating.value for rating in told] == [63]
    assert told[0].t_ns == pytest.approx(pressed_ns, abs=5 * MS)
    assert bench.board.health().detail == ""


def test_the_virtual_twin_rates_on_a_real_terminal():
    rater = make_rater("virtual")
    rater.open()
    try:
        told: list = []
        wanted = iter(("dial 35", "commit", "dial 80", "mark", "commit", "press 3"))
        end_s = time.monotonic() + 20.0
        while sum(isinstance(entry, RatingCommit) for entry in told) < 2 or len(told) < 5:
            assert time.monotonic() < end_s, (told, rater.health())
            told += rater.step(0.01)
            if rater.dial is not None and (line := next(wanted, None)):
                rater.board.type_line(line)
        assert [entry.value for entry in told if isinstance(entry, RatingCommit)] == [35, 80]
        assert [(entry.line, entry.pressed) for entry in told if isinstance(entry, ButtonChange)] == [
            (1, True),
            (1, False),
            (3, True),
        ]
        assert rater.health().device_class == "rater"
    finally:
        rater.close()


def test_an_abdomen_board_is_no_rater():
    bench = Bench(device_class=wire.DeviceClass.RATER)
    bench.run(1.0)
    assert Rater(bench.board).health().detail.endswith("is an abdomen board, not a rater: name another port")
