"""Clinical signs are compositions: each is elicited where and how the textbook says, and not elsewhere."""

from __future__ import annotations

import pytest

from robopatient.patient import load_patient
from robopatient.patient.guarding import Guarding
from robopatient.patient.signs import blumberg, mcburney, murphy, rigidity, rovsing
from robopatient.simulation.hand import GuidedHand

MCBURNEY_MM, GALLBLADDER_MM, LEFT_ILIAC_MM = (-72.0, -51.0), (-72.0, 65.0), (72.0, -51.0)


def signs(felt) -> set[str]:
    return {pain.sign for pain in felt} - {""}


def test_mcburneys_sign_is_elicited_at_its_point_only(lab) -> None:
    assert signs(lab.hand(sites=(mcburney(),)).press(20.0, MCBURNEY_MM)) == {"McBurney"}
    assert signs(lab.hand(sites=(mcburney(),)).press(20.0, LEFT_ILIAC_MM)) == set()


def test_letting_go_fast_elicits_rebound_and_slowly_does_not(lab) -> None:
    def release(fall_s: float) -> set[str]:
        return signs(lab.hand(sites=(mcburney(),), release=blumberg()).press(30.0, MCBURNEY_MM, fall_s=fall_s))

    assert "rebound" in release(0.1)
    assert "rebound" not in release(1.5)


def breathe(lab, at_mm, **sections):
    """Press below the ribs, then ask for a deep breath: the pain before it and what came of it."""
    hand = lab.hand(sites=(murphy(),), **sections)
    hand.lead(18.0, at_mm, 0.3)
    before = hand.lead(18.0, at_mm, 1.0)[-1]
    hand.patient.cue("please breathe in deeply")
    return before, hand.lead(18.0, at_mm, 2.5)


def test_murphys_sign_is_a_breath_that_stops(lab) -> None:
    before, breath = breathe(lab, GALLBLADDER_MM)
    assert before.sign == ""
    assert lab.peak(breath) > before.nrs + 1.0
    assert "Murphy" in signs(breath)
    assert breath[-1].nrs < lab.peak(breath)  # the hand is left alone again once the breath has stopped


def test_the_same_breath_on_the_left_is_no_murphys_sign(lab) -> None:
    before, breath = breathe(lab, (72.0, 65.0))
    assert signs(breath) == set()
    assert lab.peak(breath) == pytest.approx(before.nrs, abs=0.01)


def test_the_shipped_cholecystitis_has_murphys_sign_and_the_shipped_appendicitis_does_not() -> None:
    for name, expected in (("cholecystitis", True), ("appendicitis", False)):
        hand = GuidedHand(load_patient(name))
        hand.lead(20.0, GALLBLADDER_MM, 0.3)
        hand.patient.cue("breathe in")
        assert ("Murphy" in signs(hand.lead(20.0, GALLBLADDER_MM, 3.0))) is expected


def test_a_breath_under_a_painful_hand_elsewhere_is_no_murphys_sign() -> None:
    hand = GuidedHand(load_patient("appendicitis"))
    hand.lead(30.0, MCBURNEY_MM, 0.3)
    hand.patient.cue("breathe in")
    assert "Murphy" not in signs(hand.lead(30.0, MCBURNEY_MM, 3.0))


def test_rovsings_sign_hurts_less_than_mcburneys_and_needs_a_deep_press(lab) -> None:
    sites = (mcburney(), rovsing())
    right, left, light = (
        lab.peak(lab.hand(sites=sites).press(newton, place))
        for newton, place in ((30.0, MCBURNEY_MM), (30.0, LEFT_ILIAC_MM), (11.0, LEFT_ILIAC_MM))
    )
    assert right > left > 1.2
    assert light < 0.5


def test_a_rigid_abdomen_is_tense_before_any_touch(lab) -> None:
    soft, hard = (lab.hand(guarding=g) for g in (Guarding(), rigidity()))
    assert (soft.patient._brace.tension, hard.patient._brace.tension) == (0.0, 0.7)
    assert "guarding" in signs(hard.press(20.0, lab.at_mm))
