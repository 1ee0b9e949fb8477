from __future__ import annotations

import numpy as np
import pytest

from robopatient.config import VoiceConfig
from robopatient.voice.playback import Order, PlaybackPlan, TapeEngine, track_reader

RATE_HZ = 48_000
BLOCK = 256
VOICE = VoiceConfig(identity="margaret", device="none", block_frames=BLOCK)


def plan(**more) -> PlaybackPlan:
    fields = {"path": "", "pieces": [(0, 0, RATE_HZ)], "offset_s": 0.0, "length_s": 2.0, "voice": VOICE}
    return PlaybackPlan(**fields | more)


def engine_of(samples: np.ndarray, made: PlaybackPlan) -> TapeEngine:
    return TapeEngine(track_reader(samples, made.pieces), made)


def render(engine: TapeEngine, blocks: int) -> np.ndarray:
    out = np.zeros((blocks, BLOCK), np.float32)
    for block in out:
        engine.render_written(False, block)
        engine.prepare()
    return out.ravel()


RAMP = (np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
"""A second whose every sample says where it lies."""


def test_pieces_are_read_where_they_lie_and_the_gaps_are_silent():
    read = track_reader(RAMP, [(100, 0, 50), (200, 50, 30)])
    found = read(90, 150)
    assert not found[:10].any()
    assert np.array_equal(found[10:60], RAMP[:50])
    assert not found[60:110].any()
    assert np.array_equal(found[110:140], RAMP[50:80])
    assert not found[140:].any()
    assert not read(-500, 100).any()


def test_an_order_is_followed_from_the_next_block_and_the_place_is_told_by_block():
    engine = engine_of(RAMP, plan())
    render(engine, 3)
    engine.follow(Order(1, 0.25, 1.0))
    sound = render(engine, 20)
    assert np.array_equal(sound[BLOCK:], RAMP[round(0.25 * RATE_HZ) + BLOCK : round(0.25 * RATE_HZ) + 20 * BLOCK])
    assert engine.row(2).speed == 0.0
    for block in range(3, 23):
        assert engine.row(block).serial == 1
        assert engine.row(block).at_s == pytest.approx(0.25 + (block - 3) * BLOCK / RATE_HZ)


def test_a_jump_fades_within_a_block_and_does_not_click():
    tone = np.sin(2 * np.pi * 220 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    engine = engine_of(tone, plan())
    engine.follow(Order(1, 0.1, 1.0))
    before = render(engine, 8)
    engine.follow(Order(2, 0.6123, 1.0))
    after = render(engine, 8)
    engine.follow(Order(3, 0.7, 0.0))
    end = render(engine, 3)
    steps = np.abs(np.diff(np.concatenate([before[BLOCK:], after, end])))
    assert steps.max() < 0.06, "a sine of 220 Hz moves 0.029 a sample"
    assert not end[BLOCK:].any()


def test_time_passes_without_sound_where_nothing_was_played_and_when_muted():
    engine = engine_of(RAMP, plan(offset_s=0.5))
    engine.follow(Order(1, 0.0, 1.0))
    assert not render(engine, 10).any()
    assert engine.row(9).at_s == pytest.approx(9 * BLOCK / RATE_HZ)
    engine.follow(Order(2, 0.8, 1.0, muted=True))
    assert not render(engine, 10)[BLOCK:].any()
    assert engine.row(19).at_s == pytest.approx(0.8 + 9 * BLOCK / RATE_HZ)


def test_at_half_speed_the_place_goes_on_by_half_a_block():
    engine = engine_of(RAMP, plan())
    engine.follow(Order(1, 0.1, 0.5))
    render(engine, 11)
    assert engine.row(10).at_s == pytest.approx(0.1 + 10 * BLOCK / RATE_HZ / 2)


def test_at_the_end_it_stands_still_there():
    engine = engine_of(RAMP, plan(length_s=1.0))
    engine.follow(Order(1, 0.99, 1.0))
    sound = render(engine, 20)
    assert not sound[4 * BLOCK :].any()
    assert engine.row(19).at_s == pytest.approx(1.0, abs=1e-6)
    assert engine.row(19).speed == 0.0


def test_a_main_thread_that_is_late_costs_silence_and_no_time_of_the_session():
    engine = engine_of(RAMP, plan())
    engine.follow(Order(1, 0.0, 1.0))
    out = np.zeros(BLOCK, np.float32)
    for _ in range(40):  # nobody prepares
        engine.render_written(False, out)
    stood = engine.row(39)
    assert stood.speed == 0.0
    assert stood.at_s < 0.1
    engine.prepare()
    engine.render_written(False, out)
    assert engine.row(40).at_s == stood.at_s
