"""Psychometric functions: where two things match (PSE), how far apart they must be to be distinguished (JND).

A cumulative normal with a lapse rate (Wichmann and Hill 2001), fitted by maximum likelihood; intervals by
drawing people.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtr, ndtri

from policies.errors import AnalysisError
from policies.statistics.resampling import percentile_interval, person_weights

__all__ = ["MatchPoint", "Psychometric", "fit_psychometric", "match_point", "psychometric_with_intervals"]

MOST_LAPSES = 0.06
"""Largest lapse rate that is believed (Wichmann and Hill 2001)."""
JND_OF_SIGMA = float(ndtri(0.75))
"""From the 50 % to the 75 % point of a cumulative normal, in its SDs."""


class Psychometric(NamedTuple):
    """A fitted function.

    Attributes
    ----------
    pse
        Stimulus at which both answers are as frequent, in the stimulus's unit.
    jnd
        From there to the point of 75 %; negative when the answers fall with the stimulus.
    lapse
        Share of answers that have nothing to do with the stimulus.
    guess
        Share of "yes" without a stimulus to be seen: 0, or 0.5 with two alternatives.
    """

    pse: float
    jnd: float
    lapse: float
    guess: float = 0.0
    pse_interval: tuple[float, float] = (float("nan"), float("nan"))
    jnd_interval: tuple[float, float] = (float("nan"), float("nan"))

    def probability(self, stimulus: np.ndarray) -> np.ndarray:
        """Probability of "yes" at stimuli, the same shape."""
        seen = ndtr((stimulus - self.pse) / (self.jnd / JND_OF_SIGMA))
        return (
            self.guess + (1 - self.guess - self.lapse) * seen
            if self.guess
            else (self.lapse / 2 + (1 - self.lapse) * seen)
        )


class MatchPoint(NamedTuple):
    """Stimulus at which agreement is highest, from a quadratic logit; NaN when agreement has no peak."""

    place: float
    interval: tuple[float, float]


def fit_psychometric(
    stimulus: np.ndarray, yes: np.ndarray, n: np.ndarray, guess: float = 0.0, near: Psychometric | None = None
) -> Psychometric:
    """Maximum likelihood from counts.

    Parameters
    ----------
    stimulus, yes, n
        Level, answers "yes" (ties half) and all answers, each (levels,).
    near
        A fit of similar answers, to start from.

    Raises
    ------
    AnalysisError
        With fewer than three levels, or when the answers do not change with the stimulus.
    """
    if len(stimulus) < 3:
        raise AnalysisError(f"a psychometric function needs at least 3 levels of the stimulus, not {len(stimulus)}")
    share = yes / n
    if np.ptp(share) < 1e-9:
        raise AnalysisError(f"the answers do not change with the stimulus ({share[0]:.0%} at every level)")
    span = float(np.ptp(stimulus))
    rising = np.sign(np.polyfit(stimulus, share, 1, w=np.sqrt(n))[0]) or 1.0

    def loss(theta: np.ndarray) -> float:
        lapse = MOST_LAPSES / (1 + np.exp(-theta[2]))
        model = Psychometric(theta[0], rising * JND_OF_SIGMA * np.exp(theta[1]), lapse, guess)
        probability = np.clip(model.probability(stimulus), 1e-9, 1 - 1e-9)
        # A weak prior on the lapses, a broad one on place and width: few trials of one level leave them undetermined.
        prior = 0.5 * (theta[2] / 2) ** 2 + 0.5 * ((theta[0] - stimulus.mean()) / (3 * span)) ** 2
        prior += 0.5 * ((theta[1] - np.log(span / 4)) / 2) ** 2
        return float(prior - np.sum(yes * np.log(probability) + (n - yes) * np.log(1 - probability)))

    if near is None:
        starts = [(float(np.average(stimulus, weights=n)), np.log(span / width), -1.0) for width in (2, 6)]
    else:
        starts = [(near.pse, np.log(abs(near.jnd) / JND_OF_SIGMA), -1.0)]
    best = min((minimize(loss, start, method="Nelder-Mead") for start in starts), key=lambda found: found.fun)
    lapse = MOST_LAPSES / (1 + np.exp(-best.x[2]))
    return Psychometric(float(best.x[0]), float(rising * JND_OF_SIGMA * np.exp(best.x[1])), float(lapse), guess)


def psychometric_with_intervals(
    stimulus: np.ndarray, yes: np.ndarray, n: np.ndarray, guess: float = 0.0, replicates: int = 200, seed: int = 1
) -> Psychometric:
    """The function of all people together, with intervals over people.

    Parameters
    ----------
    yes, n
        Shape (people, levels).
    """
    levels = np.asarray(stimulus, dtype=float)
    used = n.sum(axis=0) > 0
    levels, yes, n = levels[used], yes[:, used], n[:, used]
    whole = fit_psychometric(levels, yes.sum(axis=0), n.sum(axis=0), guess)
    if len(n) < 3:
        return whole
    drawn = []
    for weights in person_weights(len(n), replicates, seed):
        try:
            fit = fit_psychometric(levels, weights @ yes, np.maximum(weights @ n, 1e-9), guess, whole)
            drawn.append((fit.pse, fit.jnd))
        except AnalysisError:
            drawn.append((np.nan, np.nan))
    samples = np.array(drawn)
    return whole._replace(
        pse_interval=percentile_interval(samples[:, 0]), jnd_interval=percentile_interval(samples[:, 1])
    )


def match_point(
    stimulus: np.ndarray, hits: np.ndarray, totals: np.ndarray, replicates: int = 500, seed: int = 1
) -> MatchPoint:
    """Peak of agreement over an ordered stimulus, for questions that ask "does it fit?" and not "too much?".

    Parameters
    ----------
    stimulus
        Shape (levels,).
    hits, totals
        Agreed and all answers, shape (people, levels).
    """
    place = _peak(stimulus, hits.sum(axis=0), totals.sum(axis=0))
    drawn = [
        _peak(stimulus, weights @ hits, weights @ totals) for weights in person_weights(len(hits), replicates, seed)
    ]
    return MatchPoint(place, percentile_interval(np.array(drawn)))


def _peak(stimulus: np.ndarray, hits: np.ndarray, totals: np.ndarray) -> float:
    """Vertex of a parabola through the empirical logits, at most one level outside; NaN when it opens upwards."""
    used = totals > 0
    if used.sum() < 3:
        return float("nan")
    x, hits, totals = stimulus[used], hits[used], totals[used]
    logit = np.log((hits + 0.5) / (totals - hits + 0.5))
    weight = np.sqrt(totals * (hits + 0.5) / (totals + 1) * (1 - (hits + 0.5) / (totals + 1)))
    square, slope, _ = np.polyfit(x, logit, 2, w=weight)
    if square >= 0:
        return float("nan")
    margin = np.diff(x).mean()
    return float(np.clip(-slope / (2 * square), x[0] - margin, x[-1] + margin))
