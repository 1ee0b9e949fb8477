from __future__ import annotations

import numpy as np
import pytest

from robopatient.record.soundtrack import soundtrack

RATE_HZ, FRAMES = 48_000, 256


def played(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Blocks that count their samples, told by a clock that trembles by a millisecond."""
    block = np.arange(n)
    t_ns = 10**12 + np.rint(block * FRAMES / RATE_HZ * 1e9).astype(np.int64)
    t_ns += np.random.default_rng(1).integers(-1_000_000, 1_000_000, n)
    t_ns[0] = 10**12
    return np.arange(n * FRAMES, dtype=np.float32), block, t_ns


def test_a_trembling_clock_leaves_no_seam():
    samples, block, t_ns = played(400)
    track = soundtrack(samples, block, t_ns, FRAMES, RATE_HZ)
    assert np.array_equal(track[: len(samples)], samples)


@pytest.mark.parametrize("gap_s", [0.05, 1.7])
def test_after_a_gap_the_sound_is_back_at_its_own_time(gap_s):
    samples, block, t_ns = played(400)
    t_ns[200:] += round(gap_s * 1e9)
    track = soundtrack(samples, block, t_ns, FRAMES, RATE_HZ)
    at = np.flatnonzero(track == samples[200 * FRAMES])[0]
    assert abs(at / RATE_HZ - (200 * FRAMES / RATE_HZ + gap_s)) < 0.003
    assert not track[200 * FRAMES + 1 : at].any()


def test_skew_stays_below_what_people_notice_while_small_skips_add_up():
    samples, block, t_ns = played(2000)
    t_ns += (np.arange(2000) // 10) * 5_333_333  # one block skipped in ten
    track = soundtrack(samples, block, t_ns, FRAMES, RATE_HZ)
    for index in range(100, 1900, 100):
        found = np.flatnonzero(track == samples[index * FRAMES + 128])
        if len(found):
            assert abs((found[0] - 128) / RATE_HZ - (t_ns[index] - t_ns[0]) * 1e-9) < 0.022
