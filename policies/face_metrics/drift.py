"""Ten minutes on end: is minute 10 the same face as minute 1.

The stimulus of every minute is the same, so any difference is the generator's own: variance that dies or grows, a
grimace that creeps in.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from policies.face_generators import Generator
from policies.face_metrics.generation import generate_many
from policies.statistics.resampling import Interval, SubjectBootstrap
from robopatient.face.generator.condition import Traits, condition_of
from robopatient.face.generator.motion import MOTION_HZ, pspi

__all__ = ["Drift", "drift_of", "minute_of_pain", "ten_minutes"]

MINUTES = 10
TOGETHER = 32
"""Faces let run at a time: ten minutes of each are kept until they are boiled down."""


class Drift(NamedTuple):
    """Minute 10 over minute 1 of means over faces, and both by minute for the plot.

    Attributes
    ----------
    variance_ratio
        Of the variance over time, mean over standardised columns; the interval is over faces.
    pspi_change
        Relative change of mean PSPI.
    variance, mean_pspi
        Of each minute, shape (minutes,), mean over faces.
    """

    variance_ratio: Interval
    pspi_change: Interval
    variance: np.ndarray
    mean_pspi: np.ndarray


def minute_of_pain() -> np.ndarray:
    """One minute of pain 0-10, shape (1800,): six presses of rising and falling strength, quiet at both ends."""
    t = np.arange(round(60 * MOTION_HZ)) / MOTION_HZ
    pain = np.zeros_like(t)
    for start_s, peak, hold_s in ((3, 4, 1.0), (11, 7, 2.0), (21, 9, 1.0), (29, 3, 3.0), (38, 6, 0.5), (45, 8, 2.0)):
        rise = np.clip((t - start_s) / 0.6, 0.0, 1.0)
        fall = np.clip((t - start_s - 0.6 - hold_s) / 0.8, 0.0, 1.0)
        pain = np.maximum(pain, peak * (rise - fall))
    return pain


def ten_minutes(traits: Traits, minutes: int = MINUTES) -> np.ndarray:
    """Conditions of so many equal minutes, shape (minutes * 1800, C)."""
    return condition_of(np.tile(minute_of_pain(), minutes), MOTION_HZ, traits)


def drift_of(generator: Generator, seeds: list[int], scale: np.ndarray, minutes: int = MINUTES) -> Drift:
    """Let a generator run and compare its last minute with its first.

    Parameters
    ----------
    seeds
        One face each. Two minutes of one face differ by chance, as those of people do: it takes a hundred to tell
        5 % from none.
    scale
        Standard deviation of each column in training, shape (D,).
    """
    condition = ten_minutes(Traits(), minutes)
    each = round(60 * MOTION_HZ)
    variance, mean_pspi = [], []
    for first in range(0, len(seeds), TOGETHER):
        some = seeds[first : first + TOGETHER]
        for motion in generate_many(generator, [condition] * len(some), some):
            by_minute = motion.reshape(minutes, each, -1)
            variance.append((by_minute / scale).var(axis=1).mean(axis=1))
            mean_pspi.append([float(np.asarray(pspi(one)).mean()) for one in by_minute])
    v, p = np.array(variance), np.array(mean_pspi)
    boot = SubjectBootstrap([str(seed) for seed in seeds], seed=(0, 95))
    return Drift(
        variance_ratio=boot.of(lambda faces: _last_over_first(v[faces])),
        pspi_change=boot.of(lambda faces: _last_over_first(p[faces]) - 1.0),
        variance=v.mean(axis=0),
        mean_pspi=p.mean(axis=0),
    )


def _last_over_first(by_minute: np.ndarray) -> float:
    """Of the mean over faces, shape (faces, minutes); NaN when there was nothing in the first."""
    mean = by_minute.mean(axis=0)
    return float(mean[-1] / mean[0]) if mean[0] > 0.0 else float("nan")
