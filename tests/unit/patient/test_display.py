"""Felt pain, self-report, face and voice are four streams, and the policies read the right ones."""

from __future__ import annotations

from itertools import pairwise

import pytest

from robopatient.config import ExpressionConfig
from robopatient.expression import make_policy
from robopatient.patient.display import DisplayTraits, Streams


def shown(nrs: float, **traits):
    return Streams(DisplayTraits(**traits)).step(nrs, 0.0)


def test_without_traits_all_streams_are_the_pain() -> None:
    assert shown(6.0) == (6.0, 6.0, 6.0)


def test_a_stoic_feels_as_much_and_shows_less_and_the_face_leaks_most(lab) -> None:
    plain, stoic = (lab.hand(display=DisplayTraits(stoicism=s)).press(25.0, lab.at_mm)[130] for s in (0.0, 1.0))
    assert stoic.nrs == plain.nrs
    assert stoic.voice_nrs < stoic.report_nrs < stoic.face_nrs < stoic.nrs
    assert stoic.voice_nrs == pytest.approx(0.3 * stoic.nrs)


def test_exaggeration_adds_to_every_stream_and_never_leaves_the_scale() -> None:
    assert all(value > 3.0 for value in shown(3.0, exaggeration=1.0))
    assert shown(10.0, exaggeration=1.0) == (10.0, 10.0, 10.0)
    assert shown(0.0, exaggeration=1.0) == (0.0, 0.0, 0.0)


def test_more_pain_is_always_shown_as_more() -> None:
    for traits in ({"stoicism": 1.0}, {"exaggeration": 1.0}):
        rows = [shown(nrs / 10, **traits) for nrs in range(101)]
        assert all(a < b for row, after in pairwise(rows) for a, b in zip(row, after, strict=True))


def test_the_report_recalls_the_worst_of_the_press_and_the_face_does_not(lab) -> None:
    hand = lab.hand()
    worst = lab.peak(hand.press(25.0, lab.at_mm))
    after = hand.wait(2.0)[-1]
    assert after.face_nrs < 0.1
    assert after.report_nrs > 0.7 * worst


def test_voice_and_face_follow_their_own_streams(lab) -> None:
    policy = make_policy(ExpressionConfig())
    plain, stoic = (
        policy.step(lab.hand(display=DisplayTraits(stoicism=s)).press(25.0, lab.at_mm)[130]) for s in (0.0, 1.0)
    )
    assert stoic.voice.level_db < plain.voice.level_db - 5.0
    assert stoic.face.nrs == pytest.approx(0.7 * plain.face.nrs)
