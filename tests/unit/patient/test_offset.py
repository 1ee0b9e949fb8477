"""Offset analgesia at its published size (meta-analysis, Szikszay 2019; facts sheet patient_model, 7)."""

from __future__ import annotations

import pytest

from robopatient.patient.offset import OffsetAnalgesia


def relief(lab, kind: str) -> float:
    """Lowest pain after a step up and back by one point, less that of a constant press: NRS."""

    def held(hand, newton):
        return hand.lead(newton, lab.at_mm, 0.2) + hand.lead(newton, lab.at_mm, 1.0)

    five, six = lab.force_for(5.0, held), lab.force_for(6.0, held)
    sections = {"kind": kind, "offset": OffsetAnalgesia()}
    hand = lab.hand(**sections)
    held(hand, five)
    hand.lead(six, lab.at_mm, 0.2)
    hand.lead(six, lab.at_mm, 10.0)
    hand.lead(five, lab.at_mm, 0.05)
    after = hand.lead(five, lab.at_mm, 10.0)
    constant = lab.hand(**sections)
    return min(pain.nrs for pain in after) - held(constant, five)[-1].nrs


def test_a_small_fall_relieves_half_a_point_beyond_it(lab) -> None:
    change = relief(lab, "healthy")
    assert -0.75 <= change <= -0.17  # the published interval
    assert change == pytest.approx(-0.46, abs=0.1)


def test_chronic_pain_shows_30_percent_less_of_it(lab) -> None:
    assert relief(lab, "chronic") / relief(lab, "healthy") == pytest.approx(1.0 - 0.299, abs=0.02)


def test_the_relief_passes_within_seconds(lab) -> None:
    hand = lab.hand(offset=OffsetAnalgesia())
    hand.lead(30.0, lab.at_mm, 0.2)
    hand.lead(30.0, lab.at_mm, 5.0)
    hand.lead(18.0, lab.at_mm, 0.1)
    held = hand.lead(18.0, lab.at_mm, 15.0)
    assert min(pain.components["offset"] for pain in held) < -0.2
    assert held[-1].components["offset"] > -0.01


def test_rising_pain_is_not_relieved(lab) -> None:
    hand = lab.hand(offset=OffsetAnalgesia())
    assert all(pain.components["offset"] == 0.0 for pain in hand.lead(30.0, lab.at_mm, 2.0))
