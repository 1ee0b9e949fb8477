"""What a sound is worth for a press, learnt from all ratings so far: three models behind one interface.

``ParametricModel`` is the posterior over parametric listeners; ``OrdinalModel`` starts from the population of fitted
people; ``QuadraticModel`` assumes little and is the fallback. ``CheckedModel`` predicts every answer with the first and
the fallback before it is known, and trusts the one that has predicted the recent answers better.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np
from scipy.special import expit

from policies.answer_scales import RatingQuestion
from policies.errors import RatingError
from policies.listeners import ListenerFamily
from policies.posterior import ListenerCloud
from policies.spaces import Array
from policies.statistics.ordinal import Gaussian, answer_probabilities, fit_map, quadratic

__all__ = ["CheckedModel", "OrdinalModel", "ParametricModel", "QuadraticModel", "RewardModel", "Worth", "ordinal_worth"]

Worth = Callable[[Array, Array], Array]
"""Worth under each of several posterior draws, shape (draws, m), of states (m, n_state) and actions (m, n_action)."""

DRAWS = 64
"""Posterior draws behind a mean worth and its interval."""


class RewardModel(Protocol):
    """A belief about one rater."""

    @property
    def name(self) -> str:
        """Kind of belief."""
        ...

    def tell(
        self, state: Array, action: Array, question: RatingQuestion, index: int, other: Array | None = None
    ) -> None:
        """Take in one answer (index from 0); ``other`` is the second sound of a pair."""
        ...

    def chances(self, state: Array, action: Array, question: RatingQuestion, other: Array | None = None) -> Array:
        """Predicted probability of each answer, shape (levels,)."""
        ...

    def worth(self, rng: np.random.Generator) -> Worth:
        """What sounds are worth, by ``DRAWS`` draws from the belief."""
        ...

    def query(self, state: Array, question: RatingQuestion, rng: np.random.Generator) -> Array:
        """The action to ask about for this press."""
        ...


def grid(n_action: int, points: int = 21) -> Array:
    """Actions on a lattice over level and pitch, the others at 0; shape (points^2, n_action)."""
    axis = np.linspace(-1.0, 1.0, points)
    pairs = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return np.hstack([pairs, np.zeros((len(pairs), n_action - 2))])


def ordinal_worth(parameters: Array, n_weights: int) -> Worth:
    """Chance of an answer in the upper half, by each of several ordinal-logit listeners (rows: weights, cuts)."""
    weights, cuts = parameters[:, :n_weights], parameters[:, n_weights:]
    middle = cuts[:, cuts.shape[1] // 2]
    return lambda state, action: expit(quadratic(state, action) @ weights.T - middle).T


class ParametricModel:
    """Posterior over parametric listeners."""

    name = "parametric"
    jitter = 0.1
    """SD added to a Thompson query, so that draws which agree still teach their neighbourhood."""

    def __init__(self, n_state: int, n_action: int, seed: int, size: int = 512) -> None:
        self.cloud = ListenerCloud(ListenerFamily(n_state, n_action), seed, size)
        self._grid = grid(n_action)

    def tell(
        self, state: Array, action: Array, question: RatingQuestion, index: int, other: Array | None = None
    ) -> None:
        """Take in one answer."""
        self.cloud.tell(state, action, question, index, other)

    def chances(self, state: Array, action: Array, question: RatingQuestion, other: Array | None = None) -> Array:
        """Predicted probability of each answer."""
        return self.cloud.chances(state, action, question, other)

    def worth(self, rng: np.random.Generator) -> Worth:
        """Congruence for listeners drawn from the posterior."""
        theta = self.cloud.draw(rng, DRAWS)
        return lambda state, action: self.cloud.family.latents(theta, state, action).congruence

    def query(self, state: Array, question: RatingQuestion, rng: np.random.Generator) -> Array:
        """Best action of one drawn listener (Thompson); naturalness is asked about any action."""
        n_action = self._grid.shape[1]
        if question.latent == "naturalness":
            return np.asarray(rng.uniform(-1.0, 1.0, n_action))
        theta = self.cloud.draw(rng, 1)
        candidates = self._grid.copy()
        if n_action > 2:
            candidates[:, 2:] = theta[0, -(n_action - 2) :]
        worth = self.cloud.family.latents(theta, np.tile(state, (len(candidates), 1)), candidates).congruence[0]
        return np.clip(candidates[worth.argmax()] + rng.normal(0.0, self.jitter, n_action), -1.0, 1.0)


class OrdinalModel:
    """Ordinal-logit listener with the population of fitted people as prior, for their one question."""

    name = "population"
    logistic_variance = 3.3
    """Variance of the logistic noise of one answer, pi^2 / 3."""

    def __init__(self, n_state: int, n_action: int, prior: Gaussian) -> None:
        self.prior = prior
        self.mode, self.precision = prior.mean, prior.precision
        self._actions = grid(n_action)
        self._n_weights = quadratic(np.zeros((1, n_state)), self._actions[:1]).shape[1]
        states = np.random.default_rng(0).uniform(-1.0, 1.0, (16, n_state)) if n_state > 1 else None
        states = np.linspace(-1.0, 1.0, 16)[:, None] if states is None else states
        self._bests = np.stack([self._features(state) for state in states])
        self._x: list[Array] = []
        self._y: list[int] = []

    def _features(self, state: Array) -> Array:
        return quadratic(np.tile(state, (len(self._actions), 1)), self._actions)

    def check(self, question: RatingQuestion) -> None:
        """Raise RatingError unless this is the question that the population was asked."""
        levels = len(self.prior.mean) - self._n_weights + 1
        if question.latent != "congruence" or question.levels != levels:
            raise RatingError(
                f"the population was asked a congruence question of {levels} levels, not {question.name!r}"
            )

    def tell(
        self, state: Array, action: Array, question: RatingQuestion, index: int, other: Array | None = None
    ) -> None:
        """Take in one answer."""
        self.check(question)
        self._x.append(quadratic(state[None], action[None])[0])
        self._y.append(index)
        fit = fit_map(np.array(self._x), np.array(self._y), self.prior, self.mode, max_iterations=8)
        self.mode, self.precision = fit.mode, fit.precision

    def _draws(self, rng: np.random.Generator, n: int) -> Array:
        root = np.linalg.cholesky(self.precision)
        return self.mode + np.linalg.solve(root.T, rng.standard_normal((len(self.mode), n))).T

    def chances(self, state: Array, action: Array, question: RatingQuestion, other: Array | None = None) -> Array:
        """Predicted probability of each answer, the latent's uncertainty folded in (MacKay's approximation)."""
        self.check(question)
        x = quadratic(state[None], action[None])[0]
        gradient = np.r_[x, np.zeros(len(self.mode) - len(x))]
        variance = gradient @ np.linalg.solve(self.precision, gradient)
        shrink = 1.0 / np.sqrt(1.0 + np.pi * variance / 8.0)
        eta = np.array(self.mode[: len(x)] @ x)
        return answer_probabilities(eta * shrink, self.mode[len(x) :] * shrink)

    def worth(self, rng: np.random.Generator) -> Worth:
        """Chance of an answer in the upper half."""
        return ordinal_worth(self._draws(rng, DRAWS), self._n_weights)

    def query(self, state: Array, question: RatingQuestion, rng: np.random.Generator) -> Array:
        """Sound whose answer best tells the favourites of posterior draws from the present favourite.

        Thompson draws say which sounds, over all presses, may be the best; the covariance says which sound's answer
        narrows the differences between them most (an A-optimal design on those differences).
        """
        covariance = np.linalg.inv(self.precision)[: self._n_weights, : self._n_weights]
        weights = self._draws(rng, 32)[:, : self._n_weights]
        rows = np.arange(len(self._bests))[:, None]
        drawn = (self._bests @ weights.T).argmax(1)
        present = (self._bests @ self.mode[: self._n_weights]).argmax(1)[:, None]
        doubts = (self._bests[rows, drawn] - self._bests[rows, present]).reshape(-1, self._n_weights)
        features = self._features(state)
        reached = features @ covariance
        gain = np.einsum("ij,jk,ik->i", reached, doubts.T @ doubts, reached)
        gain /= np.einsum("ij,ij->i", reached, features) + self.logistic_variance
        return self._actions[gain.argmax()]


class QuadraticModel:
    """Bayesian linear regression of answers on quadratic features, one regression a question: assumes little."""

    name = "quadratic"
    noise_sd = 0.2
    """Of an answer's place on its scale (0 to 1): rating noise and misfit; assumption."""
    intercept_sd, weight_sd = 0.3, 0.35
    candidates = 600

    def __init__(self, n_state: int, n_action: int) -> None:
        self.n_action = n_action
        self._size = 1 + quadratic(np.zeros((1, n_state)), np.zeros((1, n_action))).shape[1]
        self._posterior: dict[str, tuple[Array, Array]] = {}

    def _of(self, latent: str) -> tuple[Array, Array]:
        if latent not in self._posterior:
            precision = np.diag(np.r_[self.intercept_sd**-2, np.full(self._size - 1, self.weight_sd**-2)])
            mean = np.zeros(self._size)
            mean[0] = 0.5
            self._posterior[latent] = (precision, precision @ mean)
        return self._posterior[latent]

    @staticmethod
    def _features(state: Array, action: Array) -> Array:
        return np.hstack([np.ones((len(state), 1)), quadratic(state, action)])

    def tell(
        self, state: Array, action: Array, question: RatingQuestion, index: int, other: Array | None = None
    ) -> None:
        """Take in one answer; a comparison is an answer about the difference of two congruences."""
        x = self._features(state[None], action[None])[0]
        y = index / (question.levels - 1)
        latent = question.latent
        if other is not None:
            x, y, latent = self._features(state[None], other[None])[0] - x, y - 0.5, "congruence"
        precision, shift = self._of(latent)
        self._posterior[latent] = (precision + np.outer(x, x) / self.noise_sd**2, shift + x * y / self.noise_sd**2)

    def chances(self, state: Array, action: Array, question: RatingQuestion, other: Array | None = None) -> Array:
        """Predicted probability of each answer."""
        x = self._features(state[None], action[None])[0]
        latent, centre = question.latent, 0.0
        if other is not None:
            x, latent, centre = self._features(state[None], other[None])[0] - x, "congruence", 0.5
        precision, shift = self._of(latent)
        both = np.linalg.solve(precision, np.stack([shift, x], axis=1))
        sd = np.sqrt(self.noise_sd**2 + x @ both[:, 1])
        steps = question.levels - 1
        return question.probabilities(np.array((centre + x @ both[:, 0]) * steps), sd * steps / question.noise_steps)

    def _draw(self, rng: np.random.Generator, n: int) -> dict[str, Array]:
        draws = {}
        for latent in sorted(self._posterior):
            precision, shift = self._posterior[latent]
            root = np.linalg.cholesky(precision)
            draws[latent] = (
                np.linalg.solve(precision, shift) + np.linalg.solve(root.T, rng.standard_normal((self._size, n))).T
            )
        return draws

    @staticmethod
    def _worth(draws: dict[str, Array], features: Array) -> Array:
        """Worth under each draw, shape (n_draws, m)."""
        worth = np.ones(1)
        if "congruence" in draws:
            worth = draws["congruence"] @ features.T
        if "mismatch" in draws:
            steps = (draws["mismatch"] @ features.T - 0.5) * 6.0  # of the 7-point signed scale; 1 step is the tolerance
            worth = worth * np.exp(-(steps**2) / 2.0)
        if "naturalness" in draws:
            worth = worth * np.clip(draws["naturalness"] @ features.T, 0.0, 1.0)
        return np.broadcast_to(worth, (max(1, *(len(d) for d in draws.values())) if draws else 1, len(features)))

    def worth(self, rng: np.random.Generator) -> Worth:
        """Worth by an ensemble of regressions."""
        draws = self._draw(rng, DRAWS)
        return lambda state, action: self._worth(draws, self._features(state, action))

    def query(self, state: Array, question: RatingQuestion, rng: np.random.Generator) -> Array:
        """Best of random actions under one regression of the ensemble (Thompson)."""
        candidates = rng.uniform(-1.0, 1.0, (self.candidates, self.n_action))
        draws = self._draw(rng, 1)
        worth = self._worth(draws, self._features(np.tile(state, (len(candidates), 1)), candidates))[0]
        return np.asarray(candidates[worth.argmax()])


class CheckedModel:
    """A first choice that is watched: when the fallback predicts recent answers better, the fallback acts.

    ``margin`` (nats over the ``window``) keeps chance from switching models back and forth.
    """

    window = 40
    margin = 2.0

    def __init__(self, first: RewardModel, fallback: RewardModel) -> None:
        self.first, self.fallback = first, fallback
        self._advantage: deque[float] = deque(maxlen=self.window)
        self._active = first

    @property
    def name(self) -> str:
        """Of the model that acts."""
        return self._active.name

    def tell(
        self, state: Array, action: Array, question: RatingQuestion, index: int, other: Array | None = None
    ) -> None:
        """Check both predictions, then take the answer in."""
        a, b = (float(m.chances(state, action, question, other)[index]) for m in (self.first, self.fallback))
        self._advantage.append(float(np.log(max(b, 1e-9)) - np.log(max(a, 1e-9))))
        for model in (self.first, self.fallback):
            model.tell(state, action, question, index, other)
        if len(self._advantage) >= self.window // 2:
            total = sum(self._advantage)
            if total > self.margin:
                self._active = self.fallback
            elif total < 0.0:
                self._active = self.first

    def chances(self, state: Array, action: Array, question: RatingQuestion, other: Array | None = None) -> Array:
        """Prediction of the model that acts."""
        return self._active.chances(state, action, question, other)

    def worth(self, rng: np.random.Generator) -> Worth:
        """Worth by the model that acts."""
        return self._active.worth(rng)

    def query(self, state: Array, question: RatingQuestion, rng: np.random.Generator) -> Array:
        """Query of the model that acts."""
        return self._active.query(state, question, rng)
