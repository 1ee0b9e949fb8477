"""The ordered (cumulative) logit: answers on a few ordered levels, with or without a prior, from trials or from counts.

P(answer > k) = sigmoid(w . x - c_k) (McCullagh 1980). The log-likelihood is concave in (w, c), so Newton's method needs
no tuning. ``fit_map`` adds a prior and the logarithm of the gaps between cuts, which keeps the cuts of an answer that
was never given apart; ``fit_counts`` is plain maximum likelihood, ``weights_without_each`` its spread over people.
``experiments.analysis.ordinal_mixed`` has the model with a person's own effects.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from policies.errors import AnalysisError

__all__ = [
    "Gaussian",
    "OrdinalFit",
    "above_cuts",
    "answer_probabilities",
    "cell_counts",
    "fit_counts",
    "fit_map",
    "log_likelihood",
    "quadratic",
    "weights_without_each",
]

Array = NDArray[np.floating]

MOST_LOG_ODDS = 9.0
"""Beyond it a fit runs away: no table of trials shows odds of 8,000 to 1."""
SMALLEST = 1e-12
"""Least probability of an answer that was given."""


class Gaussian(NamedTuple):
    """A normal distribution over (weights, cuts): mean (d,), precision (d, d)."""

    mean: Array
    precision: Array


class OrdinalFit(NamedTuple):
    """A fitted model.

    Attributes
    ----------
    mode
        Weights, then cuts, shape (d,).
    precision
        Curvature of the negative log posterior (or likelihood) there, shape (d, d): Laplace's approximation.
    converged
        Whether the steps allowed were enough.
    n_weights
        How many of ``mode`` are weights.
    """

    mode: Array
    precision: Array
    converged: bool
    n_weights: int

    @property
    def weights(self) -> Array:
        """Weights of the features, shape (n_weights,)."""
        return self.mode[: self.n_weights]

    @property
    def cuts(self) -> Array:
        """Thresholds between the levels, ascending, shape (levels - 1,)."""
        return self.mode[self.n_weights :]

    @property
    def covariance(self) -> Array:
        """Of (weights, cuts) as if all answers were independent, shape (d, d)."""
        inverse: Array = np.linalg.inv(self.precision)
        return inverse

    @property
    def z(self) -> Array:
        """Weight over its standard error as if all answers were independent, shape (n_weights,)."""
        z: Array = self.weights / np.sqrt(np.diag(self.covariance)[: self.n_weights])
        return z


def quadratic(state: Array, action: Array) -> Array:
    """Features x_i and x_i x_j (i <= j) of (state, action), without an intercept: the cuts are the intercepts.

    For one state and two actions: f, l, p, ff, fl, fp, ll, lp, pp.
    """
    x = np.concatenate(np.broadcast_arrays(state, action) if state.shape == action.shape else [state, action], axis=-1)
    rows, columns = np.triu_indices(x.shape[-1])
    return np.concatenate([x, x[..., rows] * x[..., columns]], axis=-1)


def above_cuts(eta: Array, cuts: Array) -> Array:
    """P(answer >= k), k from 0 to K, shape (..., K + 1): 1 to 0; latent ``eta`` (...), rising ``cuts`` (..., K - 1)."""
    above = expit(eta[..., None] - cuts)
    return np.concatenate([np.ones_like(above[..., :1]), above, np.zeros_like(above[..., :1])], axis=-1)


def answer_probabilities(eta: Array, cuts: Array) -> Array:
    """Probability of each answer, shape (..., K), of latent ``eta`` (...) and increasing ``cuts`` (..., K - 1)."""
    return -np.diff(above_cuts(eta, cuts), axis=-1)


def log_likelihood(parameters: Array, features: Array, answers: np.ndarray) -> Array:
    """Log probability of each answer (index from 0), shape (n,); ``parameters`` is weights then cuts, shape (d,)."""
    n_weights = features.shape[-1]
    chances = answer_probabilities(features @ parameters[:n_weights], parameters[n_weights:])
    return np.log(np.maximum(np.take_along_axis(chances, answers[:, None], axis=-1)[:, 0], SMALLEST))


def fit_map(
    features: Array, answers: np.ndarray, prior: Gaussian, start: Array | None = None, max_iterations: int = 50
) -> OrdinalFit:
    """Weights and cuts of greatest posterior probability.

    Parameters
    ----------
    features
        Shape (n, d - K + 1).
    answers
        Index from 0 to K - 1, shape (n,).
    """
    begin = prior.mean if start is None else start
    return _newton(features, answers, None, prior, begin, max_iterations)


def cell_counts(design: np.ndarray, answers: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Answers counted by distinct row of the design: a fit then costs the same for any number of trials.

    Parameters
    ----------
    design
        Shape (n, p).
    answers
        Levels from 0, shape (n,), int.
    groups
        Person of each trial as an index from 0, shape (n,), int.

    Returns
    -------
    tuple
        Distinct rows, shape (cells, p), and counts, shape (groups, cells, levels).
    """
    cells, cell = np.unique(design, axis=0, return_inverse=True)
    counts = np.zeros((int(groups.max()) + 1, len(cells), int(answers.max()) + 1))
    np.add.at(counts, (groups, cell.ravel(), answers), 1.0)
    return cells, counts


def fit_counts(cells: np.ndarray, counts: np.ndarray, start: OrdinalFit | None = None) -> OrdinalFit:
    """Maximum likelihood from counted answers.

    Parameters
    ----------
    cells
        Design without a constant, shape (cells, p).
    counts
        Answers by cell and level, shape (cells, levels); they may be fractional.
    start
        Where to begin; a fit of similar counts.

    Raises
    ------
    AnalysisError
        When a level never occurs, or the design's columns depend on each other or separate the answers.
    """
    totals = counts.sum(axis=0)
    levels = counts.shape[1]
    if levels < 2 or (totals <= 0).any():
        raise AnalysisError(
            f"an ordinal model needs answers on every level; counted {totals.astype(int).tolist()}: "
            "everybody always answered alike, or a level is not in the table"
        )
    cell, level = np.nonzero(counts)
    if start is None:
        below = np.cumsum(totals)[:-1] / totals.sum()
        begin = np.concatenate([np.zeros(cells.shape[1]), np.log(below / (1 - below))])
    else:
        begin = start.mode
    fit = _newton(cells[cell], level, counts[cell, level], None, begin, 60)
    reach = max(np.abs(fit.cuts).max(), np.abs(cells[cell] @ fit.weights).max(initial=0.0))
    if not np.isfinite(reach) or reach > MOST_LOG_ODDS:
        raise AnalysisError("an ordinal model has no finite solution: a factor separates the answers completely")
    return fit


def weights_without_each(cells: np.ndarray, counts: np.ndarray, whole: OrdinalFit) -> np.ndarray:
    """Weights of fits that leave out one person each, shape (people, p); NaN rows where a fit failed.

    Parameters
    ----------
    counts
        Shape (people, cells, levels).
    whole
        The fit of everybody's answers, to start from.
    """
    everything = counts.sum(axis=0)
    fits = np.full((len(counts), cells.shape[1]), np.nan)
    for person, own in enumerate(counts):
        try:
            fits[person] = fit_counts(cells, everything - own, whole).weights
        except AnalysisError:  # without this person a level never occurs
            continue
    return fits


def _newton(
    features: Array,
    answers: np.ndarray,
    times: Array | None,
    prior: Gaussian | None,
    start: Array,
    max_iterations: int,
) -> OrdinalFit:
    """Newton's method with halved steps; ``times`` is how often each answer was given, None for once.

    Without a prior, the gaps between cuts carry no logarithm either: maximum likelihood.
    """
    n_weights = features.shape[1]
    n_cuts = len(start) - n_weights
    z = start.copy()

    def value(z: Array) -> float:
        gaps = np.diff(z[n_weights:])
        if np.any(gaps <= 0):
            return -np.inf
        each = log_likelihood(z, features, answers)
        total = float(each.sum() if times is None else times @ each)
        if prior is None:
            return total
        offset = z - prior.mean
        return float(total - 0.5 * offset @ prior.precision @ offset + np.log(gaps).sum())

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
    many = 1.0 if times is None else times
    current = value(z)
    precision = np.zeros((len(z), len(z))) if prior is None else prior.precision
    for iteration in range(max_iterations):
        f_upper = np.where(has_upper, expit(upper @ z), 1.0)
        f_lower = np.where(has_lower, expit(lower @ z), 0.0)
        p = np.maximum(f_upper - f_lower, SMALLEST)
        slope_upper, slope_lower = f_upper * (1 - f_upper), f_lower * (1 - f_lower)
        gradient = upper.T @ (many * slope_upper / p) - lower.T @ (many * slope_lower / p)
        uu = many * (slope_upper * (1 - 2 * f_upper) / p - (slope_upper / p) ** 2)
        ll = many * (-slope_lower * (1 - 2 * f_lower) / p - (slope_lower / p) ** 2)
        cross = (upper * (many * slope_upper * slope_lower / p**2)[:, None]).T @ lower
        hessian = (upper * uu[:, None]).T @ upper + (lower * ll[:, None]).T @ lower + cross + cross.T
        if prior is None:
            precision = -hessian
            _check_solvable(precision, iteration)
        else:
            gap = between @ z
            gradient = gradient - prior.precision @ (z - prior.mean) + between.T @ (1.0 / gap)
            precision = prior.precision - hessian + (between * gap[:, None] ** -2.0).T @ between
        step = np.linalg.solve(precision, gradient)
        if gradient @ step < 1e-8:
            return OrdinalFit(z, precision, True, n_weights)
        scale = 1.0
        while (proposed := value(z + scale * step)) < current and scale > 1e-6:
            scale /= 2.0
        if scale <= 1e-6:
            return OrdinalFit(z, precision, True, n_weights)
        z, current = z + scale * step, proposed
    return OrdinalFit(z, precision, False, n_weights)


def _check_solvable(precision: Array, iteration: int) -> None:
    """Raise AnalysisError where the likelihood is flat in some direction: at once, or only as the fit runs away."""
    scale = np.sqrt(np.maximum(np.diag(precision), 1e-300))
    if np.linalg.cond(precision / np.outer(scale, scale)) <= 1e12:
        return
    if iteration == 0:
        raise AnalysisError(
            "an ordinal model's factors cannot be distinguished: two of them always change together in this table"
        )
    raise AnalysisError("an ordinal model has no finite solution: a factor separates the answers completely")
