"""What a policy would have earned in logged trials: importance weighting and doubly robust estimates.

The log must come from actions drawn uniformly from the published 16 sounds, as in the published study. A policy is
judged by the published sound nearest to what it would have played.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from policies.env import published_table
from policies.errors import TrialsError
from policies.rated_trials import RatedTrials
from policies.reward_models import ordinal_worth
from policies.spaces import Array
from policies.statistics.ordinal import Gaussian, fit_map, quadratic
from policies.statistics.resampling import REPLICATES, Interval, draw_people, percentile_interval

__all__ = ["OfflineValue", "offline_value"]

WEIGHT_SD = 1.0
"""Prior SD of the weights of the model behind the doubly robust estimate."""


class OfflineValue(NamedTuple):
    """Estimated P(agree) of a policy, and of the logged random actions, with intervals over trials.

    ``ips`` weighs matching trials by 1 / propensity, ``snips`` divides by the sum of weights, ``doubly_robust`` adds
    the weighted error of a fitted model to the model's own estimate. ``matches`` is the number of trials in which the
    log happens to hold the policy's sound.
    """

    ips: Interval
    snips: Interval
    doubly_robust: Interval
    logged: Interval
    matches: int
    trials: int


def offline_value(trials: RatedTrials, act: Callable[[Array], Array], seed: int = 0) -> OfflineValue:
    """Value of a policy from trials with uniformly random published sounds.

    Parameters
    ----------
    act
        Actions (m, 2) for states (m, 1), normalised.

    Raises
    ------
    TrialsError
        When the log holds other sounds than the published ones, or visibly not uniformly.
    """
    answered = trials.answer >= 0
    state, action, answer = trials.state[answered], trials.action[answered], trials.answer[answered]
    agree = (answer >= trials.levels // 2).astype(float)
    table = published_table()
    played = _nearest(table, action)
    if np.abs(table[played] - action).max() > 0.05:
        raise TrialsError(
            f"{trials.source}: has sounds other than the published 4 x 4; only uniform ones can be replayed"
        )
    counts = np.bincount(_nearest(table, trials.action), minlength=len(table))
    expected = len(trials.answer) / len(table)
    if ((counts - expected) ** 2 / expected).sum() > 50.0:  # chi-square with 15 degrees of freedom: p < 1e-5
        raise TrialsError(f"{trials.source}: its sounds were not drawn uniformly; the propensities are unknown")
    wanted = _nearest(table, act(state))
    weight = (wanted == played) * float(len(table))
    at_wanted, at_played = _cross_fitted(state, answer, trials.levels, table[wanted], action, seed)
    robust = at_wanted + weight * (agree - at_played)
    rng = np.random.default_rng(seed)
    rows = draw_people(len(agree), REPLICATES, rng)

    def mean_of(values: Array) -> Interval:
        return Interval(float(values.mean()), *percentile_interval(values[rows].mean(1)), len(values))

    ratios = (weight * agree)[rows].sum(1) / np.maximum(weight[rows].sum(1), 1e-9)
    snips = Interval(float((weight * agree).sum() / max(weight.sum(), 1e-9)), *percentile_interval(ratios), len(weight))
    return OfflineValue(
        mean_of(weight * agree), snips, mean_of(robust), mean_of(agree), int((weight > 0).sum()), len(agree)
    )


def _nearest(table: Array, action: Array) -> np.ndarray:
    """Row of the table nearest to each action."""
    return ((action[:, None, :] - table[None]) ** 2).sum(-1).argmin(1)


def _cross_fitted(
    state: Array, answer: np.ndarray, levels: int, wanted: Array, played: Array, seed: int, folds: int = 5
) -> tuple[Array, Array]:
    """P(agree) at the policy's and at the played sounds, by models that have not seen the trial."""
    fold = np.random.default_rng(seed).integers(0, folds, len(answer))
    features = quadratic(state, played)
    n_weights, n_cuts = features.shape[1], levels - 1
    cuts = np.linspace(-1.0, 1.0, n_cuts) if n_cuts > 1 else np.zeros(1)
    prior = Gaussian(np.r_[np.zeros(n_weights), cuts], np.eye(n_weights + n_cuts) / WEIGHT_SD**2)
    at_wanted, at_played = np.empty(len(answer)), np.empty(len(answer))
    for k in range(folds):
        test = fold == k
        fit = fit_map(features[~test], answer[~test], prior)
        worth = ordinal_worth(fit.mode[None], n_weights)
        at_wanted[test] = worth(state[test], wanted[test])[0]
        at_played[test] = worth(state[test], played[test])[0]
    return at_wanted, at_played
