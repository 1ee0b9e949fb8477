"""Clinical signs: each function returns the sections of a patient file that produce the sign.

A sign is nothing of its own: McBurney's is a tender site, Blumberg's pain on release, Murphy's a deep site that a
full breath brings to the hand. Places are textbook anatomy on the shipped phantom; sizes are assumptions.
"""

from __future__ import annotations

from robopatient.patient.guarding import Guarding, Release
from robopatient.patient.tenderness import TenderSite

__all__ = ["GALLBLADDER", "MCBURNEY", "blumberg", "elicited", "mcburney", "murphy", "rigidity", "rovsing"]

MCBURNEY = "McBurney's point"
GALLBLADDER = "gallbladder"
ELICITED_NRS = 3.0
"""Pain from which an examiner would call a sign positive (assumption)."""


def mcburney(strength: float = 1.0, sigma_mm: float = 25.0) -> TenderSite:
    """A third of the way from the right iliac spine to the navel."""
    return TenderSite(
        name=MCBURNEY, region="right iliac", left_mm=-72.0, head_mm=-51.0, sigma_mm=sigma_mm, strength=strength,
        quality="sharp",
    )  # fmt: skip


def rovsing(strength: float = 0.3) -> TenderSite:
    """Pressing the left side shifts the bowel, and the right side hurts: weaker, and deep."""
    return TenderSite(
        name="Rovsing's sign", region="left iliac", left_mm=72.0, head_mm=-51.0, sigma_mm=30.0, strength=strength,
        depth_mm=15.0, quality="dull",
    )  # fmt: skip


def murphy(strength: float = 1.0) -> TenderSite:
    """The gallbladder, where the lateral plane meets the costal margin: a full breath brings it to the hand."""
    return TenderSite(
        name=GALLBLADDER, region="right hypochondriac", left_mm=-72.0, head_mm=65.0, strength=strength,
        depth_mm=12.0, descent_mm=12.0, quality="sharp",
    )  # fmt: skip


def blumberg(nrs_per_newton_per_s: float = 0.02) -> Release:
    """Rebound tenderness."""
    return Release(nrs_per_newton_per_s=nrs_per_newton_per_s)


def rigidity(rigid: float = 0.7) -> Guarding:
    """A board-like abdomen."""
    return Guarding(gain=0.2, rigid=rigid)


def elicited(site: str, pain_nrs: float, release_nrs: float, tension: float, arrested: bool) -> str:
    """Name of the sign that is being elicited, "" for none; the most specific first."""
    if arrested:
        return "Murphy"
    if release_nrs >= ELICITED_NRS:
        return "rebound"
    if pain_nrs >= ELICITED_NRS and site == MCBURNEY:
        return "McBurney"
    if pain_nrs >= ELICITED_NRS and tension >= 0.5:
        return "guarding"
    return ""
