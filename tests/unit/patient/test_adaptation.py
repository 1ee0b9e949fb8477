"""Habituation by site and sensitisation everywhere (Jepma, Jones and Wager 2014; May 2012): directions, not sizes."""

from __future__ import annotations

from itertools import pairwise

from robopatient.patient.adaptation import Adaptation

HERE, THERE = (-72.0, -51.0), (72.0, -51.0)  # right and left iliac: the same counts, on mirrored cells


def peaks(lab, places, **parameters) -> list[float]:
    from robopatient.patient.tenderness import Psychophysics

    hand = lab.hand(adaptation=Adaptation(**parameters), sites=(), psychophysics=Psychophysics(baseline_tenderness=0.6))
    felt = []
    for place in places:
        felt.append(lab.peak(hand.press(25.0, place)))
        hand.skip(20.0)  # the published distance between trials
    return felt


def test_the_same_site_habituates(lab) -> None:
    felt = peaks(lab, [HERE] * 8, sensitisation=0.0)
    assert all(a > b for a, b in pairwise(felt))


def test_habituation_stays_at_its_site(lab) -> None:
    felt = peaks(lab, [HERE] * 6 + [THERE], sensitisation=0.0)
    assert felt[5] < felt[0] - 0.3
    assert abs(felt[6] - felt[0]) < 1e-6


def test_sensitisation_goes_everywhere(lab) -> None:
    felt = peaks(lab, [HERE] * 6 + [THERE], habituation=0.0)
    assert all(a < b for a, b in pairwise(felt[:6]))
    assert felt[6] > felt[0] + 0.1


def test_with_both_a_new_site_hurts_more_and_the_old_one_less(lab) -> None:
    felt = peaks(lab, [HERE] * 6 + [THERE])
    assert felt[5] < felt[0] < felt[6]


def test_from_day_to_day_pain_begins_lower_and_within_a_day_it_rises(lab) -> None:
    days = [peaks(lab, [HERE, THERE] * 4, sessions_before=day, habituation=0.05, sensitisation=0.4) for day in range(4)]
    assert all(today[0] > tomorrow[0] for today, tomorrow in pairwise(days))
    assert all(day[-1] > day[0] for day in days)


def test_an_hour_undoes_it(lab) -> None:
    hand = lab.hand(adaptation=Adaptation())
    first = lab.peak(hand.press(25.0, lab.at_mm))
    for _ in range(5):
        hand.skip(5.0)
        hand.press(25.0, lab.at_mm)
    hand.skip(3600.0)
    assert abs(lab.peak(hand.press(25.0, lab.at_mm)) - first) < 0.01
