"""From four dragged corners to the homography that a projector needs.

Coordinates are normalised device coordinates: x right, y up, -1 to 1 over the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robopatient.errors import ConfigError

__all__ = ["SQUARE", "Rows", "apply", "homography", "mirrored"]

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


def apply(rows: Rows, places: np.ndarray) -> np.ndarray:
    """Where a homography takes places x, y, shape (..., 2)."""
    matrix = np.array(rows)
    moved = places @ matrix[:, :2].T + matrix[:, 2]
    found: np.ndarray = moved[..., :2] / moved[..., 2:]
    return found


def _convex(corners: Sequence[tuple[float, float]]) -> bool:
    place = np.array(corners, float)
    side = np.roll(place, -1, axis=0) - place
    after = np.roll(side, -1, axis=0)
    return bool((side[:, 0] * after[:, 1] - side[:, 1] * after[:, 0] < -1e-6).all())  # clockwise
