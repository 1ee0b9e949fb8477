"""How closely an expression follows the pain behind it: lag, coherence and mutual information. Nothing is trained.

It cannot be taught by a generator's labels, because it knows none: it only compares two courses in time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import signal

from robopatient.face.generator.motion import MOTION_HZ

__all__ = ["Coupling", "couple"]

MAX_LAG_S = 2.0
"""Looked for, but no more than half of a short clip."""
BAND_HZ = (0.1, 2.0)
"""Palpation and expression live here; below is posture, above is tremor."""
LEVELS = 6
STILL = 1e-6


class Coupling(NamedTuple):
    """How two courses hang together.

    Attributes
    ----------
    lag_s
        By how much the expression follows (negative: it comes first), at the largest correlation.
    correlation
        Pearson's r at that lag.
    coherence
        Mean magnitude squared coherence from 0.1 to 2 Hz, 0 to 1.
    information_bits
        Mutual information at that lag, of six levels each, less what shuffling leaves.
    """

    lag_s: float
    correlation: float
    coherence: float
    information_bits: float


def couple(pain: np.ndarray, shown: np.ndarray, rate_hz: float = MOTION_HZ, seed: int = 0) -> Coupling:
    """Coupling of two courses of equal length, shape (n,); zeros where one of them stands still."""
    pain, shown = np.asarray(pain, float), np.asarray(shown, float)
    if pain.std() < STILL or shown.std() < STILL:
        return Coupling(float("nan"), 0.0, 0.0, 0.0)
    reach = min(round(MAX_LAG_S * rate_hz), len(pain) // 2)
    lags = np.arange(-reach, reach + 1)
    found = np.array([_pearson(*_aligned(pain, shown, int(lag))) for lag in lags])
    best = int(found.argmax())
    lag = int(lags[best])
    frequency, coherence = signal.coherence(pain, shown, rate_hz, nperseg=min(len(pain), round(4.0 * rate_hz)))
    inside = (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1])
    return Coupling(
        lag / rate_hz,
        float(found[best]),
        float(coherence[inside].mean()),
        _information(*_aligned(pain, shown, lag), np.random.default_rng(seed)),
    )


def _aligned(pain: np.ndarray, shown: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Both courses with the second moved back by ``lag`` samples."""
    if lag >= 0:
        return pain[: len(pain) - lag], shown[lag:]
    return pain[-lag:], shown[:lag]


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    if a.std() < STILL or b.std() < STILL:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _information(a: np.ndarray, b: np.ndarray, rng: np.random.Generator, shuffles: int = 20) -> float:
    """Bits, less the mean of shuffled pairs (the bias of a finite sample)."""
    levels = [np.searchsorted(np.linspace(x.min(), x.max(), LEVELS + 1)[1:-1], x) for x in (a, b)]
    bias = float(np.mean([_bits(levels[0], rng.permutation(levels[1])) for _ in range(shuffles)]))
    return max(0.0, _bits(levels[0], levels[1]) - bias)


def _bits(a: np.ndarray, b: np.ndarray) -> float:
    joint = np.zeros((LEVELS, LEVELS))
    np.add.at(joint, (a, b), 1.0 / len(a))
    outer = joint.sum(1, keepdims=True) * joint.sum(0)
    seen = joint > 0.0
    return float((joint[seen] * np.log2(joint[seen] / outer[seen])).sum())
