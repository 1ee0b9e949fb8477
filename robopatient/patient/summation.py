"""Temporal summation: presses that follow each other within seconds hurt more and more.

``dW = (-W / tau_w + k_w N) dt`` (facts sheet patient_model, 5). W multiplies the pain and what it has left of the
scale, so that the tenth press is still told from an eleventh.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from robopatient.patient.part import Part, approach, share_of_rest

__all__ = ["Summation", "WindUp"]


class Summation(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Parameters. The defaults are fitted to the published effect of repeated heat, for pressure none is known."""

    gain_per_nrs_s: Annotated[float, Meta(ge=0, le=1)] = 0.132
    """k_w: fitted so that ten 1 s presses at 0.5 Hz that begin at 52.9 of 100 end at 80.2 (Granot 2006, n = 27)."""
    decay_s: Annotated[float, Meta(ge=1, le=30)] = 4.0
    """tau_w: "a few seconds" (facts sheet; assumption)."""


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
        # A share above 1 would let a weaker press overtake a stronger one near the top of the scale.
        return min(1.0, self.state) * share_of_rest(nrs)
