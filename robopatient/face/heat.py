"""How far every place of the skin has moved from rest, as a picture: a label for data sets, and a look at the rig."""

from __future__ import annotations

import msgspec
import numpy as np

from robopatient.errors import require
from robopatient.face import light
from robopatient.face.identity import FaceIdentity
from robopatient.face.kernels import depth_resolve
from robopatient.face.mesh import DM_PER_MM, Material
from robopatient.face.scene import load_scene
from robopatient.messages import FacePose

__all__ = ["FULL_MM", "HeatMap", "heat_colours"]

_numba = require("numba", "face")

FULL_MM = 12.0
"""Displacement at the end of the colour scale: a wide open jaw goes beyond, brows and lids reach half of it."""

SCALE = np.array(
    [[0.02, 0.01, 0.10], [0.30, 0.05, 0.42], [0.62, 0.15, 0.40], [0.89, 0.36, 0.20], [0.98, 0.68, 0.15],
     [0.98, 1.00, 0.75]], np.float32,
)  # fmt: skip
"""From still to far: dark violet, red, yellow; lightness rises throughout, so it reads in grey too."""


def heat_colours(moved_mm: np.ndarray) -> np.ndarray:
    """Encoded colour of displacements, shape (..., 3), 0-1."""
    place = np.clip(moved_mm / FULL_MM, 0.0, 1.0) * (len(SCALE) - 1)
    low = np.minimum(place.astype(int), len(SCALE) - 2)
    share = (place - low)[..., None]
    return np.asarray(SCALE[low] * (1.0 - share) + SCALE[low + 1] * share, np.float32)


class HeatMap:
    """A renderer of displacement: the head's own turn and the breath count as rest.

    Raises
    ------
    AssetError
        When the head data is not installed.
    """

    kind = "heat"

    def __init__(self, identity: FaceIdentity, size_px: int, look: light.Look | None = None) -> None:
        self.look = look or light.Look(background="black")
        self.size_px = size_px
        self._scene = load_scene(identity)
        self._skin = np.ascontiguousarray(self._scene.parts[Material.SKIN].astype(np.int32))
        self._clip = light.clip_matrix(self._scene.eyes_dm, self.look)

    def moved_mm(self, pose: FacePose) -> np.ndarray:
        """Displacement of every point of the head by the face's own muscles, mm, shape (points,)."""
        rest = FacePose(gaze_deg=pose.gaze_deg)
        still = msgspec.structs.replace(pose, head_deg=(0.0, 0.0, 0.0), breath=0.0, forward_mm=0.0)
        head = self._scene.head
        moved: np.ndarray = np.linalg.norm(head.pose(still).points - head.pose(rest).points, axis=1) / DM_PER_MM
        return moved

    def draw(self, pose: FacePose) -> np.ndarray:
        """Picture of a pose, shape (size, width, 3) uint8, top row first."""
        vertices = self._scene.frame(pose).vertices
        colours = heat_colours(self.moved_mm(pose)[self._scene.draw_point])
        colours *= (0.55 + 0.45 * np.clip(vertices[:, 5:6], 0.0, 1.0)).astype(np.float32)  # shape stays legible
        width, height = self.look.width_px(self.size_px), self.size_px
        place = np.column_stack([vertices[:, :3], np.ones(len(vertices), np.float32)]) @ self._clip.T
        inverse = 1.0 / place[:, 3]
        x = ((place[:, 0] * inverse * 0.5 + 0.5) * width - 0.5).astype(np.float32)
        y = ((0.5 - place[:, 1] * inverse * 0.5) * height - 0.5).astype(np.float32)
        number, weights = depth_resolve(x, y, (place[:, 2] * inverse).astype(np.float32), self._skin, width, height)
        picture = light.background(self.size_px, self.look)
        _fill(number, weights, self._skin, colours, picture)
        return picture

    def close(self) -> None:
        """Nothing to give back."""


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _fill(number, weights, triangles, colours, picture):  # type: ignore[no-untyped-def]
    """Colours of the corners mixed over every covered pixel."""
    for row in range(number.shape[0]):
        for column in range(number.shape[1]):
            k = number[row, column]
            if k < 0:
                continue
            wb, wc = weights[row, column, 0], weights[row, column, 1]
            for n in range(3):
                mixed = (1.0 - wb - wc) * colours[triangles[k, 0], n]
                mixed += wb * colours[triangles[k, 1], n] + wc * colours[triangles[k, 2], n]
                picture[row, column, n] = np.uint8(255.0 * min(max(mixed, 0.0), 1.0) + 0.5)
