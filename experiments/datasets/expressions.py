"""What a face does: action units of pain by archetype and of what is not pain, still or as a course in time.

Pain's units are the rig's own apex table, kept to those of an archetype; the rest are the EMFACS prototypes.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from experiments.datasets.design import Shot
from robopatient.face.apex import apex_au
from robopatient.face.generator.idle_motion import smoothstep
from robopatient.facs import intensity, unit_of_name
from robopatient.levels import MAX_INTENSITY
from robopatient.messages import FacePose
from robopatient.simulation.presses import course

__all__ = ["CARRIED_BY", "OTHER", "overlay", "pain_course", "still"]

CARRIED_BY: dict[str, tuple[str, ...]] = {
    "narrowed": ("AU4", "AU6", "AU7", "AU9", "AU10", "AU43"),
    "opened": ("AU6", "AU7", "AU25", "AU26", "AU27", "AU43"),
    "raised": ("AU1", "AU2"),
    "furrowed": ("AU4", "AU6", "AU7", "AU43"),
    "stoic": (),
}
"""Units of the archetypes of ``face.generator.condition``. Eye closure goes with the narrowed eyes (assumption)."""

RAISED_BROWS = {"AU1": "AU4", "AU2": "AU4"}
"""The apex table has no raised brows: they rise as its frown does (assumption)."""

OTHER: dict[str, dict[str, float]] = {
    "happy": {"AU6": 3.0, "AU12": 4.0, "AU25": 2.0},
    "disgust": {"AU4": 1.5, "AU9": 4.0, "AU10": 3.0, "AU17": 2.0},
    "fear": {"AU1": 4.0, "AU2": 3.0, "AU4": 3.0, "AU5": 4.0, "AU20": 3.0, "AU25": 2.0, "AU26": 2.0},
    "speech": {"AU25": 3.0, "AU26": 2.0, "AU18": 1.5, "AU20": 1.0},
}
"""EMFACS prototypes (Friesen and Ekman 1983); intensities are assumptions. Speech opens and shapes the mouth."""

SPREAD = 0.15
"""SD of the logarithm of each unit's intensity over people and shots (assumption)."""
STILL_HEAD_SD_DEG = 2.0
SYLLABLES_HZ = 4.5
"""Rate of speech: the peak of the modulation spectrum of talk lies at 4 to 5 Hz."""
RISE_S, FALL_S = 0.2, 0.3
"""Of the pain of a clip: a press of the hand (assumption)."""
CALM_SHARE = 0.15
"""Share of a clip before and after what is shown."""


def still(shot: Shot, rng: np.random.Generator) -> FacePose:
    """The apex, as this person shows it this time."""
    jitter = np.exp(SPREAD * rng.standard_normal(64))
    au = {unit: min(MAX_INTENSITY, a * j) for (unit, a), j in zip(sorted(_target(shot).items()), jitter, strict=False)}
    pitch, yaw, roll = STILL_HEAD_SD_DEG * rng.standard_normal(3)
    return FacePose(au={k: round(v, 4) for k, v in au.items()}, head_deg=(float(pitch), float(yaw), float(roll)))


def _target(shot: Shot) -> dict[str, float]:
    if shot.kind == "pain":
        apex = apex_au(shot.nrs, shot.expressiveness)
        if shot.archetype == "prototype":
            return apex
        apex |= {unit: apex.get(like, 0.0) for unit, like in RAISED_BROWS.items()}
        return {unit: apex[unit] for unit in CARRIED_BY[shot.archetype] if unit in apex}
    return OTHER.get(shot.kind, {})


def pain_course(shot: Shot, seconds: float, t_s: float) -> float:
    """Pain stimulus of a clip, NRS: calm, a rise over a fifth of a second, a hold, a fall (a press of the hand)."""
    if shot.kind != "pain":
        return 0.0
    start, end = CALM_SHARE * seconds, (1.0 - 2.0 * CALM_SHARE) * seconds
    hold_s = end - start - RISE_S
    return float(course(t_s - start, peak=shot.nrs, rise_s=RISE_S, hold_s=hold_s, fall_s=FALL_S, shape="smooth"))


def overlay(poses: list[FacePose], shot: Shot, seconds: float, fps: float, seed: int) -> list[FacePose]:
    """A performed face as this shot wants it.

    Pain is kept to the units of its archetype; what is not pain rises and falls over the face at rest, which goes on
    blinking, looking about and breathing.
    """
    kept = None if shot.archetype in ("", "prototype") else set(CARRIED_BY[shot.archetype]) | {"AU45"}
    rng = np.random.default_rng([seed, 2])
    jitter = np.exp(SPREAD * rng.standard_normal(64))
    target = {unit: a * j for (unit, a), j in zip(sorted(_target(shot).items()), jitter, strict=False)}
    syllable = rng.uniform(0.0, 1.0, 4)
    shown = []
    for frame, pose in enumerate(poses):
        au = {unit: value for unit, value in pose.au.items() if kept is None or unit_of_name(unit) in kept}
        if kept and "AU1" in kept:
            au |= {unit: intensity(pose.au, like) for unit, like in RAISED_BROWS.items()}
        if shot.kind not in ("pain", "neutral"):
            au = {name: value for name, value in au.items() if unit_of_name(name) not in target}
            au |= _course(shot.kind, target, seconds, frame / fps, syllable)
        shown.append(msgspec.structs.replace(pose, au=au))
    return shown


def _course(kind: str, target: dict[str, float], seconds: float, t_s: float, syllable: np.ndarray) -> dict[str, float]:
    rise, fall = CALM_SHARE * seconds, (1.0 - 2.0 * CALM_SHARE) * seconds
    strength = smoothstep((t_s - rise) / 0.4) - smoothstep((t_s - fall) / 0.5)
    shown = {}
    for k, (unit, value) in enumerate(target.items()):
        wave = 0.5 - 0.5 * math.cos(2.0 * math.pi * (SYLLABLES_HZ * t_s + syllable[k % 4])) if kind == "speech" else 1.0
        shown[unit] = min(MAX_INTENSITY, value * strength * wave)
    return shown
