"""Psychometric functions: where two things match (PSE), how far apart they must be to be distinguished (JND).

A cumulative normal with a lapse rate (Wichmann and Hill 2001), fitted by maximum likelihood, with people's own places
and widths; intervals over people.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import special
from scipy.optimize import minimize
from scipy.special import ndtr, ndtri

from policies.errors import AnalysisError
from policies.statistics.over_people import FEWEST_PEOPLE, jackknife

__all__ = ["MatchPoint", "Psychometric", "fit_psychometric", "match_point", "psychometric_of_people"]

MOST_LAPSES = 0.06
"""Largest lapse rate that is believed (Wichmann and Hill 2001)."""
JND_OF_SIGMA = float(ndtri(0.75))
"""From the 50 % to the 75 % point of a cumulative normal, in its SDs."""
PLACES, WIDTHS = 81, 25
LAPSES = np.array([0.002, 0.01, 0.03, 0.058])
"""Grid on which each person's likelihood is computed once."""


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
    pse_spread
        SD of the PSE over people; 0 when one function was fitted to all answers.
    """

    pse: float
    jnd: float
    lapse: float
    guess: float = 0.0
    pse_interval: tuple[float, float] = (float("nan"), float("nan"))
    jnd_interval: tuple[float, float] = (float("nan"), float("nan"))
    pse_spread: float = 0.0

    def probability(self, stimulus: np.ndarray) -> np.ndarray:
        """Probability of "yes" at stimuli, the same shape, in the answers of all people together."""
        width = math.hypot(self.jnd / JND_OF_SIGMA, self.pse_spread)
        seen = ndtr(math.copysign(1.0, self.jnd) * (stimulus - self.pse) / width)
        return (
            self.guess + (1 - self.guess - self.lapse) * seen
            if self.guess
            else (self.lapse / 2 + (1 - self.lapse) * seen)
        )


class MatchPoint(NamedTuple):
    """Stimulus at which agreement is highest, from a quadratic logit; NaN when agreement has no peak.

    ``clipped`` says that the peak lies outside the levels that were presented, so that its place is not known.
    """

    place: float
    interval: tuple[float, float]
    clipped: bool = False


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


def psychometric_of_people(stimulus: np.ndarray, yes: np.ndarray, n: np.ndarray, guess: float = 0.0) -> Psychometric:
    """The function of the typical person, with intervals over people.

    People differ in where their function lies (normal) and in how steep it is (log-normal); their functions are
    integrated over, because one function fitted to everybody's answers is flatter than
    anybody's own. Intervals by leaving out each person, the JND's in the logarithm. With fewer than three people: one
    function of all answers, without intervals.

    Parameters
    ----------
    yes, n
        Shape (people, levels).
    """
    levels = np.asarray(stimulus, dtype=float)
    used = n.sum(axis=0) > 0
    levels, yes, n = levels[used], yes[:, used], n[:, used]
    pooled = fit_psychometric(levels, yes.sum(axis=0), n.sum(axis=0), guess)
    if len(n) < FEWEST_PEOPLE:
        return pooled
    family = _PersonFamily(levels, yes, n, pooled)
    everybody = np.ones(len(n))
    whole = family.fit(everybody)
    limits = jackknife(lambda weights: family.fit(weights, whole)[[0, 2]], len(n))
    typical = family.function(whole, everybody)
    jnds = np.sign(pooled.jnd) * np.exp(limits[1] + math.log(JND_OF_SIGMA))
    return typical._replace(
        pse_interval=(float(limits[0, 0]), float(limits[0, 1])), jnd_interval=(float(jnds.min()), float(jnds.max()))
    )


class _PersonFamily:
    """Likelihood of everybody's answers when places and widths differ between people.

    Parameters: mean place, log SD of the places, mean log width, log SD of the log widths. What one function gives for
    one person's answers is computed once, on a grid of places, widths and lapse rates.
    """

    def __init__(self, levels: np.ndarray, yes: np.ndarray, n: np.ndarray, pooled: Psychometric) -> None:
        self._guess, self._rising = pooled.guess, float(np.sign(pooled.jnd))
        self._span, self._middle = float(np.ptp(levels)), float(levels.mean())
        beyond = 0.25 * self._span
        self._places = np.linspace(levels.min() - beyond, levels.max() + beyond, PLACES)
        self._log_widths = np.log(np.geomspace(self._span / 60, self._span, WIDTHS))
        steps = (levels - self._places[:, None, None]) / np.exp(self._log_widths)[:, None]
        seen = ndtr(self._rising * steps)
        log_likelihood = []
        for lapse in LAPSES:
            low, share = (self._guess, 1 - self._guess - lapse) if self._guess else (lapse / 2, 1 - lapse)
            probability = np.clip(low + share * seen, 1e-9, 1 - 1e-9)
            log_likelihood.append(np.log(probability) @ yes.T + np.log1p(-probability) @ (n - yes).T)
        grid = np.array(log_likelihood)  # (lapses, places, widths, people)
        self._likelihood = np.exp(grid - grid.max(axis=(0, 1, 2)))
        sigma = abs(pooled.jnd) / JND_OF_SIGMA
        self._start = np.array([pooled.pse, math.log(0.5 * sigma), math.log(0.8 * sigma), math.log(0.2)])

    def fit(self, weights: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
        """Parameters for weighted people, shape (4,)."""
        scale = np.array([self._span, 1.0, 1.0, 1.0])
        begin = (self._start if start is None else start) / scale
        narrowest, widest = math.log(self._span / PLACES), math.log(self._span)
        bounds = [(None, None), (narrowest, widest), (self._log_widths[0], widest), (math.log(0.05), 0.0)]
        begin[1:] = [np.clip(value, *limits) for value, limits in zip(begin[1:], bounds[1:], strict=True)]
        found = minimize(lambda x: self._loss(x * scale, weights), begin, method="L-BFGS-B", bounds=bounds)
        return np.asarray(found.x * scale, dtype=float)

    def function(self, theta: np.ndarray, weights: np.ndarray) -> Psychometric:
        """The typical person's function."""
        by_lapse = self._of_lapse(theta, weights)
        lapse = float(np.average(LAPSES, weights=np.exp(by_lapse - by_lapse.max())))
        jnd = self._rising * JND_OF_SIGMA * math.exp(theta[2])
        return Psychometric(float(theta[0]), jnd, lapse, self._guess, pse_spread=math.exp(theta[1]))

    def _of_lapse(self, theta: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Log likelihood with its prior at each lapse rate, shape (lapses,)."""
        place = _share_of_grid((self._places - theta[0]) / math.exp(theta[1]))
        width = _share_of_grid((self._log_widths - theta[2]) / math.exp(theta[3]))
        of_person = np.einsum("lpwi,p,w->li", self._likelihood, place, width, optimize=True)
        prior = -0.5 * (special.logit(LAPSES / MOST_LAPSES) / 2) ** 2
        result: np.ndarray = np.log(np.maximum(of_person, 1e-300)) @ weights + prior
        return result

    def _loss(self, theta: np.ndarray, weights: np.ndarray) -> float:
        # Weak priors, as for one function; few people leave a spread undetermined.
        prior = 0.5 * ((theta[0] - self._middle) / (3 * self._span)) ** 2
        prior += 0.5 * ((theta[2] - math.log(self._span / 4)) / 2) ** 2
        prior += 0.5 * ((theta[1] - math.log(self._span / 10)) / 2) ** 2
        prior += 0.5 * ((theta[3] - math.log(0.2)) / 0.5) ** 2
        return float(prior - special.logsumexp(self._of_lapse(theta, weights)))


def _share_of_grid(distance: np.ndarray) -> np.ndarray:
    """Normal weights of grid points by their distance in SDs, with sum 1."""
    density = np.exp(-0.5 * distance**2)
    result: np.ndarray = density / max(float(density.sum()), 1e-300)
    return result


def match_point(stimulus: np.ndarray, hits: np.ndarray, totals: np.ndarray) -> MatchPoint:
    """Peak of agreement over an ordered stimulus, for questions that ask "does it fit?" and not "too much?".

    Parameters
    ----------
    stimulus
        Shape (levels,).
    hits, totals
        Agreed and all answers, shape (people, levels).
    """
    place = _peak(stimulus, hits.sum(axis=0), totals.sum(axis=0))
    [[low, high]] = jackknife(lambda weights: np.array([_peak(stimulus, weights @ hits, weights @ totals)]), len(hits))
    first, last = float(stimulus[0]), float(stimulus[-1])
    return MatchPoint(place, (float(low), float(high)), clipped=not first <= place <= last if place == place else False)


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
