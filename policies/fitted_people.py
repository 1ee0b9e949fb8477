"""Raters fitted to a table of their answers: one ordinal-logit listener for each person.

Each person is shrunk towards the pooled fit by an amount that cross-validation chooses. A person can be left out of
everything that others teach (``People.others``).
"""

from __future__ import annotations

import msgspec
import numpy as np

from policies.errors import TrialsError
from policies.listeners import FittedListener
from policies.rated_trials import RatedTrials
from policies.spaces import Array
from policies.statistics.ordinal import Gaussian, fit_map, log_likelihood, quadratic

__all__ = ["People", "fit_people"]

SHRINKAGES = (0.05, 0.2, 0.4, 0.8, 1.6)
"""SD of personal weights about the pooled ones: candidates for cross-validation."""
CUT_SD = 1.0
"""SD of personal cuts about the pooled ones."""
MIN_TRIALS = 20


class People(msgspec.Struct, frozen=True):
    """Fitted parameters of all people (weights of the quadratic features, then cuts).

    Attributes
    ----------
    parameters, pooled
        Shapes (n, d) and (d,).
    precisions
        Of each person's posterior (Laplace), shape (n, d, d).
    shrinkage
        Chosen SD of personal weights about the pooled ones.
    cross_validation
        Mean negative log-likelihood per held-out answer, by shrinkage.
    """

    names: tuple[str, ...]
    parameters: Array
    precisions: Array
    pooled: Array
    shrinkage: float
    cross_validation: dict[float, float]
    levels: int

    def listener(self, person: int) -> FittedListener:
        """One person as a listener."""
        n_weights = self.parameters.shape[1] - self.levels + 1
        row = self.parameters[person]
        return FittedListener(row[:n_weights], row[n_weights:], name=self.names[person])

    def randomised(self, rng: np.random.Generator, draws_each: int = 16) -> Array:
        """Parameters of listeners drawn about every person, as uncertain as the fits: shape (n * draws_each, d)."""
        rows = []
        for mode, precision in zip(self.parameters, self.precisions, strict=True):
            root = np.linalg.cholesky(precision)
            rows.append(mode + np.linalg.solve(root.T, rng.standard_normal((len(mode), draws_each))).T)
        return np.concatenate(rows)

    def others(self, person: int) -> tuple[Array, Array]:
        """Mean and covariance of everybody's parameters but one's own."""
        rows = np.delete(self.parameters, person, axis=0)
        return rows.mean(0), np.cov(rows.T)


def fit_people(trials: RatedTrials, shrinkage: float | None = None, seed: int = 0, folds: int = 5) -> People:
    """Fit every person of a table.

    Parameters
    ----------
    shrinkage
        SD of personal weights about the pooled ones; None lets cross-validation choose among ``SHRINKAGES``.

    Raises
    ------
    TrialsError
        When somebody answered too few trials, or always the same.
    """
    features = quadratic(trials.state, trials.action)
    for person, name in enumerate(trials.names):
        mine = trials.answer[trials.of(person)]
        if len(mine) < MIN_TRIALS:
            raise TrialsError(
                f"{trials.source}: {name} answered {len(mine)} trials, at least {MIN_TRIALS} are needed; "
                "leave this participant out"
            )
        if len(np.unique(mine)) < 2:
            raise TrialsError(f"{trials.source}: {name} always gave the same answer; leave this participant out")
    answered = trials.answer >= 0
    n_weights, n_cuts = features.shape[1], trials.levels - 1
    start = np.r_[np.zeros(n_weights), np.linspace(-1.0, 1.0, n_cuts) if n_cuts > 1 else np.zeros(1)]
    weak = Gaussian(start, np.diag(np.full(len(start), 1e-4)))
    pooled = fit_map(features[answered], trials.answer[answered], weak).mode

    def personal(sd: float) -> Gaussian:
        return Gaussian(pooled, np.diag(np.r_[np.full(n_weights, sd**-2), np.full(n_cuts, CUT_SD**-2)]))

    scores: dict[float, float] = {}
    if shrinkage is None:
        fold = np.random.default_rng(seed).integers(0, folds, len(trials.answer))
        for sd in SHRINKAGES:
            total = 0.0
            for k in range(folds):
                for person in range(len(trials.names)):
                    mine = trials.of(person)
                    train, test = mine & (fold != k), mine & (fold == k)
                    fit = fit_map(features[train], trials.answer[train], personal(sd), pooled)
                    total -= log_likelihood(fit.mode, features[test], trials.answer[test]).sum()
            scores[sd] = float(total / answered.sum())
        shrinkage = min(scores, key=scores.__getitem__)
    prior = personal(shrinkage)
    fits = [
        fit_map(features[trials.of(i)], trials.answer[trials.of(i)], prior, pooled) for i in range(len(trials.names))
    ]
    return People(
        names=trials.names,
        parameters=np.array([fit.mode for fit in fits]),
        precisions=np.array([fit.precision for fit in fits]),
        pooled=pooled,
        shrinkage=shrinkage,
        cross_validation=scores,
        levels=trials.levels,
    )
