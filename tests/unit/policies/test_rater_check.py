from __future__ import annotations

import msgspec
import numpy as np
import pytest

from policies.learner import Learner
from policies.listeners import Habits, SimulatedRater, draw_listener
from policies.plan import TrainingPlan, keyed
from policies.train_ppo import Weights


def lesson(
    start: Weights, habits: Habits, ratings: int = 60, seed: int = 1, plan: TrainingPlan | None = None
) -> Learner:
    """Without refits: the check sees the queries, not the policy."""
    learner = Learner(msgspec.structs.replace(plan or TrainingPlan(), refit_every=1000, seed=seed), start)
    rater = SimulatedRater(draw_listener(np.random.default_rng(1000 + seed)), habits)
    for index in range(ratings):
        trial = learner.suggest(keyed(seed, index, "press").uniform(-1, 1, 1))
        sound = (trial.state[None], trial.action[None])
        learner.tell(trial, int(rater.answer(trial.question, *sound, keyed(seed, index, "answer"))[0]))
        if learner.frozen:
            break
    return learner


@pytest.mark.parametrize(
    ("habits", "word"),
    [(Habits(constant=3), "constant"), (Habits(sign_error=1.0), "reversed"), (Habits(lapse=1.0), "unrelated")],
)
def test_a_rater_who_is_no_guide_is_found_within_60_ratings_and_adaptation_stops(
    start: Weights, habits: Habits, word: str
) -> None:
    learner = lesson(start, habits)
    assert learner.frozen.startswith(word)
    assert learner.weights is learner.start
    assert not learner.refit_due


def test_an_honest_rater_is_left_in_peace_and_repeats_agree_roughly(start: Weights) -> None:
    learner = lesson(start, Habits())
    assert learner.frozen == ""
    assert learner.consistency.repeats > 0
    assert learner.consistency.mean_difference_steps < 2.0


def test_a_reversed_rater_of_congruence_is_found_by_a_few_probes_and_an_honest_one_is_spared_them(
    start: Weights,
) -> None:
    """One of 20 reversed raters passed for honest to the end while only the believed best was asked about."""
    plan = TrainingPlan(questions=("congruence7",))
    turned = lesson(start, Habits(sign_error=1.0), seed=12, plan=plan)
    assert turned.frozen.startswith("reversed")
    honest = lesson(start, Habits(), seed=12, plan=plan)
    assert honest.frozen == ""
    probes = [trial.index for trial in honest.trials if trial.source == "probe"]
    assert 0 < len(probes) <= 8
    assert probes[0] >= honest.check.first_probe
    assert honest.check.advantage("reversed") > honest.check.no_doubt


def test_the_operator_may_trust_the_rater_all_the_same(start: Weights) -> None:
    learner = lesson(start, Habits(constant=3))
    learner.trust()
    assert learner.frozen == ""
    trial = learner.suggest(np.zeros(1))
    learner.tell(trial, trial.question.first)
    assert learner.frozen == ""
