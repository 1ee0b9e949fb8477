from __future__ import annotations

import msgspec
import numpy as np
import pytest

from policies.answer_scales import question
from policies.errors import RatingError
from policies.evaluate import Yardstick
from policies.learner import Learner
from policies.listeners import SimulatedRater, draw_listener
from policies.plan import REFIT, TrainingPlan, keyed
from policies.populations import read_population
from policies.train_ppo import Weights


def teach(learner: Learner, ratings: int, listener: int = 1) -> Learner:
    rater, seed = SimulatedRater(draw_listener(np.random.default_rng(1000 + listener))), learner.plan.seed
    for index in range(len(learner.answers), ratings):
        trial = learner.suggest(keyed(seed, index, "press").uniform(-1, 1, 1))
        sound = (trial.state[None], trial.action[None])
        learner.tell(trial, int(rater.answer(trial.question, *sound, keyed(seed, index, "answer"))[0]))
    return learner


def test_forty_ratings_teach_a_listener_who_is_unlike_the_start(start: Weights) -> None:
    plan = TrainingPlan(questions=("congruence7",), refit_every=20, refit=REFIT, seed=2)
    yardstick = Yardstick(draw_listener(np.random.default_rng(1001)), 0)
    learner = Learner(plan, start)
    before = yardstick.score(learner, 0).score
    after = yardstick.score(teach(learner, 40), 40).score
    assert after > 0.85 > before


def test_the_same_ratings_give_the_same_learner_bit_for_bit(start: Weights, fast_plan: TrainingPlan) -> None:
    first, second = (teach(Learner(fast_plan, start), 12) for _ in range(2))
    assert all(np.array_equal(first.weights[k], second.weights[k]) for k in first.weights)
    assert np.array_equal(first.suggest(np.zeros(1)).action, second.suggest(np.zeros(1)).action)


def test_questions_are_asked_in_turn(start: Weights, fast_plan: TrainingPlan) -> None:
    plan = msgspec.structs.replace(fast_plan, questions=("signed", "naturalness"), refit_every=100)
    learner = teach(Learner(plan, start), 6)
    assert [t.question.name for t in learner.trials] == ["signed", "naturalness"] * 3


def test_some_trials_repeat_an_earlier_one_unannounced(start: Weights, fast_plan: TrainingPlan) -> None:
    plan = msgspec.structs.replace(fast_plan, refit_every=100, repeat_share=0.5)
    learner = teach(Learner(plan, start), 40)
    repeats = [t for t in learner.trials if t.source == "repeat"]
    assert len(repeats) >= 5
    for trial in repeats:
        earlier = learner.trials[trial.repeats]
        assert np.array_equal(trial.action, earlier.action)
        assert np.abs(trial.state - earlier.state).max() <= plan.repeat_within


def test_an_unanswered_trial_is_asked_again_for_the_next_press(start: Weights, fast_plan: TrainingPlan) -> None:
    learner = Learner(fast_plan, start)
    first = learner.suggest(np.array([0.1]))
    again = learner.suggest(np.array([0.6]))
    assert (again.index, again.question) == (first.index, first.question)
    assert again.state == pytest.approx([0.6])


def test_bad_answers_are_refused_and_change_nothing(start: Weights, fast_plan: TrainingPlan) -> None:
    learner, same = (teach(Learner(fast_plan, start), 3) for _ in range(2))
    trial = learner.suggest(np.zeros(1))
    same.suggest(np.zeros(1))
    for rating in (0, 8, float("nan"), "good"):
        with pytest.raises(RatingError, match="not on the scale"):
            learner.tell(trial, rating)  # type: ignore[arg-type]
    learner.tell(trial, 4)
    with pytest.raises(RatingError, match="trial 3 came, but none is waiting"):
        learner.tell(trial, 4)
    late = learner.suggest(np.zeros(1))
    with pytest.raises(RatingError, match="trial 3 came, but trial 4 is waiting"):
        learner.tell(trial, 4)
    same.tell(trial, 4)
    assert np.array_equal(same.suggest(np.zeros(1)).action, late.action)


@pytest.mark.parametrize("state", [np.array([np.nan]), np.zeros(2), np.array(0.1)])
def test_a_press_that_is_none_is_refused(start: Weights, fast_plan: TrainingPlan, state: np.ndarray) -> None:
    with pytest.raises(RatingError, match="a press of shape"):
        Learner(fast_plan, start).suggest(state)


def test_the_expected_worth_has_an_interval_that_narrows(start: Weights, fast_plan: TrainingPlan) -> None:
    plan = msgspec.structs.replace(fast_plan, refit_every=1000)
    learner = Learner(plan, start)
    median, low, high = learner.expected_worth()
    assert low <= median <= high
    _, later_low, later_high = teach(learner, 30).expected_worth()
    assert later_high - later_low < high - low
    assert question("congruence7").levels == 7


def test_a_belief_about_people_takes_only_the_question_they_were_asked(start: Weights, fast_plan: TrainingPlan) -> None:
    population = read_population("congruence")
    with pytest.raises(RatingError, match="congruence question of 4 levels, not 'congruence7'"):
        Learner(fast_plan, start, population)
    learner = Learner(msgspec.structs.replace(fast_plan, questions=("agree",), refit_every=100), start, population)
    for index in range(25):
        trial = learner.suggest(keyed(1, index, "press").uniform(-1, 1, 1))
        learner.tell(trial, 3)
    assert learner.model.name == "population"
    assert learner.frozen.startswith("constant")


def test_queries_to_people_probe_where_their_favourites_differ(start: Weights, fast_plan: TrainingPlan) -> None:
    """Not the favourite itself: a sound off it whose answer tells more."""
    plan = msgspec.structs.replace(fast_plan, questions=("agree",), refit_every=100, repeat_share=0.0)
    learner = Learner(plan, start, read_population("congruence"))
    actions = []
    for index in range(20):
        trial = learner.suggest(keyed(1, index, "press").uniform(-1, 1, 1))
        actions.append(trial.action)
        learner.tell(trial, 1 + index % 4)
    spread = np.std(np.array(actions), axis=0)
    assert spread.min() > 0.5
