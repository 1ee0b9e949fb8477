from __future__ import annotations

import numpy as np
import pytest

from policies.answer_scales import QUESTIONS
from policies.baselines import BASELINES, DirectPpo
from policies.errors import RatingError
from policies.evaluate import TrainingJob, run_job
from policies.train_ppo import weights_of

ASKED = QUESTIONS["congruence7"]


@pytest.mark.parametrize("name", list(BASELINES))
def test_every_baseline_answers_the_same_two_calls(name: str) -> None:
    lesson = run_job(TrainingJob(name, "pain-to-voice", ("congruence7",), 25, 1, 1))
    again = run_job(TrainingJob(name, "pain-to-voice", ("congruence7",), 25, 1, 1))
    assert lesson.scores == again.scores
    assert np.all(np.isfinite([s.score for s in lesson.scores]))


@pytest.mark.parametrize("name", ["table bandit", "Gaussian process", "preference duels"])
def test_what_can_learn_does(name: str) -> None:
    scores = [run_job(TrainingJob(name, "pain-to-voice", ("congruence7",), 80, i, i)).scores for i in range(3)]
    assert np.mean([s[-1].score - s[0].score for s in scores]) > 0.15


def test_the_belief_alone_acts_well_without_any_network() -> None:
    lesson = run_job(TrainingJob("belief alone", "pain-to-voice", ("congruence7",), 30, 1, 1))
    assert lesson.scores[-1].score > 0.85


def test_library_defaults_make_no_update_in_a_sitting_and_small_batches_do() -> None:
    for batch, changed in ((2048, False), (20, True)):
        agent = DirectPpo(1, 2, ASKED, 0, batch=batch)
        before = weights_of(agent._agent)
        for index in range(40):
            trial = agent.suggest(np.array([index / 20 - 1]))
            agent.tell(trial, 1 + index % 7)
        after = weights_of(agent._agent)
        assert any(not np.array_equal(before[k], after[k]) for k in before) == changed


def test_an_answer_out_of_order_or_off_the_scale_is_refused() -> None:
    method = BASELINES["table bandit"](1, 2, ASKED, 0)
    trial = method.suggest(np.zeros(1))
    for rating in (0, 8, float("nan")):
        with pytest.raises(RatingError, match="not on the scale"):
            method.tell(trial, rating)  # type: ignore[arg-type]
    method.tell(trial, 4)
    with pytest.raises(RatingError, match="out of order"):
        method.tell(trial, 4)
