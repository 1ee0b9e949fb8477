"""The learner: which sound to ask about next, and what every rating changes.

``suggest(state)`` gives the next trial, ``tell(trial, rating)`` takes its answer; the baselines have the same two
calls. All randomness comes from (seed, trial), so that the same ratings lead to the same learner, bit for bit.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from policies.answer_scales import RatingQuestion, question
from policies.errors import RatingError
from policies.plan import Source, TrainingPlan, TrainingTrial, keyed
from policies.rater_check import MESSAGES, Consistency, RaterCheck
from policies.reward_models import CheckedModel, OrdinalModel, ParametricModel, QuadraticModel, RewardModel
from policies.spaces import Array
from policies.statistics.ordinal import Gaussian
from policies.train_ppo import Weights, train, weights_of
from robopatient.expression.ppo import Network

__all__ = ["Learner", "Teachable"]


class Teachable(Protocol):
    """What learner and baselines have in common."""

    def suggest(self, state: Array) -> TrainingTrial:
        """Next trial for a press, state (n_state,) in [-1, 1]."""
        ...

    def tell(self, trial: TrainingTrial, rating: int) -> None:
        """The answer to the trial suggested last."""
        ...

    def act(self, state: Array) -> Array:
        """What it would deploy now: actions (m, n_action) for states (m, n_state)."""
        ...


class Learner:
    """Reward model over all ratings, PPO policy refitted inside it, Thompson queries with hidden repeats and probes.

    Parameters
    ----------
    start
        Weights of a policy pre-trained on randomised listeners: what is deployed until the first refit.
    population
        For the 4-level question of fitted people: what is known about people before the first answer.
    """

    def __init__(self, plan: TrainingPlan, start: Weights, population: Gaussian | None = None) -> None:
        self.plan = plan
        self.questions = tuple(question(name) for name in plan.questions)
        self.start, self.weights = start, start
        self.model: RewardModel = CheckedModel(self._belief(population), QuadraticModel(plan.n_state, plan.n_action))
        self.check = RaterCheck.suited(self._belief(population), self.questions, plan.n_action)
        self.trials: list[TrainingTrial] = []
        self.answers: list[int] = []
        self.frozen = ""
        self.trusted = False
        self._pending: TrainingTrial | None = None
        self._network = Network.of(start)

    def _belief(self, population: Gaussian | None) -> RewardModel:
        """What is believed before the first answer."""
        plan = self.plan
        if population is None:
            return ParametricModel(plan.n_state, plan.n_action, plan.seed)
        model = OrdinalModel(plan.n_state, plan.n_action, population)
        for asked in self.questions:
            model.check(asked)
        return model

    @property
    def consistency(self) -> Consistency:
        """Agreement of the hidden repeats."""
        return self.check.consistency

    def suggest(self, state: Array) -> TrainingTrial:
        """Next trial for a press; a trial that got no answer is asked again, for the new press."""
        index, plan = len(self.answers), self.plan
        state = np.asarray(state, float)
        if state.shape != (plan.n_state,) or not np.all(np.isfinite(state)):
            raise RatingError(f"trial {index}: a press of shape ({plan.n_state},) and finite was expected, got {state}")
        asked = self.questions[index % len(self.questions)]
        again = self._repeat_of(state, asked, index)
        if again is not None:
            self._pending = TrainingTrial(index, state, again.action, asked, "repeat", repeats=again.index)
        elif self.frozen:
            self._pending = TrainingTrial(index, state, self.act(state[None])[0], asked, "policy")
        else:
            action = self.model.query(state, asked, keyed(plan.seed, index, "query"))
            probe = self.check.probe(self.model, state, action, asked)
            source: Source = "thompson" if probe is None else "probe"
            self._pending = TrainingTrial(index, state, action if probe is None else probe, asked, source)
        return self._pending

    def _repeat_of(self, state: Array, asked: RatingQuestion, index: int) -> TrainingTrial | None:
        """Earlier trial with the same question and nearly the same press, when it is time for a repeat."""
        rng = keyed(self.plan.seed, index, "repeat")
        if rng.random() >= self.plan.repeat_share:
            return None
        near = [
            trial
            for trial in self.trials[: max(0, index - 3)]
            if trial.question is asked
            and trial.source != "repeat"
            and np.abs(trial.state - state).max() <= self.plan.repeat_within
        ]
        return near[int(rng.integers(len(near)))] if near else None

    def tell(self, trial: TrainingTrial, rating: int) -> None:
        """Take in the answer to the pending trial; every ``refit_every`` answers the policy is refitted.

        Raises
        ------
        RatingError
            For an answer off the scale, doubled or out of order; nothing changes then.
        """
        self.expect(trial, rating)
        self.take(trial, rating)
        if self.refit_due:
            self.refit()

    def expect(self, trial: TrainingTrial, rating: object) -> None:
        """Raise RatingError unless this is an answer to the pending trial."""
        if self._pending is None or trial.index != self._pending.index:
            waiting = "none is waiting" if self._pending is None else f"trial {self._pending.index} is waiting"
            raise RatingError(f"an answer to trial {trial.index} came, but {waiting}; answer each trial once, in order")
        trial.question.index(rating)

    def take(self, trial: TrainingTrial, rating: int) -> None:
        """Let an answer change the belief, not yet the policy: also the way in which a log is read back."""
        index = trial.question.index(rating)
        predicted = self.model.chances(trial.state, trial.action, trial.question, trial.other)
        self.check.tell(predicted, trial.state, trial.action, trial.question, index, trial.other)
        if trial.repeats >= 0:
            self.check.tell_repeat(index - self.answers[trial.repeats])
        self.model.tell(trial.state, trial.action, trial.question, index, trial.other)
        self.trials.append(trial)
        self.answers.append(index)
        self._pending = None
        if self.check.verdict and self.plan.freeze and not self.frozen and not self.trusted:
            self.frozen = f"{self.check.verdict}: {MESSAGES[self.check.verdict]}"
            self.deploy(self.start)  # what was learnt came from an unreliable rater

    def trust(self) -> None:
        """Adapt again, whatever the check says: the operator has spoken to the rater."""
        self.trusted, self.frozen = True, ""

    @property
    def refit_due(self) -> bool:
        """Whether the answers so far call for a refit."""
        return not self.frozen and len(self.answers) > 0 and len(self.answers) % self.plan.refit_every == 0

    def refit(self) -> None:
        """Train the policy on from its present weights against the present reward model."""
        plan, index = self.plan, len(self.answers)
        worth = self.model.worth(keyed(plan.seed, index, "reward"))
        agent = train(
            lambda state, action: worth(state, action).mean(0),
            plan.n_state,
            plan.n_action,
            int(keyed(plan.seed, index, "refit").integers(2**31)),
            plan.refit,
            self.weights,
        )
        self.deploy(weights_of(agent))

    def expected_worth(self) -> tuple[float, float, float]:
        """Of the deployed policy over all presses, by the present belief: median and 90 % interval."""
        rng = keyed(self.plan.seed, len(self.answers), "estimate")
        states = np.random.default_rng(0).uniform(-1.0, 1.0, (64, self.plan.n_state))
        means = self.model.worth(rng)(states, self.act(states)).mean(1)
        low, median, high = np.quantile(means, (0.05, 0.5, 0.95))
        return float(median), float(low), float(high)

    def deploy(self, weights: Weights) -> None:
        """Act by these weights from now on."""
        self.weights = weights
        self._network = Network.of(weights)

    def act(self, state: Array) -> Array:
        """The policy's actions, shape (m, n_action), without exploration."""
        return self._network(state)
