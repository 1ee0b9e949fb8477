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

MOST_ROUNDS = 300
PATIENT_ROUNDS, MOST_POWER = 10, 200.0
CONVERGED = 1e-4
"""Relative change of every spread below which the fit is done."""
SMALLEST_SPREAD = 1e-4
"""A spread that counts as none; an SD of zero would divide by zero."""
NO_SPREAD = 0.02
"""Logits a level: a spread that has shrunk below it in round after round is none. The rounds would creep on for ever,
and it adds less than a hundredth of a logit to any standard error."""
SMALLEST = 1e-300


class OrdinalMixedFit(NamedTuple):
    """A fitted cumulative-link mixed model.

    Attributes
    ----------
    beta, error
        Weight of each column over all people and its standard error, shape (p,).
    cuts
        Thresholds, shape (levels - 1,).
    spread
        SD over people of each personal effect, shape (q,).
    personal
        Each person's deviations, shape (people, q).
    rounds
        Iterations used; ``converged`` says whether they were enough.
    """

    beta: np.ndarray
    error: np.ndarray
    cuts: np.ndarray
    spread: np.ndarray
    personal: np.ndarray
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
    run, fell = np.zeros(rows.q, dtype=int), np.zeros(rows.q, dtype=bool)
    converged = False
    rounds = 0
    covariance = np.zeros((len(theta), len(theta)))
    for rounds in range(1, MOST_ROUNDS + 1):
        theta, deviations, covariance, posterior = rows.step(theta, deviations, spread)
        new = np.sqrt(np.mean(deviations**2 + posterior, axis=0))
        if rounds > 3:
            # EM creeps where a spread is nearly none. Steps are lengthened in the logarithm for as long as they keep
            # their direction, which reaches zero, or passes a small optimum and turns.
            falling = new < spread
            run = np.where(falling == fell, run + 1, 0)
            fell = falling
            power = np.minimum(2.0 * 1.5 ** np.maximum(run - PATIENT_ROUNDS, 0), MOST_POWER)
            new = np.maximum(spread * np.clip((new / spread) ** power, 0.5, 2.0), SMALLEST_SPREAD)
            new = np.where((new < NO_SPREAD) & falling & (run >= PATIENT_ROUNDS), SMALLEST_SPREAD, new)
        change = np.abs(new - spread) / np.maximum(spread, 0.01)
        spread = new
        if change.max() < CONVERGED:
            converged = True
            break
    k = rows.levels - 1
    error = np.sqrt(np.diag(covariance)[k:])
    return OrdinalMixedFit(theta[k:], error, theta[:k], spread, deviations, rounds, converged)


def _pooled(design: np.ndarray, answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cells, counts = cell_counts(design, answers, np.zeros(len(answers), dtype=int))
    return cells, counts[0]


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
        k, p = self.levels - 1, self.p
        score_theta, score_eta, info_cut, info_cross, info_eta = self._derivatives(theta, deviations)
        x, z = self.design, self.personal
        fixed = np.zeros((k + p, k + p))
        fixed[:k, :k] = info_cut.sum(axis=0)
        fixed[:k, k:] = info_cross.T @ x
        fixed[k:, :k] = fixed[:k, k:].T
        fixed[k:, k:] = x.T @ (x * info_eta[:, None])
        score_fixed = np.concatenate([score_theta, x.T @ score_eta])
        precision = np.diag(1.0 / np.maximum(spread, SMALLEST_SPREAD) ** 2)
        own = np.add.reduceat(np.einsum("n,ni,nj->nij", info_eta, z, z), self.starts) + precision
        mixed = np.add.reduceat(
            np.concatenate([np.einsum("nk,ni->nik", info_cross, z), np.einsum("n,ni,nj->nij", info_eta, z, x)], axis=2),
            self.starts,
        )
        score_own = np.add.reduceat(score_eta[:, None] * z, self.starts) - deviations @ precision
        own_inverse = np.linalg.inv(own)
        reduced = fixed - np.einsum("gia,gij,gjb->ab", mixed, own_inverse, mixed)
        covariance = np.linalg.inv(reduced)
        change = covariance @ (score_fixed - np.einsum("gia,gij,gj->a", mixed, own_inverse, score_own))
        own_change = np.einsum("gij,gj->gi", own_inverse, score_own - np.einsum("gia,a->gi", mixed, change))
        # Uncertainty of the fixed part adds to that of each deviation.
        carried = np.einsum("gij,gja->gia", own_inverse, mixed)
        variance = np.einsum("gii->gi", own_inverse) + np.einsum("gia,ab,gib->gi", carried, covariance, carried)
        scale = 1.0
        value = self._penalised(theta, deviations, precision)
        while scale > 1e-4:
            moved = self._penalised(theta + scale * change, deviations + scale * own_change, precision)
            if moved >= value - 1e-9 * abs(value):
                break
            scale /= 2
        return theta + scale * change, deviations + scale * own_change, covariance, variance

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
            np.einsum("nj,njk->k", ratio, by_cut),
            np.sum(ratio * by_eta, axis=1),
            np.einsum("nj,njk,njl->nkl", weight, by_cut, by_cut),
            np.einsum("nj,njk,nj->nk", weight, by_cut, by_eta),
            np.sum(weight * by_eta**2, axis=1),
        )
