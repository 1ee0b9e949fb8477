"""Dose and response: does more pain make a stronger face, over the trials of one person."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

__all__ = ["dose_response"]

LEAST_TRIALS = 4
"""Trials of a person below which a rank correlation says nothing."""


def dose_response(felt: np.ndarray, shown: np.ndarray) -> float:
    """Spearman correlation of the strongest pain and the peak PSPI over trials of one person; NaN with too few.

    A face that answers every dose alike has 0.

    Parameters
    ----------
    felt, shown
        Of each trial, shape (n,).
    """
    felt, shown = np.asarray(felt, dtype=np.float64), np.asarray(shown, dtype=np.float64)
    if len(felt) < LEAST_TRIALS or np.ptp(felt) == 0.0:
        return float("nan")
    if np.ptp(shown) < 1e-9:
        return 0.0
    return float(spearmanr(felt, shown).statistic)
