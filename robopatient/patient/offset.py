"""Offset analgesia: a small fall of a strong stimulus relieves more than the fall itself.

Stand-in until the published equation is found (facts sheet patient_model, 7): ``P + k tau min(dP/dt, 0)`` with the
slope low-passed over tau, which is ``P + k min(P - slow, 0)``.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from robopatient.patient.section import PatientSection, approach

__all__ = ["Offset", "OffsetAnalgesia"]


class OffsetAnalgesia(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A falling stimulus relieves beyond its fall."""

    gain: Annotated[float, Meta(ge=0, le=0.9)] = 0.68
    """k: fitted so that a held pain that steps from 5 to 6 and back falls 0.46 below a constant one (meta-analysis,
    Szikszay 2019: -0.46 of 10, CI -0.75 to -0.17, for 1 °C; that 1 °C is worth one point is an assumption)."""
    tau_s: Annotated[float, Meta(ge=0.5, le=10)] = 2.0
    """Range 1 to 3 s of the facts sheet (assumption)."""
    chronic_share: Annotated[float, Meta(ge=0, le=1)] = 0.701
    """What is left of it in chronic pain: 29.9 % less (Szikszay 2019)."""


class Offset:
    """The slow trace of pain from which a fall is measured."""

    def __init__(self, offset: OffsetAnalgesia, chronic: bool) -> None:
        self.gain = offset.gain * (offset.chronic_share if chronic else 1.0)
        self._tau_s = offset.tau_s
        self._slow = 0.0

    def step(self, nrs: float, dt_s: float) -> float:
        """Relief (0 or negative) of this pain, NRS; never more than there is."""
        relief = self.gain * min(nrs - self._slow, 0.0)
        self._slow = approach(self._slow, nrs, dt_s, self._tau_s)
        return max(-nrs, relief)
