"""Camera and light of the picture: shared by every renderer, so that they show the same face.

Colours are linear RGB; directions point from the face to the light in the camera's frame (x right, y up, z to it).
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "AMBIENT_GROUND",
    "AMBIENT_SKY",
    "BACKGROUND_BOTTOM",
    "BACKGROUND_TOP",
    "FILL_COLOUR",
    "FILL_DIRECTION",
    "KEY_COLOUR",
    "KEY_DIRECTION",
    "background",
    "camera_dm",
    "clip_matrix",
    "encode",
    "linear",
]


def _unit(x: float, y: float, z: float) -> np.ndarray:
    vector = np.array([x, y, z], np.float32)
    return vector / np.linalg.norm(vector)


# A large ward window high on the left, and a weak cool fill from the other side (assumption: chosen by eye).
KEY_DIRECTION = _unit(-0.55, 0.62, 0.75)
KEY_COLOUR = np.array([1.02, 0.97, 0.90], np.float32) * 0.80
FILL_DIRECTION = _unit(0.85, 0.10, 0.55)
FILL_COLOUR = np.array([0.80, 0.90, 1.0], np.float32) * 0.26
AMBIENT_SKY = np.array([0.36, 0.38, 0.40], np.float32)
AMBIENT_GROUND = np.array([0.19, 0.17, 0.155], np.float32)

BACKGROUND_TOP = np.array([0.83, 0.87, 0.885], np.float32)
BACKGROUND_BOTTOM = np.array([0.66, 0.725, 0.75], np.float32)
"""sRGB 0-1: a plain clinic wall."""

FIELD_OF_VIEW_RAD = np.radians(16.0)
"""Of a portrait lens: noses look right from 1.3 m away."""
PICTURE_HEIGHT_DM = 3.0
"""Height of the picture in the plane of the eyes."""
EYES_FROM_TOP = 0.46
"""Where the eyes are in the picture, as a share of its height."""
NEAR_DM, FAR_DM = 4.0, 30.0


def clip_matrix(eyes_dm: np.ndarray) -> np.ndarray:
    """World (dm) to clip space of OpenGL, shape (4, 4), for a square picture centred on a face.

    Parameters
    ----------
    eyes_dm
        Midpoint between the eyes at rest.
    """
    distance = PICTURE_HEIGHT_DM / (2.0 * np.tan(FIELD_OF_VIEW_RAD / 2.0))
    centre = eyes_dm - np.array([0.0, (0.5 - EYES_FROM_TOP) * PICTURE_HEIGHT_DM, 0.0])
    view = np.eye(4)
    view[:3, 3] = -centre - np.array([0.0, 0.0, distance])
    scale = 1.0 / np.tan(FIELD_OF_VIEW_RAD / 2.0)
    projection = np.zeros((4, 4))
    projection[0, 0] = projection[1, 1] = scale
    projection[2, 2] = (FAR_DM + NEAR_DM) / (NEAR_DM - FAR_DM)
    projection[2, 3] = 2.0 * FAR_DM * NEAR_DM / (NEAR_DM - FAR_DM)
    projection[3, 2] = -1.0
    return (projection @ view).astype(np.float32)


def camera_dm(eyes_dm: np.ndarray) -> np.ndarray:
    """Where the camera stands."""
    distance = PICTURE_HEIGHT_DM / (2.0 * np.tan(FIELD_OF_VIEW_RAD / 2.0))
    return (eyes_dm + np.array([0.0, -(0.5 - EYES_FROM_TOP) * PICTURE_HEIGHT_DM, distance])).astype(np.float32)


def background(size_px: int) -> np.ndarray:
    """Empty picture, shape (size, size, 3) uint8, top row first."""
    down = ((np.arange(size_px, dtype=np.float32) + 0.5) / size_px)[:, None]
    rows = BACKGROUND_TOP + (BACKGROUND_BOTTOM - BACKGROUND_TOP) * down
    return np.repeat(np.round(rows * 255.0).astype(np.uint8)[:, None, :], size_px, axis=1)


def linear(encoded: np.ndarray) -> np.ndarray:
    """Encoded colour 0-1 to linear: a plain square, one multiplication per fragment in place of the sRGB curve."""
    clipped: np.ndarray = np.clip(encoded, 0.0, 1.0)
    return clipped * clipped


def encode(linear_rgb: np.ndarray) -> np.ndarray:
    """Linear colour to encoded 0-1; the inverse of ``linear``."""
    encoded: np.ndarray = np.sqrt(np.clip(linear_rgb, 0.0, 1.0))
    return encoded
