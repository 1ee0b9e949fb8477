"""Agreement of predicted and true pain: error, rank, ICC, F1, calibration, each with an interval over people."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from scipy import stats

from policies.statistics.reliability import icc_two_way
from policies.statistics.resampling import Interval, SubjectBootstrap

__all__ = ["GRADES", "MEASURES", "agreement", "macro_f1", "majority_rate", "permutation_p"]

GRADES = (1.0, 5.0)
"""No pain below 1, low below 5, high from there on, NRS: three classes as in the AI4Pain challenge."""
RESAMPLES, PERMUTATIONS = 500, 500


def macro_f1(true: np.ndarray, predicted: np.ndarray) -> float:
    """Mean F1 over the grades that occur."""
    a, b = np.digitize(true, GRADES), np.digitize(predicted, GRADES)
    scores = []
    for grade in np.unique(a):
        hit = float(((a == grade) & (b == grade)).sum())
        scores.append(2.0 * hit / max(1.0, float((a == grade).sum() + (b == grade).sum())))
    return float(np.mean(scores))


def _icc31(true: np.ndarray, predicted: np.ndarray) -> float:
    """ICC(3,1), consistency of two fixed raters; 0 where nothing varies."""
    return float(np.nan_to_num(icc_two_way(np.stack([true, predicted], axis=1)).consistency_one))


def _spearman(true: np.ndarray, predicted: np.ndarray) -> float:
    if np.ptp(predicted) < 1e-9 or np.ptp(true) < 1e-9:
        return 0.0
    return float(stats.spearmanr(true, predicted).statistic)


def _slope(true: np.ndarray, predicted: np.ndarray) -> float:
    """Calibration: true pain per predicted pain; 1 is calibrated, below 1 exaggerates."""
    return float(np.polyfit(predicted, true, 1)[0]) if np.ptp(predicted) > 1e-9 else 0.0


MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "macro_f1": macro_f1,
    "icc31": _icc31,
    "mae_nrs": lambda true, predicted: float(np.abs(true - predicted).mean()),
    "spearman": _spearman,
    "calibration_slope": _slope,
    "accuracy": lambda true, predicted: float((np.digitize(true, GRADES) == np.digitize(predicted, GRADES)).mean()),
}


def agreement(
    true: np.ndarray, predicted: np.ndarray, people: list[str], seed: int = 0, names: Iterable[str] = tuple(MEASURES)
) -> dict[str, Interval]:
    """The named measures, each with its interval.

    Intervals resample people, not clips: clips of one person resemble each other.
    """
    boot = SubjectBootstrap(people, RESAMPLES, seed, names=sorted(set(people)))
    return boot.of_all(lambda rows: {name: MEASURES[name](true[rows], predicted[rows]) for name in names})


def majority_rate(true: np.ndarray) -> float:
    """Share of the commonest grade: what always saying it would be right in."""
    classes = np.digitize(true, GRADES)
    return float(np.bincount(classes).max() / len(classes))


def permutation_p(true: np.ndarray, predicted: np.ndarray, seed: int = 0) -> float:
    """How often Spearman's rho is as large by chance alone."""
    rng = np.random.default_rng(seed)
    rho = _spearman(true, predicted)
    beaten = sum(_spearman(rng.permutation(true), predicted) >= rho for _ in range(PERMUTATIONS))
    return (beaten + 1.0) / (PERMUTATIONS + 1.0)
