"""The same questions as PainDiffusion's metrics, asked so that neither a mean face nor leakage wins.

PSPI is the clinical one (0-16, eye closure included); several reactions are right, so the nearest of the appropriate
set counts, or the whole distribution does; correlations are averaged; unlike units are brought to one scale.
"""

from __future__ import annotations

import numpy as np

from policies.face_metrics.cases import Case, Tries, pspi_of
from policies.face_metrics.compat import diversity, variance
from policies.face_metrics.series import dtw, kernel_distance, pearson, zscored

__all__ = ["CORRECTED", "corrected_of", "error_growth"]

CORRECTED: dict[str, tuple[str, str]] = {
    "pain_sim": ("DTW of PSPI (0-16) to the nearest appropriate reaction, per root frame", "low"),
    "pain_corr": ("Pearson r of PSPI to the recorded one, mean over tries", "high"),
    "pain_acc": ("DTW of PSPI to the stimulus, both z-scored, per root frame", "low"),
    "pain_dist": ("kernel distance (MMD²) of the tries to the appropriate reactions, 0: one distribution", "low"),
    "pain_divrs_ratio": ("diversity of the tries over that of the appropriate reactions", "one"),
    "pain_var_ratio": ("variance over time, over that of the appropriate reactions", "one"),
    "error_growth": ("Pearson r of the distance to the recorded reaction with time", "zero"),
}
"""Name: (what it is, which value is best: low, high, one or zero)."""


def corrected_of(case: Case, tries: Tries, scale: np.ndarray) -> dict[str, float]:
    """The numbers of one case; parts as ``compat_of``. The two ratios are of sums over cases, see ``parts``."""
    shown, suitable = pspi_of(tries), pspi_of(case.appropriate)
    root = np.sqrt(len(case.stimulus))
    near = [min(dtw(one, other) for other in suitable) for one in shown]
    correlations = np.array([pearson(one, suitable[0]) for one in shown])
    latent, right = tries / scale, case.appropriate / scale
    wave = zscored(case.stimulus)
    defined = correlations[np.isfinite(correlations)]
    return {
        "pain_sim": float(np.mean(near)) / root,
        "pain_corr": float(defined.mean()) if len(defined) else float("nan"),
        "pain_acc": float(np.mean([dtw(zscored(one), wave) for one in shown])) / root,
        "pain_dist": kernel_distance(latent.reshape(len(latent), -1), right.reshape(len(right), -1)),
        "error_growth": error_growth(latent, right[0]),
        "divrs": diversity(latent),
        "divrs_right": diversity(right),
        "var": variance(latent),
        "var_right": variance(right),
    }


def error_growth(motions: np.ndarray, truth: np.ndarray) -> float:
    """Correlation with time of the distance to the truth, mean over tries; (k, n, D) and (n, D).

    The error-accumulation metric that PainDiffusion's code holds but never calls. 0 when no distance changes.
    """
    time = np.arange(len(truth), dtype=np.float64)
    return float(np.mean([pearson(np.linalg.norm(one - truth, axis=1), time) for one in motions]))
