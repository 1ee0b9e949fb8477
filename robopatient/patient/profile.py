"""Who the patient is: story, tender sites, traits, voice and face. One TOML file each under assets/patients.

The sections of effects that people show or do not (summation, offset analgesia, expectation …) are absent unless the
file has them: an empty section is the published effect, no section none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from robopatient.config import asset_path, decode_toml
from robopatient.errors import ConfigError
from robopatient.patient.adaptation import Adaptation
from robopatient.patient.breath import Breathing
from robopatient.patient.cues import Cues
from robopatient.patient.display import DisplayTraits
from robopatient.patient.expectation import Expectation
from robopatient.patient.fluctuation import Fluctuation
from robopatient.patient.guarding import Guarding, Release
from robopatient.patient.offset import OffsetAnalgesia
from robopatient.patient.own_effects import OwnEffect
from robopatient.patient.report import ReportStyle
from robopatient.patient.section import PatientSection
from robopatient.patient.stress import Stress
from robopatient.patient.summation import Summation
from robopatient.patient.tenderness import Psychophysics, TenderSite

__all__ = ["PatientProfile", "check", "load_patient"]

ABDOMEN_LEFT_MM, ABDOMEN_HEAD_MM = 150.0, 140.0
"""Half width and half height of an abdomen about the navel (assumption: a slim adult, to the flanks, the costal margin
and the groin)."""


class PatientProfile(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole patient.

    ``voice`` and ``face`` name the identities of voice and face. ``expressiveness``: 0 stoic, 1 typical, 2 dramatic:
    how much voice and face make of a pain that is shown; what is shown at all is ``display``'s business. Forces are in
    newton, places in mm from the navel, times in ms or s, as their names say (docs/reference/patient.md: every key).

    Raises
    ------
    ConfigError, AssetError
        By ``load_patient``, which reads one.

    Examples
    --------
    >>> import robopatient as rp
    >>> [site.region for site in rp.load_patient("appendicitis").sites]
    ['right iliac']
    """

    name: str
    age_years: Annotated[int, Meta(ge=16, le=110)]
    """The shipped faces and voices are adults': they can play 16."""
    sex: Literal["female", "male"]
    complaint: str
    history: str
    voice: str
    face: str
    kind: Literal["healthy", "chronic"] = "healthy"
    """Whether pain is a chronic condition: decides what stress and a falling stimulus do."""
    expressiveness: Annotated[float, Meta(ge=0, le=2)] = 1.0
    """Assumption of every shipped patient."""
    psychophysics: Psychophysics = Psychophysics()
    guarding: Guarding = Guarding()
    release: Release = Release()
    breathing: Breathing = Breathing()
    display: DisplayTraits = DisplayTraits()
    talk: ReportStyle = ReportStyle()
    stress: Stress = Stress()
    summation: Summation | None = None
    adaptation: Adaptation | None = None
    expectation: Expectation | None = None
    cues: Cues | None = None
    offset: OffsetAnalgesia | None = None
    fluctuation: Fluctuation | None = None
    effects: tuple[OwnEffect, ...] = ()
    sites: tuple[TenderSite, ...] = ()


def load_patient(name: str) -> PatientProfile:
    """Patient of ``assets/patients``, by name, or of a user's file, by its path.

    Raises
    ------
    AssetError, ConfigError
        Naming the file and the key that is wrong.

    Examples
    --------
    >>> import robopatient as rp
    >>> rp.load_patient("appendicitis").age_years
    29
    """
    path = asset_path("patients", name)
    profile = decode_toml(path, PatientProfile)
    check(profile, path)
    return profile


def check(profile: PatientProfile, where: Path | str) -> None:
    """Refuse what no patient can be.

    Raises
    ------
    ConfigError
        Naming the place and the traits or the site.
    """
    for key, number in _numbers(profile, ""):
        if not math.isfinite(number):
            raise ConfigError(f"{where}: {key} = {number} is no number that a patient can have")
    for fault in _contradictions(profile):
        raise ConfigError(f"{where}: {fault}")
    own = [effect.name for effect in profile.effects]
    for name in own:
        if own.count(name) > 1:
            raise ConfigError(f'{where}: two effects are called "{name}"; names must differ, the record holds them')
    names = [site.name for site in profile.sites]
    for site in profile.sites:
        if abs(site.left_mm) > ABDOMEN_LEFT_MM or abs(site.head_mm) > ABDOMEN_HEAD_MM:
            raise ConfigError(
                f'{where}: site "{site.name}" at left_mm = {site.left_mm:g}, head_mm = {site.head_mm:g} is outside the '
                f"abdomen (within {ABDOMEN_LEFT_MM:g} and {ABDOMEN_HEAD_MM:g} mm of the navel)"
            )
        if names.count(site.name) > 1:
            raise ConfigError(f'{where}: two sites are called "{site.name}"; names must differ, the record holds them')


def _contradictions(profile: PatientProfile) -> list[str]:
    """What cannot be true of one patient at once."""
    display, talk = profile.display, profile.talk
    said = [
        (
            display.stoicism > 0.0 and display.exaggeration > 0.0,
            f"display.stoicism = {display.stoicism:g} contradicts display.exaggeration = {display.exaggeration:g}; "
            "set one of them to 0",
        ),
        (
            display.stoicism > 0.5 and profile.expressiveness > 1.0,
            f"display.stoicism = {display.stoicism:g} contradicts expressiveness = {profile.expressiveness:g}; "
            "a stoic patient has at most 1",
        ),
        (
            display.exaggeration > 0.5 and profile.expressiveness < 1.0,
            f"display.exaggeration = {display.exaggeration:g} contradicts expressiveness = {profile.expressiveness:g}; "
            "who exaggerates has at least 1",
        ),
        (
            profile.kind == "chronic" and not profile.sites and profile.psychophysics.baseline_tenderness < 0.1,
            'kind = "chronic" without a site contradicts psychophysics.baseline_tenderness = '
            f"{profile.psychophysics.baseline_tenderness:g}; give a site or at least 0.1",
        ),
        (
            profile.cues is not None and profile.expectation is None,
            "the section cues contradicts the missing section expectation, which it would act on; add [expectation]",
        ),
        (
            talk.refusal + talk.confusion > 1.0,
            f"talk.refusal = {talk.refusal:g} and talk.confusion = {talk.confusion:g} are shares of the same answers; "
            "together they are at most 1",
        ),
        (
            any(site.descent_mm > site.depth_mm for site in profile.sites),
            "a site has a descent_mm beyond its depth_mm; a breath cannot bring it above the wall",
        ),
    ]
    return [text for wrong, text in said if wrong]


def _numbers(part: msgspec.Struct, at: str) -> Iterator[tuple[str, float]]:
    """Every floating-point number by its key; TOML knows inf, and most ranges have no end."""
    for field in msgspec.structs.fields(part):
        value = getattr(part, field.name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, float):
                yield f"{at}{field.name}", one
            elif isinstance(one, msgspec.Struct):
                yield from _numbers(one, f"{at}{field.name}.")
