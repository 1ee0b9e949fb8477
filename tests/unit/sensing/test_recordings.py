"""Sensing on the published recordings, judged by their own columns and by a segmentation that shares no code."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from firmware_bridge.phantom import COUNTS_PER_NEWTON, NOISE_COUNTS
from firmware_bridge.recordings import load_recording
from robopatient.config import SensingConfig
from robopatient.messages import ForceFrame, Press
from robopatient.sensing import Sensing

TOTAL, X, Y = 4, 5, 6
RATE_HZ = 500.0
"""Every other sample of the recordings, to halve the time of these tests."""


class Reference(NamedTuple):
    """A press as read off the recording's own columns; samples."""

    start: int
    end: int
    peak_newton: float
    x_mm: float
    y_mm: float


def reference_presses(recording: np.ndarray) -> list[Reference]:
    """Stretches above the recordings' resting 1 N that reach 5 N and last 50 ms (shorter ones are block glitches)."""
    touched = np.concatenate([[False], recording[:, TOTAL] > 1.2, [False]])
    edges = np.flatnonzero(np.diff(touched.astype(int)))
    presses = []
    for start, end in edges.reshape(-1, 2).tolist():
        part = recording[start:end]
        peak = part[:, TOTAL].max()
        if peak >= 5.0 and end - start >= 0.05 * RATE_HZ:
            firm = part[part[:, TOTAL] > 0.5 * peak]
            presses.append(Reference(start, end, peak, firm[:, X].mean(), firm[:, Y].mean()))
    return presses


class Sensed(NamedTuple):
    """A recording and what sensing made of it."""

    recording: np.ndarray
    forces: list[ForceFrame]
    presses: list[Press]


def sense(recording: np.ndarray, frames) -> Sensed:
    sensing = Sensing(SensingConfig())
    forces = [sensing.step(frame) for frame in frames(recording[:, :4], RATE_HZ, start_ns=0)]
    sensing.finish()
    return Sensed(recording, forces, sensing.take_presses())


@pytest.fixture(scope="module")
def sensed(shared_data: Path, frames) -> dict[str, Sensed]:
    with np.load(shared_data / "palpation_four_cell.npz") as data:
        return {name: sense(data[name][::2].astype(float), frames) for name in data.files}


def test_every_press_of_every_recording_is_found_with_its_peak_and_place(sensed: dict[str, Sensed]) -> None:
    found = 0
    for name, (recording, _, presses) in sensed.items():
        for truth in reference_presses(recording):
            near = [p for p in presses if p.seq < truth.end and p.release_t_ns * 1e-9 >= truth.start / RATE_HZ]
            assert len(near) == 1, f"{name} at sample {truth.start}: {len(near)} presses"
            assert near[0].peak_newton == pytest.approx(truth.peak_newton, rel=0.03), f"{name} at sample {truth.start}"
            assert np.hypot(near[0].x_mm - truth.x_mm, near[0].y_mm - truth.y_mm) < 5.0, (
                f"{name} at sample {truth.start}"
            )
            found += 1
    assert found > 100


def test_the_hand_is_within_2_mm_of_the_recorded_place_where_it_presses_5_newton(sensed: dict[str, Sensed]) -> None:
    apart = []
    for recording, forces, _ in sensed.values():
        firm = np.flatnonzero(recording[:, TOTAL] > 5.0)
        place = np.array([forces[i].contact_mm or (np.nan, np.nan) for i in firm])
        apart.append(np.hypot(*(place - recording[firm][:, [X, Y]]).T))
    millimetres = np.concatenate(apart)
    assert np.nanmedian(millimetres) < 0.1
    # What remains are the first 10 ms after the recordings' gaps, where their own mean starts from (0, 0), and
    # frames held back for confirmation at a jump of many newtons.
    assert np.mean(millimetres < 2.0) > 0.995


def test_a_converter_at_320_hz_under_reads_a_press_by_its_own_mean_and_by_nothing_else(shared_data, frames) -> None:
    """3.1 ms of a converter smooth what is shorter: the worst press of all recordings, 6 % low, is the last 13 ms of a
    hand that leaves as recording IP3_B2_T2 begins (3.46 N, falling 0.2 N each ms): the mean of its first 3.1 ms."""
    path, sps = shared_data / "palpation_four_cell.npz", 320.0
    noise_newton = 5.0 * 2.0 * NOISE_COUNTS / COUNTS_PER_NEWTON  # four cells
    low = {}
    with np.load(path) as data:
        names = data.files
    for name in names:
        recording = load_recording(f"{path}#{name}", (145.0, 145.0))
        t_s = np.arange(1.0, (recording.duration_s + 0.5) * sps) / sps - 0.25
        cells = recording.forces(t_s, 1.0 / sps)
        converted, true = cells.sum(axis=1), recording.forces(t_s, 1e-3).sum(axis=1)
        sensing = Sensing(SensingConfig())
        for frame in frames(cells, sps, start_ns=0):
            sensing.step(frame)
        sensing.finish()
        for press in sensing.take_presses():
            first, last = round(press.t_ns * 1e-9 * sps), round(press.release_t_ns * 1e-9 * sps)
            mean = converted[first : last + 1].max()
            assert press.peak_newton == pytest.approx(mean, abs=noise_newton + 0.15), f"{name} at {first / sps:.3f} s"
            if "brief" not in press.flags:
                low[name, first] = press.peak_newton / true[max(0, first - 2) : last + 3].max() - 1.0
    assert len(low) > 100
    assert min(low.values()) > -0.03


def test_single_press_trials_are_not_cut_to_pieces(shared_data: Path, frames, hand) -> None:
    with np.load(shared_data / "palpation_total_force.npz") as data:
        trials = data["force_n"][:, ::2].astype(float)
    counts = []
    for trial in trials[::8]:
        presses = sense(hand(np.where(trial > 1.0, trial, 0.0), 145.0, 145.0), frames).presses
        counts.append(sum(press.peak_newton >= 5.0 and "brief" not in press.flags for press in presses))
    assert np.mean(np.array(counts) == 1) > 0.9
