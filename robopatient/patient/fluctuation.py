"""Spontaneous fluctuation of pain: a slow random walk, and for colic a switch between low and high.

An Ornstein-Uhlenbeck process on a grid of one second, ``dB = -(B - mu) / tau dt + sigma dW`` (facts sheet
patient_model, 9; direction published, sizes assumptions), drawn from the session's seed.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from msgspec import Meta

from robopatient.config import NonNegative
from robopatient.levels import MAX_NRS
from robopatient.patient.section import PatientSection

__all__ = ["Fluctuation", "PainFluctuation"]

GRID_S = 1.0
STREAM = 9
"""Given to the seed sequence, so that no other part of the patient draws the same numbers."""

Level = Annotated[float, Meta(ge=0, le=10)]


class Fluctuation(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Pain without a touch; all sizes are assumptions."""

    mean_nrs: Level = 1.0
    """mu: pain without a touch, on average."""
    sd_nrs: Annotated[float, Meta(ge=0, le=5)] = 0.5
    """Standard deviation over a long time; ``sigma = sd sqrt(2 / tau)``."""
    tau_min: Annotated[float, Meta(ge=0.2, le=60)] = 10.0
    """tau_b; 5 to 30 minutes for endogenous pain (facts sheet), seconds to minutes for colic."""
    wave_nrs: Level = 0.0
    """Pain added while a wave lasts; 0: no waves."""
    waves_per_min: NonNegative = 0.0
    """Rate at which waves begin."""
    wave_s: Annotated[float, Meta(ge=5, le=3600)] = 60.0
    """How long a wave lasts, on average."""


class PainFluctuation:
    """Endogenous pain, NRS; a straight line between the points of the grid."""

    def __init__(self, fluctuation: Fluctuation, seed: int) -> None:
        self._fluctuation = fluctuation
        self._random = np.random.default_rng(np.random.SeedSequence([seed, STREAM]))
        self._level = fluctuation.mean_nrs + fluctuation.sd_nrs * float(self._random.standard_normal())
        self._wave = 0.0
        self._in_wave = False
        self._since_s = 0.0
        self._from = self._to = self._now()

    def step(self, dt_s: float) -> float:
        """Endogenous pain after this time."""
        self._since_s += dt_s
        if self._since_s >= GRID_S:
            self._move(self._since_s)
            self._since_s = 0.0
        return self._from + (self._to - self._from) * self._since_s / GRID_S

    def _move(self, seconds: float) -> None:
        """Draw the next point; exact for any time since the last."""
        fluctuation = self._fluctuation
        kept = math.exp(-seconds / (60.0 * fluctuation.tau_min))
        spread = fluctuation.sd_nrs * math.sqrt(1.0 - kept * kept)
        self._level = fluctuation.mean_nrs + (self._level - fluctuation.mean_nrs) * kept
        self._level += spread * float(self._random.standard_normal())
        if fluctuation.wave_nrs > 0.0:
            per_s = 1.0 / fluctuation.wave_s if self._in_wave else fluctuation.waves_per_min / 60.0
            if float(self._random.random()) < -math.expm1(-seconds * per_s):
                self._in_wave = not self._in_wave
            wanted = fluctuation.wave_nrs if self._in_wave else 0.0
            # A wave swells and ebbs over a fifth of its length (assumption).
            self._wave += (wanted - self._wave) * -math.expm1(-seconds * 5.0 / fluctuation.wave_s)
        self._from, self._to = self._to, self._now()

    def _now(self) -> float:
        return min(MAX_NRS, max(0.0, self._level + self._wave))
