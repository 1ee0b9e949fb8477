"""The 52 blendshape names of ARKit, in Apple's order, and a pose as their weights."""

from __future__ import annotations

import numpy as np

from robopatient.face.rig import UNIT_LIMIT, FaceRig
from robopatient.messages import FacePose

__all__ = ["ARKIT", "arkit_weights"]

ARKIT: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel",
    "mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft",
    "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp",
    "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft",
    "noseSneerRight", "tongueOut",
)  # fmt: skip


def arkit_weights(pose: FacePose) -> np.ndarray:
    """Weights 0 to 1 in the order of ``ARKIT``, shape (52,) float32; units of this mesh beyond ARKit's are left out."""
    units = FaceRig().weights(pose).units
    return np.array([min(1.0, units.get(name, 0.0) / UNIT_LIMIT.get(name, 1.0)) for name in ARKIT], np.float32)
