"""The cumulative-link (ordered logit) model of answers on a few ordered levels, and its spread over people.

P(answer above level k) = logistic(x . beta - cut_k). Trials of one person are not independent, so the intervals come
from resampling whole persons; ``ordinal_mixed.py`` has the model with a person's own effects.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from experiments.analysis.errors import AnalysisError

__all__ = ["OrdinalFit", "cell_counts", "cluster_bootstrap", "fit_ordinal", "level_probabilities"]

MOST_STEPS = 60
CONVERGED = 1e-9
"""Gain in log-likelihood per answer below which the fit is done."""
MOST_LOG_ODDS = 9.0
"""Beyond it a fit runs away: no table of trials shows odds of 8,000 to 1."""
SMALLEST = 1e-300


class OrdinalFit(NamedTuple):
    """A fitted cumulative-link model.

    Attributes
    ----------
    beta
        Weights of the design's columns, shape (p,).
    cuts
        Thresholds between the levels, ascending, shape (levels - 1,).
    covariance
        Of (cuts, beta) as if all answers were independent, shape (levels - 1 + p, levels - 1 + p).
    log_likelihood
        At the optimum.
    n
        Answers.
    """

    beta: np.ndarray
    cuts: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    n: int

    @property
    def z(self) -> np.ndarray:
        """Weight over its standard error as if all answers were independent, shape (p,)."""
        return self.beta / np.sqrt(np.diag(self.covariance)[len(self.cuts) :])


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


def fit_ordinal(
    cells: np.ndarray, counts: np.ndarray, start: OrdinalFit | None = None, errors: bool = True
) -> OrdinalFit:
    """Maximum likelihood by Fisher scoring (McCullagh 1980).

    Parameters
    ----------
    cells
        Design without a constant, shape (cells, p).
    counts
        Answers by cell and level, shape (cells, levels); weights may be fractional.
    start
        Where to begin; a fit of similar counts.
    errors
        Whether to compute the covariance, which costs more than the fit; without, it is empty.

    Raises
    ------
    AnalysisError
        When a level never occurs, or the design's columns depend on each other or separate the answers.
    """
    totals = counts.sum(axis=0)
    n, levels, p = float(totals.sum()), counts.shape[1], cells.shape[1]
    if levels < 2 or (totals <= 0).any():
        raise AnalysisError(
            f"an ordinal model needs answers on every level; counted {totals.astype(int).tolist()}: "
            "everybody always answered alike, or a level is not in the table"
        )
    used = counts.sum(axis=1) > 0
    cells, counts = cells[used], counts[used]
    if start is None:
        below = np.cumsum(totals)[:-1] / n
        theta = np.concatenate([np.log(below / (1 - below)), np.zeros(p)])
    else:
        theta = np.concatenate([start.cuts, start.beta])
    value = _log_likelihood(theta, cells, counts)
    for _ in range(MOST_STEPS):
        score, information = _score(theta, cells, counts)
        step = _solve(information, score)
        scale = 1.0
        new = _log_likelihood(theta + step, cells, counts)
        while not new >= value - 1e-12 * abs(value) and scale > 1e-6:
            scale /= 2
            new = _log_likelihood(theta + scale * step, cells, counts)
        theta = theta + scale * step
        gain, value = new - value, new
        if gain < CONVERGED * n:
            break
    reach = max(np.abs(theta[: levels - 1]).max(), np.abs(cells @ theta[levels - 1 :]).max(initial=0.0))
    if not np.isfinite(value) or reach > MOST_LOG_ODDS:
        raise AnalysisError("an ordinal model has no finite solution: a factor separates the answers completely")
    covariance = _covariance(theta, cells, counts) if errors else np.empty((0, 0))
    return OrdinalFit(theta[levels - 1 :], theta[: levels - 1], covariance, float(value), int(n))


def level_probabilities(eta: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Probability of each level, shape (n, levels), for predictors of shape (n,)."""
    below = np.concatenate([np.zeros((len(eta), 1)), expit(cuts - eta[:, None]), np.ones((len(eta), 1))], axis=1)
    return np.diff(below, axis=1)


def cluster_bootstrap(cells: np.ndarray, counts: np.ndarray, replicates: int, seed: int) -> np.ndarray:
    """Weights of fits to persons drawn with replacement, shape (replicates, p); NaN rows where a fit failed.

    Parameters
    ----------
    counts
        Shape (groups, cells, levels).
    """
    generator = np.random.default_rng(seed)
    groups = len(counts)
    whole = fit_ordinal(cells, counts.sum(axis=0))
    betas = np.full((replicates, cells.shape[1]), np.nan)
    for replicate in range(replicates):
        weights = np.bincount(generator.integers(groups, size=groups), minlength=groups)
        try:
            betas[replicate] = fit_ordinal(cells, np.tensordot(weights, counts, axes=1), whole, errors=False).beta
        except AnalysisError:  # a draw in which a level never occurs
            continue
    return betas


def _edges(theta: np.ndarray, cells: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative probabilities below each edge and the density there, both (cells, levels + 1)."""
    cuts, beta = theta[: levels - 1], theta[levels - 1 :]
    inner = expit(cuts - (cells @ beta)[:, None])
    below = np.concatenate([np.zeros((len(cells), 1)), inner, np.ones((len(cells), 1))], axis=1)
    density = np.concatenate([np.zeros((len(cells), 1)), inner * (1 - inner), np.zeros((len(cells), 1))], axis=1)
    return below, density


def _log_likelihood(theta: np.ndarray, cells: np.ndarray, counts: np.ndarray) -> float:
    below, _ = _edges(theta, cells, counts.shape[1])
    probability = np.diff(below, axis=1)
    if (probability <= 0).any():  # cuts out of order, or an overshoot
        return -np.inf
    return float(np.sum(counts * np.log(np.maximum(probability, SMALLEST))))


def _score(theta: np.ndarray, cells: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient of the log-likelihood and the expected information."""
    levels, p = counts.shape[1], cells.shape[1]
    below, density = _edges(theta, cells, levels)
    probability = np.maximum(np.diff(below, axis=1), SMALLEST)
    # d P_j / d cut_k is +density at k = j, -density at k = j - 1; d P_j / d beta = -(density_j - density_{j-1}) x.
    by_cut = np.zeros((len(cells), levels, levels - 1))
    for k in range(levels - 1):
        by_cut[:, k, k] = density[:, k + 1]
        by_cut[:, k + 1, k] = -density[:, k + 1]
    by_eta = -np.diff(density, axis=1)
    ratio = counts / probability
    weight = counts.sum(axis=1)[:, None] / probability
    score = np.concatenate([np.einsum("nj,njk->k", ratio, by_cut), cells.T @ np.sum(ratio * by_eta, axis=1)])
    information = np.empty((levels - 1 + p, levels - 1 + p))
    information[: levels - 1, : levels - 1] = np.einsum("nj,njk,njl->kl", weight, by_cut, by_cut)
    cross = np.einsum("nj,njk,nj->nk", weight, by_cut, by_eta)
    information[: levels - 1, levels - 1 :] = cross.T @ cells
    information[levels - 1 :, : levels - 1] = cells.T @ cross
    information[levels - 1 :, levels - 1 :] = cells.T @ (cells * np.sum(weight * by_eta**2, axis=1)[:, None])
    return score, information


def _covariance(theta: np.ndarray, cells: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Inverse of the observed information, from differences of the analytic score."""
    step = 1e-5
    observed = np.empty((len(theta), len(theta)))
    for index in range(len(theta)):
        shift = np.zeros(len(theta))
        shift[index] = step
        observed[index] = _score(theta - shift, cells, counts)[0] - _score(theta + shift, cells, counts)[0]
    return np.linalg.inv((observed + observed.T) / (4 * step))


def _solve(information: np.ndarray, score: np.ndarray) -> np.ndarray:
    scale = np.sqrt(np.maximum(np.diag(information), SMALLEST))
    scaled = information / np.outer(scale, scale)
    if np.linalg.cond(scaled) > 1e12:
        raise AnalysisError(
            "an ordinal model's factors cannot be told apart: two of them always change together in this table"
        )
    return np.linalg.solve(scaled, score / scale) / scale
