"""The patient's breath: how fast, when it is held, and what a deep one does to the chest."""

from __future__ import annotations

import numpy as np
import pytest

from robopatient.messages import Phase
from robopatient.patient.breath import Breath, Breathing
from robopatient.patient.tenderness import TenderSite

HZ = 250


def chest(breath: Breath, seconds: float, phase: Phase = "rest", nrs: float = 0.0, caught_nrs: float = 0.0, hz=HZ):
    """Excursion after each step of so long a time."""
    moved = []
    for _ in range(round(seconds * hz)):
        breath.step(phase, nrs, caught_nrs, 1.0 / hz)
        moved.append(breath.chest)
    return np.array(moved)


def breaths(moved: np.ndarray) -> int:
    return int(np.sum((moved[1:] > 0.35) & (moved[:-1] <= 0.35)))


@pytest.mark.parametrize(("nrs", "per_min"), [(0.0, 14), (5.0, 19), (10.0, 24)])
def test_pain_that_nobody_presses_makes_the_breath_faster(nrs, per_min) -> None:
    assert abs(breaths(chest(Breath(Breathing(), 1), 60.0, nrs=nrs)) - per_min) <= 1


def test_breathing_stays_fast_after_pain_and_calms_down() -> None:
    breath = Breath(Breathing(), 1)
    chest(breath, 2.0, "hold", 9.0)
    counts = [breaths(chest(breath, 20.0)) for _ in range(4)]
    assert counts[0] >= 6
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] in (4, 5)  # 14 a minute again


def test_a_patient_s_own_rates_are_read() -> None:
    own = Breathing(rest_per_min=20.0, pain_per_min=30.0)
    assert abs(breaths(chest(Breath(own, 1), 60.0)) - 20) <= 1
    assert abs(breaths(chest(Breath(own, 1), 60.0, nrs=10.0)) - 30) <= 1


def test_the_breath_is_held_under_a_painful_hand_only() -> None:
    for phase, nrs, held in (("hold", 6.0, True), ("hold", 2.0, False), ("rest", 6.0, False)):
        moved = chest(Breath(Breathing(), 1), 3.5, phase, nrs)[HZ:]
        assert bool(np.ptp(moved) < 0.15 and moved.min() > 0.75) is held


def test_after_seconds_of_pain_breathing_is_shallow() -> None:
    moved = chest(Breath(Breathing(), 1), 12.0, "hold", 6.0)
    assert 0.2 < np.ptp(moved[6 * HZ :]) < 0.6


def test_the_frame_rate_of_the_board_changes_the_breath_by_less_than_a_hundredth() -> None:
    def played(hz: int) -> np.ndarray:
        breath = Breath(Breathing(), 3)
        parts = [chest(breath, 5.0, hz=hz), chest(breath, 3.0, "hold", 1.0, hz=hz), chest(breath, 5.0, hz=hz)]
        return np.concatenate(parts)[hz // 50 - 1 :: hz // 50]

    assert np.abs(played(500) - played(100)).max() < 0.01


def test_seeds_differ_in_the_moment_and_equal_ones_breathe_alike() -> None:
    first, again, other = (chest(Breath(Breathing(), seed), 10.0) for seed in (1, 1, 3))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other, atol=0.05)


@pytest.mark.parametrize("wait_s", [0.0, 1.0, 2.0, 3.0])
def test_a_deep_breath_fills_the_chest_without_a_fall_and_empties_it(wait_s) -> None:
    breath = Breath(Breathing(), 1)
    chest(breath, wait_s)
    before = breath.chest
    breath.take()
    rising, held, falling = chest(breath, 2.0), chest(breath, 0.9), chest(breath, 6.0)
    assert (np.diff(rising) >= 0.0).all()
    assert abs(rising[0] - before) < 0.01
    assert (rising[-1], held.min()) == (1.0, 1.0)
    assert falling.min() < 0.02


def test_pain_of_a_deep_breath_stops_it_and_the_chest_sinks() -> None:
    breath = Breath(Breathing(), 1)
    breath.take()
    rising = chest(breath, 1.0, "hold", 2.0)
    stopped = chest(breath, 1.0, "hold", 6.0, caught_nrs=6.0)
    assert breath.arrested
    assert rising[-1] > 0.45
    assert stopped.max() <= rising[-1]
    assert stopped[-1] < rising[-1] - 0.1


def test_what_is_felt_comes_with_the_breath_and_time_alone_moves_it(lab) -> None:
    hand = lab.hand(sites=(TenderSite(name="the site", region="right iliac", left_mm=-72.0, head_mm=-51.0),))
    felt = [*hand.wait(30.0), *hand.press(30.0, lab.at_mm, hold_s=3.0), *hand.wait(5.0)]
    told = np.array([pain.breath for pain in felt])
    assert told.min() >= 0.0
    assert told.max() <= 1.0
    assert breaths(told[: 30 * HZ]) == 7
    patient = hand.patient
    force = hand.rig.pipeline._newest
    assert patient.step(force).breath == patient.step(force).breath
