"""The questions a rater may be asked, with the likelihoods of their answers; the table is ``robopatient.study``'s.

A listener is described by three hidden quantities per sound: ``mismatch`` (heard minus expected intensity, signed),
``naturalness`` and ``congruence`` (0 to 1). A question places one of them on its answers, in steps; the answer given is
that place plus normal noise, rounded and clipped to the scale, or with the lapse rate any answer at all.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from scipy.special import ndtr

from policies.errors import RatingError
from policies.spaces import Array
from robopatient.study import questions

__all__ = ["LAPSE", "MISMATCH_STEP", "QUESTIONS", "Latents", "RatingQuestion", "question"]

LAPSE = 0.05
"""Share of answers that have nothing to do with the sound."""

MISMATCH_STEP = 0.18
"""Difference between heard and expected intensity that is one step of the signed scale (full range 1); assumption."""


class Latents(NamedTuple):
    """What a listener makes of sounds; arrays of one shape."""

    mismatch: Array
    naturalness: Array
    congruence: Array


class RatingQuestion(questions.Question, frozen=True):
    """One row of the table; "preference" compares the congruence of two sounds."""

    def index(self, rating: object) -> int:
        """Place of an answer on the scale, from 0.

        Raises
        ------
        RatingError
            When it is none of the answers.
        """
        a_number = isinstance(rating, int | float | np.integer | np.floating) and not isinstance(rating, bool)
        if a_number and rating in self.values:
            return int(rating) - self.first
        raise RatingError(
            f"rating {rating!r} is not on the scale {self.name!r}; answer with one of "
            f"{', '.join(map(str, self.values))} ({self.labels[0]} … {self.labels[-1]})"
        )

    def location(self, latents: Latents) -> Array:
        """Where on the scale, steps from the first answer, a noiseless listener would answer."""
        if self.latent == "mismatch":
            return (self.levels - 1) / 2.0 + latents.mismatch / MISMATCH_STEP
        value = latents.naturalness if self.latent == "naturalness" else latents.congruence
        return (self.levels - 1) * value

    def pair_location(self, first: Latents, second: Latents) -> Array:
        """Place of a comparison of two sounds on (first, same, second); 1 step per 1/6 of congruence."""
        return (self.levels - 1) / 2.0 + 6.0 * (second.congruence - first.congruence)

    def probabilities(self, location: Array, noise_factor: Array | float = 1.0, lapse: float = LAPSE) -> Array:
        """Probability of each answer, shape (..., levels)."""
        edges = np.arange(self.levels - 1) + 0.5
        sd = np.asarray(noise_factor)[..., None] * self.noise_steps
        below = ndtr((edges - np.asarray(location)[..., None]) / sd)
        full = np.concatenate([np.zeros_like(below[..., :1]), below, np.ones_like(below[..., :1])], axis=-1)
        return lapse / self.levels + (1.0 - lapse) * np.diff(full, axis=-1)

    def likelihood(
        self, index: Array, location: Array, noise_factor: Array | float = 1.0, lapse: float = LAPSE
    ) -> Array:
        """Probability of the answers with the given places; shapes broadcast."""
        sd = np.asarray(noise_factor) * self.noise_steps
        upper = np.where(index >= self.levels - 1, np.inf, index + 0.5)
        lower = np.where(index <= 0, -np.inf, index - 0.5)
        return lapse / self.levels + (1.0 - lapse) * (ndtr((upper - location) / sd) - ndtr((lower - location) / sd))

    def reward(self, index: Array | int) -> Array:
        """Goodness of an answer, 0 to 1: for learners that see no model of the listener."""
        place = np.asarray(index) / (self.levels - 1)
        return 1.0 - np.abs(2.0 * place - 1.0) if self.latent == "mismatch" else place


QUESTIONS: dict[str, RatingQuestion] = {
    name: RatingQuestion(*msgspec.structs.astuple(row))
    for name, row in questions.QUESTIONS.items()
    if row.latent in ("mismatch", "naturalness", "congruence", "preference")
}
"""Those of the table that a simulated listener can answer by what it hears."""


def question(name: str) -> RatingQuestion:
    """Row of the table by name.

    Raises
    ------
    RatingError
        Naming the known questions.
    """
    try:
        return QUESTIONS[name]
    except KeyError:
        raise RatingError(f"no question {name!r}; choose one of {', '.join(QUESTIONS)}") from None
