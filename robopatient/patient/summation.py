"""Temporal summation: presses that follow each other within seconds hurt more and more.

``dW = (-W / tau_w + k_w N) dt`` (facts sheet patient_model, 5). W multiplies the drive u of ``N = 10 (1 - exp(-u))``:
for weak pain that is the published ``N (1 + W)``; strong pain never leaves the scale and presses keep their order.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from robopatient.levels import MAX_NRS
from robopatient.patient.section import PatientSection, approach

__all__ = ["Summation", "WindUp"]


class Summation(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Two parameters, fitted to two published effects of heat; for pressure none is known.

    Ten 1 s presses at 0.5 Hz that begin at 52.9 of 100 end at 79.8 (published 80.2 +/- 15.5), a press held from 38.5
    on ends at 75.6 (published 75.8 +/- 18.3; both Granot 2006, n = 27).
    """

    gain_per_nrs_s: Annotated[float, Meta(ge=0, le=1)] = 0.122
    """k_w, growth of W per second and point of pain."""
    decay_s: Annotated[float, Meta(ge=1, le=30)] = 8.0
    """tau_w ("a few seconds" in the facts sheet)."""


class WindUp:
    """The summation state W."""

    def __init__(self, summation: Summation) -> None:
        self.state = 0.0
        self._summation = summation

    def step(self, nrs: float, dt_s: float) -> None:
        """Take in this pain for this time: exact for a pain that is constant over the step."""
        target = self._summation.gain_per_nrs_s * nrs * self._summation.decay_s
        self.state = approach(self.state, target, dt_s, self._summation.decay_s)

    def added(self, nrs: float) -> float:
        """Pain that summation adds to this one, NRS."""
        rest = 1.0 - nrs / MAX_NRS
        return MAX_NRS * rest * (1.0 - rest**self.state)
