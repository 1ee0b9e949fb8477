"""Who the patient is: story, tender sites, psychophysics, voice and face. One TOML file each under assets/patients.

Places are told from the navel, so that a patient fits every phantom; where the navel lies is the phantom's business.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from robopatient.config import Fraction, NonNegative, Positive, asset_path, decode_toml

__all__ = ["Guarding", "PatientProfile", "Psychophysics", "Release", "TenderSite", "load_patient"]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the sections of a patient file."""


class TenderSite(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A place that hurts when pressed: tenderness falls off as a Gaussian.

    ``left_mm, head_mm`` are told from the navel to the patient's left and towards the head. ``region`` repeats in
    words where that is, and is checked against the phantom.
    """

    name: str
    region: str
    left_mm: float
    head_mm: float
    sigma_mm: Positive = 25.0
    """Published: Protpagorn et al. 2023, doi 10.3389/frobt.2023.1122914."""
    strength: Fraction = 1.0


class Psychophysics(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From force to felt pain: 10 (1 - exp(-u)), u = tenderness ((F - threshold) / reference)^exponent."""

    threshold_newton: NonNegative = 3.0
    """Below it a press is felt but does not hurt (assumption: below the least published target, 5 N)."""
    reference_newton: Positive = 22.0
    """Force above threshold at which full tenderness hurts 6.3 of 10 (assumption: the median published press, 34.5 N,
    then hurts 7.8, and 75 N, the 95th percentile, is still told from 60 N)."""
    exponent: Annotated[float, Meta(ge=0.8, le=1.8)] = 1.1
    """Stevens' exponent of static pressure on the palm; range of the facts sheet patient_model, 2."""
    baseline_tenderness: Fraction = 0.05
    """Tenderness elsewhere (assumption: a firm press on a healthy belly is unpleasant, NRS below 1)."""
    attack_ms: Positive = 40.0
    """Time constant of rising pain (assumption: well below the 230 ms in which a press rises)."""
    decay_ms: Positive = 200.0
    """Time constant of fading pain (assumption: most of it is gone before the next press, 0.3 s later)."""


class Guarding(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Bracing that follows strong or repeated pain and makes the next press hurt more. All values are assumptions."""

    gain: Fraction = 0.12
    """Share by which full bracing raises the pain of a press."""
    from_nrs: Annotated[float, Meta(ge=0, lt=10)] = 3.0
    """Pain from which the muscles brace."""
    build_s: Positive = 1.0
    relax_s: Positive = 6.0


class Release(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Rebound: pain when the hand lets go fast, k_r (-dF/dt)+ (facts sheet patient_model, 2). Values: assumptions."""

    nrs_per_newton_per_s: NonNegative = 0.0
    """Gain k_r at the end of the worst press; less in proportion when the press hurt less."""
    decay_ms: Positive = 300.0


class PatientProfile(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole patient.

    ``voice`` and ``face`` name the identities that play the part. ``expressiveness``: 0 stoic, 1 typical, 2 dramatic.
    """

    name: str
    age_years: Annotated[int, Meta(ge=18, le=110)]
    sex: Literal["female", "male"]
    complaint: str
    history: str
    voice: str
    face: str
    expressiveness: Annotated[float, Meta(ge=0, le=2)] = 1.0
    psychophysics: Psychophysics = Psychophysics()
    guarding: Guarding = Guarding()
    release: Release = Release()
    sites: tuple[TenderSite, ...] = ()


def load_patient(name: str) -> PatientProfile:
    """Patient of ``assets/patients`` or of a user's file.

    Raises
    ------
    AssetError, ConfigError
        Naming the file and the key that is wrong.
    """
    return decode_toml(asset_path("patients", name), PatientProfile)
