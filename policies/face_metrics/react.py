"""REACT's metrics (its 2024 baseline code) on this project's latent, with a defined appropriate set.

Differences, each said: groups of columns (action units; head; gaze and breath) stand for REACT's action units,
valence/arousal and expressions; sums over tries are means, so that the number of tries does not matter; synchrony is
measured against the stimulus, whose right lag is that of held-out people and not 0.
"""

from __future__ import annotations

import numpy as np

from policies.face_metrics.cases import Case, Tries, pspi_of
from policies.face_metrics.compat import diversity, variance
from policies.face_metrics.events import VISIBLE_PSPI
from policies.face_metrics.series import best_lag, ccc, dtw
from robopatient.face.generator.motion import CHANNELS, MOTION_HZ

__all__ = ["GROUPS", "REACT", "apart", "lag_s", "react_of"]

REACT: dict[str, tuple[str, str]] = {
    "FRCorr": ("best concordance with an appropriate reaction, mean over columns and tries", "high"),
    "FRDist": ("least DTW to an appropriate reaction, summed over groups of columns, each per column", "low"),
    "FRDiv": ("mean squared distance between tries at one clip, per number", "held-out"),
    "FRVar": ("variance over time", "held-out"),
    "FRDvs": ("mean squared distance between clips for one seed, per number", "held-out"),
    "lag_error_s": ("difference of the lag behind the stimulus from that of the appropriate reactions", "low"),
}
"""Name: (what it is, which value is best)."""

LONGEST_LAG_S = 2.0
"""Lags searched, as REACT does."""


def _groups() -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {"action units": [], "head": [], "gaze and breath": []}
    for index, name in enumerate(CHANNELS):
        if name.upper().startswith("AU") or name.startswith("jaw"):
            groups["action units"].append(index)
        elif name.startswith("head"):
            groups["head"].append(index)
        else:
            groups["gaze and breath"].append(index)
    return {name: columns for name, columns in groups.items() if columns}


GROUPS = _groups()
"""Columns of the latent by group."""


def react_of(case: Case, tries: Tries, scale: np.ndarray) -> dict[str, float]:
    """The numbers of one case but ``FRDvs``; parameters as ``compat_of``."""
    latent, right = tries / scale, case.appropriate / scale
    concordance = [max(float(ccc(one, other).mean()) for other in right) for one in latent]
    warped = [min(_warped(one, other) for other in right) for one in latent]
    return {
        "FRCorr": float(np.mean(concordance)),
        "FRDist": float(np.mean(warped)),
        "FRDiv": diversity(latent),
        "FRVar": variance(latent),
        "lag_error_s": _lag_error_s(case, tries),
    }


def lag_s(stimulus: np.ndarray, shown: np.ndarray) -> float | None:
    """Seconds by which PSPI follows the stimulus; None when that is still or the face does not react."""
    if np.ptp(shown) < VISIBLE_PSPI:
        return None
    lag = best_lag(stimulus, shown, round(LONGEST_LAG_S * MOTION_HZ))
    return None if lag is None else lag / MOTION_HZ


def apart(latents: list[np.ndarray]) -> float:
    """FRDvs: diversity between clips of equal seed; (k, n_i, D) each, cut to the shortest clip and fewest tries."""
    n, k = min(x.shape[1] for x in latents), min(len(x) for x in latents)
    stacked = np.stack([x[:k, :n] for x in latents])
    return float(np.mean([diversity(stacked[:, seed]) for seed in range(k)]))


def _lag_error_s(case: Case, tries: Tries) -> float:
    """Mean over tries that react, from the median of the appropriate reactions; NaN unless half of those react.

    A generator none of whose tries react to such a clip is as wrong as the search allows.
    """
    right = [lag for lag in (lag_s(case.stimulus, one) for one in pspi_of(case.appropriate)) if lag is not None]
    if 2 * len(right) < len(case.appropriate):
        return float("nan")
    found = [lag for lag in (lag_s(case.stimulus, one) for one in pspi_of(tries)) if lag is not None]
    return float(np.mean(np.abs(np.array(found) - np.median(right)))) if found else LONGEST_LAG_S


def _warped(one: np.ndarray, other: np.ndarray) -> float:
    return sum(dtw(one[:, columns], other[:, columns]) / len(columns) for columns in GROUPS.values())
