"""Tender sites with place, depth, radius and strength, and the drive that a press on them causes.

Places are measured from the navel, so that a patient fits every phantom, which knows where its navel is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from robopatient.config import Fraction, NonNegative, Positive
from robopatient.levels import MAX_NRS
from robopatient.patient.section import PatientSection

__all__ = ["Psychophysics", "Quality", "TenderSite", "nociception", "tenderness"]

STRONGEST_NEWTON = 1e4
"""More is no hand's; keeps the power within what a float can hold."""

Quality = Literal["sharp", "burning", "cramping", "dull", "pressing", "sore"]
"""How a site hurts: picks the words of the self-report."""


class TenderSite(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A place that hurts when pressed: tenderness falls off as a Gaussian.

    ``left_mm, head_mm`` are measured from the navel to the patient's left and towards the head. ``region`` repeats in
    words where that is, and is checked against the phantom.
    """

    name: str
    """Unique in the patient; it is in the record."""
    region: str
    """One of the nine; textbook anatomy."""
    left_mm: Annotated[float, Meta(ge=-300, le=300)]
    """From the navel to the patient's left; textbook anatomy."""
    head_mm: Annotated[float, Meta(ge=-300, le=300)]
    """From the navel towards the head; textbook anatomy."""
    sigma_mm: Annotated[float, Meta(gt=0, le=150)] = 25.0
    """Radius of the Gaussian. Published: Protpagorn et al. 2023, doi 10.3389/frobt.2023.1122914."""
    strength: Fraction = 1.0
    """Tenderness at the centre (assumption)."""
    depth_mm: Annotated[float, Meta(ge=0, le=60)] = 0.0
    """Below the wall: a press must come this far before the site is felt (assumption). Light palpation goes 10 to
    20 mm deep, deep palpation 40 to 50 mm (textbooks)."""
    descent_mm: Annotated[float, Meta(ge=0, le=60)] = 0.0
    """How far a full breath brings it towards the hand (assumption; Murphy's sign is nothing else)."""
    quality: Quality = "sore"
    """Picks the words of the self-report (assumption)."""


class Psychophysics(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From force to felt pain: 10 (1 - exp(-u)), u = tenderness ((F - threshold) / reference)^exponent."""

    threshold_newton: NonNegative = 3.0
    """Below it a press is felt but does not hurt (assumption: below the least published target, 5 N)."""
    reference_newton: Positive = 22.0
    """Force above threshold at which full tenderness hurts 6.3 of 10 (assumption: the median published press, 34.5 N,
    then hurts 7.8, and 75 N, the 95th percentile, can still be distinguished from 60 N)."""
    exponent: Annotated[float, Meta(ge=0.8, le=1.8)] = 1.1
    """Stevens' exponent of static pressure on the palm; range of the facts sheet patient_model, 2."""
    baseline_tenderness: Fraction = 0.05
    """Tenderness elsewhere (assumption: a firm press on a healthy belly is unpleasant, NRS below 1)."""
    tissue_newton_per_mm: Annotated[float, Meta(gt=0, le=10)] = 0.6
    """Force that brings the hand one mm deeper (assumption: the median published press, 34.5 N, is deep palpation,
    some 50 mm; ISO/TS 15066 gives 10 N/mm for a collision, which no hand does)."""
    attack_ms: Positive = 40.0
    """Time constant of rising pain (assumption: well below the 230 ms in which a press rises)."""
    decay_ms: Positive = 200.0
    """Time constant of fading pain (assumption: most of it is gone before the next press, 0.3 s later)."""


def tenderness(sites: Sequence[TenderSite], baseline: float, left_mm: float, head_mm: float) -> tuple[float, str]:
    """Tenderness 0 to 1 of a point of the body, and the site that makes it ("" where only the baseline does).

    Depth does not count here: this is the map that the console draws.
    """
    best, name = 0.0, ""
    for site in sites:
        here = _gaussian(site, left_mm, head_mm)
        if here > best:
            best, name = here, site.name
    return baseline + (1.0 - baseline) * best, name if best > baseline else ""


def nociception(
    sites: Sequence[TenderSite],
    psychophysics: Psychophysics,
    body_mm: tuple[float, float],
    newton: float,
    *,
    threshold_newton: float | None = None,
    gain: float = 1.0,
    inspiration: float = 0.0,
) -> tuple[float, str]:
    """Pain (NRS 0 to 10) that a held press settles on, and the site that makes it.

    Parameters
    ----------
    threshold_newton, gain
        What stress and relief make of the threshold and of the slope.
    inspiration
        0 (quiet) to 1 (a full breath held).
    """
    newton = min(newton, STRONGEST_NEWTON)
    threshold = psychophysics.threshold_newton if threshold_newton is None else threshold_newton
    baseline, n = psychophysics.baseline_tenderness, psychophysics.exponent
    wall = (max(0.0, newton - threshold) / psychophysics.reference_newton) ** n
    best, name = 0.0, ""
    for site in sites:
        here = _gaussian(site, *body_mm)
        if here <= baseline * 1e-3:
            continue
        depth_mm = max(0.0, site.depth_mm - inspiration * site.descent_mm)
        over_newton = newton - threshold - depth_mm * psychophysics.tissue_newton_per_mm
        drive = here * (max(0.0, over_newton) / psychophysics.reference_newton) ** n
        if drive > best:
            best, name = drive, site.name if here > baseline else ""
    u = baseline * wall + (1.0 - baseline) * best
    return MAX_NRS * -math.expm1(-gain * u), name


def _gaussian(site: TenderSite, left_mm: float, head_mm: float) -> float:
    distance2 = (left_mm - site.left_mm) ** 2 + (head_mm - site.head_mm) ** 2
    return site.strength * math.exp(-distance2 / (2.0 * site.sigma_mm**2))
