"""Habituation at the pressed place and sensitisation everywhere: the two processes of repeated stimulation.

Jepma, Jones and Wager 2014 (n = 100, trials 20 s apart): site-specific habituation and site-nonspecific sensitisation
explain 93 % of the group's mean. Their rates are not published in what could be read: all sizes are assumptions.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from robopatient.config import Fraction, Positive
from robopatient.levels import MAX_NRS
from robopatient.patient.section import PatientSection, approach, share_of_rest

__all__ = ["Adaptation", "TwoProcess"]


class Adaptation(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Once a press: ``h_q <- rho_h h_q + (1 - rho_h) N``, ``z <- rho_z z + (1 - rho_z) N``."""

    habituation: Annotated[float, Meta(ge=0, le=0.8)] = 0.25
    """b_h: share of a press's pain that full habituation takes away (assumption)."""
    habituation_kept: Fraction = 0.7
    """rho_h, a press (assumption)."""
    sensitisation: Fraction = 0.3
    """b_z: share of what is left of the scale that full sensitisation adds (assumption)."""
    sensitisation_kept: Fraction = 0.85
    """rho_z, a press (assumption)."""
    recovery_s: Positive = 300.0
    """Time constant in which both fade without presses (assumption)."""
    sessions_before: Annotated[int, Meta(ge=0, le=60)] = 0
    """Earlier days with the same hands: ratings fall between days (May 2012, 60 stimuli on 8 days, n = 109)."""
    per_session: Annotated[float, Meta(ge=0, le=0.2)] = 0.03
    """Share by which pain falls from one day to the next (assumption: only the direction is known)."""


class TwoProcess:
    """Habituation by region (0 to 10) and sensitisation (0 to 10)."""

    def __init__(self, adaptation: Adaptation) -> None:
        self.habituated: dict[str, float] = {}
        self.sensitised = 0.0
        self._adaptation = adaptation
        self._days = 1.0 - (1.0 - adaptation.per_session) ** adaptation.sessions_before

    def step(self, dt_s: float) -> None:
        """Let time pass."""
        for region, value in self.habituated.items():
            self.habituated[region] = approach(value, 0.0, dt_s, self._adaptation.recovery_s)
        self.sensitised = approach(self.sensitised, 0.0, dt_s, self._adaptation.recovery_s)

    def press_ended(self, region: str, peak_nrs: float) -> None:
        """Take in a press by its worst nociception."""
        kept, before = self._adaptation.habituation_kept, self.habituated.get(region, 0.0)
        self.habituated[region] = kept * before + (1.0 - kept) * peak_nrs
        kept = self._adaptation.sensitisation_kept
        self.sensitised = kept * self.sensitised + (1.0 - kept) * peak_nrs

    def added(self, nrs: float, region: str) -> tuple[float, float]:
        """What habituation (negative) and sensitisation do to this pain in this region, NRS."""
        used_to = self._adaptation.habituation * self.habituated.get(region, 0.0) / MAX_NRS
        less = nrs * (1.0 - (1.0 - used_to) * (1.0 - self._days))
        more = self._adaptation.sensitisation * self.sensitised / MAX_NRS * share_of_rest(nrs - less)
        return -less, more
