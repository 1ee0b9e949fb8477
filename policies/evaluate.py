"""How good a method becomes with how many ratings: training sessions with simulated raters, scored against the truth.

A score of 0 is a random action, 1 this rater's best. Fitted people are left out of everything that their own training
starts from. Every training session is a pure function of its ``TrainingJob``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np

from policies.answer_scales import question
from policies.baselines import BASELINES, BeliefAlone, DirectPpo
from policies.checkpoint import read_weights, starting_point
from policies.errors import PolicyError
from policies.fitted_people import People
from policies.learner import Learner, Teachable
from policies.listeners import FittedListener, Habits, Listener, PsychophysicalListener, SimulatedRater, draw_listener
from policies.plan import Schedule, TrainingPlan, keyed
from policies.populations import hierarchical_prior
from policies.reward_models import OrdinalModel
from policies.spaces import TASKS, Array
from policies.statistics.ordinal import Gaussian
from policies.train_ppo import Weights, train, weights_of

__all__ = [
    "CHECKPOINTS",
    "METHODS",
    "Score",
    "TrainingJob",
    "TrainingResult",
    "Yardstick",
    "quartiles",
    "run_job",
    "time_to",
]

CHECKPOINTS = (0, 10, 20, 30, 40, 50, 60, 80, 100, 120, 150, 200, 300, 400)
"""Ratings after which the deployed policy is scored."""

LEARNERS: dict[str, type[Learner]] = {"learner": Learner, "belief alone": BeliefAlone}
METHODS = (*LEARNERS, "PPO, pre-trained", *BASELINES)

WARM_UP = Schedule(presses=40_960, rate=3e-3, rate_end=5e-4, spread=0.4, spread_end=0.12)
"""Training of a left-out person's start: from the shipped psychophysical weights to the population of all others."""


class TrainingJob(msgspec.Struct, frozen=True):
    """One training session to simulate.

    Attributes
    ----------
    listener
        Seed of a parametric listener, or index of a person.
    people
        All people, for a person; None for a parametric listener.
    habits
        Of the rater; None: lapses for parametric listeners, none for fitted people (their lapses are in the fit).
    refits
        False leaves the policy alone: queries, and what is found out about the rater, follow from the belief.
    """

    method: str
    task: str
    questions: tuple[str, ...]
    ratings: int
    listener: int
    seed: int
    people: People | None = None
    noise: float = 1.0
    habits: Habits | None = None
    refits: bool = True


class Score(NamedTuple):
    """The policy after some ratings: score (0 random, 1 optimum) and mean merit (for people: P(agree))."""

    ratings: int
    score: float
    merit: float


class TrainingResult(NamedTuple):
    """What came of a job. ``detected_at`` is the rating at which the rater was found to be unreliable, or 0."""

    scores: tuple[Score, ...]
    verdict: str
    detected_at: int
    model: str


class Yardstick:
    """Random and best possible merit of a listener over 64 presses drawn uniformly."""

    states_n, grid_n, random_n = 64, 41, 2000

    def __init__(self, listener: Listener, seed: int) -> None:
        rng = np.random.default_rng((seed, 64))
        self.listener = listener
        self.states = rng.uniform(-1.0, 1.0, (self.states_n, listener.n_state))
        axis = np.linspace(-1.0, 1.0, self.grid_n)
        actions = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        if isinstance(listener, PsychophysicalListener):
            actions = np.hstack([actions, np.tile(listener.preferred(), (len(actions), 1))])
        self.best = float(np.mean([self._merit(s, actions).max() for s in self.states]))
        self.random = float(
            np.mean(
                [self._merit(s, rng.uniform(-1.0, 1.0, (self.random_n, listener.n_action))).mean() for s in self.states]
            )
        )

    def _merit(self, state: Array, actions: Array) -> Array:
        return self.listener.merit(np.tile(state, (len(actions), 1)), actions)

    def score(self, method: Teachable, ratings: int) -> Score:
        """Score of what a method would deploy now."""
        merit = float(self.listener.merit(self.states, np.clip(method.act(self.states), -1.0, 1.0)).mean())
        return Score(ratings, (merit - self.random) / (self.best - self.random), merit)


def run_job(job: TrainingJob) -> TrainingResult:
    """Simulate one lesson."""
    space = TASKS[job.task]
    listener: Listener
    if job.people is not None:
        listener = job.people.listener(job.listener)
    else:
        rng = np.random.default_rng(1000 + job.listener)
        listener = draw_listener(rng, space.n_observation, space.n_action, job.noise)
    habits = job.habits or Habits(lapse=0.0 if isinstance(listener, FittedListener) else Habits().lapse)
    rater, yardstick = SimulatedRater(listener, habits), Yardstick(listener, job.listener)
    method = _method(job)
    scores, verdict, detected_at = [yardstick.score(method, 0)], "", 0
    for index in range(job.ratings):
        state = keyed(job.seed, index, "press").uniform(-1.0, 1.0, space.n_observation)
        trial = method.suggest(state)
        rng = keyed(job.seed, index, "answer")
        sound = (trial.state[None], trial.action[None])
        if trial.other is not None:
            rating = rater.compare(trial.question, *sound, trial.other[None], rng)[0]
        else:
            rating = rater.answer(trial.question, *sound, rng, index)[0]
        method.tell(trial, int(rating))
        if isinstance(method, Learner) and method.check.verdict and not verdict:
            verdict, detected_at = method.check.verdict, index + 1
        if index + 1 in CHECKPOINTS or index + 1 == job.ratings:
            scores.append(yardstick.score(method, index + 1))
    return TrainingResult(tuple(scores), verdict, detected_at, method.model.name if isinstance(method, Learner) else "")


def _method(job: TrainingJob) -> Teachable:
    space = TASKS[job.task]
    if job.method in BASELINES:
        return BASELINES[job.method](space.n_observation, space.n_action, question(job.questions[0]), job.seed)
    population: Gaussian | None = None
    if job.people is not None:
        population = hierarchical_prior(*job.people.others(job.listener))
        start = _start_without(job)
    else:
        start = _shipped(job.task)
    if job.method == "PPO, pre-trained":
        return DirectPpo(space.n_observation, space.n_action, question(job.questions[0]), job.seed, start=start)
    if job.method not in LEARNERS:
        raise PolicyError(f"no method {job.method!r}; choose among {', '.join(METHODS)}")
    plan = TrainingPlan(space.n_observation, space.n_action, job.questions, seed=job.seed)
    if not job.refits:
        plan = msgspec.structs.replace(plan, refit_every=job.ratings + 1)
    return LEARNERS[job.method](plan, start, population)


@cache
def _shipped(task: str) -> Weights:
    return read_weights(starting_point(TASKS[task]), TASKS[task])[1]


_STARTS: dict[tuple[int, bytes], Weights] = {}


def _start_without(job: TrainingJob) -> Weights:
    """Policy pre-trained on all people but this one; kept, because the methods share it."""
    assert job.people is not None
    mean, covariance = job.people.others(job.listener)
    key = (job.listener, mean.tobytes())
    if key not in _STARTS:
        worth = OrdinalModel(1, 2, hierarchical_prior(mean, covariance)).worth(np.random.default_rng(job.listener))
        agent = train(lambda s, a: worth(s, a).mean(0), 1, 2, job.listener, WARM_UP, _shipped("pain-to-voice"))
        _STARTS[key] = weights_of(agent)
    return _STARTS[key]


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """First quartile, median, third quartile."""
    q1, median, q3 = np.quantile(np.asarray(values, float), (0.25, 0.5, 0.75))
    return float(q1), float(median), float(q3)


def time_to(level: float, scores: Sequence[Score]) -> float:
    """Ratings at the first checkpoint where this score and the next one reach the level; infinity when none does."""
    for here, after in pairwise(scores):
        if here.score >= level and after.score >= level:
            return float(here.ratings)
    return float("inf")
