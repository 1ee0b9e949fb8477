"""Removes what no camera can see: the back of the head, skin under the gown, hair under hair.

Decided once per identity by drawing triangle numbers over the range of head poses.
"""

from __future__ import annotations

import numpy as np

from robopatient.face import light
from robopatient.face.head import Head, rotation
from robopatient.face.raster import nearest_triangles

__all__ = ["seen_triangles"]

POSES_DEG = [(pitch, yaw, 0.0) for pitch in (-22.0, 0.0, 25.0) for yaw in (-36.0, 0.0, 36.0)]
"""Head poses that must show no hole; generators stay within (assumption: pain turns a head no further)."""
VIEW_PX = 320


def seen_triangles(head: Head, place: np.ndarray, follows: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Which triangles show a pixel in any pose or view, and their neighbours; shape (triangles,) bool.

    Parameters
    ----------
    place, follows
        All points of the picture at rest, dm, and their share of the head's rotation.
    """
    seen = np.zeros(len(triangles), bool)
    eyes_dm = head.eye_centres.mean(axis=0)
    homogeneous = np.ones((len(place), 4), np.float32)
    for view, pose in (*(("frontal", pose) for pose in POSES_DEG), *((view, (0.0, 0.0, 0.0)) for view in light.VIEWS)):
        clip = light.clip_matrix(eyes_dm, light.make_look(view))
        turned = (place - head.head_joint) @ rotation(*pose).T + head.head_joint
        homogeneous[:, :3] = place + follows[:, None] * (turned - place)
        x, y, z, w = clip @ homogeneous.T
        column, row = (x / w * 0.5 + 0.5) * VIEW_PX, (y / w * 0.5 + 0.5) * VIEW_PX
        numbers = nearest_triangles(
            column.astype(np.float32), row.astype(np.float32), (z / w).astype(np.float32), triangles, VIEW_PX
        )
        seen[numbers[numbers >= 0]] = True
    touched = np.zeros(len(place), bool)
    touched[triangles[seen]] = True
    around: np.ndarray = touched[triangles].any(axis=1)
    return around
