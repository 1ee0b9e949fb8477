"""From four dragged corners to the homography that a projector needs, and the test patterns to drag them by.

Coordinates are normalised device coordinates: x right, y up, -1 to 1 over the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robopatient.errors import ConfigError

__all__ = ["PATTERNS", "SQUARE", "homography", "mirrored", "pattern", "soft_edge"]

Rows = tuple[tuple[float, float, float], ...]

SQUARE = ((-1.0, 1.0), (1.0, 1.0), (1.0, -1.0), (-1.0, -1.0))
"""Corners of the picture where they belong: upper left, upper right, lower right, lower left."""


def homography(corners: Sequence[tuple[float, float]]) -> Rows:
    """Rows of the 3 x 3 homography that takes the picture's corners to ``corners``, in the order of ``SQUARE``.

    Raises
    ------
    ConfigError
        When the corners do not make a convex quadrangle in that order.
    """
    if len(corners) != 4 or not np.isfinite(corners).all():
        raise ConfigError(f"keystone has {len(corners)} corners; give 4 places x, y in -1 to 1")
    if not _convex(corners):
        raise ConfigError(
            f"keystone corners {[tuple(c) for c in corners]} are not convex in the order upper left, upper right, "
            "lower right, lower left; give them in this order, each from -1 to 1"
        )
    rows, right = [], []
    for (x, y), (u, v) in zip(SQUARE, corners, strict=True):
        rows += [[x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y], [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y]]
        right += [u, v]
    solved = np.append(np.linalg.solve(np.array(rows), np.array(right)), 1.0).reshape(3, 3)
    return tuple(tuple(float(value) for value in row) for row in solved)  # type: ignore[misc]


def mirrored(rows: Rows, horizontally: bool, vertically: bool) -> Rows:
    """The same with the picture flipped first: for projection from behind, or from a ceiling."""
    flip = np.diag([-1.0 if horizontally else 1.0, -1.0 if vertically else 1.0, 1.0])
    return tuple(tuple(float(value) for value in row) for row in np.array(rows) @ flip)  # type: ignore[misc]


def _convex(corners: Sequence[tuple[float, float]]) -> bool:
    place = np.array(corners, float)
    side = np.roll(place, -1, axis=0) - place
    after = np.roll(side, -1, axis=0)
    return bool((side[:, 0] * after[:, 1] - side[:, 1] * after[:, 0] < -1e-6).all())  # clockwise


PATTERNS = ("grid", "cross", "bars", "white")


def pattern(name: str, size_px: int) -> np.ndarray:
    """Test picture, shape (size, size, 3) uint8: "grid", "cross", colour "bars" or plain "white".

    Raises
    ------
    ConfigError
        When there is no such pattern.
    """
    picture = np.zeros((size_px, size_px, 3), np.uint8)
    line = max(1, size_px // 256)
    if name == "white":
        picture[:] = 255
    elif name == "bars":
        step = np.minimum(np.arange(size_px) * 8 // size_px, 7)
        picture[:] = np.stack([(step & bit == 0) * 255 for bit in (2, 4, 1)], axis=1).astype(np.uint8)
    elif name in ("grid", "cross"):
        for place in np.linspace(0, size_px - line, 17 if name == "grid" else 3).round().astype(int):
            picture[place : place + line] = picture[:, place : place + line] = 255
    else:
        raise ConfigError(f'pattern "{name}" is unknown; there are {", ".join(PATTERNS)}')
    return picture


def soft_edge(size_px: int, share: float) -> np.ndarray:
    """Brightness 0-1 over the picture that fades to black towards an ellipse's edge, shape (size, size) float32.

    Parameters
    ----------
    share
        Width of the fade as a part of the half picture; 0 leaves everything bright.
    """
    if share <= 0.0:
        return np.ones((size_px, size_px), np.float32)
    axis = (np.arange(size_px, dtype=np.float32) + 0.5) / size_px * 2.0 - 1.0
    t = np.clip((1.0 - np.hypot(axis[:, None], axis[None, :])) / share, 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)
