"""A hand without a board: presses a patient to fit, preview and test them.

Time is the hand's own, so a minute of palpation takes a fraction of a second.
"""

from __future__ import annotations

import math

from robopatient.levels import CONTACT_NEWTON
from robopatient.messages import ForceFrame, PainState
from robopatient.patient.model import Patient

__all__ = ["Hand"]

STEP_NS = 4_000_000
"""One turn of the loop at 250 Hz."""


class Hand:
    """Presses one patient; every method gives what was felt, frame by frame."""

    def __init__(self, patient: Patient) -> None:
        self.patient = patient
        self.t_ns = 0
        self._newton = 0.0

    def press(
        self,
        newton: float,
        at_mm: tuple[float, float],
        *,
        hold_s: float = 0.6,
        rise_s: float = 0.2,
        fall_s: float = 0.2,
    ) -> list[PainState]:
        """Force up, held and down (raised cosines) at a place of the body (left, head)."""
        return [
            *self.lead(newton, at_mm, rise_s),
            *self.lead(newton, at_mm, hold_s),
            *self.lead(0.0, at_mm, fall_s),
        ]

    def lead(self, newton: float, at_mm: tuple[float, float], seconds: float) -> list[PainState]:
        """Bring the force to a value within a time and leave it there."""
        begin, steps = self._newton, max(1, round(seconds * 1e9 / STEP_NS))
        share = (0.5 - 0.5 * math.cos(math.pi * index / steps) for index in range(1, steps + 1))
        return [self._frame(begin + (newton - begin) * done, at_mm) for done in share]

    def wait(self, seconds: float) -> list[PainState]:
        """Do not touch."""
        return self.lead(0.0, (0.0, 0.0), seconds)

    def skip(self, seconds: float) -> PainState:
        """Do not touch, in one stride: for minutes."""
        self.t_ns += round(seconds * 1e9) - STEP_NS
        return self._frame(0.0, (0.0, 0.0))

    def _frame(self, newton: float, at_mm: tuple[float, float]) -> PainState:
        self.t_ns += STEP_NS
        rate = (newton - self._newton) * 1e9 / STEP_NS
        self._newton = newton
        contact = self.patient.phantom.plate_mm(*at_mm) if newton >= CONTACT_NEWTON else None
        return self.patient.step(
            ForceFrame(self.t_ns, self.t_ns, self.t_ns // STEP_NS, (newton,), contact, rate),
        )
