from __future__ import annotations

import numpy as np

from policies.answer_scales import QUESTIONS
from policies.listeners import ListenerFamily, SimulatedRater, draw_listener
from policies.posterior import ListenerCloud
from policies.reward_models import CheckedModel, ParametricModel, QuadraticModel


def taught(question: str, n: int, seed: int = 2, noise_lapse: float | None = None) -> ListenerCloud:
    rng = np.random.default_rng(seed)
    listener = draw_listener(np.random.default_rng(1001))
    rater, asked, cloud = SimulatedRater(listener), QUESTIONS[question], ListenerCloud(ListenerFamily(1, 2), seed, 256)
    for _ in range(n):
        state, action, other = rng.uniform(-1, 1, 1), rng.uniform(-1, 1, 2), rng.uniform(-1, 1, 2)
        if question == "pair":
            rating = rater.compare(asked, state[None], action[None], other[None], rng)[0]
            cloud.tell(state, action, asked, asked.index(rating), other)
        else:
            rating = rater.answer(asked, state[None], action[None], rng)[0]
            cloud.tell(state, action, asked, asked.index(rating))
    return cloud


def error(cloud: ListenerCloud) -> float:
    """Mean difference between believed and true congruence over random sounds."""
    rng = np.random.default_rng(9)
    state, action = rng.uniform(-1, 1, (300, 1)), rng.uniform(-1, 1, (300, 2))
    believed = cloud.weight @ cloud.family.latents(cloud.theta, state, action).congruence
    return float(np.abs(believed - draw_listener(np.random.default_rng(1001)).merit(state, action)).mean())


def test_every_question_brings_the_belief_closer_to_the_listener() -> None:
    before = error(ListenerCloud(ListenerFamily(1, 2), 2, 256))
    for question in ("congruence7", "congruence5", "agree", "pair"):
        assert error(taught(question, 80)) < 0.6 * before, question


def test_signed_answers_teach_the_intensity_to_a_tenth() -> None:
    cloud = taught("signed", 80)
    rng = np.random.default_rng(9)
    state, action = rng.uniform(-1, 1, (300, 1)), rng.uniform(-1, 1, (300, 2))
    believed = cloud.weight @ cloud.family.latents(cloud.theta, state, action).mismatch
    listener = draw_listener(np.random.default_rng(1001))
    true = listener.family.latents(listener.parameters, state, action).mismatch[0]
    assert np.abs(believed - true).mean() < 0.1


def test_the_same_answers_and_seed_give_the_same_cloud_bit_for_bit() -> None:
    first, second = taught("congruence7", 30), taught("congruence7", 30)
    assert np.array_equal(first.theta, second.theta)
    assert np.array_equal(first.log_weight, second.log_weight)


def test_the_fallback_takes_over_when_the_listener_is_of_another_kind() -> None:
    """A rater who likes it loud when pressed gently and quiet when pressed hard: no parametric listener does."""
    model = CheckedModel(ParametricModel(1, 2, 0, 128), QuadraticModel(1, 2))
    rng, asked = np.random.default_rng(0), QUESTIONS["congruence7"]
    for _ in range(60):
        state, action = rng.uniform(-1, 1, 1), rng.uniform(-1, 1, 2)
        index = int(np.clip(np.rint(3 - 2.7 * state[0] * action[0] + rng.normal(0, 0.5)), 0, 6))
        model.tell(state, action, asked, index)
    assert model.name == "quadratic"
    worth = model.worth(np.random.default_rng(1))
    loud, quiet = np.array([[0.8, 0.0]]), np.array([[-0.8, 0.0]])
    hard = np.array([[0.8]])
    assert worth(hard, quiet).mean() > worth(hard, loud).mean() + 0.2
