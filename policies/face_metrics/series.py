"""Distances and agreements of two series of equal rate: warped distance, correlations, the lag that fits best.

Everything here is a plain function of arrays, so that each can be checked by hand.
"""

from __future__ import annotations

import numpy as np

from robopatient.errors import require

__all__ = ["best_lag", "ccc", "dtw", "kernel_distance", "pearson", "zscored"]

_numba = require("numba", "face")

FLAT = 1e-9
"""A series with less standard deviation than this does not move."""


@_numba.njit(cache=True, nogil=True)
def _cheapest_path(cost: np.ndarray) -> float:
    """Sum of ``cost`` along the cheapest monotone path from corner to corner."""
    n, m = cost.shape
    before = np.full(m + 1, np.inf)
    before[0] = 0.0
    row = np.empty(m + 1)
    for i in range(n):
        row[0] = np.inf
        for j in range(m):
            least = min(before[j], before[j + 1], row[j])
            row[j + 1] = cost[i, j] + least
        before, row = row, before
        before[0] = np.inf
    return float(before[m])


def dtw(a: np.ndarray, b: np.ndarray) -> float:
    """Dynamic-time-warping distance: root of the least sum of squared distances along a monotone path, no window.

    This is the distance of the library that the REACT baseline calls; PainDiffusion's is taken to be the same.

    Parameters
    ----------
    a, b
        Shapes (n,) and (m,), or (n, d) and (m, d).
    """
    a, b = (np.asarray(x, dtype=np.float64).reshape(len(x), -1) for x in (a, b))
    if a.shape[1] == 1:
        cost = (a - b.T) ** 2
    else:
        cost = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2.0 * a @ b.T
        np.maximum(cost, 0.0, out=cost)
    return float(np.sqrt(_cheapest_path(cost)))


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two series, shape (n,); 0 when one of them does not move, NaN when neither does.

    A face that never moves has nothing in common with one that does; two still faces cannot be distinguished, and the
    caller leaves them out and says how many.
    """
    moving_a, moving_b = np.std(a) > FLAT, np.std(b) > FLAT
    if not (moving_a or moving_b):
        return float("nan")
    if not (moving_a and moving_b):
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def ccc(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Concordance correlation (Lin 1989) of each column of (n, d): 2 s_ab / (s_a² + s_b² + (m_a - m_b)²), shape (d,).

    1 for equal columns, also still ones; 0 when only one moves.
    """
    a, b = (np.asarray(x, dtype=np.float64).reshape(len(x), -1) for x in (a, b))
    mean_a, mean_b = a.mean(0), b.mean(0)
    covariance = ((a - mean_a) * (b - mean_b)).mean(0)
    bottom = a.var(0) + b.var(0) + (mean_a - mean_b) ** 2
    still = bottom <= FLAT**2
    result: np.ndarray = np.where(still, 1.0, 2.0 * covariance / np.where(still, 1.0, bottom))
    return result


def best_lag(leader: np.ndarray, follower: np.ndarray, longest: int) -> int | None:
    """Frames by which ``follower`` comes after ``leader`` where their correlation is largest; None if one is still.

    Lags from ``-longest`` to ``longest``; at each, only the overlap counts (REACT's time-lagged cross-correlation).
    """
    if np.std(leader) <= FLAT or np.std(follower) <= FLAT:
        return None
    best, found = -np.inf, 0
    n = len(leader)
    longest = min(longest, n - 2)
    for lag in sorted(range(-longest, longest + 1), key=abs):
        a = leader[max(0, -lag) : n - max(0, lag)]
        b = follower[max(0, lag) : n - max(0, -lag)]
        if len(a) < 2 or np.std(a) <= FLAT or np.std(b) <= FLAT:
            continue
        r = float(np.corrcoef(a, b)[0, 1])
        if r > best + 1e-12:
            best, found = r, lag
    return found if np.isfinite(best) else None


def zscored(a: np.ndarray) -> np.ndarray:
    """Series with mean 0 and standard deviation 1; one that does not move becomes 0."""
    spread = np.std(a)
    result: np.ndarray = (a - np.mean(a)) / (spread if spread > FLAT else 1.0)
    return result


def kernel_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Squared maximum mean discrepancy of two samples of vectors, (k, d) and (m, d): 0 when both are one distribution.

    E k(X, X') + E k(Y, Y') - 2 E k(X, Y) with a Gaussian kernel as wide as the median distance within ``y`` (Gretton et
    al. 2012). Pairs of one draw with itself are left out: it is unbiased and may be slightly negative. A proper way to
    score a distribution, unlike a squared error, which rewards the mean face; and none that any of ours is trained by.
    """
    x, y = (np.asarray(v, dtype=np.float64).reshape(len(v), -1) for v in (x, y))
    within = _squared(y, y)
    pairs = within[np.triu_indices(len(y), 1)]
    width = float(np.median(pairs)) if len(pairs) else 0.0
    if width <= FLAT**2:
        width = x.shape[1]  # one reaction alone, or all alike: the latent's own unit
    across = np.exp(-_squared(x, y) / (2.0 * width)).mean()
    return float(_similarity(_squared(x, x), width) + _similarity(within, width) - 2.0 * across)


def _squared(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    squared = (x * x).sum(1)[:, None] + (y * y).sum(1)[None, :] - 2.0 * x @ y.T
    result: np.ndarray = np.maximum(squared, 0.0)
    return result


def _similarity(squared: np.ndarray, width: float) -> float:
    """Mean kernel of different draws; 1 for a single one."""
    k = len(squared)
    if k < 2:
        return 1.0
    kernel = np.exp(-squared / (2.0 * width))
    return float((kernel.sum() - np.trace(kernel)) / (k * (k - 1)))
