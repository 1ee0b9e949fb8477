"""Ordinal logistic regression on quadratic features: maximum a posteriori by Newton's method, and its curvature.

P(answer > k) = sigmoid(w . x - c_k). The log-likelihood is concave in (w, c), so the method needs no tuning. So is the
logarithm of the gaps between cuts, added to keep the cuts of an answer that was never given apart.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from policies.spaces import Array

__all__ = ["Fit", "Gaussian", "answer_probabilities", "fit_map", "log_likelihood", "quadratic"]


class Gaussian(NamedTuple):
    """A normal distribution over (weights, cuts): mean (d,), precision (d, d)."""

    mean: Array
    precision: Array


class Fit(NamedTuple):
    """The mode, shape (d,), and the precision matrix of the posterior there (Laplace's approximation)."""

    mode: Array
    precision: Array
    converged: bool


def quadratic(state: Array, action: Array) -> Array:
    """Features x_i and x_i x_j (i <= j) of (state, action), without an intercept: the cuts are the intercepts.

    For one state and two actions: f, l, p, ff, fl, fp, ll, lp, pp.
    """
    x = np.concatenate(np.broadcast_arrays(state, action) if state.shape == action.shape else [state, action], axis=-1)
    rows, columns = np.triu_indices(x.shape[-1])
    return np.concatenate([x, x[..., rows] * x[..., columns]], axis=-1)


def answer_probabilities(eta: Array, cuts: Array) -> Array:
    """Probability of each answer, shape (..., K), of latent ``eta`` (...) and increasing ``cuts`` (..., K - 1)."""
    above = expit(eta[..., None] - cuts)
    full = np.concatenate([np.ones_like(above[..., :1]), above, np.zeros_like(above[..., :1])], axis=-1)
    return -np.diff(full, axis=-1)


def log_likelihood(parameters: Array, features: Array, answers: np.ndarray) -> Array:
    """Log probability of each answer (index from 0), shape (n,); ``parameters`` is weights then cuts, shape (d,)."""
    n_weights = features.shape[-1]
    chances = answer_probabilities(features @ parameters[:n_weights], parameters[n_weights:])
    return np.log(np.maximum(np.take_along_axis(chances, answers[:, None], axis=-1)[:, 0], 1e-12))


def fit_map(
    features: Array, answers: np.ndarray, prior: Gaussian, start: Array | None = None, max_iterations: int = 50
) -> Fit:
    """Weights and cuts of greatest posterior probability.

    Parameters
    ----------
    features
        Shape (n, d - K + 1).
    answers
        Index from 0 to K - 1, shape (n,).
    """
    n_weights = features.shape[1]
    n_cuts = len(prior.mean) - n_weights
    z = (prior.mean if start is None else start).copy()

    def value(z: Array) -> float:
        if np.any(np.diff(z[n_weights:]) <= 0):
            return -np.inf
        offset = z - prior.mean
        gaps = np.log(np.diff(z[n_weights:])).sum()
        return float(log_likelihood(z, features, answers).sum() - 0.5 * offset @ prior.precision @ offset + gaps)

    # Each answer lies between an upper and a lower cut; the outermost cuts are at infinity, where all slopes vanish.
    upper, lower = np.zeros((len(answers), len(z))), np.zeros((len(answers), len(z)))
    upper[:, :n_weights] = lower[:, :n_weights] = -features
    has_upper, has_lower = answers < n_cuts, answers > 0
    rows = np.arange(len(answers))
    upper[rows[has_upper], n_weights + answers[has_upper]] = 1.0
    lower[rows[has_lower], n_weights + answers[has_lower] - 1] = 1.0
    between = np.zeros((n_cuts - 1, len(z)))
    between[np.arange(n_cuts - 1), n_weights + np.arange(n_cuts - 1)] = -1.0
    between[np.arange(n_cuts - 1), n_weights + np.arange(1, n_cuts)] = 1.0
    current = value(z)
    precision = prior.precision
    for _ in range(max_iterations):
        f_upper = np.where(has_upper, expit(upper @ z), 1.0)
        f_lower = np.where(has_lower, expit(lower @ z), 0.0)
        p = np.maximum(f_upper - f_lower, 1e-12)
        slope_upper, slope_lower = f_upper * (1 - f_upper), f_lower * (1 - f_lower)
        gap = between @ z
        gradient = upper.T @ (slope_upper / p) - lower.T @ (slope_lower / p) - prior.precision @ (z - prior.mean)
        gradient += between.T @ (1.0 / gap)
        uu = slope_upper * (1 - 2 * f_upper) / p - (slope_upper / p) ** 2
        ll = -slope_lower * (1 - 2 * f_lower) / p - (slope_lower / p) ** 2
        cross = (upper * (slope_upper * slope_lower / p**2)[:, None]).T @ lower
        hessian = (upper * uu[:, None]).T @ upper + (lower * ll[:, None]).T @ lower + cross + cross.T
        precision = prior.precision - hessian + (between * gap[:, None] ** -2.0).T @ between
        step = np.linalg.solve(precision, gradient)
        if gradient @ step < 1e-8:
            return Fit(z, precision, True)
        scale = 1.0
        while (proposed := value(z + scale * step)) < current and scale > 1e-6:
            scale /= 2.0
        if scale <= 1e-6:
            return Fit(z, precision, True)
        z, current = z + scale * step, proposed
    return Fit(z, precision, False)
