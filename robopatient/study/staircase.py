"""Adaptive choice of a level: a Bayesian staircase that asks where the answer teaches most.

QUEST+ (Watson 2017, Journal of Vision 17(3):10): a grid over threshold, slope and lapse, and the level whose answer is
expected to leave the least entropy. Written here because the kept library of that name is under the GPL.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray
from scipy.special import ndtr

from robopatient.config import Config
from robopatient.errors import ConfigError

__all__ = ["Staircase", "StaircaseConfig", "psychometric"]

Share = Annotated[float, Meta(ge=0, lt=1)]


class StaircaseConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is varied and what is believed before the first answer: a uniform prior on the grid."""

    factor: str
    """Factor whose level it chooses."""
    low: float
    high: float
    """Range of the levels, in the factor's unit."""
    steps: Annotated[int, Meta(ge=3, le=200)] = 31
    scale: Literal["linear", "log"] = "linear"
    """How the levels are spaced and the psychometric function is drawn."""
    trials: Annotated[int, Meta(ge=1, le=1000)] = 40
    slopes: Annotated[tuple[float, ...], Meta(min_length=1)] = (0.05, 0.1, 0.2, 0.4)
    """SD of the cumulative normal as shares of the range."""
    guess: Share = 0.0
    """Chance of "yes" far below the threshold: 0.5 for a forced choice."""
    lapses: Annotated[tuple[Share, ...], Meta(min_length=1)] = (0.02, 0.06)
    """Chance of "no" far above."""
    yes: tuple[float, ...] = (1.0,)
    """Values of the answer that count as "yes"; all others are "no"."""

    def grid(self) -> NDArray[np.float64]:
        """Levels, shape (steps,)."""
        if self.scale == "log":
            return np.geomspace(self.low, self.high, self.steps)
        return np.linspace(self.low, self.high, self.steps)


def psychometric(
    level: NDArray[np.float64] | float,
    threshold: NDArray[np.float64] | float,
    slope: NDArray[np.float64] | float,
    guess: float,
    lapse: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    """Chance of "yes": a cumulative normal between ``guess`` and ``1 - lapse``; shapes broadcast."""
    share = ndtr((np.asarray(level) - threshold) / slope)
    return np.asarray(guess + (1.0 - guess - np.asarray(lapse)) * share)


class Staircase:
    """The posterior after some answers.

    Raises
    ------
    ConfigError
        For a range that is none, or a logarithmic one from 0.
    """

    def __init__(self, config: StaircaseConfig, name: str = "") -> None:
        if not config.low < config.high or (config.scale == "log" and config.low <= 0.0):
            raise ConfigError(
                f"staircases.{name}: low {config.low:g} and high {config.high:g} make no {config.scale} range; write "
                "low < high, and low > 0 for a logarithmic one"
            )
        self.config = config
        self.levels = config.grid()
        x = self._axis(self.levels)
        span = float(x[-1] - x[0])
        threshold, slope, lapse = np.meshgrid(x, span * np.array(config.slopes), config.lapses, indexing="ij")
        self._threshold = threshold.ravel()
        self._yes = psychometric(x[:, None], self._threshold, slope.ravel(), config.guess, lapse.ravel())
        self._belief = np.full(self._threshold.size, 1.0 / self._threshold.size)
        self.answers = 0

    def next(self) -> float:
        """Level to present now, in the factor's unit."""
        p = self._yes @ self._belief
        entropy = np.zeros(len(self.levels))
        for chance, likelihood in ((p, self._yes), (1.0 - p, 1.0 - self._yes)):
            posterior = likelihood * self._belief / np.maximum(chance, 1e-300)[:, None]
            entropy -= chance * (posterior * np.log(np.maximum(posterior, 1e-300))).sum(1)
        return float(self.levels[int(np.argmin(entropy))])

    def tell(self, level: float, value: float) -> None:
        """An answer at a level."""
        row = int(np.argmin(np.abs(self._axis(self.levels) - self._axis(np.array([max(level, 1e-12)])))))
        likelihood = self._yes[row] if value in self.config.yes else 1.0 - self._yes[row]
        belief = self._belief * np.maximum(likelihood, 1e-12)
        self._belief = belief / belief.sum()
        self.answers += 1

    def estimate(self) -> tuple[float, float]:
        """Threshold (posterior mean) in the factor's unit, and its SD in that unit (a factor, for a log scale)."""
        mean = float(self._threshold @ self._belief)
        sd = float(np.sqrt(max(0.0, self._threshold**2 @ self._belief - mean**2)))
        return (float(np.exp(mean)), float(np.exp(sd))) if self.config.scale == "log" else (mean, sd)

    def _axis(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log(level) if self.config.scale == "log" else level
