"""Simulated listeners: parametric ones that judge by intensity and naturalness, and people fitted to their own answers.

A listener knows the merit of a sound for a press; a ``SimulatedRater`` is a listener with human habits (lapses, drift,
sign errors, always the same answer) who answers questions. All is vectorised over sounds and drawn from a given
generator.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

import msgspec
import numpy as np

from policies.answer_scales import LAPSE, MISMATCH_STEP, Latents, RatingQuestion
from policies.errors import RatingError
from policies.spaces import Array
from policies.statistics.ordinal import answer_probabilities, quadratic

__all__ = [
    "FittedListener",
    "Habits",
    "Listener",
    "ListenerFamily",
    "PsychophysicalListener",
    "SimulatedRater",
    "draw_listener",
]


class ListenerFamily:
    """The family of parametric listeners, as arrays of parameters, shape (n, d), one listener a row.

    Expected intensity t = clip(force / saturation, 0, 1)^exponent (+ rate_weight * rate), heard intensity
    q = (1 - w) a^0.8 + w p + bias with level a and pitch p on 0 to 1; naturalness falls with (a - p - offset) and with
    the distance of every further action from its preferred value; congruence is the match of t and q times
    naturalness. Source: facts on simulated raters; Stevens' power law.
    """

    base = ("ln_exponent", "saturation", "pitch_share", "bias", "offset", "ln_spread", "ln_tolerance", "ln_noise")
    # What a learner believes before the first answer. Wide on purpose: the simulated listeners of ``draw_listener``
    # lie well inside, but their naturalness rule (offset .1, spread .45) is to be learnt, not known.
    prior_mean: ClassVar = dict(zip(base, (0.0, 0.85, 0.5, 0.0, 0.0, np.log(0.5), np.log(0.18), 0.0), strict=True))
    prior_sd: ClassVar = dict(zip(base, (0.45, 0.12, 0.18, 0.15, 0.25, 0.4, 0.25, 0.4), strict=True))

    def __init__(self, n_state: int, n_action: int) -> None:
        self.n_state, self.n_action = n_state, n_action
        extras = tuple(f"preferred_{k}" for k in range(2, n_action))
        self.names = self.base + (("rate_weight",) if n_state > 1 else ()) + extras
        means = self.prior_mean | {"rate_weight": 0.1} | dict.fromkeys(extras, 0.0)
        sds = self.prior_sd | {"rate_weight": 0.1} | dict.fromkeys(extras, 0.4)
        self.mean = np.array([means[name] for name in self.names])
        self.sd = np.array([sds[name] for name in self.names])
        self._column = {name: i for i, name in enumerate(self.names)}

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Listeners from the prior, shape (n, d)."""
        return self.mean + self.sd * rng.standard_normal((n, len(self.names)))

    def log_prior(self, theta: Array) -> Array:
        """Log density up to a constant, shape (n,)."""
        return -0.5 * (((theta - self.mean) / self.sd) ** 2).sum(-1)

    def parameter(self, theta: Array, name: str) -> Array:
        """One column, shape (n, 1)."""
        return theta[:, self._column[name]][:, None]

    def noise_factor(self, theta: Array) -> Array:
        """Answer noise over nominal, shape (n, 1)."""
        return np.exp(self.parameter(theta, "ln_noise"))

    def latents(self, theta: Array, state: Array, action: Array) -> Latents:
        """What every listener makes of every sound, shapes (n, m) for state (m, n_state) and action (m, n_action)."""
        force, level, pitch = (state[:, 0] + 1) / 2, (action[:, 0] + 1) / 2, (action[:, 1] + 1) / 2
        saturation = np.clip(self.parameter(theta, "saturation"), 0.4, 1.2)
        share = np.clip(self.parameter(theta, "pitch_share"), 0.02, 0.98)
        expected = np.minimum(force / saturation, 1.0) ** np.exp(self.parameter(theta, "ln_exponent"))
        if self.n_state > 1:
            expected = np.clip(expected + self.parameter(theta, "rate_weight") * state[:, 1], 0.0, 1.0)
        heard = (1 - share) * level**0.8 + share * pitch + self.parameter(theta, "bias")
        mismatch = heard - expected
        strain = (level - pitch - self.parameter(theta, "offset")) ** 2 / (
            2 * np.exp(2 * self.parameter(theta, "ln_spread"))
        )
        if self.n_action > 2:
            preferred = theta[:, -(self.n_action - 2) :]
            squared = (action[:, 2:] ** 2).sum(-1) - 2 * preferred @ action[:, 2:].T + (preferred**2).sum(-1)[:, None]
            strain = strain + squared / 2
        naturalness = np.exp(-strain)
        match = np.exp(-(mismatch**2) / (2 * np.exp(2 * self.parameter(theta, "ln_tolerance"))))
        return Latents(mismatch, naturalness, match * naturalness)


class Listener(Protocol):
    """Somebody with an opinion of sounds."""

    n_state: int
    n_action: int

    def merit(self, state: Array, action: Array) -> Array:
        """How good each sound is for its press, 0 to 1, shape (m,)."""
        ...

    def probabilities(self, question: RatingQuestion, state: Array, action: Array, drift: float = 0.0) -> Array:
        """Chance of each answer without lapses, shape (m, levels); ``drift`` shifts what is heard as too strong."""
        ...


class PsychophysicalListener:
    """One member of the parametric family; merit is congruence."""

    def __init__(self, family: ListenerFamily, parameters: Array) -> None:
        self.family, self.parameters = family, np.asarray(parameters, float)[None, :]
        self.n_state, self.n_action = family.n_state, family.n_action

    def merit(self, state: Array, action: Array) -> Array:
        """Congruence, shape (m,)."""
        return self.family.latents(self.parameters, state, action).congruence[0]

    def preferred(self) -> Array:
        """Best values of the actions beyond level and pitch, shape (n_action - 2,)."""
        return self.parameters[0, len(self.family.names) - (self.n_action - 2) :]

    def _located(self, question: RatingQuestion, state: Array, action: Array, drift: float) -> Array:
        seen = self.family.latents(self.parameters, state, action)
        if drift:
            shifted = seen.mismatch + drift
            tolerance = np.exp(self.family.parameter(self.parameters, "ln_tolerance"))
            seen = Latents(shifted, seen.naturalness, np.exp(-(shifted**2) / (2 * tolerance**2)) * seen.naturalness)
        return question.location(Latents(*(x[0] for x in seen)))

    def probabilities(self, question: RatingQuestion, state: Array, action: Array, drift: float = 0.0) -> Array:
        """Chance of each answer, shape (m, levels)."""
        factor = float(self.family.noise_factor(self.parameters)[0, 0])
        return question.probabilities(self._located(question, state, action, drift), factor, lapse=0.0)


class FittedListener:
    """An ordinal-logit listener fitted to a person's answers; merit is P(agree) or better."""

    def __init__(self, weights: Array, cuts: Array, n_state: int = 1, name: str = "") -> None:
        self.weights, self.cuts, self.name = np.asarray(weights, float), np.asarray(cuts, float), name
        self.n_state, self.n_action = n_state, 2

    def merit(self, state: Array, action: Array) -> Array:
        """Chance of an answer in the upper half of the scale, shape (m,)."""
        eta = quadratic(state, action) @ self.weights
        return 1.0 / (1.0 + np.exp(self.cuts[len(self.cuts) // 2] - eta))

    def probabilities(self, question: RatingQuestion, state: Array, action: Array, drift: float = 0.0) -> Array:
        """Chance of each answer, shape (m, levels).

        Raises
        ------
        RatingError
            For a question this person was never asked.
        """
        if question.latent != "congruence" or question.levels != len(self.cuts) + 1:
            raise RatingError(
                f"listener {self.name or 'fitted'} answered a congruence question of {len(self.cuts) + 1} levels; "
                f"{question.name!r} cannot be simulated from it"
            )
        return answer_probabilities(quadratic(state, action) @ self.weights - drift, self.cuts)


class Habits(msgspec.Struct, frozen=True):
    """How a rater departs from honest answers.

    Attributes
    ----------
    lapse
        Share of answers drawn at random.
    sign_error
        Share of answers given on the wrong side of the scale; 1 is a rater who has it backwards.
    drift_per_100
        Shift of heard intensity per 100 ratings (fatigue, habituation), in units of the full range.
    constant
        Index of the one answer always given, or None.
    """

    lapse: float = LAPSE
    sign_error: float = 0.0
    drift_per_100: float = 0.0
    constant: int | None = None


class SimulatedRater:
    """A listener who answers questions with human habits."""

    def __init__(self, listener: Listener, habits: Habits | None = None, name: str = "") -> None:
        self.listener, self.habits, self.name = listener, habits or Habits(), name

    def answer(
        self, question: RatingQuestion, state: Array, action: Array, rng: np.random.Generator, trial: int = 0
    ) -> np.ndarray:
        """Ratings (values of the scale), shape (m,), for state (m, n_state) and action (m, n_action)."""
        habits, m = self.habits, len(state)
        drift = habits.drift_per_100 * trial / 100.0
        chances = self.listener.probabilities(question, state, action, drift)
        return question.first + self._habitual(question, chances, rng, m)

    def compare(
        self, question: RatingQuestion, state: Array, first: Array, second: Array, rng: np.random.Generator
    ) -> np.ndarray:
        """Answers to "which of the two?", shape (m,)."""
        merits = [
            Latents(np.zeros(len(state)), np.ones(len(state)), self.listener.merit(state, x)) for x in (first, second)
        ]
        chances = question.probabilities(question.pair_location(*merits), lapse=0.0)
        return question.first + self._habitual(question, chances, rng, len(state))

    def _habitual(self, question: RatingQuestion, chances: Array, rng: np.random.Generator, m: int) -> np.ndarray:
        u, lapse, flip, any_answer = rng.random((4, m))
        index = (u[:, None] > np.cumsum(chances, axis=1)[:, :-1]).sum(1)
        index = np.where(flip < self.habits.sign_error, question.levels - 1 - index, index)
        index = np.where(lapse < self.habits.lapse, (any_answer * question.levels).astype(int), index)
        if self.habits.constant is not None:
            index = np.full(m, min(self.habits.constant, question.levels - 1))
        return index


def draw_listener(
    rng: np.random.Generator, n_state: int = 1, n_action: int = 2, noise: float = 1.0
) -> PsychophysicalListener:
    """A listener of the benchmark: the spreads of the facts sheet, tolerance .18, naturalness offset .1, spread .45.

    ``noise`` is the answer noise over nominal (2: twice as noisy).
    """
    family = ListenerFamily(n_state, n_action)
    # In the order of the reference implementation, so that the same seed draws the same person.
    ln_exponent = rng.normal(0, 0.35)
    saturation = float(np.clip(0.85 + rng.normal(0, 0.1), 0.5, 1.0))
    share = float(np.clip(0.5 + rng.normal(0, 0.15), 0.15, 0.85))
    bias, rate_weight = rng.normal(0, 0.12), rng.normal(0.1, 0.08)
    preferred = rng.normal(0, 0.35, size=max(0, n_action - 2))
    parameters = [ln_exponent, saturation, share, bias, 0.1, np.log(0.45), np.log(MISMATCH_STEP), np.log(noise)]
    if n_state > 1:
        parameters.append(rate_weight)
    return PsychophysicalListener(family, np.array([*parameters, *preferred]))
