"""What the bench computes from what it measured; its timings are no business of a test."""

from types import SimpleNamespace

import numpy as np
import pytest

from experiments.benchmarks import voice as bench
from experiments.benchmarks.figures import ReferenceLateness
from experiments.benchmarks.monitor import Capture, delays_ms


def test_alias_is_what_lies_off_the_harmonics() -> None:
    t_s = np.arange(2 * bench.RATE_HZ) / bench.RATE_HZ
    tone = sum(np.sin(2 * np.pi * 331.0 * k * t_s) / k for k in range(1, 20))
    assert bench._alias_db(tone, 331.0) < -90.0
    assert bench._alias_db(tone + 0.01 * np.sin(2 * np.pi * 500.0 * t_s), 331.0) == pytest.approx(-42.0, abs=1.5)


def test_tables_alias_less_than_pulses_computed_directly() -> None:
    f0_hz = 1361.0
    ours = bench._alias_db(bench._steady(f0_hz, 1.0, RD=0.3, TILT=4.0), f0_hz)
    direct = [bench._alias_db(bench._direct_lf(f0_hz, times), f0_hz) for times in (1, 4)]
    assert ours <= -76.0
    assert ours + 20.0 < direct[1] < direct[0]


def test_underruns_in_a_stall_of_the_host_are_not_ours() -> None:
    times = np.arange(0, 2_000_000_000, 2_000_000)
    late_ms = np.where((times > 500_000_000) & (times < 520_000_000), 30.0, 0.1)
    reference = ReferenceLateness(times, late_ms)
    rows = [(0, 100_000_000), (2, 540_000_000), (2, 900_000_000), (3, 1_500_000_000)]
    heard = [SimpleNamespace(underruns=count, t_ns=t_ns) for count, t_ns in rows]
    ours, everything = bench._underruns(heard, reference)
    assert (ours.value, everything.value) == (1, 3)
    assert not ours.met
    ours, _ = bench._underruns(heard[:3], reference)
    assert ours.met


def test_the_monitor_is_laid_over_the_voice_although_its_clock_drifts() -> None:
    """It loses 30 ms in the middle, as a sink does in a stall, and its pieces of 20 ms arrive when they are whole."""
    voice = np.random.default_rng(1).standard_normal(20 * bench.RATE_HZ).astype(np.float32)
    delay_s, lost = 0.004, round(0.03 * bench.RATE_HZ)
    half = len(voice) // 2
    samples = np.concatenate([np.zeros(round(delay_s * bench.RATE_HZ), np.float32), voice[:half], voice[half + lost :]])
    counts = np.arange(960, len(samples), 960)
    played = counts + np.where(counts > half, lost, 0)
    capture = Capture(samples, counts, (played * 1e9 / bench.RATE_HZ).astype(np.int64))
    index = np.array([100_000, 300_000, 700_000, 900_000])
    dac_ns = (index * 1e9 / bench.RATE_HZ).astype(np.int64)
    assert delays_ms(capture, voice, dac_ns, index) == pytest.approx([4.0, 4.0, 4.0, 4.0], abs=0.1)


def test_our_shifter_is_measured_on_the_same_vowels_as_its_peers() -> None:
    recording = bench._steady(160.0, 0.6)
    assert bench._distance(recording, recording) == 0.0
    other = bench._steady(160.0, 0.6, seed=2)
    higher = bench._steady(230.0, 0.6)
    assert bench._distance(recording, other) < bench._distance(recording, higher)
