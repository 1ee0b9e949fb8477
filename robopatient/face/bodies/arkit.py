"""The expression as the 52 weights that other faces know (ARKit's names), with head and eyes as rotations.

The rig's own weights are for its own mesh; here the same action units drive the published mapping at unit gain, so that
1 means what the other face calls full.
"""

from __future__ import annotations

import math

import msgspec

from robopatient.face.arkit import ARKIT
from robopatient.face.rig import sided_intensities, unit_weights
from robopatient.messages import FacePose

__all__ = ["ARKIT_52", "BodyFrame", "body_frame", "quaternion"]

ARKIT_52 = tuple(sorted(ARKIT))
"""Apple's ARFaceAnchor.BlendShapeLocation, in alphabetical order: that of the streams."""


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
    weights = unit_weights(sided_intensities(pose.au), pose.gaze_deg, ours=False)
    return BodyFrame({name: weights.get(name, 0.0) for name in ARKIT_52}, pose.head_deg, pose.gaze_deg)


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
