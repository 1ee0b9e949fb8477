"""Intervals over people: whole participants are drawn with replacement, because trials of one person hang together."""

from __future__ import annotations

import numpy as np

__all__ = ["REPLICATES", "interval", "person_weights", "share_intervals"]

REPLICATES = 1000
"""Draws of people: the ends of a 95 % interval then wander by about a tenth of its width."""


def person_weights(people: int, replicates: int, seed: int) -> np.ndarray:
    """How often each person is drawn, shape (replicates, people)."""
    draws = np.random.default_rng(seed).integers(people, size=(replicates, people))
    return np.stack([np.bincount(draw, minlength=people) for draw in draws]).astype(float)


def interval(samples: np.ndarray) -> tuple[float, float]:
    """Middle 95 % of a bootstrap sample (Efron's percentiles); NaN when fewer than half of the draws succeeded."""
    kept = samples[np.isfinite(samples)]
    if len(kept) < max(20, len(samples) / 2):
        return float("nan"), float("nan")
    low, high = np.percentile(kept, (2.5, 97.5))
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
    return np.array([interval(column) for column in shares.T])
