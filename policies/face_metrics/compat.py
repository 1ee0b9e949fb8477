"""PainDiffusion's six metrics as its repository codes them (arXiv 2409.11635), defects included, for comparison only.

The one thing that differs is where PSPI comes from: they read it off a rendered grey mesh with a network, we read it
off the action units. Defects, kept on purpose: ``PainCorr`` is the best single clip, not the mean; ``PainAcc`` warps
PSPI 0-15 onto degrees Celsius, so the offset between the two units decides; ``PainDist`` compares with one reference
and so rewards the mean face; ``PainVar`` rises with jitter; and in the paper's own use the expressiveness given to the
model is the truth's mean PSPI, which leaks into the first two (our generators get the trait, which does not).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from policies.face_metrics.cases import Case, Tries, pspi_no43_of
from policies.face_metrics.series import dtw, pearson

__all__ = ["COMPAT", "compat_of", "diversity", "temperature_c", "variance"]

COMPAT: dict[str, tuple[str, bool]] = {
    "PainSim": ("DTW of PSPI (0-15) to the recorded one", True),
    "PainCorr": ("largest Pearson r of PSPI to the recorded one over all clips and tries", False),
    "PainAcc": ("DTW of PSPI (0-15) to the stimulus in degrees Celsius", True),
    "PainDist": ("mean squared error of the latent to the recorded one", True),
    "PainDivrs": ("mean squared distance between tries at one clip, per number", False),
    "PainVar": ("variance over time, mean over latent dimensions", False),
}
"""Name: (what it is, whether lower is called better there)."""

COLDEST_C, HOTTEST_C = 32.0, 50.0
"""Range of a thermode between rest and the strongest heat pain (BioVid's protocol)."""


def temperature_c(pain: np.ndarray) -> np.ndarray:
    """Stimulus on the thermode's scale: pain 0-10 spread evenly over 32-50 °C, for ``PainAcc`` alone."""
    result: np.ndarray = COLDEST_C + (HOTTEST_C - COLDEST_C) / 10.0 * np.asarray(pain)
    return result


def compat_of(case: Case, tries: Tries, scale: np.ndarray) -> dict[str, float]:
    """The six numbers of one case; the caller takes the mean over cases, but the largest ``PainCorr``.

    Parameters
    ----------
    scale
        Standard deviation of each column in the training split, shape (D,): the latent is the standardised motion.
    """
    shown, recorded = pspi_no43_of(tries), pspi_no43_of(case.appropriate[:1])[0]
    warmth = temperature_c(case.stimulus)
    latent, truth = tries / scale, case.truth / scale
    correlations = [pearson(one, recorded) for one in shown]
    defined = [r for r in correlations if np.isfinite(r)]
    return {
        "PainSim": float(np.mean([dtw(one, recorded) for one in shown])),
        "PainCorr": max(defined) if defined else float("nan"),
        "PainAcc": float(np.mean([dtw(one, warmth) for one in shown])),
        "PainDist": float(((latent - truth) ** 2).mean()),
        "PainDivrs": diversity(latent),
        "PainVar": variance(latent),
    }


def diversity(motions: np.ndarray | Sequence[np.ndarray]) -> float:
    """REACT's FRDiv: sum over ordered pairs of the squared distance, over k (k-1) T D; motions of shape (k, T, D).

    0 for a single motion: what cannot vary does not.
    """
    x = np.asarray(motions, dtype=np.float64)
    k = len(x)
    if k < 2:
        return 0.0
    # sum over ordered pairs |xi - xj|^2 = 2 k sum |xi|^2 - 2 |sum xi|^2
    total = 2.0 * k * (x**2).sum() - 2.0 * (x.sum(0) ** 2).sum()
    return float(max(total, 0.0) / (k * (k - 1)) / x[0].size)


def variance(motions: np.ndarray) -> float:
    """REACT's FRVar: variance over time (axis 1), mean over everything else; motions of shape (k, T, D)."""
    return float(np.asarray(motions, dtype=np.float64).var(axis=1).mean())
