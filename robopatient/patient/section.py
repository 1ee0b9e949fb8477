"""Shared by all effects of the patient: the base of their parameters, and the step of a first-order system.

An effect is a frozen struct of parameters (one section of the patient's file) and a small class that steps.
"""

from __future__ import annotations

import math

import msgspec

from robopatient.levels import MAX_NRS

__all__ = ["PatientSection", "approach", "share_of_rest"]


class PatientSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the sections of a patient file."""


def approach(value: float, target: float, dt_s: float, tau_s: float) -> float:
    """First-order step towards a target."""
    return value + (target - value) * -math.expm1(-dt_s / tau_s)


def share_of_rest(nrs: float) -> float:
    """Pain times what it has left of the scale, NRS; added pain is scaled by it.

    So every gain fades towards 10 and more stimulus stays more pain: a clip would make the worst presses equal.
    """
    return nrs * (1.0 - nrs / MAX_NRS)
