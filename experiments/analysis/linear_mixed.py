"""The linear model with each person's own effects, by restricted maximum likelihood (REML; Bates et al. 2015).

Intercepts and slopes over people are independent and normal, as in ``ordinal_mixed``. Weights and residual variance are
profiled out, so that only the relative spreads are searched, from several starts and with zero allowed: the optimisers
of statsmodels (0.14) end at different likelihoods where a spread is none, and call that convergence.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from policies.errors import AnalysisError

__all__ = ["LinearMixedFit", "fit_linear_mixed"]

STARTS = (0.05, 0.3, 1.0)
"""Spreads over people relative to the residual SD."""
SAME_LIKELIHOOD = 0.01
PRECISE = {"ftol": 1e-13, "gtol": 1e-7, "maxiter": 500}
NO_SPREAD = 1e-4


class LinearMixedFit(NamedTuple):
    """A fitted model.

    Attributes
    ----------
    beta, error
        Weight of each column and its standard error, shape (p,).
    without
        The weights without each person in turn, at the spreads of all, shape (people, p).
    spread
        SD over people of each personal effect, shape (q,), in the unit of the values.
    residual
        SD of an answer around its person's own mean.
    log_likelihood
        Restricted, up to a constant.
    """

    beta: np.ndarray
    error: np.ndarray
    without: np.ndarray
    spread: np.ndarray
    residual: float
    log_likelihood: float

    @property
    def boundary(self) -> bool:
        """Whether a spread over people is estimated as none."""
        return bool((self.spread < NO_SPREAD * self.residual).any())


def fit_linear_mixed(
    design: np.ndarray, values: np.ndarray, groups: np.ndarray, personal: np.ndarray
) -> LinearMixedFit:
    """Fit weights and spreads.

    Parameters
    ----------
    design
        Fixed part with its constant, shape (n, p).
    values, groups
        Answers, and the person of each from 0, shape (n,).
    personal
        Columns whose weights differ between people, shape (n, q).

    Raises
    ------
    AnalysisError
        When columns depend on each other, or when the starts end at different likelihoods.
    """
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise AnalysisError("the columns of the linear model depend on each other")
    likelihood = _Profile(design, values, groups, personal)
    # Of variances, not of SDs: at an SD of zero the slope is zero, and a search that comes there stays.
    bounds = [(0.0, None)] * personal.shape[1]

    def loss(variances: np.ndarray) -> float:
        return likelihood.loss(np.sqrt(variances))

    found = []
    for start in STARTS:
        end = minimize(loss, np.full(len(bounds), start**2), method="L-BFGS-B", bounds=bounds, options=PRECISE)
        found.append(minimize(loss, end.x, method="L-BFGS-B", bounds=bounds, options=PRECISE))
    found.sort(key=lambda one: float(one.fun))
    if found[1].fun - found[0].fun > 2 * SAME_LIKELIHOOD:
        raise AnalysisError("the search ends at different likelihoods from different starts; nothing is quoted from it")
    return likelihood.fit(np.sqrt(found[0].x))


class _Profile:
    """Sums by person, and -2 log of the restricted likelihood of relative spreads."""

    def __init__(self, design: np.ndarray, values: np.ndarray, groups: np.ndarray, personal: np.ndarray) -> None:
        people = int(groups.max()) + 1
        joint = np.column_stack([design, values])
        self._n, self._p = design.shape
        rows = [groups == person for person in range(people)]
        self._each = np.array([joint[own].T @ joint[own] for own in rows])
        self._fixed = self._each.sum(axis=0)
        self._own = np.array([personal[own].T @ personal[own] for own in rows])
        self._mixed = np.array([personal[own].T @ joint[own] for own in rows])

    def _weighted(self, spreads: np.ndarray) -> tuple[np.ndarray, float]:
        """Cross products of design and values under the covariance of these spreads, and its log determinant."""
        inner = np.eye(len(spreads)) + spreads[:, None] * self._own * spreads
        mixed = spreads[:, None] * self._mixed
        taken = np.einsum("gia,gib->ab", mixed, np.linalg.solve(inner, mixed))
        return self._fixed - taken, float(np.linalg.slogdet(inner)[1].sum())

    def _products_of_each(self, spreads: np.ndarray) -> np.ndarray:
        """The same cross products of each person, shape (people, p + 1, p + 1)."""
        inner = np.eye(len(spreads)) + spreads[:, None] * self._own * spreads
        mixed = spreads[:, None] * self._mixed
        return np.asarray(self._each - np.einsum("gia,gib->gab", mixed, np.linalg.solve(inner, mixed)))

    def loss(self, spreads: np.ndarray) -> float:
        """-2 log likelihood up to a constant."""
        products, log_determinant = self._weighted(spreads)
        p = self._p
        inside, across = products[:p, :p], products[:p, p]
        squares = float(products[p, p] - across @ np.linalg.solve(inside, across))
        log_inside = float(np.linalg.slogdet(inside)[1])
        return log_determinant + log_inside + (self._n - p) * float(np.log(max(squares, 1e-300)))

    def fit(self, spreads: np.ndarray) -> LinearMixedFit:
        """Weights and errors at these relative spreads."""
        products, _ = self._weighted(spreads)
        p = self._p
        inverse = np.linalg.inv(products[:p, :p])
        beta = inverse @ products[:p, p]
        residual = float(np.sqrt((products[p, p] - products[:p, p] @ beta) / (self._n - p)))
        error = residual * np.sqrt(np.diag(inverse))
        rest = products - self._products_of_each(spreads)
        without = np.array([np.linalg.lstsq(one[:p, :p], one[:p, p], rcond=None)[0] for one in rest])
        return LinearMixedFit(beta, error, without, residual * spreads, residual, -0.5 * self.loss(spreads))
