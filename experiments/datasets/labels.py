"""Labels that the geometry gives exactly: landmarks in pixels, face regions, and how far the skin has moved.

Landmarks are vertices of the project's own mesh. Masks and maps are of the bare head: hair does not cover them.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from robopatient.errors import require
from robopatient.face import light
from robopatient.face.head import Head
from robopatient.face.mesh import Material, load_template
from robopatient.face.raster import nearest_triangles
from robopatient.messages import FacePose

__all__ = ["LANDMARKS", "MAP_FULL_MM", "REGIONS", "Deformed", "FaceLabels", "Labeller", "png_bytes"]

_HALF_DM: dict[str, tuple[float, float]] = {
    "brow_inner": (0.11, 7.47), "brow_middle": (0.28, 7.52), "brow_outer": (0.45, 7.49),
    "eye_inner": (0.17, 7.235), "eye_upper": (0.31, 7.31), "eye_outer": (0.44, 7.25), "eye_lower": (0.31, 7.20),
    "nose_wing": (0.16, 6.94), "cheek": (0.36, 7.08), "mouth_corner": (0.27, 6.64),
}  # fmt: skip
_MIDDLE_DM: dict[str, tuple[float, float]] = {
    "nose_bridge": (0.0, 7.25), "nose_tip": (0.0, 7.0), "nose_base": (0.0, 6.88), "upper_lip": (0.0, 6.72),
    "lower_lip": (0.0, 6.58), "chin": (0.0, 6.30),
}  # fmt: skip
LANDMARKS: tuple[str, ...] = (
    *(f"{name}_{side}" for name in _HALF_DM for side in ("left", "right")),
    *_MIDDLE_DM,
)
"""Names in the order of every array; left and right are the patient's."""

REGIONS: tuple[str, ...] = ("none", "skin", "brow", "orbit", "nose", "mouth", "cheek", "chin")
"""Value of a mask's pixel."""
_CENTRES_DM: dict[str, tuple[tuple[float, float, float], ...]] = {
    "brow": ((0.12, 7.48, 0.16), (0.30, 7.52, 0.15), (0.45, 7.47, 0.13), (0.0, 7.44, 0.10)),
    "orbit": ((0.31, 7.25, 0.19),),
    "nose": ((0.0, 7.22, 0.11), (0.0, 7.08, 0.14), (0.0, 6.95, 0.18), (0.13, 6.95, 0.10)),
    "mouth": ((0.0, 6.65, 0.20), (0.20, 6.64, 0.16)),
    "cheek": ((0.42, 6.98, 0.24), (0.42, 6.76, 0.18)),
    "chin": ((0.0, 6.38, 0.18), (0.15, 6.38, 0.14)),
}
"""Discs (x, y, radius, dm) on the template's face; the first region in this order that holds a point has it."""

MAP_FULL_MM = 12.0
"""Displacement at which the map is 255 (a wide mouth moves the chin further: it is held there)."""
FRONT_DM = 0.9
CHIN_FRONT_DM = 1.3
"""Behind these depths of the template lie the ears and the lining of the mouth."""
MM_PER_DM = 100.0


class FaceLabels(NamedTuple):
    """Labels of one picture.

    Attributes
    ----------
    landmarks_px
        Column and row of every landmark, shape (landmarks, 2); pixel centres lie at whole numbers.
    regions
        Index into ``REGIONS``, shape (label_px, label_px) uint8.
    displacement
        Distance from the same head at rest, of 255 at ``MAP_FULL_MM``, shape (label_px, label_px) uint8.
    """

    landmarks_px: np.ndarray
    regions: np.ndarray
    displacement: np.ndarray


class Deformed(NamedTuple):
    """A pose as the mesh has it, whatever camera looks at it.

    Attributes
    ----------
    points
        Shape (points, 3), dm.
    moved_mm
        How far each triangle of the skin is from the same head at rest, shape (skin triangles,).
    """

    points: np.ndarray
    moved_mm: np.ndarray


class Labeller:
    """Labels of one person's pictures: deform once a pose, then label every look at it."""

    def __init__(self, head: Head, size_px: int, label_px: int) -> None:
        self._head, self._size_px, self._label_px = head, size_px, label_px
        self._eyes_dm = head.eye_centres.mean(axis=0)
        self._where = _landmark_points()
        self._skin, self._regions = _skin_regions()
        self._rest = head.pose(FacePose()).points

    def deform(self, pose: FacePose) -> Deformed:
        """The mesh in a pose."""
        moved = self._head.pose(FacePose(au=pose.au)).points - self._rest
        distance_mm = np.sqrt((moved * moved).sum(axis=1)) * MM_PER_DM
        return Deformed(self._head.pose(pose).points, distance_mm[self._skin].mean(axis=1))

    def label(self, face: Deformed, look: light.Look) -> FaceLabels:
        """Labels of a deformed face seen in a look."""
        x, y, depth = self._pixels(face.points, look)
        marks = np.stack([x[self._where], y[self._where]], axis=1).astype(np.float32)
        share = self._label_px / self._size_px
        column, row = (((axis + 0.5) * share - 0.5).astype(np.float32) for axis in (x, y))
        seen = nearest_triangles(column, row, depth.astype(np.float32), self._skin, self._label_px)
        there = seen >= 0
        level = np.clip(np.rint(face.moved_mm * (255.0 / MAP_FULL_MM)), 0.0, 255.0).astype(np.uint8)
        return FaceLabels(marks, np.where(there, self._regions[seen], 0), np.where(there, level[seen], 0))

    def _pixels(self, points: np.ndarray, look: light.Look) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Columns, rows and depth of points, shape (points,) each."""
        px, py, pz = points.T
        clip = light.clip_matrix(self._eyes_dm, look)
        x, y, depth, w = (a * px + b * py + c * pz + d for a, b, c, d in clip)  # a BLAS' sums vary with its threads
        return (x / w * 0.5 + 0.5) * self._size_px - 0.5, (0.5 - y / w * 0.5) * self._size_px - 0.5, depth / w


@lru_cache(maxsize=1)
def _landmark_points() -> np.ndarray:
    template = load_template()
    skin = template.points_of(Material.SKIN)
    front = skin[template.template_dm[skin, 2] > FRONT_DM]
    places = [(sign * x, y) for x, y in _HALF_DM.values() for sign in (1.0, -1.0)] + list(_MIDDLE_DM.values())
    flat = template.template_dm[front, :2]
    return np.array([front[np.argmin(np.hypot(*(flat - place).T))] for place in places])


@lru_cache(maxsize=1)
def _skin_regions() -> tuple[np.ndarray, np.ndarray]:
    """Triangles of the skin as points, shape (triangles, 3), and the region of each, uint8."""
    template = load_template()
    triangles = template.triangles[template.triangle_part == Material.SKIN]
    middle = template.template_dm[triangles].mean(axis=1)
    found = np.full(len(triangles), REGIONS.index("skin"), np.uint8)
    for name, discs in reversed(_CENTRES_DM.items()):
        for x, y, radius in discs:
            near = np.hypot(np.abs(middle[:, 0]) - x, middle[:, 1] - y) < radius
            front = middle[:, 2] > (CHIN_FRONT_DM if name == "chin" else FRONT_DM)
            found[near & front] = REGIONS.index(name)
    return triangles, found


def png_bytes(picture: np.ndarray) -> bytes:
    """A grey or colour picture as PNG."""
    file = io.BytesIO()
    require("PIL.Image", "face").fromarray(picture).save(file, format="PNG", compress_level=6)
    return file.getvalue()
