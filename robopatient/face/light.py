"""Camera, light, background and keystone of the picture: shared by every renderer, so that they show the same face.

Colours are linear RGB; directions point from the face to the light in the room's frame (x to the patient's left, y up,
z to the foot of the bed, where the frontal camera stands).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec
import numpy as np

from robopatient.errors import ConfigError

__all__ = [
    "BACKGROUNDS",
    "LIGHTS",
    "VIEWS",
    "Background",
    "CameraView",
    "LightName",
    "Lighting",
    "Look",
    "ViewName",
    "background",
    "camera_dm",
    "clip_matrix",
    "encode",
    "inside",
    "linear",
    "make_look",
    "picture_places",
]

ViewName = Literal["frontal", "three-quarter", "left", "right", "bedside", "ward"]
LightName = Literal["window", "overhead", "night", "mask"]
Background = Literal["wall", "black", "white", "green", "transparent"]


class CameraView(NamedTuple):
    """Where the camera stands about the eyes: to the patient's left and up (degrees); height of its picture (dm)."""

    azimuth_deg: float = 0.0
    elevation_deg: float = 0.0
    height_dm: float = 3.0


VIEWS: dict[str, CameraView] = {
    "frontal": CameraView(),
    "three-quarter": CameraView(32.0, 2.0),
    "left": CameraView(35.0),
    "right": CameraView(-35.0),
    "bedside": CameraView(-24.0, 16.0, 3.2),
    "ward": CameraView(0.0, 6.0, 4.0),
}
"""All within what the meshes are kept for (``cull.py``)."""


class Lighting(NamedTuple):
    """Two lights and the sky."""

    key_direction: np.ndarray
    key_colour: np.ndarray
    fill_direction: np.ndarray
    fill_colour: np.ndarray
    ambient_sky: np.ndarray
    ambient_ground: np.ndarray


def _light(
    key: tuple[float, float, float], key_colour: tuple[float, float, float], fill: tuple[float, float, float],
    fill_colour: tuple[float, float, float], sky: tuple[float, float, float], ground: tuple[float, float, float],
) -> Lighting:  # fmt: skip
    rows = [np.array(row, np.float32) for row in (key, key_colour, fill, fill_colour, sky, ground)]
    rows[0] /= np.linalg.norm(rows[0])
    rows[2] /= np.linalg.norm(rows[2])
    return Lighting(*rows)


LIGHTS: dict[str, Lighting] = {
    # a large ward window high on the left, and a weak cool fill from the other side
    "window": _light(
        (-0.55, 0.62, 0.75), (0.816, 0.776, 0.72), (0.85, 0.10, 0.55), (0.208, 0.234, 0.26),
        (0.36, 0.38, 0.40), (0.19, 0.17, 0.155),
    ),
    # fluorescent panels over the bed
    "overhead": _light(
        (0.05, 0.95, 0.55), (0.78, 0.80, 0.78), (0.0, -0.10, 1.0), (0.22, 0.22, 0.22),
        (0.42, 0.43, 0.43), (0.17, 0.17, 0.17),
    ),
    # a reading lamp at the bed's side
    "night": _light(
        (0.75, 0.30, 0.60), (0.62, 0.47, 0.31), (-0.8, 0.3, 0.5), (0.045, 0.055, 0.085),
        (0.085, 0.090, 0.115), (0.05, 0.045, 0.04),
    ),
    # for back projection: from the front, nearly without shadows, bright; relief comes from the mask itself
    "mask": _light(
        (0.0, 0.35, 1.0), (0.62, 0.62, 0.60), (0.0, -0.4, 1.0), (0.20, 0.20, 0.20),
        (0.62, 0.62, 0.62), (0.50, 0.50, 0.50),
    ),
}  # fmt: skip
"""Chosen by eye (assumption)."""

BACKGROUNDS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "wall": ((0.83, 0.87, 0.885), (0.66, 0.725, 0.75)),
    "black": ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
    "white": ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
    "green": ((0.0, 0.69, 0.25), (0.0, 0.69, 0.25)),
    "transparent": ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
}
"""Top and bottom, sRGB 0-1; the wall is that of a plain clinic."""

IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


class Look(msgspec.Struct, frozen=True):
    """How the picture is taken.

    Attributes
    ----------
    keystone
        Homography from the square picture to the drawn one in normalised device coordinates (x right, y up, -1 to 1),
        rows. What lies outside the square's image is black.
    aspect
        Width over height of what is drawn; 1 unless the keystone leads into a window.
    """

    view: ViewName = "frontal"
    light: LightName = "window"
    background: Background = "wall"
    keystone: tuple[tuple[float, float, float], ...] = IDENTITY
    aspect: float = 1.0

    def width_px(self, height_px: int) -> int:
        """Width of a picture of a height."""
        return max(2, round(height_px * self.aspect))

    @property
    def mirrored(self) -> bool:
        """Whether the keystone turns what is seen from the front into what is seen from behind."""
        return bool(np.linalg.det(np.array(self.keystone)) < 0.0)

    @property
    def curtained(self) -> bool:
        """Whether something lies outside the picture's square."""
        return self.keystone != IDENTITY

    @property
    def channels(self) -> int:
        """Of the pictures: 4 when the background is transparent."""
        return 4 if self.background == "transparent" else 3


def make_look(view: str = "frontal", light: str = "window", background: str = "wall") -> Look:
    """Look of the named presets.

    Raises
    ------
    ConfigError
        When there is no such preset; names those that exist.
    """
    try:
        return msgspec.convert({"view": view, "light": light, "background": background}, Look)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"view {view}, light {light}, background {background}: {error}; views are {', '.join(VIEWS)}; lights "
            f"{', '.join(LIGHTS)}; backgrounds {', '.join(BACKGROUNDS)}"
        ) from error


FIELD_OF_VIEW_RAD = np.radians(16.0)
"""Of a portrait lens: noses look right from 1.3 m away."""
EYES_FROM_TOP = 0.46
"""Where the eyes are in the picture, as a share of its height."""
NEAR_DM, FAR_DM = 4.0, 40.0


def clip_matrix(eyes_dm: np.ndarray, look: Look | None = None) -> np.ndarray:
    """World (dm) to clip space of OpenGL, shape (4, 4), for a square picture centred on a face.

    Parameters
    ----------
    eyes_dm
        Midpoint between the eyes at rest.
    look
        Its keystone is folded in: exact, and free. Depth order survives, because all of one pixel scale alike.
    """
    look = look or Look()
    view = VIEWS[look.view]
    turn, target, distance = _camera(eyes_dm, view)
    to_camera = np.eye(4)
    to_camera[:3, :3] = turn
    to_camera[:3, 3] = -turn @ target - np.array([0.0, 0.0, distance])
    scale = 1.0 / np.tan(FIELD_OF_VIEW_RAD / 2.0)
    projection = np.zeros((4, 4))
    projection[0, 0] = projection[1, 1] = scale
    projection[2, 2] = (FAR_DM + NEAR_DM) / (NEAR_DM - FAR_DM)
    projection[2, 3] = 2.0 * FAR_DM * NEAR_DM / (NEAR_DM - FAR_DM)
    projection[3, 2] = -1.0
    h = np.array(look.keystone)
    fold = np.eye(4)
    fold[np.ix_([0, 1, 3], [0, 1, 3])] = h
    return (fold @ projection @ to_camera).astype(np.float32)


def camera_dm(eyes_dm: np.ndarray, look: Look | None = None) -> np.ndarray:
    """Where the camera stands."""
    turn, target, distance = _camera(eyes_dm, VIEWS[(look or Look()).view])
    return (target + distance * turn[2]).astype(np.float32)


def _camera(eyes_dm: np.ndarray, view: CameraView) -> tuple[np.ndarray, np.ndarray, float]:
    """Rotation from room to camera, the point looked at, and its distance."""
    azimuth, elevation = np.radians([view.azimuth_deg, view.elevation_deg])
    ca, sa, ce, se = np.cos(azimuth), np.sin(azimuth), np.cos(elevation), np.sin(elevation)
    turn = np.array([[ca, 0.0, -sa], [-se * sa, ce, -se * ca], [ce * sa, se, ce * ca]])
    middle_dm = 0.5 * PICTURE_HEIGHT_DM if view.azimuth_deg else 0.0  # turn about the neck, not about the face
    pivot = eyes_dm - np.array([0.0, 0.0, 0.5 * middle_dm])
    target = pivot - np.array([0.0, (0.5 - EYES_FROM_TOP) * view.height_dm, 0.0])
    return turn, target, view.height_dm / (2.0 * np.tan(FIELD_OF_VIEW_RAD / 2.0))


PICTURE_HEIGHT_DM = 3.0
"""Height of the frontal picture in the plane of the eyes."""


def background(size_px: int, look: Look | None = None) -> np.ndarray:
    """Empty picture, shape (size, width, 3 or 4) uint8, top row first."""
    look = look or Look()
    top, bottom = (np.array(colour, np.float32) for colour in BACKGROUNDS[look.background])
    places = picture_places(size_px, look)
    rows = np.round((top + (bottom - top) * (0.5 - 0.5 * places[..., 1:])) * 255.0)
    found = (np.clip(rows, 0.0, 255.0) * inside(places)[..., None]).astype(np.uint8)
    if look.channels == 4:
        found = np.concatenate([found, np.zeros((*found.shape[:2], 1), np.uint8)], axis=2)
    return found


def picture_places(size_px: int, look: Look) -> np.ndarray:
    """Which place of the square picture every drawn pixel shows, shape (size, width, 2) float32."""
    width = look.width_px(size_px)
    x = (np.arange(width, dtype=np.float32) + 0.5) / width * 2.0 - 1.0
    y = 1.0 - (np.arange(size_px, dtype=np.float32) + 0.5) / size_px * 2.0
    places = np.stack(np.meshgrid(x, y), axis=-1)
    if not look.curtained:
        return places
    back = np.linalg.inv(np.array(look.keystone)).astype(np.float32)
    moved = places @ back[:, :2].T + back[:, 2]
    found: np.ndarray = moved[..., :2] / moved[..., 2:]
    return found


def inside(places: np.ndarray) -> np.ndarray:
    """Whether places lie within the square picture, bool."""
    found: np.ndarray = (np.abs(places) <= 1.0).all(axis=-1)
    return found


def linear(encoded: np.ndarray) -> np.ndarray:
    """Encoded colour 0-1 to linear: a plain square, one multiplication per fragment in place of the sRGB curve."""
    clipped: np.ndarray = np.clip(encoded, 0.0, 1.0)
    return clipped * clipped


def encode(linear_rgb: np.ndarray) -> np.ndarray:
    """Linear colour to encoded 0-1; the inverse of ``linear``."""
    encoded: np.ndarray = np.sqrt(np.clip(linear_rgb, 0.0, 1.0))
    return encoded
