"""A head that a user brought: points, triangles and displacements under ARKit's names, whatever file they came from.

It answers to the same rig as the project's own head, turned and scaled into the same room, so every renderer draws it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from robopatient.errors import AssetError
from robopatient.face.bodies.arkit import ARKIT_52, body_frame
from robopatient.face.geometry import vertex_normals
from robopatient.face.head import rotation
from robopatient.messages import FacePose

__all__ = ["NEEDED", "OwnHead", "fit_to_room", "side_name"]

NEEDED = ("browDownLeft", "browDownRight", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight",
          "eyeSquintLeft", "eyeSquintRight", "jawOpen", "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft",
          "noseSneerRight")  # fmt: skip
"""Without these a face cannot show pain (PSPI's action units and the jaw); the other shapes may be missing."""

FACE_HEIGHT_DM = 2.3
"""Height that a head is scaled to when its file does not tell its unit (assumption: crown to chin of an adult)."""


@dataclass(frozen=True)
class OwnHead:
    """A head in the project's room: decimetres, x to the patient's left, y up, z forward.

    Attributes
    ----------
    points
        At rest, shape (points, 3).
    triangles
        Corners, counter-clockwise from outside, shape (triangles, 3).
    units
        Displacements at weight 1 by ARKit name: points moved (n,), and how far (n, 3).
    uv, albedo
        Texture place of every point (v down from the top) and sRGB picture, shape (rows, columns, 3) uint8; None
        without a texture.
    """

    name: str
    points: np.ndarray
    triangles: np.ndarray
    units: Mapping[str, tuple[np.ndarray, np.ndarray]]
    uv: np.ndarray | None = None
    albedo: np.ndarray | None = None
    missing: tuple[str, ...] = field(default=())

    def pose(self, pose: FacePose) -> tuple[np.ndarray, np.ndarray]:
        """Points and unit normals of a pose, shape (points, 3) each.

        Raises
        ------
        ConfigError
            When an action unit is unknown or out of range.
        """
        points = self.points.copy()
        for name, weight in body_frame(pose).weights.items():
            if weight > 0.0 and name in self.units:
                moved, delta = self.units[name]
                points[moved] += np.float32(weight) * delta
        if any(pose.head_deg):
            low, high = self.points[:, 1].min(), self.points[:, 1].max()
            pivot = np.array([0.0, low + 0.25 * (high - low), float(self.points[:, 2].mean())], np.float32)
            points = (points - pivot) @ rotation(*pose.head_deg).T + pivot
        return points, vertex_normals(points, self.triangles)


def checked(head: OwnHead, path: Path) -> OwnHead:
    """The same head, when it can be drawn and can show pain.

    Raises
    ------
    AssetError
        Naming the file and what is missing or wrong.
    """
    if len(head.points) < 4 or len(head.triangles) < 4:
        raise AssetError(f"{path}: has {len(head.points)} points and {len(head.triangles)} triangles: that is no head")
    if not np.isfinite(head.points).all():
        raise AssetError(f"{path}: some of its points are no numbers")
    if head.triangles.min() < 0 or head.triangles.max() >= len(head.points):
        raise AssetError(f"{path}: a triangle names point {head.triangles.max()} of {len(head.points)}")
    absent = [name for name in NEEDED if name not in head.units]
    if absent:
        raise AssetError(
            f"{path}: lacks the shapes {', '.join(absent)}; pain cannot be shown without them (it has "
            f"{', '.join(sorted(head.units)) or 'none of ARKit'}); see docs/howto/other_faces.md"
        )
    return OwnHead(
        head.name, head.points, head.triangles, head.units, head.uv, head.albedo,
        tuple(name for name in ARKIT_52 if name not in head.units),
    )  # fmt: skip


def fit_to_room(points: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Points in decimetres about the place of our own heads, with the scale and shift that did it.

    Metres, centimetres and millimetres are told apart by the size of the head; anything else is scaled to
    ``FACE_HEIGHT_DM``.
    """
    height = float(np.ptp(points[:, 1]))
    scale = next((unit for unit in (1.0, 10.0, 0.1, 0.01) if 1.5 <= height * unit <= 7.0), None)
    if scale is None:
        scale = FACE_HEIGHT_DM / max(height, 1e-9)
    middle = (points.max(axis=0) + points.min(axis=0)) / 2.0
    shift = np.array([0.0, 7.2, 0.6]) - scale * middle
    return (scale * points + shift).astype(np.float32), scale, shift


SIDES = re.compile(r"^(?P<stem>[A-Za-z]+?)[_.\- ]?(?P<side>L|R|l|r|Left|Right|left|right)$")


def side_name(name: str) -> str | None:
    """ARKit's name for a shape called ``browDown_L``, ``BrowDownLeft`` or the like; None when it is none of ARKit's."""
    plain = name.rpartition(".")[2] if name.count(".") == 1 and name.rpartition(".")[2] in ARKIT_52 else name
    known = {entry.lower(): entry for entry in ARKIT_52}
    if plain.lower() in known:
        return known[plain.lower()]
    found = SIDES.match(plain)
    if found is not None:
        side = "Left" if found["side"].lower().startswith("l") else "Right"
        return known.get((found["stem"] + side).lower())
    return None
