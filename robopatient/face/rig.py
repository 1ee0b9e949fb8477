"""From action units to the 52 face units of the mesh and to wrinkles: the anatomy of the patient, as tables.

Unit names are ARKit's; a row ending in ``*`` is one row for each side. The mapping is ICT-FaceKit's published one, save
AU10 (mouthUpperUp, which lifts the lip here) and the corrections named beside the rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from robopatient.errors import ConfigError
from robopatient.facs import ACTION_UNITS, sides, unit_of_name
from robopatient.levels import MAX_INTENSITY
from robopatient.messages import FacePose

__all__ = ["DRIVES", "UNIT_LIMIT", "WRINKLES", "Drive", "FaceRig", "RigWeights", "sided_intensities", "unit_weights"]

SIDES = ("L", "R")
SIDE_NAMES = {"L": "Left", "R": "Right"}


class Drive(NamedTuple):
    """One unit as moved by one action unit: ``offset + gain * (intensity / 5) ** power`` from intensity 0 up."""

    unit: str
    gain: float
    power: float = 1.0
    offset: float = 0.0
    """Weight added as soon as the action unit is above 0."""
    ours: bool = False
    """Adds what this mesh lacks; other faces do without."""


DRIVES: dict[str, tuple[Drive, ...]] = {
    # browInnerUp moves the brow too little at weight 1, and alone it takes the outer half along.
    "AU1": (Drive("browInnerUp", 1.35), Drive("browDown*", 0.08)),
    "AU2": (Drive("browOuterUp*", 1.0),),
    "AU4": (Drive("browDown*", 1.0),),
    "AU5": (Drive("eyeWide*", 0.8),),
    "AU6": (Drive("cheekSquint*", 1.0), Drive("eyeSquint*", 0.3), Drive("mouthUpperUp*", 0.08)),
    # The squint of the mesh lifts the lower lid alone; a tightened orbicularis brings the upper one down, too.
    "AU7": (Drive("eyeSquint*", 0.95), Drive("eyeBlink*", 0.14, ours=True)),
    # noseSneer alone barely moves a landmark.
    "AU9": (
        Drive("noseSneer*", 1.0),
        Drive("noseElevation*", 0.8),
        Drive("noseCompression", 0.8),
        Drive("browDown*", 0.2),
        Drive("mouthUpperUp*", 0.15),
    ),
    "AU10": (Drive("mouthUpperUp*", 0.9),),
    "AU11": (Drive("mouthUpperUp*", 0.1),),
    "AU12": (Drive("mouthSmile*", 0.9),),
    "AU14": (Drive("mouthDimple*", 1.0),),
    "AU15": (Drive("mouthFrown*", 1.0),),
    "AU16": (Drive("mouthLowerDown*", 0.9),),
    "AU17": (Drive("mouthShrugLower", 0.9),),
    "AU18": (Drive("mouthPucker", 1.0),),
    "AU20": (Drive("mouthStretch*", 1.0),),
    "AU21": (Drive("neckPlatysma", 1.0),),
    "AU22": (Drive("mouthFunnel", 1.0),),
    "AU23": (Drive("mouthRollUpper", 0.35), Drive("mouthRollLower", 0.35), Drive("mouthPress*", 0.3)),
    "AU24": (Drive("mouthPress*", 1.0),),
    "AU25": (Drive("mouthLowerDown*", 0.3), Drive("mouthUpperUp*", 0.2), Drive("jawOpen", 0.06)),
    "AU26": (Drive("jawOpen", 0.4),),
    "AU27": (Drive("jawOpen", 0.6, offset=0.4), Drive("mouthStretch*", 0.2)),
    "AU28": (Drive("mouthRollLower", 1.0), Drive("mouthRollUpper", 1.0)),
    # Lids meet at weight 0.5; far above it they wrinkle through each other.
    "AU43": (Drive("eyeBlink*", 0.56),),
    "AU45": (Drive("eyeBlink*", 0.56),),
}

STRONGEST = frozenset({"jawOpen", "eyeBlinkLeft", "eyeBlinkRight"})
"""Units of one joint or one lid: several action units do not add there, the strongest counts."""

UNIT_LIMIT: dict[str, float] = {"browInnerUp": 1.35, "eyeBlinkLeft": 0.56, "eyeBlinkRight": 0.56}
"""Largest weight of a unit, what other faces call 1: this mesh's inner brow is weak, its lids meet early. 1 if not
named."""

YIELDS: tuple[tuple[str, str, float], ...] = (
    # (unit, other, factor): pressed lips part when the jaw drops, a shut eye cannot squint more.
    ("mouthPressLeft", "jawOpen", 3.0),
    ("mouthPressRight", "jawOpen", 3.0),
    ("mouthShrugLower", "jawOpen", 3.0),
    ("eyeSquintLeft", "eyeBlinkLeft", 1.0),
    ("eyeSquintRight", "eyeBlinkRight", 1.0),
    ("eyeWideLeft", "eyeBlinkLeft", 2.0),
    ("eyeWideRight", "eyeBlinkRight", 2.0),
)
"""A unit is multiplied by ``1 - factor * other``, never below 0."""

WRINKLES: dict[str, tuple[tuple[str, float], ...]] = {
    "glabella": (("AU4", 1.0), ("AU9", 0.4)),
    "forehead": (("AU1", 0.85), ("AU2", 0.35)),
    "forehead_side": (("AU2", 1.0), ("AU1", 0.2)),
    "crows_feet": (("AU6", 1.0), ("AU7", 0.4), ("AU43", 0.2)),
    "under_eye": (("AU7", 0.8), ("AU6", 0.7)),
    "bunny": (("AU9", 1.0),),
    "nasolabial": (("AU10", 1.0), ("AU11", 1.0), ("AU9", 0.8), ("AU12", 0.7), ("AU6", 0.55), ("AU20", 0.35)),
    "mouth_corner": (("AU20", 1.0), ("AU12", 0.6), ("AU14", 0.8), ("AU15", 0.6)),
    "chin": (("AU17", 1.0), ("AU15", 0.4)),
    "neck": (("AU21", 1.0), ("AU20", 0.5)),
}
"""Depth 0-1 of each wrinkle group, per side: the largest of gain * intensity / 5 over its action units (assumption)."""

GAZE_UNITS_DEG = 25.0
"""Eye rotation at which a look unit, which moves the lids, reaches weight 1 (ARKit's units are full deflections)."""


class RigWeights(msgspec.Struct, frozen=True):
    """What the mesh is told.

    Attributes
    ----------
    units
        Weights above 0 by unit name.
    wrinkles
        Depths 0-1 by group and side ("glabellaL"), above 0 only.
    """

    units: dict[str, float]
    wrinkles: dict[str, float]


class FaceRig:
    """The anatomy that all patients share."""

    def weights(self, pose: FacePose) -> RigWeights:
        """Unit weights and wrinkle depths of a pose.

        Raises
        ------
        ConfigError
            When an action unit is unknown or its intensity is outside 0 to 5.
        """
        sided = sided_intensities(pose.au)
        return RigWeights(units=unit_weights(sided, pose.gaze_deg), wrinkles=_wrinkles(sided))


def sided_intensities(au: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Checked intensities by side ("L", "R") and action unit; a sided name overrides the plain one on its side."""
    for name, intensity in au.items():
        if unit_of_name(name) not in ACTION_UNITS:
            raise ConfigError(f'action unit "{name}" is unknown; the rig has {", ".join(ACTION_UNITS)} (add L or R)')
        if not (math.isfinite(intensity) and 0.0 <= intensity <= MAX_INTENSITY):
            raise ConfigError(f"action unit {name} is {intensity:g}; intensities are 0 to 5")
    left_right = {unit: sides(au, unit) for unit in map(unit_of_name, au)}
    return {side: {unit: both[k] for unit, both in left_right.items()} for k, side in enumerate(SIDES)}


def unit_weights(
    sided: dict[str, dict[str, float]], gaze_deg: tuple[float, float], ours: bool = True
) -> dict[str, float]:
    """Weights above 0 of the face units.

    Parameters
    ----------
    sided
        As of ``sided_intensities``.
    ours
        Of this mesh; else of a face whose every unit is full at 1 and needs no correction.
    """
    weights: dict[str, float] = {}

    def add(unit: str, weight: float) -> None:
        weight /= 1.0 if ours else UNIT_LIMIT.get(unit, 1.0)
        before = weights.get(unit, 0.0)
        weights[unit] = max(before, weight) if unit in STRONGEST else before + weight

    for name, drives in DRIVES.items():
        for drive in (drive for drive in drives if ours or not drive.ours):
            by_side = {side: _drive(drive, sided[side].get(name, 0.0)) for side in SIDES}
            if drive.unit.endswith("*"):
                for side in SIDES:
                    add(drive.unit[:-1] + SIDE_NAMES[side], by_side[side])
            else:
                add(drive.unit, (by_side["L"] + by_side["R"]) / 2)

    pitch, yaw = (angle / GAZE_UNITS_DEG for angle in gaze_deg)
    for side in SIDE_NAMES.values():
        outward = yaw if side == "Left" else -yaw
        add("eyeLookDown" + side, max(0.0, pitch))
        add("eyeLookUp" + side, max(0.0, -pitch))
        add("eyeLookOut" + side, max(0.0, outward))
        add("eyeLookIn" + side, max(0.0, -outward))

    limited = {unit: min(weight, UNIT_LIMIT.get(unit, 1.0) if ours else 1.0) for unit, weight in weights.items()}
    for unit, other, factor in YIELDS:
        if unit in limited:
            limited[unit] *= max(0.0, 1.0 - (factor if ours else min(factor, 1.0)) * limited.get(other, 0.0))
    return {unit: weight for unit, weight in limited.items() if weight > 0.0}


def _drive(drive: Drive, intensity: float) -> float:
    if intensity <= 0.0:
        return 0.0
    return drive.offset + drive.gain * (intensity / MAX_INTENSITY) ** drive.power


def _wrinkles(sided: dict[str, dict[str, float]]) -> dict[str, float]:
    depths = {}
    for group, rows in WRINKLES.items():
        for side in SIDES:
            depth = max(gain * sided[side].get(name, 0.0) for name, gain in rows) / MAX_INTENSITY
            if depth > 0.0:
                depths[group + side] = min(1.0, depth)
    return depths
