"""Recorded palpations through the real firmware in simulated time: what comes out is what was pressed."""

from __future__ import annotations

import numpy as np
import pytest
from support.lockstep import samples

from firmware_bridge import phantom
from firmware_bridge.recordings import load_recording

PRESS_ON_NEWTON, PRESS_OFF_NEWTON = 3.0, 1.2
"""As SensingConfig has them."""


def peaks(total_newton):
    """Peak of every press: from above ``PRESS_ON_NEWTON`` to below ``PRESS_OFF_NEWTON``."""
    found, peak = [], 0.0
    for force in total_newton:
        if peak or force > PRESS_ON_NEWTON:
            peak = max(peak, force)
        if peak and force < PRESS_OFF_NEWTON:
            found.append(peak)
            peak = 0.0
    return np.array(found)


@pytest.mark.parametrize("name", ["IP1_B1_T7", "IP3_B1_T6"])
def test_recorded_presses_keep_their_peaks(board, shared_data, name):
    path = shared_data / "palpation_four_cell.npz"
    with np.load(path) as archive:
        pressed = archive[name][:, :4].sum(axis=1)
    recording = load_recording(f"{path}#{name}", (145.0, 145.0))
    sps = 320.0
    rng = np.random.default_rng(1)
    t_s = np.arange(1.0, recording.duration_s * sps + 100) / sps - 0.25
    noise = phantom.NOISE_COUNTS * rng.standard_normal((len(t_s), 4))
    counts, _ = phantom.to_counts(recording.forces(t_s, 1.0 / sps), noise)

    palpated = board(SENSOR="hx717", sps=sps)
    palpated.start()
    palpated.play(counts)
    frames = samples(palpated.run(len(counts) / sps))
    measured = (np.array([frame.counts for frame in frames]) - phantom.OFFSET_COUNTS) / phantom.COUNTS_PER_NEWTON
    expected, found = peaks(pressed), peaks(measured.sum(axis=1))
    assert len(expected) >= 3
    assert len(found) == len(expected)
    noise_newton = 2 * phantom.NOISE_COUNTS / phantom.COUNTS_PER_NEWTON  # sd, of four cells
    assert found == pytest.approx(expected, rel=0.03, abs=5 * noise_newton)
    assert measured.sum() / sps == pytest.approx(pressed.sum() / 1000.0, rel=0.005), "impulse, N s"
