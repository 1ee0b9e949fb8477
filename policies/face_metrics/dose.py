"""Dose and response: does more pain make a stronger face, over the trials of one person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr

from policies.face_metrics.events import Course

__all__ = ["dose_response"]

LEAST_TRIALS = 4
"""Episodes of a subject below which a rank correlation says nothing."""


def dose_response(courses: Sequence[Course]) -> float:
    """Spearman correlation of the stimulus' peak and the peak PSPI over episodes of one subject; NaN with too few.

    A face that answers every dose alike has 0.
    """
    felt = np.array([one.stimulus_peak for one in courses])
    shown = np.array([one.peak for one in courses])
    if len(felt) < LEAST_TRIALS or np.ptp(felt) == 0.0:
        return float("nan")
    if np.ptp(shown) == 0.0:
        return 0.0
    return float(spearmanr(felt, shown).statistic)
