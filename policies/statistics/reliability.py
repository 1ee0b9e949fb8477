"""Agreement between raters: intraclass correlations and Krippendorff's alpha."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from policies.errors import AnalysisError

__all__ = ["Icc", "icc_one_way", "icc_two_way", "krippendorff_alpha"]


class Icc(NamedTuple):
    """Intraclass correlations of a complete table (McGraw and Wong 1996): of one rater and of the mean of all."""

    agreement_one: float
    agreement_mean: float
    consistency_one: float
    consistency_mean: float
    targets: int
    raters: int


def icc_one_way(table: np.ndarray) -> float:
    """ICC(1,1): share of the variance that lies between targets, when each has its own raters (Shrout and Fleiss 1979).

    Parameters
    ----------
    table
        Targets by raters, NaN where somebody did not rate, shape (targets, raters); targets need two answers.
    """
    rated = np.isfinite(table).sum(axis=1)
    table, rated = table[rated >= 2], rated[rated >= 2]
    if len(table) < 2:
        raise AnalysisError("ICC needs at least two stimuli with two answers each")
    n = rated.sum()
    means = np.nanmean(table, axis=1)
    between = np.sum(rated * (means - np.nansum(table) / n) ** 2) / (len(table) - 1)
    within = np.nansum((table - means[:, None]) ** 2) / (n - len(table))
    typical = (n - np.sum(rated**2) / n) / (len(table) - 1)
    total = between + (typical - 1) * within
    return float((between - within) / total) if total > 0 else float("nan")


def icc_two_way(table: np.ndarray) -> Icc:
    """ICC(A,1), ICC(A,k), ICC(C,1), ICC(C,k) of a complete table, shape (targets, raters)."""
    targets, raters = table.shape
    if targets < 2 or raters < 2 or not np.isfinite(table).all():
        raise AnalysisError(
            f"two-way ICC needs a complete table of at least 2 stimuli by 2 people; this one is {targets} by {raters} "
            f"with {int((~np.isfinite(table)).sum())} gaps"
        )
    grand = table.mean()
    rows = raters * np.sum((table.mean(axis=1) - grand) ** 2) / (targets - 1)
    columns = targets * np.sum((table.mean(axis=0) - grand) ** 2) / (raters - 1)
    left = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + grand
    error = np.sum(left**2) / ((targets - 1) * (raters - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return Icc(
            agreement_one=float((rows - error) / (rows + (raters - 1) * error + raters * (columns - error) / targets)),
            agreement_mean=float((rows - error) / (rows + (columns - error) / targets)),
            consistency_one=float((rows - error) / (rows + (raters - 1) * error)),
            consistency_mean=float((rows - error) / rows),
            targets=targets,
            raters=raters,
        )


def krippendorff_alpha(counts: np.ndarray, metric: str = "ordinal") -> float:
    """Krippendorff's alpha from counts of each answer to each stimulus (Krippendorff 2011, his worked example).

    Parameters
    ----------
    counts
        Shape (stimuli, levels): how many answers on each level; stimuli with fewer than two answers are left out.
    metric
        "nominal", "ordinal" or "interval" (levels in equal steps).

    Returns
    -------
    float
        1 for perfect agreement, 0 for what chance gives, NaN when all answers are the same.
    """
    counts = counts[counts.sum(axis=1) >= 2].astype(float)
    if not len(counts):
        raise AnalysisError("Krippendorff's alpha needs at least one stimulus with two answers")
    per_unit = counts.sum(axis=1)
    weighted = counts / (per_unit - 1)[:, None]
    coincidences = weighted.T @ counts - np.diag(weighted.sum(axis=0))
    totals = coincidences.sum(axis=1)
    distance = _distance(totals, metric)
    observed = np.sum(coincidences * distance)
    expected = np.sum(np.outer(totals, totals) * distance) / (totals.sum() - 1)
    return float(1 - observed / expected) if expected > 0 else float("nan")


def _distance(totals: np.ndarray, metric: str) -> np.ndarray:
    """Squared distance between levels, shape (levels, levels)."""
    levels = np.arange(len(totals))
    if metric == "nominal":
        return (levels[:, None] != levels).astype(float)
    if metric == "interval":
        return (levels[:, None] - levels).astype(float) ** 2
    if metric == "ordinal":
        # Ranks: a level's place is the middle of its answers in the sorted row of all answers.
        place = np.cumsum(totals) - totals / 2
        return (place[:, None] - place) ** 2
    raise AnalysisError(f"no metric {metric!r}; known are nominal, ordinal, interval")
