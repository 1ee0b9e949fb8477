"""What the ratings so far say about a listener: a cloud of parametric listeners, updated by every answer.

Iterated batch importance sampling (Chopin 2002): answers reweight the cloud; when few members carry the weight it is
resampled and moved by Metropolis steps against all answers so far. The cloud is a function of prior, answers and
seed alone, so that a resumed or corrected session arrives at the same cloud, bit for bit.
"""

from __future__ import annotations

import numpy as np

from policies.answer_scales import RatingQuestion
from policies.listeners import ListenerFamily
from policies.spaces import Array

__all__ = ["ListenerCloud", "RatingHistory"]


class RatingHistory:
    """All answers so far as arrays that grow: state, action, the other action of a pair (else nan), index from 0."""

    def __init__(self, n_state: int, n_action: int) -> None:
        self.state, self.action = np.empty((0, n_state)), np.empty((0, n_action))
        self.other = np.empty((0, n_action))
        self.index = np.empty(0, int)
        self.questions: list[RatingQuestion] = []

    def __len__(self) -> int:
        return len(self.index)

    def add(self, state: Array, action: Array, question: RatingQuestion, index: int, other: Array | None) -> None:
        """Append one answer."""
        self.other = np.vstack([self.other, np.full_like(action, np.nan) if other is None else other])
        self.state = np.vstack([self.state, state])
        self.action = np.vstack([self.action, action])
        self.index = np.append(self.index, index)
        self.questions.append(question)

    def by_question(self) -> dict[RatingQuestion, np.ndarray]:
        """Rows of each question asked."""
        names = np.array([q.name for q in self.questions])
        return {q: np.flatnonzero(names == q.name) for q in dict.fromkeys(self.questions)}


class ListenerCloud:
    """Weighted listeners of the parametric family."""

    def __init__(self, family: ListenerFamily, seed: int, size: int = 512, moves: int = 3) -> None:
        self.family, self.seed, self.size, self.moves = family, seed, size, moves
        self.theta = family.sample(np.random.default_rng((seed, 0)), size)
        self.log_weight = np.zeros(size)
        self.answers = RatingHistory(family.n_state, family.n_action)

    @property
    def weight(self) -> Array:
        """Normalised weights, shape (size,)."""
        w = np.exp(self.log_weight - self.log_weight.max())
        return w / w.sum()

    def chances(self, state: Array, action: Array, question: RatingQuestion, other: Array | None = None) -> Array:
        """Predicted probability of each answer to one question, shape (levels,)."""
        location = self._location(
            self.theta, question, state[None], action[None], None if other is None else other[None]
        )
        return np.asarray(self.weight @ question.probabilities(location, self.family.noise_factor(self.theta))[:, 0])

    def tell(
        self, state: Array, action: Array, question: RatingQuestion, index: int, other: Array | None = None
    ) -> None:
        """Take in one answer; ``other`` is the second sound of a pair."""
        self.answers.add(state, action, question, index, other)
        location = self._location(
            self.theta, question, state[None], action[None], None if other is None else other[None]
        )
        noise = self.family.noise_factor(self.theta)
        self.log_weight += np.log(question.likelihood(np.array([index]), location, noise)[:, 0])
        if 1.0 / (self.weight**2).sum() < 0.5 * self.size:
            self._renew(np.random.default_rng((self.seed, len(self.answers))))

    def _location(
        self, theta: Array, question: RatingQuestion, state: Array, action: Array, other: Array | None
    ) -> Array:
        seen = self.family.latents(theta, state, action)
        if question.latent == "preference" and other is not None:
            return question.pair_location(seen, self.family.latents(theta, state, other))
        return question.location(seen)

    def log_likelihood(self, theta: Array) -> Array:
        """Of all answers so far, shape (n,)."""
        noise, told = self.family.noise_factor(theta), self.answers
        total = np.zeros(len(theta))
        for question, rows in told.by_question().items():
            location = self._location(theta, question, told.state[rows], told.action[rows], told.other[rows])
            total += np.log(question.likelihood(told.index[rows], location, noise)).sum(1)
        return total

    def _renew(self, rng: np.random.Generator) -> None:
        weight = self.weight
        mean = weight @ self.theta
        centred = self.theta - mean
        covariance = (centred * weight[:, None]).T @ centred + 1e-8 * np.eye(len(mean))
        positions = (rng.random() + np.arange(self.size)) / self.size
        chosen = np.minimum(np.searchsorted(np.cumsum(weight), positions), self.size - 1)
        self.theta, self.log_weight = self.theta[chosen], np.zeros(self.size)
        # Random-walk scale of Roberts, Gelman and Gilks (1997), alternating with shorter steps for curved ridges.
        root = np.linalg.cholesky(covariance) * 2.38 / np.sqrt(len(mean))
        density = self.family.log_prior(self.theta) + self.log_likelihood(self.theta)
        for move in range(self.moves):
            step = rng.standard_normal(self.theta.shape) @ root.T * (1.0 if move % 2 == 0 else 0.4)
            proposed = self.theta + step
            there = self.family.log_prior(proposed) + self.log_likelihood(proposed)
            accept = np.log(rng.random(self.size)) < there - density
            self.theta = np.where(accept[:, None], proposed, self.theta)
            density = np.where(accept, there, density)

    def draw(self, rng: np.random.Generator, n: int) -> Array:
        """Listeners drawn by weight, shape (n, d)."""
        return self.theta[rng.choice(self.size, n, p=self.weight)]
