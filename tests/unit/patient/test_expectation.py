"""Expectation with the published parameters (Onysk et al., eLife 90634; facts sheet patient_model, 3)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robopatient.patient.expectation import Expectation, KalmanBelief, LearnedBelief, lean, make_belief

CONDITIONS = [(0.186, 0.732), (0.247, 0.786), (0.273, 0.848), (0.231, 0.863)]


@pytest.mark.parametrize(("gamma", "alpha"), CONDITIONS)
def test_the_learned_form_is_the_published_recursion_in_each_condition(gamma: float, alpha: float) -> None:
    belief = LearnedBelief(Expectation(gamma=gamma, alpha=alpha, alpha_against=alpha, initial_nrs=2.0))
    expected = 2.0
    for nrs in np.random.default_rng(1).uniform(3.0, 9.0, 80).tolist():
        pain = (1.0 - gamma) * nrs + gamma * expected
        assert nrs + lean(nrs, belief.expected_nrs, belief.gamma) == pytest.approx(pain, abs=0.02)
        expected += alpha * (pain - expected)
        belief.learn(pain)
        assert belief.expected_nrs == pytest.approx(expected)


def test_the_defaults_are_one_of_the_fitted_conditions() -> None:
    assert (Expectation().gamma, Expectation().alpha) in CONDITIONS


def test_the_kalman_form_keeps_the_published_gains() -> None:
    belief = KalmanBelief(Expectation(form="kalman"))
    gammas, gains = [], []
    for nrs in np.random.default_rng(1).uniform(3.0, 9.0, 80).tolist():
        gammas.append(belief.gamma)
        gains.append(belief.gain)
        belief.learn(nrs)
    assert 0.22 <= np.mean(gammas) <= 0.28
    assert 0.65 <= np.mean(gains) <= 0.74
    assert np.std(gains) < 1e-9


def test_a_kalman_patient_who_is_unsure_learns_faster_and_leans_less() -> None:
    sure, unsure = (KalmanBelief(Expectation(form="kalman", w=w, drift=0.02)) for w in (0.5, 4.0))
    assert unsure.gain > sure.gain
    assert unsure.gamma < sure.gamma


def test_repeated_pain_is_expected_within_five_presses() -> None:
    for form in ("rl", "kalman"):
        belief = make_belief(Expectation(form=form, initial_nrs=0.0))
        for _ in range(5):
            belief.learn(6.0)
        assert belief.expected_nrs == pytest.approx(6.0, abs=0.1)


def test_less_is_learned_from_pain_that_contradicts_the_announcement() -> None:
    belief = LearnedBelief(Expectation(initial_nrs=2.0, alpha=0.8, alpha_against=0.3))
    belief.learn(6.0, against=True)
    assert belief.expected_nrs == pytest.approx(2.0 + 0.3 * 4.0)


@given(st.floats(0, 10), st.floats(0, 10), st.floats(0, 10), st.floats(0, 0.6))
def test_expectation_never_turns_the_order_of_pains_nor_makes_pain_of_nothing(
    one: float, other: float, expected: float, gamma: float
) -> None:
    less, more = sorted((one, other))
    assert less + lean(less, expected, gamma) <= more + lean(more, expected, gamma) + 1e-9
    assert lean(0.0, expected, gamma) == 0.0
    assert 0.0 <= less + lean(less, expected, gamma) <= 10.0


def test_who_expects_the_worst_feels_more(lab) -> None:
    calm, afraid = (
        lab.peak(lab.hand(expectation=Expectation(initial_nrs=nrs)).press(20.0, lab.at_mm)) for nrs in (1.0, 9.0)
    )
    assert afraid - calm == pytest.approx(0.231 * 8.0, abs=0.05)


def test_a_resting_hand_teaches_nothing(lab) -> None:
    hand = lab.hand(expectation=Expectation(initial_nrs=6.0))
    for _ in range(10):
        hand.press(2.0, lab.at_mm, hold_s=0.05)
        hand.wait(0.1)
    assert hand.patient._belief.expected_nrs == 6.0


def test_a_press_teaches_what_the_next_will_be(lab) -> None:
    hand = lab.hand(expectation=Expectation(initial_nrs=0.0))
    first = lab.peak(hand.press(20.0, lab.at_mm))
    hand.wait(20.0)
    second = lab.peak(hand.press(20.0, lab.at_mm))
    assert second - first == pytest.approx(0.231 * 0.863 * first, abs=0.05)
