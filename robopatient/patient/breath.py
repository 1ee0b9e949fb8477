"""The patient's breath, the one that is heard and seen: quiet breathing, and one deep breath on request.

How pain stops the deep breath is what Murphy's sign is made of. Quiet breathing moves no organ here (assumption: its
few millimetres drown in the hand's).
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from msgspec import Meta

from robopatient.breathing import HOLD_NRS, HOLD_S, PAIN_PER_MIN, REST_PER_MIN, ChestMotion, breaths_per_min
from robopatient.config import Positive
from robopatient.levels import MAX_NRS
from robopatient.messages import Phase
from robopatient.patient.section import PatientSection, approach

__all__ = ["Breath", "Breathing"]


STREAM = 79
"""Number of this random stream, so that it differs from those of the other effects."""

BreathsPerMin = Annotated[float, Meta(gt=0, le=60)]


class Breathing(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Quiet breathing and a deep breath; all values are assumptions."""

    in_s: Positive = 2.0
    """Time of breathing in."""
    hold_s: Positive = 1.0
    """Time for which it is held."""
    out_s: Positive = 2.0
    """Time of breathing out."""
    arrest_nrs: Positive = 4.0
    """Felt pain at which a patient stops breathing in."""
    rest_per_min: BreathsPerMin = REST_PER_MIN
    """Quiet breaths without pain."""
    pain_per_min: BreathsPerMin = PAIN_PER_MIN
    """Quiet breaths in the strongest pain."""
    calm_s: Positive = 15.0
    """Time constant in which breathing slows down after pain."""
    catch_nrs: Positive = HOLD_NRS
    """Felt pain under a pressing hand from which the breath is caught and held."""
    catch_s: Positive = HOLD_S
    """Time for which it is held so; then breathing is shallow."""


class Breath:
    """How a patient breathes.

    Parameters
    ----------
    seed
        Of the moment in its breath at which the patient begins.

    Attributes
    ----------
    inspiration
        Beyond quiet breathing, 0 to 1.
    """

    def __init__(self, breathing: Breathing, seed: int) -> None:
        self.inspiration = 0.0
        self.arrested = False
        self._breathing = breathing
        self._elapsed_s: float | None = None
        self._quiet = ChestMotion(float(np.random.default_rng([seed, STREAM]).random()))
        self._strain_nrs = 0.0

    @property
    def chest(self) -> float:
        """Chest excursion, 0 (exhaled) to 1."""
        quiet = self._quiet.excursion
        return quiet + self.inspiration * (1.0 - quiet)

    def take(self) -> None:
        """Begin a deep breath."""
        self._elapsed_s, self.arrested = 0.0, False
        self._quiet.turn()

    def step(self, phase: Phase, nrs: float, caught_nrs: float, dt_s: float) -> None:
        """Go on breathing; pain that the deep breath itself brings arrests it, and what was breathed in flows out.

        ``nrs``: felt pain; ``caught_nrs``: the same while the hand is on a site that descends with the breath, else 0.
        """
        self._breathe(phase, nrs, dt_s)
        breathing = self._breathing
        if self._elapsed_s is None:
            self.inspiration = approach(self.inspiration, 0.0, dt_s, breathing.out_s / 3.0)
            self.arrested = self.arrested and self.inspiration > 0.05
            return
        self._elapsed_s += dt_s
        if self._elapsed_s < breathing.in_s and caught_nrs >= breathing.arrest_nrs and self.inspiration > 0.05:
            self._elapsed_s, self.arrested = None, True
        elif self._elapsed_s >= breathing.in_s + breathing.hold_s:
            self._elapsed_s = None
        else:
            self.inspiration = min(1.0, self._elapsed_s / breathing.in_s)

    def _breathe(self, phase: Phase, nrs: float, dt_s: float) -> None:
        """Quiet breathing; it waits while a deep breath is taken, and pain that arrested one catches no other."""
        breathing, deep = self._breathing, self._elapsed_s is not None
        self._strain_nrs = max(min(nrs, MAX_NRS), self._strain_nrs * math.exp(-dt_s / breathing.calm_s))
        per_min = breaths_per_min(self._strain_nrs, breathing.rest_per_min, breathing.pain_per_min)
        hurt = phase in ("onset", "hold") and nrs >= breathing.catch_nrs
        held = hurt and not deep and not self.arrested
        self._quiet.advance(dt_s, held, 0.0 if deep else per_min, breathing.catch_s)
