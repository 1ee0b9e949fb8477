"""Shown pain: self-report, face and voice, each suppressed or exaggerated by its own share of the felt pain.

The face leaks what words and voice can hold back; the directions are common clinical knowledge, the shares assumptions.
"""

from __future__ import annotations

from typing import NamedTuple

from robopatient.config import Fraction, Positive
from robopatient.patient.section import PatientSection, approach, share_of_rest

__all__ = ["DisplayTraits", "ShownPain", "Streams"]

EXAGGERATED = 0.6
"""Gain of full exaggeration on what pain has left of the scale (assumption: 3 of 10 is shown as 4.3)."""


class DisplayTraits(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Traits, all assumptions; stoicism and exaggeration exclude each other."""

    stoicism: Fraction = 0.0
    """0 hides nothing, 1 all that can be hidden."""
    exaggeration: Fraction = 0.0
    """0 adds nothing, 1 a lot."""
    report_share: Fraction = 0.5
    """Share of the pain that a full stoic leaves out of the self-report (assumption)."""
    face_share: Fraction = 0.3
    """The same of the face (assumption)."""
    voice_share: Fraction = 0.7
    """The same of the voice (assumption)."""
    recall_s: Positive = 8.0
    """Time constant in which the worst pain of a press fades from the self-report (assumption)."""


class ShownPain(NamedTuple):
    """NRS by stream."""

    report: float
    face: float
    voice: float


class Streams:
    """Felt pain in, three streams out."""

    def __init__(self, display: DisplayTraits) -> None:
        self._display = display
        self._recalled = 0.0

    def step(self, felt_nrs: float, dt_s: float) -> ShownPain:
        """What gets out now; the report is of the worst that is still in mind."""
        display = self._display
        self._recalled = max(felt_nrs, approach(self._recalled, felt_nrs, dt_s, display.recall_s))
        return ShownPain(
            self._out(self._recalled, display.report_share),
            self._out(felt_nrs, display.face_share),
            self._out(felt_nrs, display.voice_share),
        )

    def _out(self, nrs: float, share: float) -> float:
        more = self._display.exaggeration * EXAGGERATED * share_of_rest(nrs)
        return (nrs + more) * (1.0 - self._display.stoicism * share)
