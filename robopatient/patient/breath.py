"""One deep breath on request, and how pain stops it: what Murphy's sign is made of.

Quiet breathing is the face's business and moves no organ here (assumption: its few millimetres drown in the hand's).
"""

from __future__ import annotations

from robopatient.config import Positive
from robopatient.patient.section import PatientSection, approach

__all__ = ["Breath", "Breathing"]


class Breathing(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A deep breath; all values are assumptions."""

    in_s: Positive = 2.0
    """Time of breathing in."""
    hold_s: Positive = 1.0
    """Time for which it is held."""
    out_s: Positive = 2.0
    """Time of breathing out."""
    arrest_nrs: Positive = 4.0
    """Felt pain at which a patient stops breathing in."""


class Breath:
    """Inspiration beyond quiet breathing, 0 to 1."""

    def __init__(self, breathing: Breathing) -> None:
        self.inspiration = 0.0
        self.arrested = False
        self._breathing = breathing
        self._elapsed_s: float | None = None

    def take(self) -> None:
        """Begin a deep breath."""
        self._elapsed_s, self.arrested = 0.0, False

    def step(self, caught_nrs: float, dt_s: float) -> None:
        """Go on breathing; pain that the breath itself brings arrests it, and what was breathed in flows out.

        ``caught_nrs``: felt pain while the hand is on a site that descends with the breath, else 0.
        """
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
