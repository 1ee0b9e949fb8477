from __future__ import annotations

import numpy as np
import pytest

from policies.answer_scales import QUESTIONS
from policies.errors import RatingError
from policies.listeners import (
    FittedListener,
    Habits,
    ListenerFamily,
    PsychophysicalListener,
    SimulatedRater,
    draw_listener,
)

RNG = np.random.default_rng


def sounds(n: int, n_state: int = 1, n_action: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = RNG(seed)
    return rng.uniform(-1, 1, (n, n_state)), rng.uniform(-1, 1, (n, n_action))


def test_congruence_follows_the_published_formula() -> None:
    listener = draw_listener(RNG(1003))
    rng = RNG(1003)  # the reference draws exponent, saturation, pitch share, bias in this order
    exponent = np.exp(rng.normal(0, 0.35))
    saturation = np.clip(0.85 + rng.normal(0, 0.1), 0.5, 1)
    share = np.clip(0.5 + rng.normal(0, 0.15), 0.15, 0.85)
    bias = rng.normal(0, 0.12)
    state, action = sounds(50)
    f, a, p = (state[:, 0] + 1) / 2, (action[:, 0] + 1) / 2, (action[:, 1] + 1) / 2
    expected = np.clip(f / saturation, 0, 1) ** exponent
    heard = (1 - share) * a**0.8 + share * p + bias
    congruence = np.exp(-((expected - heard) ** 2) / (2 * 0.18**2) - (a - p - 0.1) ** 2 / (2 * 0.45**2))
    assert listener.merit(state, action) == pytest.approx(congruence, abs=1e-12)


def test_six_actions_cost_their_distance_from_the_preferred_ones() -> None:
    listener = draw_listener(RNG(5), 2, 6)
    state, action = sounds(1, 2, 6)
    action[:, 2:] = listener.preferred()
    best = listener.merit(state, action)
    action[:, 2] += 1.0
    assert listener.merit(state, action) == pytest.approx(best * np.exp(-0.5))


def test_many_listeners_at_once_judge_as_each_alone() -> None:
    family = ListenerFamily(2, 6)
    theta = family.sample(RNG(0), 7)
    state, action = sounds(11, 2, 6)
    together = family.latents(theta, state, action).congruence
    alone = [PsychophysicalListener(family, row).merit(state, action) for row in theta]
    assert together == pytest.approx(np.array(alone))


def test_answers_scatter_about_the_truth_with_the_nominal_noise_and_lapses() -> None:
    listener = draw_listener(RNG(1))
    state, action = np.full((20_000, 1), 0.3), np.full((20_000, 2), 0.2)
    asked = QUESTIONS["congruence7"]
    given = SimulatedRater(listener).answer(asked, state, action, RNG(2)) - asked.first
    place = 6 * listener.merit(state[:1], action[:1])
    expected = asked.probabilities(place)[0]
    assert np.bincount(given, minlength=7) / len(given) == pytest.approx(expected, abs=0.01)


def test_bad_habits_do_what_they_say() -> None:
    listener = draw_listener(RNG(1))
    state, action = sounds(4000)
    asked = QUESTIONS["signed"]
    honest = SimulatedRater(listener, Habits(lapse=0.0)).answer(asked, state, action, RNG(3))
    backwards = SimulatedRater(listener, Habits(lapse=0.0, sign_error=1.0)).answer(asked, state, action, RNG(3))
    assert np.array_equal(backwards, -honest)
    assert set(SimulatedRater(listener, Habits(constant=4)).answer(asked, state, action, RNG(3))) == {1}
    anything = SimulatedRater(listener, Habits(lapse=1.0)).answer(asked, state, action, RNG(3))
    assert np.bincount(anything + 3, minlength=7) / 4000 == pytest.approx(np.full(7, 1 / 7), abs=0.02)
    tired = SimulatedRater(listener, Habits(drift_per_100=0.36)).answer(asked, state, action, RNG(3), trial=100)
    assert tired.mean() > honest.mean() + 0.7  # 0.36 is two steps, less what the scale's end cuts off


def test_the_same_seed_gives_the_same_answers() -> None:
    state, action = sounds(100)
    asked = QUESTIONS["congruence7"]
    first, second = (SimulatedRater(draw_listener(RNG(4))).answer(asked, state, action, RNG(9)) for _ in range(2))
    assert np.array_equal(first, second)


def test_a_fitted_person_answers_only_the_question_that_was_asked() -> None:
    person = FittedListener(np.zeros(9), np.array([-1.0, 0.0, 1.0]), name="P01")
    state, action = sounds(3)
    assert person.merit(state, action) == pytest.approx(np.full(3, 0.5))
    with pytest.raises(RatingError, match=r"P01.*signed"):
        SimulatedRater(person).answer(QUESTIONS["signed"], state, action, RNG(0))
