"""Stress: a healthy patient feels less pain, a patient in chronic pain more.

Loeffler et al. 2022 (22 patients with chronic musculoskeletal pain, 18 controls): the threshold rises in controls,
the ratings in patients. Sizes are not published in what could be read, and other studies contradict (Schneider 2022):
weak by default, and an assumption.
"""

from __future__ import annotations

from robopatient.config import Fraction
from robopatient.patient.section import PatientSection

__all__ = ["Stress", "strain"]


class Stress(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Stress relieves the healthy and hurts the chronic (Loeffler et al. 2022; contested, weak by default)."""

    level: Fraction = 0.0
    """s at the start of a session; the action "stress" changes it (assumption)."""
    threshold_share: Fraction = 0.10
    """c_t: healthy, ``F0 (1 + c_t s)`` (assumption)."""
    gain_share: Fraction = 0.10
    """c_g: chronic, ``gain (1 + c_g s)`` (assumption)."""


def strain(stress: Stress, level: float, chronic: bool) -> tuple[float, float]:
    """Factors on the threshold and on the gain at a level of stress, 0 to 1."""
    return (1.0, 1.0 + stress.gain_share * level) if chronic else (1.0 + stress.threshold_share * level, 1.0)
