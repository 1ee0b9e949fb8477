"""Skin over time: what lasting pain and the expression's wishes do to blood, sweat and tears."""

from __future__ import annotations

import math

from robopatient.face.bodystate import BodyState
from robopatient.face.identity import Body
from robopatient.messages import FaceAsk, FaceCommand, FacePose

STEP_NS = 33_333_333


def play(state: BodyState, ask: FaceAsk, seconds: float, start_s: float = 0.0, hush: bool = False) -> FacePose:
    pose = FacePose()
    for frame in range(round(seconds * 30)):
        t_ns = round(start_s * 1e9) + frame * STEP_NS
        pose = state.step(FacePose(), FaceCommand(t_ns, 0, t_ns, ask.nrs, "hold", ask, hush=hush), t_ns)
    return pose


def test_a_short_pain_leaves_the_skin_as_it_was() -> None:
    pose = play(BodyState(), FaceAsk(8.0), 1.0)
    assert pose.flush < 0.06
    assert pose.sweat < 0.02
    assert pose.tears < 0.02


def test_a_long_pain_reddens_then_makes_sweat_and_tears_and_eases_slower_than_it_came() -> None:
    state = BodyState(Body(flushes=0.6, sweats=0.8, weeps=1.0))
    early, late = play(state, FaceAsk(10.0), 10.0), play(state, FaceAsk(10.0), 110.0, 10.0)
    assert 0.3 < early.flush < late.flush <= 0.6
    assert early.sweat < 0.25 < late.sweat
    assert late.tears > 0.9
    after = play(state, FaceAsk(0.0), 10.0, 120.0)
    assert 0.0 < after.flush < late.flush
    assert after.sweat > 0.9 * late.sweat


def test_who_pales_turns_pale() -> None:
    assert play(BodyState(Body(flushes=0.1, pales=0.7)), FaceAsk(9.0), 60.0).flush < -0.4


def test_what_is_asked_for_comes_within_seconds_without_a_jump() -> None:
    state = BodyState()
    first = play(state, FaceAsk(0.0, 1.0, -0.8, 0.5, 1.0), 2 / 30)
    assert abs(first.flush) < 0.05
    pose = play(state, FaceAsk(0.0, 1.0, -0.8, 0.5, 1.0), 10.0, 0.1)
    assert pose.body == (pose.flush, pose.sweat, pose.tears)
    assert -0.8 <= pose.flush < -0.75
    assert pose.tears > 0.95


def test_hush_and_silence_ease_it_and_broken_wishes_do_nothing() -> None:
    state = BodyState()
    play(state, FaceAsk(0.0, 1.0, 1.0), 10.0)
    assert play(state, FaceAsk(0.0, 1.0, 1.0), 20.0, 10.0, hush=True).flush == 0.0
    assert play(state, FaceAsk(math.nan, 1.0, math.nan, math.inf), 5.0, 40.0) == FacePose()
    assert state.step(FacePose(), None, 10**12) == FacePose()
