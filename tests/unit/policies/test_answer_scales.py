from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.answer_scales import QUESTIONS, Latents, question
from policies.errors import RatingError

NAMES = sorted(QUESTIONS)


@given(st.sampled_from(NAMES), st.floats(-3, 10), st.floats(0.2, 4))
def test_chances_of_all_answers_add_up_and_agree_with_the_likelihood(name: str, place: float, noise: float) -> None:
    asked = QUESTIONS[name]
    chances = asked.probabilities(np.array(place), noise)
    assert chances.sum() == pytest.approx(1.0)
    each = asked.likelihood(np.arange(asked.levels), np.array(place), noise)
    assert np.allclose(chances, each, atol=1e-12)
    assert chances.min() > 0.0


def test_a_perfect_sound_gets_the_best_answer() -> None:
    perfect = Latents(np.zeros(1), np.ones(1), np.ones(1))
    for name in ("signed", "naturalness", "agree", "congruence5", "congruence7"):
        asked = QUESTIONS[name]
        likely = int(asked.probabilities(asked.location(perfect))[0].argmax())
        assert asked.reward(likely) == 1.0


def test_too_strong_is_above_and_too_weak_below_fits_on_the_signed_scale() -> None:
    asked = QUESTIONS["signed"]
    mismatch = np.array([-0.36, 0.0, 0.36])  # two steps of 0.18
    place = asked.location(Latents(mismatch, np.ones(3), np.ones(3)))
    assert (place + asked.first).tolist() == pytest.approx([-2.0, 0.0, 2.0])
    assert asked.reward(np.arange(7)).tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 0])


def test_equally_good_sounds_of_a_pair_are_mostly_called_the_same() -> None:
    asked = QUESTIONS["pair"]
    here = Latents(np.zeros(1), np.ones(1), np.full(1, 0.8))
    worse = here._replace(congruence=np.full(1, 0.2))
    same = asked.probabilities(asked.pair_location(here, here), 0.2)[0]
    assert same.argmax() == 1
    assert asked.probabilities(asked.pair_location(here, worse), 0.2)[0].argmax() == 0


@pytest.mark.parametrize("rating", [0, 8, 3.5, float("nan"), float("inf"), True, "4", None])
def test_an_answer_off_the_scale_is_refused_with_the_scale(rating: object) -> None:
    with pytest.raises(RatingError, match=r"congruence7.*1, 2, 3, 4, 5, 6, 7"):
        QUESTIONS["congruence7"].index(rating)


def test_an_unknown_question_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RatingError, match="naturalness"):
        question("mood")
