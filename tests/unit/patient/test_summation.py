"""Temporal summation at its published size (Granot 2006, n = 27; Suzan 2015, n = 154; facts sheet patient_model, 5)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from robopatient.patient.summation import Summation, WindUp


def train(lab, newton: float, presses: int = 10, pause_s: float = 1.0, **sections) -> list[float]:
    hand, peaks = lab.hand(**sections), []
    for _ in range(presses):
        peaks.append(lab.peak(hand.press(newton, lab.at_mm)))
        hand.wait(pause_s)
    return peaks


def force_of_first_press(lab, nrs: float) -> float:
    def first(hand, newton):
        return hand.lead(newton, lab.at_mm, 0.2) + hand.lead(newton, lab.at_mm, 0.6)

    return lab.force_for(nrs, first, summation=Summation())


def test_ten_presses_at_half_a_hertz_add_27_of_100(lab) -> None:
    peaks = train(lab, force_of_first_press(lab, 5.29), summation=Summation())
    assert peaks[0] == pytest.approx(5.29, abs=0.05)
    assert peaks[-1] - peaks[0] == pytest.approx(2.73, abs=0.2)
    assert peaks[-1] == pytest.approx(8.02, abs=0.2)


def test_a_held_press_adds_37_of_100(lab) -> None:
    def begin(hand, newton):
        return hand.lead(newton, lab.at_mm, 0.2) + hand.lead(newton, lab.at_mm, 1.0)

    newton = lab.force_for(3.85, begin, summation=Summation())
    hand = lab.hand(summation=Summation())
    first = begin(hand, newton)[-1].nrs
    last = hand.lead(newton, lab.at_mm, 60.0)[-1].nrs
    assert last - first == pytest.approx(3.73, abs=0.3)
    assert 0.410 - 0.260 <= (last - first) / 10 <= 0.410 + 0.260  # Suzan 2015, individual method


def test_each_press_of_a_train_hurts_more_than_the_one_before(lab) -> None:
    peaks = train(lab, 20.0, summation=Summation())
    assert all(a < b for a, b in pairwise(peaks))


def test_a_pause_of_half_a_minute_undoes_it(lab) -> None:
    fast, slow = train(lab, 20.0, 4, summation=Summation()), train(lab, 20.0, 4, 30.0, summation=Summation())
    assert fast[-1] - fast[0] > 1.0
    assert slow[-1] - slow[0] < 0.15


def test_without_the_section_presses_stay_equal(lab) -> None:
    peaks = train(lab, 20.0, 4)
    assert max(peaks) - min(peaks) < 1e-6


def test_however_wound_up_more_pain_stays_more_and_within_the_scale() -> None:
    wind_up = WindUp(Summation(gain_per_nrs_s=1.0))
    wind_up.step(10.0, 100.0)
    summed = [nrs / 10 + wind_up.added(nrs / 10) for nrs in range(101)]
    assert all(a <= b for a, b in pairwise(summed))
    assert summed[0] == 0.0
    assert summed[-1] == 10.0


def test_weak_pain_sums_by_the_published_formula() -> None:
    wind_up = WindUp(Summation())
    wind_up.step(5.0, 2.0)
    assert wind_up.added(0.01) == pytest.approx(0.01 * wind_up.state, rel=0.01)
