"""The hand of a simulated participant: one press when it is told to, as people press in the published trials."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from firmware_bridge.phantom import spread

__all__ = ["PressingHand", "SimulatedPress"]

SITE_MM = (145.0, 145.0)
TREMOR_HZ = 7.0
TREMOR = 0.012
"""Relative SD of a hold, as in ``firmware_bridge.presses``."""


class SimulatedPress(msgspec.Struct, frozen=True):
    """One press: when the hand arrives, how hard, how long it rises, holds and leaves; s and N."""

    onset_s: float
    peak_newton: float
    rise_s: float
    hold_s: float
    fall_s: float

    @property
    def end_s(self) -> float:
        """When the hand has left."""
        return self.onset_s + self.rise_s + self.hold_s + self.fall_s

    def force(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Total force at times ``t_s``, shape (n,): quarter sines up and down about a hold."""
        since = t_s - self.onset_s
        up = np.clip(since / self.rise_s, 0.0, 1.0)
        down = np.clip((self.end_s - t_s) / self.fall_s, 0.0, 1.0)
        bell = np.sin(0.5 * np.pi * np.minimum(up, down))
        tremor = 1.0 + TREMOR * math.sqrt(2.0) * np.sin(2 * np.pi * TREMOR_HZ * since) * (bell < 1.0)
        return np.where((since > 0.0) & (t_s < self.end_s), self.peak_newton * bell * tremor, 0.0)


class PressingHand:
    """Where the virtual board's forces come from; ``press`` from outside, in the board's own time."""

    def __init__(self) -> None:
        self._presses: list[SimulatedPress] = []

    def press(self, press: SimulatedPress) -> None:
        """Press; what is over long ago is forgotten."""
        self._presses = [old for old in self._presses if old.end_s > press.onset_s - 10.0] + [press]

    def forces(self, t_s: NDArray[np.float64], period_s: float) -> NDArray[np.float64]:
        """As ``firmware_bridge.virtual_device.ForceSource``."""
        total = np.zeros(len(t_s))
        for press in self._presses:
            total += press.force(t_s - period_s / 2)
        return spread(total, *SITE_MM)
