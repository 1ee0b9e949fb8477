"""Quiet breathing: how a chest rises and falls, faster and held in pain. One formula, for one chest or for many.

The patient breathes by it and tells voice and face (``PainState.breath``); a face to which no patient tells it, and the
faces of a corpus, breathe by it alone. Every number is an assumption; 12 to 20 breaths a minute are usual in adults.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "HOLD_NRS",
    "HOLD_S",
    "PAIN_PER_MIN",
    "REST_PER_MIN",
    "ChestMotion",
    "breaths_per_min",
    "excursion",
    "held_share",
    "next_cycle",
    "peak_flow_per_s",
]

Chests = TypeVar("Chests", float, NDArray[np.float64])
"""A number of one chest, or of many, shape (n,)."""

REST_PER_MIN, PAIN_PER_MIN = 14.0, 24.0
"""Breaths a minute at rest and in the strongest pain."""
HOLD_NRS = 2.5
"""Pain under a pressing hand from which the breath is caught and held."""
HOLD_S = 4.0
"""So long it is held; then breathing is shallow."""
QUIET_DEPTH = 0.7
"""Excursion at the top of a quiet breath, of a full one."""
PAUSE_POWER = 1.4
"""Above 1 the chest rests a little after breathing out."""
HELD = 0.9
"""Excursion at which a breath is held."""


def breaths_per_min(nrs: Chests, rest: float = REST_PER_MIN, worst: float = PAIN_PER_MIN) -> Chests:
    """Rate at a pain, NRS 0 to 10."""
    return rest + (worst - rest) * nrs / 10.0


def held_share(held_s: Chests, hold_s: float = HOLD_S) -> Chests:
    """Share of a breath that is held after ``held_s`` seconds of pain: all of it, later half."""
    return 0.5 + 0.5 * (held_s < hold_s)  # type: ignore[return-value]  # numpy: a truth value times a float is "floating"


def next_cycle(cycle: Chests, dt_s: float, per_min: Chests, caught: Chests) -> Chests:
    """Where in its cycle, 0 to 1, a chest is ``dt_s`` later; what is ``caught``, 0 to 1, does not move on."""
    return (cycle + dt_s * per_min / 60.0 * (1.0 - caught)) % 1.0


def excursion(cycle: Chests, caught: Chests, held: float = HELD) -> Chests:
    """Chest excursion, 0 (exhaled) to 1: it rises in the first half of a cycle, and ``caught`` takes it to ``held``."""
    # numpy's cosine of a single number may differ from math's in the last bit
    cosine = math.cos(2.0 * math.pi * cycle) if isinstance(cycle, float) else np.cos(2.0 * np.pi * cycle)
    quiet = QUIET_DEPTH * (0.5 - 0.5 * cosine) ** PAUSE_POWER
    return quiet + caught * (held - quiet)


def peak_flow_per_s(per_min: float) -> float:
    """Largest rate at which a chest that breathes quietly rises or falls, excursion a second."""
    sine_squared = (2.0 * PAUSE_POWER - 1.0) / (2.0 * PAUSE_POWER)  # where the derivative of ``excursion`` is largest
    slope = sine_squared ** (PAUSE_POWER - 0.5) * math.sqrt(1.0 - sine_squared)
    return 2.0 * math.pi * PAUSE_POWER * QUIET_DEPTH * slope * per_min / 60.0


class ChestMotion:
    """Excursion of one chest: even at rest, caught and held when pain strikes, let go with it.

    Parameters
    ----------
    cycle
        Where in its cycle it begins, 0 to 1.
    """

    def __init__(self, cycle: float = 0.0) -> None:
        self._cycle = cycle
        self._catching = 0.0
        self._caught = 0.0
        self._held_s = 0.0
        self._pant_s = 0.0

    def advance(self, dt_s: float, held: bool, per_min: float, hold_s: float = HOLD_S) -> None:
        """Move on by ``dt_s``: whether pain holds the breath, breaths a minute (0 stands still)."""
        self._held_s = self._held_s + dt_s if held else 0.0
        wanted = held_share(self._held_s, hold_s) if held else 0.0
        # twice 0.08 s to catch the breath, twice 0.25 s to let it go (assumption)
        share = -math.expm1(-dt_s / (0.08 if wanted > self._catching else 0.25))
        self._catching += (wanted - self._catching) * share
        self._caught += (self._catching - self._caught) * share
        self._cycle = next_cycle(self._cycle, dt_s, per_min, self._caught)
        self._pant_s += dt_s

    def turn(self) -> None:
        """Breathe out from where the chest is: the next breath begins after it."""
        self._cycle = max(self._cycle, 1.0 - self._cycle)

    @property
    def excursion(self) -> float:
        """0 (exhaled) to 1."""
        held = HELD + 0.05 * math.sin(2.0 * math.pi * 0.8 * self._pant_s)
        return excursion(self._cycle, self._caught, held)
