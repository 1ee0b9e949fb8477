"""Intervals for what holds of people like these, from few people: Student's t over people, not the normal.

A statistic of the whole table is computed again without each person in turn (delete-one jackknife over people, the
CV3 of MacKinnon, Nielsen and Webb 2023). Trials of one person resemble each other, so the person is what is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.stats import nct, t

__all__ = [
    "FEWEST_PEOPLE",
    "detectable",
    "half_width",
    "jackknife",
    "jackknife_interval",
    "mean_interval",
    "share_intervals",
    "without_each",
]

FEWEST_PEOPLE = 3
"""With fewer nothing is said of others: the spread of two people is one difference."""
CONFIDENCE = 0.95
UNKNOWN = (float("nan"), float("nan"))


def half_width(error: np.ndarray | float, people: int) -> np.ndarray | float:
    """Half of a 95 % interval from a standard error over people, of the same shape: t with people - 1 degrees."""
    return t.ppf(0.5 + CONFIDENCE / 2, people - 1) * error


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of one value a person, NaN left out, shape (people,); NaN for too few people."""
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if len(values) < FEWEST_PEOPLE:
        return UNKNOWN
    half = float(half_width(values.std(ddof=1) / math.sqrt(len(values)), len(values)))
    return float(values.mean()) - half, float(values.mean()) + half


def without_each(people: int) -> np.ndarray:
    """Weights that leave out one person each, shape (people, people)."""
    return 1.0 - np.eye(people)


def jackknife_interval(whole: float, without: np.ndarray) -> tuple[float, float]:
    """95 % interval of a statistic from its values without each person, shape (people,).

    NaN for too few people, or when the statistic cannot be computed without one of them: then it hangs on that person.
    """
    n = len(without)
    if n < FEWEST_PEOPLE or not (math.isfinite(whole) and np.isfinite(without).all()):
        return UNKNOWN
    half = float(half_width(math.sqrt((n - 1) / n * float(np.sum((without - whole) ** 2))), n))
    return whole - half, whole + half


def jackknife(statistic: Callable[[np.ndarray], np.ndarray], people: int) -> np.ndarray:
    """95 % intervals of several statistics, shape (statistics, 2).

    Parameters
    ----------
    statistic
        From a weight for each person, shape (people,), to the statistics, shape (statistics,).
    """
    whole = np.asarray(statistic(np.ones(people)), dtype=float)
    if people < FEWEST_PEOPLE:
        return np.full((len(whole), 2), np.nan)
    without = np.array([statistic(weights) for weights in without_each(people)], dtype=float)
    return np.array([jackknife_interval(value, column) for value, column in zip(whole, without.T, strict=True)])


def share_intervals(hits: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """95 % intervals of pooled shares within 0 to 1, shape (cells, 2).

    Parameters
    ----------
    hits, totals
        By person and cell, shape (people, cells).
    """

    def shares(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((weights @ hits) / (weights @ totals))

    return np.clip(jackknife(shares, len(hits)), 0.0, 1.0)


def detectable(spread: float, people: int, power: float = 0.8) -> float:
    """Smallest mean difference that a paired t test of these people finds with this power (two-sided, 5 %).

    Exact, by the noncentral t distribution.

    Parameters
    ----------
    spread
        SD over people of their differences.
    """
    if people < FEWEST_PEOPLE:
        return float("nan")
    df = people - 1
    critical = t.ppf(0.5 + CONFIDENCE / 2, df)

    def lacks(shift: float) -> float:
        # The other tail: scipy gives NaN where it is smaller than any number.
        wrong_way = np.nan_to_num(nct.cdf(-critical, df, shift))
        return float(nct.sf(critical, df, shift) + wrong_way) - power

    return float(brentq(lacks, 0.0, 12.0)) * spread / math.sqrt(people)
