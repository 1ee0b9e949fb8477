"""The cumulative-link model with each person's own effects: independent normal intercepts and slopes over people.

Fixed and personal effects are estimated together by penalised likelihood and the spreads over people by the Laplace
approximation (Breslow and Clayton 1993; Steele 1996). Its bias shrinks with the answers per person; with the hundreds
of a study it is far below the standard errors (checked on simulated people in the tests).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from policies.errors import AnalysisError
from policies.statistics.ordinal import above_cuts, cell_counts, fit_counts

__all__ = ["OrdinalMixedFit", "fit_ordinal_mixed"]

MOST_ROUNDS = 500
CONVERGED = 1e-4
"""Relative change of every spread below which the fit is done."""
SMALLEST_SPREAD = 0.01
"""Below it a spread counts as none (the edge of what a spread can be): log odds of a hundredth move no answer. An SD of
zero would divide by zero, and the rounds would creep towards it without end."""
SMALL_SPREAD = 0.05
"""Below it a change counts as if the spread were this large."""
FURTHEST = 0.7
"""Longest step of a log spread in one round: by half, or to the double."""
SMALLEST = 1e-300


class OrdinalMixedFit(NamedTuple):
    """A fitted cumulative-link mixed model.

    Attributes
    ----------
    beta, error
        Weight of each column over all people and its standard error as the model has it, shape (p,).
    without
        The weights without each person in turn, shape (people, p), by one step from those of all. Intervals from them
        hold also where people differ in a column without personal weights, and where a spread is none.
    cuts
        Thresholds, shape (levels - 1,).
    spread
        SD over people of each personal effect, shape (q,).
    personal
        Each person's deviations, shape (people, q).
    edge
        Which of the spreads are none, shape (q,), bool: the estimate lies on the edge of what is possible.
    rounds
        Iterations used; ``converged`` says whether they were enough.
    """

    beta: np.ndarray
    error: np.ndarray
    without: np.ndarray
    cuts: np.ndarray
    spread: np.ndarray
    personal: np.ndarray
    edge: np.ndarray
    rounds: int
    converged: bool

    @property
    def z(self) -> np.ndarray:
        """Weight over its standard error, shape (p,)."""
        return self.beta / self.error


def fit_ordinal_mixed(
    design: np.ndarray, answers: np.ndarray, groups: np.ndarray, personal: np.ndarray
) -> OrdinalMixedFit:
    """Fit weights, thresholds and the spread of personal effects.

    Parameters
    ----------
    design
        Fixed part without a constant, shape (n, p).
    answers
        Levels from 0, shape (n,), int.
    groups
        Person of each trial as an index from 0, shape (n,), int.
    personal
        Columns whose weights differ between people, a constant among them if wanted, shape (n, q).

    Raises
    ------
    AnalysisError
        With fewer than three people, or when the fixed part alone cannot be fitted.
    """
    people = int(groups.max()) + 1
    if people < 3:
        raise AnalysisError(f"effects over people need at least 3 people, here are {people}")
    start = fit_counts(*_pooled(design, answers))
    rows = _Rows(design, answers, groups, personal)
    theta = np.concatenate([start.cuts, start.weights])
    deviations = np.zeros((people, rows.q))
    spread = np.full(rows.q, 0.3)  # a start; the rounds move it to where the data say
    converged = False
    covariance = np.zeros((len(theta), len(theta)))
    before: tuple[np.ndarray, np.ndarray] | None = None
    for rounds in range(1, MOST_ROUNDS + 1):  # noqa: B007 (told by the fit)
        theta, deviations, covariance, posterior = rows.step(theta, deviations, spread)
        place, pull = np.log(spread), 0.5 * np.log(np.mean(deviations**2 + posterior, axis=0) / spread**2)
        step = _acceleration(place, pull, before)
        before = place, pull
        new = np.maximum(spread * np.exp(step), SMALLEST_SPREAD)
        change = np.abs(new - spread) / np.maximum(spread, SMALL_SPREAD)
        spread = new
        if change.max() < CONVERGED:
            converged = True
            break
    k = rows.levels - 1
    error = np.sqrt(np.diag(covariance)[k:])
    without = rows.without_each(theta, deviations, spread)[:, k:]
    edge = spread <= SMALLEST_SPREAD
    spread = np.where(edge, 0.0, spread)
    return OrdinalMixedFit(theta[k:], error, without, theta[:k], spread, deviations, edge, rounds, converged)


def _pooled(design: np.ndarray, answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cells, counts = cell_counts(design, answers, np.zeros(len(answers), dtype=int))
    return cells, counts[0]


def _acceleration(place: np.ndarray, pull: np.ndarray, before: tuple[np.ndarray, np.ndarray] | None) -> np.ndarray:
    """Step of the log spreads: where the pull of expectation-maximisation (its own step) would vanish, by the secant.

    The plain pull creeps where a spread is nearly none.
    """
    if before is None:
        return pull
    moved = place - before[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        secant = -pull * moved / (pull - before[1])
    towards = np.isfinite(secant) & (secant * pull > 0)  # a secant that leads away from the pull is none
    return np.clip(np.where(towards, secant, 2.0 * pull), -FURTHEST, FURTHEST)


class _Rows:
    """Trials folded into distinct (person, fixed row, personal row) cells, and one penalised scoring step on them."""

    def __init__(self, design: np.ndarray, answers: np.ndarray, groups: np.ndarray, personal: np.ndarray) -> None:
        self.levels, self.p, self.q = int(answers.max()) + 1, design.shape[1], personal.shape[1]
        joint = np.column_stack([groups, design, personal])
        cells, cell = np.unique(joint, axis=0, return_inverse=True)
        self.group = cells[:, 0].astype(int)
        self.design, self.personal = cells[:, 1 : 1 + self.p], cells[:, 1 + self.p :]
        self.counts = np.zeros((len(cells), self.levels))
        np.add.at(self.counts, (cell.ravel(), answers), 1.0)
        self.people = int(groups.max()) + 1
        # Sorted by person, so that sums over a person's cells are sums over a slice.
        self.starts = np.searchsorted(self.group, np.arange(self.people))

    def step(
        self, theta: np.ndarray, deviations: np.ndarray, spread: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """One scoring step: new parameters, new deviations, covariance of the parameters, variance of deviations.

        The deviations are eliminated person by person (Schur complement), so the cost grows with people, not with its
        cube.
        """
        score, score_own, fixed, mixed, own_inverse = self._by_person(theta, deviations, spread)
        precision = np.diag(1.0 / spread**2)
        carried = np.einsum("gij,gja->gia", own_inverse, mixed)
        covariance = np.linalg.inv((fixed - np.einsum("gia,gib->gab", mixed, carried)).sum(axis=0))
        change = covariance @ (score - np.einsum("gia,gi->ga", carried, score_own)).sum(axis=0)
        own_change = np.einsum("gij,gj->gi", own_inverse, score_own - np.einsum("gia,a->gi", mixed, change))
        # Uncertainty of the fixed part adds to that of each deviation.
        variance = np.einsum("gii->gi", own_inverse) + np.einsum("gia,ab,gib->gi", carried, covariance, carried)
        scale = 1.0
        value = self._penalised(theta, deviations, precision)
        while scale > 1e-4:
            moved = self._penalised(theta + scale * change, deviations + scale * own_change, precision)
            if moved >= value - 1e-9 * abs(value):
                break
            scale /= 2
        return theta + scale * change, deviations + scale * own_change, covariance, variance

    def without_each(self, theta: np.ndarray, deviations: np.ndarray, spread: np.ndarray) -> np.ndarray:
        """Cuts and weights without each person in turn, shape (people, k + p), by one step from those of all."""
        score, score_own, fixed, mixed, own_inverse = self._by_person(theta, deviations, spread)
        carried = np.einsum("gij,gja->gia", own_inverse, mixed)
        information = fixed - np.einsum("gia,gib->gab", mixed, carried)
        gradient = score - np.einsum("gia,gi->ga", carried, score_own)
        rest = np.linalg.pinv(information.sum(axis=0) - information, hermitian=True)
        return theta + np.einsum("gab,gb->ga", rest, gradient.sum(axis=0) - gradient)

    def _by_person(self, theta: np.ndarray, deviations: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, ...]:
        """Each person's scores of (cuts, weights) and of the own effects, the information, and its inverse for the own.

        Shapes (people, k + p), (people, q), (people, k + p, k + p), (people, q, k + p), (people, q, q).
        """
        k, p = self.levels - 1, self.p
        score_cut, score_eta, info_cut, info_cross, info_eta = self._derivatives(theta, deviations)
        x, z = self.design, self.personal

        def sums(cells: np.ndarray) -> np.ndarray:
            return np.add.reduceat(cells, self.starts)

        fixed = np.zeros((self.people, k + p, k + p))
        fixed[:, :k, :k] = sums(info_cut)
        fixed[:, :k, k:] = sums(info_cross[:, :, None] * x[:, None, :])
        fixed[:, k:, :k] = fixed[:, :k, k:].transpose(0, 2, 1)
        fixed[:, k:, k:] = sums((info_eta[:, None] * x)[:, :, None] * x[:, None, :])
        score = np.concatenate([sums(score_cut), sums(score_eta[:, None] * x)], axis=1)
        precision = np.diag(1.0 / spread**2)
        weighted = (info_eta[:, None] * z)[:, :, None]
        own = sums(weighted * z[:, None, :]) + precision
        mixed = sums(np.concatenate([info_cross[:, None, :] * z[:, :, None], weighted * x[:, None, :]], axis=2))
        score_own = sums(score_eta[:, None] * z) - deviations @ precision
        return score, score_own, fixed, mixed, np.linalg.inv(own)

    def _above(self, theta: np.ndarray, deviations: np.ndarray) -> np.ndarray:
        k = self.levels - 1
        eta = self.design @ theta[k:] + np.einsum("ni,ni->n", self.personal, deviations[self.group])
        return above_cuts(eta, theta[:k])

    def _penalised(self, theta: np.ndarray, deviations: np.ndarray, precision: np.ndarray) -> float:
        probability = -np.diff(self._above(theta, deviations), axis=1)
        if (probability <= 0).any():
            return -np.inf
        penalty = 0.5 * np.einsum("gi,ij,gj->", deviations, precision, deviations)
        return float(np.sum(self.counts * np.log(probability)) - penalty)

    def _derivatives(self, theta: np.ndarray, deviations: np.ndarray) -> tuple[np.ndarray, ...]:
        """Scores and expected information per cell with respect to the cuts and the predictor."""
        k = self.levels - 1
        above = self._above(theta, deviations)
        density = above * (1 - above)
        probability = np.maximum(-np.diff(above, axis=1), SMALLEST)
        by_cut = np.zeros((len(above), self.levels, k))
        for index in range(k):
            by_cut[:, index, index] = density[:, index + 1]
            by_cut[:, index + 1, index] = -density[:, index + 1]
        by_eta = -np.diff(density, axis=1)
        ratio = self.counts / probability
        weight = self.counts.sum(axis=1)[:, None] / probability
        return (
            np.einsum("nj,njk->nk", ratio, by_cut),
            np.sum(ratio * by_eta, axis=1),
            np.einsum("nj,njk,njl->nkl", weight, by_cut, by_cut),
            np.einsum("nj,njk,nj->nk", weight, by_cut, by_eta),
            np.sum(weight * by_eta**2, axis=1),
        )
