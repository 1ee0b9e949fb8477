"""The expression as the 52 weights that other faces know (ARKit's names), with head and eyes as rotations.

The rig's own weights are for its own mesh; here the same action units drive the published mapping at unit gain, so that
1 means what the other face calls full.
"""

from __future__ import annotations

import math

import msgspec

from robopatient.face.pose import FacePose
from robopatient.face.rig import DRIVES, GAZE_UNITS_DEG, SIDE_NAMES, STRONGEST, YIELDS, Drive, sided_intensities

__all__ = ["ARKIT_52", "BodyFrame", "body_frame", "quaternion"]

ARKIT_52 = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""Apple's ARFaceAnchor.BlendShapeLocation, in alphabetical order."""

FULL: dict[str, float] = {"browInnerUp": 1.8, "eyeBlink*": 0.56}
"""Gain in our mesh that other faces call 1: our inner brow is weak and our lids meet early."""


class BodyFrame(msgspec.Struct, frozen=True):
    """One frame for another face.

    Attributes
    ----------
    weights
        0 to 1 by name, all of ``ARKIT_52`` in their order.
    head_deg, gaze_deg
        As in ``FacePose``.
    """

    weights: dict[str, float]
    head_deg: tuple[float, float, float]
    gaze_deg: tuple[float, float]


def body_frame(pose: FacePose) -> BodyFrame:
    """Weights of a pose.

    Raises
    ------
    ConfigError
        When an action unit is unknown or out of range.
    """
    sided = sided_intensities(pose.au)
    weights: dict[str, float] = {}

    def add(unit: str, weight: float) -> None:
        before = weights.get(unit, 0.0)
        weights[unit] = max(before, weight) if unit in STRONGEST else before + weight

    for name, drives in DRIVES.items():
        for drive in (drive for drive in drives if not drive.ours):
            both = [_drive(drive, sided[side].get(name, 0.0)) for side in SIDE_NAMES]
            if drive.unit.endswith("*"):
                for side, weight in zip(SIDE_NAMES.values(), both, strict=True):
                    add(drive.unit[:-1] + side, weight)
            else:
                add(drive.unit, sum(both) / 2.0)
    pitch, yaw = (angle / GAZE_UNITS_DEG for angle in pose.gaze_deg)
    for side, outward in (("Left", yaw), ("Right", -yaw)):
        for unit, amount in (("Down", pitch), ("Up", -pitch), ("Out", outward), ("In", -outward)):
            add(f"eyeLook{unit}{side}", max(0.0, amount))
    limited = {unit: min(weight, 1.0) for unit, weight in weights.items()}
    for unit, other, factor in YIELDS:
        if unit in limited:
            limited[unit] *= max(0.0, 1.0 - min(factor, 1.0) * limited.get(other, 0.0))
    return BodyFrame({name: limited.get(name, 0.0) for name in ARKIT_52}, pose.head_deg, pose.gaze_deg)


def _drive(drive: Drive, intensity: float) -> float:
    if intensity <= 0.0:
        return 0.0
    full = FULL.get(drive.unit, 1.0)
    return (drive.offset + drive.gain * (intensity / 5.0) ** drive.power) / full


def quaternion(pitch_deg: float, yaw_deg: float, roll_deg: float = 0.0) -> tuple[float, float, float, float]:
    """Rotation as (x, y, z, w) in Unity's left-handed room, which VMC speaks: x to the right, y up, z forward.

    Roll first, then pitch, then yaw, as ``head.rotation`` turns. Our room has x to the patient's left, so it is that
    room in a mirror: turns about y and z change their sign.
    """
    half = [math.radians(angle) / 2.0 for angle in (pitch_deg, yaw_deg, roll_deg)]
    (sp, sy, sr), (cp, cy, cr) = [math.sin(a) for a in half], [math.cos(a) for a in half]
    # yaw * pitch * roll in our right-handed room, roll about -z: to the patient's left shoulder
    x = cy * sp * cr - sy * cp * sr
    y = sy * cp * cr + cy * sp * sr
    z = -cy * cp * sr - sy * sp * cr
    w = cy * cp * cr - sy * sp * sr
    return (x, -y, -z, w)
