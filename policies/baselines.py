"""What the learner is measured against, behind the same two calls: suggest and tell.

Direct PPO as published (or with settings that can learn from so few ratings), a contextual bandit on the published
table, a Gaussian process, preference duels, and the policy that always does the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
import torch
from scipy.linalg import cho_solve, cholesky
from scipy.special import ndtr
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger

from policies.answer_scales import RatingQuestion, question
from policies.env import published_table
from policies.errors import RatingError
from policies.learner import Learner, Teachable
from policies.plan import Schedule, TrainingTrial, keyed
from policies.reward_models import grid
from policies.spaces import Array
from policies.statistics.ordinal import quadratic
from policies.train_ppo import Weights, build, load_weights, weights_of
from robopatient.expression.ppo import Network

__all__ = ["BASELINES", "BeliefAlone", "ConstantSound", "DirectPpo", "Duels", "GaussianProcess", "TableBandit"]


class _Baseline(ABC):
    """Bookkeeping that all share: the pending trial, the answers as rewards from 0 to 1."""

    def __init__(self, n_state: int, n_action: int, asked: RatingQuestion, seed: int) -> None:
        self.n_state, self.n_action, self.question, self.seed = n_state, n_action, asked, seed
        self.states, self.actions = np.empty((0, n_state)), np.empty((0, n_action))
        self.rewards = np.empty(0)
        self.answered = 0
        self._pending: TrainingTrial | None = None

    def suggest(self, state: Array) -> TrainingTrial:
        """Next trial for a press."""
        self._pending = self._trial(self.answered, np.asarray(state, float))
        return self._pending

    def tell(self, trial: TrainingTrial, rating: int) -> None:
        """The answer to the trial suggested last; RatingError when off the scale or out of order."""
        if self._pending is None or trial.index != self._pending.index:
            raise RatingError(f"an answer to trial {trial.index} came out of order; answer each trial once")
        index = trial.question.index(rating)
        self._pending = None
        self.states = np.vstack([self.states, trial.state])
        self.actions = np.vstack([self.actions, trial.action])
        self.rewards = np.append(self.rewards, trial.question.reward(index))
        self.answered += 1
        self._learn(trial, index)

    @abstractmethod
    def _trial(self, index: int, state: Array) -> TrainingTrial: ...

    def _learn(self, trial: TrainingTrial, index: int) -> None:  # noqa: B027  (a constant learns nothing)
        pass


class _OneSound(_Baseline):
    """A baseline that proposes one sound a press."""

    def _trial(self, index: int, state: Array) -> TrainingTrial:
        action = self._choose(state, keyed(self.seed, index, "query"))
        return TrainingTrial(index, state, action, self.question, "thompson")

    @abstractmethod
    def _choose(self, state: Array, rng: np.random.Generator) -> Array: ...


class ConstantSound(_OneSound):
    """Always the centre of the action space, whatever is pressed or said."""

    def _choose(self, state: Array, rng: np.random.Generator) -> Array:
        return np.zeros(self.n_action)

    def act(self, state: Array) -> Array:
        """Zeros."""
        return np.zeros((len(state), self.n_action))


class DirectPpo(_OneSound):
    """PPO on the ratings themselves: one update each ``batch`` ratings, old ratings thrown away.

    ``batch=2048`` is stable-baselines3's default: no update in any sitting, as with the published agent (horizon 256 at
    240 trials, built anew in each). ``batch=20`` with a rate of 3e-3 is what can learn; ``start`` pre-trains it.
    """

    rate, epochs, spread, spread_pretrained = 3e-3, 10, 0.6, 0.3

    def __init__(
        self,
        n_state: int,
        n_action: int,
        asked: RatingQuestion,
        seed: int,
        batch: int = 20,
        start: Weights | None = None,
    ) -> None:
        super().__init__(n_state, n_action, asked, seed)
        self.batch = batch
        spread = self.spread if start is None else self.spread_pretrained
        schedule = Schedule(batch, self.rate, self.rate, spread, spread, presses_a_batch=batch, epochs=self.epochs)
        self._agent = build(self._replay, n_state, n_action, seed, schedule)
        if start is not None:
            load_weights(self._agent, {**start, "log_std": np.full(n_action, np.log(spread), np.float32)})
        self._agent.set_logger(Logger(folder=None, output_formats=[]))
        self._network = Network.of(weights_of(self._agent))

    def _replay(self, state: Array, action: Array) -> Array:
        return self.rewards[-len(state) :]

    def _choose(self, state: Array, rng: np.random.Generator) -> Array:
        mean = self._network(state[None])[0]
        spread = np.exp(weights_of(self._agent)["log_std"])
        return np.clip(mean + spread * rng.standard_normal(self.n_action), -1.0, 1.0)

    def _learn(self, trial: TrainingTrial, index: int) -> None:
        if self.answered % self.batch == 0 and self.answered >= self.batch:
            _ppo_update(
                self._agent, self.states[-self.batch :], self.actions[-self.batch :], self.rewards[-self.batch :]
            )
            self._network = Network.of(weights_of(self._agent))

    def act(self, state: Array) -> Array:
        """The actor's mean."""
        return self._network(state)


def _ppo_update(agent: PPO, states: Array, actions: Array, rewards: Array) -> None:
    """One PPO update on given presses: fill the agent's rollout buffer by hand and train on it."""
    n = len(states)
    agent.rollout_buffer.reset()
    observed = torch.as_tensor(states, dtype=torch.float32)
    acted = torch.as_tensor(actions, dtype=torch.float32)
    with torch.no_grad():
        values, log_prob, _ = agent.policy.evaluate_actions(observed, acted)
    agent.rollout_buffer.add(
        states.astype(np.float32).reshape(n, -1),
        actions.astype(np.float32).reshape(n, -1),
        rewards.astype(np.float32),
        np.ones(n, np.float32),
        values.flatten(),
        log_prob,
    )
    agent.rollout_buffer.compute_returns_and_advantage(values.flatten(), np.ones(n, bool))
    agent.train()


class TableBandit(_OneSound):
    """Thompson sampling on the published 16 sounds: Bayesian linear regression on quadratic features."""

    noise_sd, weight_sd = 0.3, 0.35

    def __init__(self, n_state: int, n_action: int, asked: RatingQuestion, seed: int) -> None:
        super().__init__(n_state, n_action, asked, seed)
        table = published_table()
        self._table = np.hstack([table, np.zeros((len(table), n_action - 2))])
        size = len(self._features(np.zeros(n_state), self._table)[0])
        self._precision = np.eye(size) / self.weight_sd**2
        self._shift = self._precision @ np.r_[0.5, np.zeros(size - 1)]

    @staticmethod
    def _features(state: Array, actions: Array) -> Array:
        return np.hstack([np.ones((len(actions), 1)), quadratic(np.tile(state, (len(actions), 1)), actions)])

    def _choose(self, state: Array, rng: np.random.Generator) -> Array:
        root = np.linalg.cholesky(self._precision)
        mean = np.linalg.solve(self._precision, self._shift)
        weights = mean + np.linalg.solve(root.T, rng.standard_normal(len(mean)))
        return self._table[(self._features(state, self._table) @ weights).argmax()]

    def _learn(self, trial: TrainingTrial, index: int) -> None:
        x = self._features(trial.state, trial.action[None])[0]
        self._precision = self._precision + np.outer(x, x) / self.noise_sd**2
        self._shift = self._shift + x * self.rewards[-1] / self.noise_sd**2

    def act(self, state: Array) -> Array:
        """Best of the table by the mean weights."""
        weights = np.linalg.solve(self._precision, self._shift)
        return np.array([self._table[(self._features(s, self._table) @ weights).argmax()] for s in state])


class GaussianProcess(_OneSound):
    """GP-UCB on rewards, RBF kernel of fixed length; the first 16 queries random."""

    length, amplitude, noise_sd, beta, first_random, candidates = 0.8, 0.3, 0.25, 1.0, 16, 512

    def _kernel(self, a: Array, b: Array) -> Array:
        squared = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
        return self.amplitude**2 * np.exp(-squared / (2 * self.length**2))

    def _posterior(self, queries: Array) -> tuple[Array, Array]:
        x = np.hstack([self.states, self.actions])
        factor = cholesky(self._kernel(x, x) + self.noise_sd**2 * np.eye(len(x)), lower=True)
        cross = self._kernel(queries, x)
        mean = self.rewards.mean() + cross @ cho_solve((factor, True), self.rewards - self.rewards.mean())
        half = np.linalg.solve(factor, cross.T)
        return mean, np.sqrt(np.maximum(self.amplitude**2 - (half**2).sum(0), 1e-12))

    def _choose(self, state: Array, rng: np.random.Generator) -> Array:
        actions = rng.uniform(-1.0, 1.0, (self.candidates, self.n_action))
        if self.answered < self.first_random:
            return actions[0]
        mean, sd = self._posterior(np.hstack([np.tile(state, (len(actions), 1)), actions]))
        return actions[(mean + self.beta * sd).argmax()]

    def act(self, state: Array) -> Array:
        """Best posterior mean among fixed candidates."""
        if not self.answered:
            return np.zeros((len(state), self.n_action))
        actions = np.random.default_rng(0).uniform(-1.0, 1.0, (self.candidates, self.n_action))
        queries = np.hstack([np.repeat(state, len(actions), axis=0), np.tile(actions, (len(state), 1))])
        mean = self._posterior(queries)[0].reshape(len(state), len(actions))
        return actions[mean.argmax(1)]


class Duels(_Baseline):
    """Pairs of sounds with "the same": probit regression on quadratic features (Laplace), Thompson duels.

    A pair is one trial and two sounds.
    """

    weight_sd, candidates, same_half_width = 1.0, 200, 0.3

    def __init__(self, n_state: int, n_action: int, asked: RatingQuestion, seed: int) -> None:
        super().__init__(n_state, n_action, question("pair"), seed)
        size = quadratic(np.zeros((1, n_state)), np.zeros((1, n_action))).shape[1]
        self._mode, self._precision = np.zeros(size), np.eye(size) / self.weight_sd**2
        self._x, self._y = np.empty((0, size)), np.empty(0, int)

    def _trial(self, index: int, state: Array) -> TrainingTrial:
        rng = keyed(self.seed, index, "query")
        actions = rng.uniform(-1.0, 1.0, (self.candidates, self.n_action))
        features = quadratic(np.tile(state, (len(actions), 1)), actions)
        root = np.linalg.cholesky(self._precision)
        draws = self._mode + np.linalg.solve(root.T, rng.standard_normal((len(self._mode), 2))).T
        first, second = (features @ draws.T).argmax(0)
        return TrainingTrial(index, state, actions[first], self.question, "thompson", other=actions[second])

    def _learn(self, trial: TrainingTrial, index: int) -> None:
        assert trial.other is not None
        pair = quadratic(np.tile(trial.state, (2, 1)), np.stack([trial.action, trial.other]))
        self._x = np.vstack([self._x, pair[1] - pair[0]])
        self._y = np.append(self._y, index)
        upper = np.array([-self.same_half_width, self.same_half_width, np.inf])[self._y]
        lower = np.array([-np.inf, -self.same_half_width, self.same_half_width])[self._y]
        for _ in range(6):
            z = self._x @ self._mode
            p = np.maximum(ndtr(upper - z) - ndtr(lower - z), 1e-9)
            density = [np.exp(-(np.clip(edge - z, -30, 30) ** 2) / 2) / np.sqrt(2 * np.pi) for edge in (upper, lower)]
            slope = (density[1] - density[0]) / p
            # The expected curvature of a probit is at most 1; the squared slope is its unbiased estimate.
            curvature = np.clip(slope**2, 0.05, 1.0)
            self._precision = np.eye(len(self._mode)) / self.weight_sd**2 + (self._x * curvature[:, None]).T @ self._x
            gradient = self._x.T @ slope - self._mode / self.weight_sd**2
            self._mode = self._mode + np.linalg.solve(self._precision, gradient)

    def act(self, state: Array) -> Array:
        """Best of fixed candidates by the mode."""
        actions = np.random.default_rng(0).uniform(-1.0, 1.0, (512, self.n_action))
        actions[0] = 0.0
        return np.array([actions[(quadratic(np.tile(s, (512, 1)), actions) @ self._mode).argmax()] for s in state])


class BeliefAlone(Learner):
    """The learner without its network: the sound of most expected worth on a lattice. What PPO is refitted towards."""

    points = 41

    @property
    def refit_due(self) -> bool:
        """Never: there is nothing to refit."""
        return False

    def act(self, state: Array) -> Array:
        """Best of the lattice for each press; dimensions beyond level and pitch stay at their middle."""
        worth = self.model.worth(keyed(self.plan.seed, len(self.answers), "reward"))
        sounds = grid(self.plan.n_action, self.points)
        return np.array([sounds[worth(np.tile(s, (len(sounds), 1)), sounds).mean(0).argmax()] for s in state])


BASELINES: dict[str, Callable[[int, int, RatingQuestion, int], Teachable]] = {
    "constant centre": ConstantSound,
    "PPO, library defaults": lambda s, a, q, seed: DirectPpo(s, a, q, seed, batch=2048),
    "PPO, tuned": DirectPpo,
    "table bandit": TableBandit,
    "Gaussian process": GaussianProcess,
    "preference duels": Duels,
}
