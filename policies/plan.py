"""Parts of a training session: plan, trials, schedules of training, and randomness fixed by a trial's number.

Nothing here needs a training library, so that the console's end of a training session stays light.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from policies.answer_scales import RatingQuestion
from policies.spaces import Array

__all__ = ["PRETRAIN", "QUESTION_PLANS", "REFIT", "Schedule", "Source", "TrainingPlan", "TrainingTrial", "keyed"]

QUESTION_PLANS: dict[str, tuple[str, ...]] = {
    "signed": ("signed", "signed", "signed", "signed", "naturalness"),
    "congruence7": ("congruence7",),
    "congruence5": ("congruence5",),
    "agree": ("agree",),
}
"""What ``--question`` stands for: the signed scale fixes intensity; every fifth trial asks which sound is natural."""

Source = Literal["thompson", "policy", "repeat", "probe"]
"""Why this sound was chosen: to learn, to show what was learnt, to see whether the rater answers the same again, or
whether the scale is the right way round."""

Purpose = Literal["query", "reward", "refit", "repeat", "estimate", "press", "answer"]
PURPOSES: tuple[Purpose, ...] = ("query", "reward", "refit", "repeat", "estimate", "press", "answer")


def keyed(seed: int, trial: int, purpose: Purpose) -> np.random.Generator:
    """Generator for one purpose in one trial: nothing depends on what was drawn before."""
    return np.random.default_rng((seed, trial, PURPOSES.index(purpose)))


class Schedule(msgspec.Struct, frozen=True):
    """How long and how boldly to train.

    Attributes
    ----------
    presses
        Simulated presses in all.
    spread
        SD of the exploring action, normalised, at the start and at the end: wide finds the hill, narrow its top.
    """

    presses: int
    rate: float
    rate_end: float
    spread: float
    spread_end: float
    presses_a_batch: int = 512
    epochs: int = 8
    stages: int = 6


PRETRAIN = Schedule(presses=150_000, rate=3e-3, rate_end=5e-4, spread=0.6, spread_end=0.12)
REFIT = Schedule(presses=8192, rate=5e-3, rate_end=5e-4, spread=0.25, spread_end=0.10, epochs=5, stages=4)


class TrainingPlan(msgspec.Struct, frozen=True):
    """How a learner learns.

    Attributes
    ----------
    questions
        Names of the questions in the order they are asked, over and over.
    refit_every
        Ratings between refits of the policy.
    repeat_share
        Share of trials that repeat an earlier one, unannounced.
    repeat_within
        Largest distance of the present press from the earlier one, normalised units.
    freeze
        Whether a rater found to be noise stops the adaptation.
    """

    n_state: int = 1
    n_action: int = 2
    questions: tuple[str, ...] = QUESTION_PLANS["signed"]
    refit_every: int = 10
    repeat_share: float = 0.1
    repeat_within: float = 0.15
    freeze: bool = True
    seed: int = 1
    refit: Schedule = REFIT


class TrainingTrial(msgspec.Struct, frozen=True):
    """One press, one sound, one question. ``other`` is the second sound of a pair; ``repeats`` an earlier trial."""

    index: int
    state: Array
    action: Array
    question: RatingQuestion
    source: Source
    other: Array | None = None
    repeats: int = -1
