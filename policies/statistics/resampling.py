"""Intervals over people, who are drawn with replacement: trials, clips and frames of one person resemble each other.

All intervals are the middle 95 % of the draws (Efron's percentiles).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

__all__ = [
    "REPLICATES",
    "Interval",
    "SubjectBootstrap",
    "better",
    "draw_people",
    "percentile_interval",
    "person_weights",
    "share_intervals",
    "sign_flip_p",
]

REPLICATES = 1000
"""Draws of people: the ends of a 95 % interval then wander by about a tenth of its width."""


class Interval(NamedTuple):
    """An estimate with its 95 % percentile interval; ``n`` people (or trials) behind it."""

    value: float
    low: float
    high: float
    n: int


def draw_people(people: int, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of people drawn with replacement, shape (replicates, people)."""
    return rng.integers(people, size=(replicates, people))


def person_weights(people: int, replicates: int, seed: int) -> np.ndarray:
    """How often each person is drawn, shape (replicates, people)."""
    draws = draw_people(people, replicates, np.random.default_rng(seed))
    return np.stack([np.bincount(draw, minlength=people) for draw in draws]).astype(float)


def percentile_interval(samples: np.ndarray, least_share: float = 0.5) -> tuple[float, float]:
    """Middle 95 % of a bootstrap sample; NaN when fewer than ``least_share`` of the draws are finite, or none."""
    finite = samples[np.isfinite(samples)]
    if len(finite) < max(1, least_share * len(samples)):
        return float("nan"), float("nan")
    low, high = np.percentile(finite, (2.5, 97.5))
    return float(low), float(high)


def share_intervals(hits: np.ndarray, totals: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """95 % intervals of pooled shares, shape (cells, 2).

    Parameters
    ----------
    hits, totals
        By person and cell, shape (people, cells).
    weights
        From ``person_weights``.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = (weights @ hits) / (weights @ totals)
    return np.array([percentile_interval(column) for column in shares.T])


class SubjectBootstrap:
    """Draws of subjects with replacement, the same for every measure that is compared.

    Parameters
    ----------
    subjects
        Subject of each case, shape (n_cases,).
    draws
        How often all subjects are drawn.
    seed
        A seed, several, or a generator to draw from.
    names
        The subjects in the order in which they are numbered; by default that of their first cases.
    """

    def __init__(
        self,
        subjects: Sequence[str],
        draws: int = REPLICATES,
        seed: int | Sequence[int] | np.random.Generator = 0,
        names: Sequence[str] = (),
    ) -> None:
        self.names = tuple(names or dict.fromkeys(subjects))
        index = {name: i for i, name in enumerate(self.names)}
        self.subject_of = np.array([index[name] for name in subjects])
        self.chosen = draw_people(len(self.names), draws, np.random.default_rng(seed))
        self._cases = [np.flatnonzero(self.subject_of == i) for i in range(len(self.names))]

    def means(self, values: np.ndarray) -> np.ndarray:
        """Mean of each subject's cases, NaN left out, shape (n_subjects,)."""
        values = np.asarray(values, dtype=np.float64)
        kept = np.isfinite(values)
        total = np.bincount(self.subject_of[kept], values[kept], len(self.names))
        count = np.bincount(self.subject_of[kept], minlength=len(self.names))
        result: np.ndarray = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return result

    def mean(self, values: np.ndarray) -> Interval:
        """Mean over subjects of their means over cases, values of shape (n_cases,)."""
        means = self.means(values)
        drawn = means[self.chosen]
        counted = np.isfinite(drawn).sum(1)
        draws = np.nansum(drawn, 1)[counted > 0] / counted[counted > 0]
        n = int(np.isfinite(means).sum())
        return _interval(float(np.nanmean(means)) if n else float("nan"), draws, n)

    def of(self, statistic: Callable[[np.ndarray], float], draws: int | None = None) -> Interval:
        """Any statistic of a set of cases, given as indices in which a person drawn twice counts twice."""
        return self.of_all(lambda rows: {"": statistic(rows)}, draws)[""]

    def of_all(
        self, statistics: Callable[[np.ndarray], Mapping[str, float]], draws: int | None = None
    ) -> dict[str, Interval]:
        """Several statistics of the same draws, by name."""
        everybody = statistics(np.arange(len(self.subject_of)))
        drawn = [statistics(np.concatenate([self._cases[i] for i in row])) for row in self.chosen[:draws]]
        return {
            name: _interval(number, np.array([one[name] for one in drawn]), len(self.names))
            for name, number in everybody.items()
        }


def better(ours: np.ndarray, theirs: np.ndarray, bootstrap: SubjectBootstrap, lower: bool) -> Interval:
    """How much better ours is than theirs, paired by case: above 0 throughout the interval means better."""
    sign = -1.0 if lower else 1.0
    return bootstrap.mean(sign * (np.asarray(ours) - np.asarray(theirs)))


def sign_flip_p(differences: np.ndarray, draws: int = 20_000, seed: int = 0) -> float:
    """One-sided p that a mean difference this far above 0 comes from signs alone (paired permutation test).

    All sign patterns are counted when there are few enough; otherwise random ones, the observed one among them
    (Phipson and Smyth 2010), so that p is never 0.
    """
    d = np.asarray(differences, dtype=np.float64)
    d = d[np.isfinite(d)]
    if not len(d):
        return 1.0
    if len(d) <= 14:
        codes = np.arange(2 ** len(d))[:, None] >> np.arange(len(d)) & 1
        sums = (1 - 2 * codes) @ d
        return float((sums >= d.sum() - 1e-12).mean())
    rng = np.random.default_rng([seed, 11])
    signs = rng.integers(0, 2, (draws, len(d)), dtype=np.int8) * 2 - 1
    return float((1 + (signs @ d >= d.sum() - 1e-12).sum()) / (draws + 1))


def _interval(value: float, draws: np.ndarray, n: int) -> Interval:
    return Interval(value, *percentile_interval(draws, least_share=0.0), n)
