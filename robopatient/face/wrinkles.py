"""Where the skin folds: lines of every wrinkle group in the plane of the template face.

Lines are drawn for the patient's left side (x > 0, dm) and mirrored. The skin bakes them into height maps, the head
turns the groups' depths into a strength per vertex.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

__all__ = ["GROUPS", "Line", "WrinkleGroup", "distance_to_line"]


class Line(NamedTuple):
    """A fold: a smooth curve through the points, deepest in the middle."""

    points_dm: Sequence[tuple[float, float]]
    width_dm: float
    depth: float = 1.0


class WrinkleGroup(NamedTuple):
    """Lines that appear together.

    ``layer`` 0 or 1: groups of one layer must not overlap, because a vertex has one strength per layer.
    ``age``: depth at rest of a face of 80 years, 0-1 (assumption).
    """

    layer: int
    age: float
    lines: tuple[Line, ...]


def _fan(centre: tuple[float, float], radii: tuple[float, float], angles_deg: Sequence[float]) -> tuple[Line, ...]:
    """Rays from a centre: crow's feet."""
    lines = []
    for k, angle in enumerate(np.radians(angles_deg)):
        inner, outer = radii[0], radii[1] * (1.0, 0.85)[k % 2]
        middle = (inner + outer) / 2.0
        bend = 0.12 * np.sign(angle + 1e-9)
        points = [
            (centre[0] + r * np.cos(angle + b), centre[1] + r * np.sin(angle + b))
            for r, b in ((inner, -bend), (middle, 0.0), (outer, 0.6 * bend))
        ]
        lines.append(Line([(float(x), float(y)) for x, y in points], 0.0115, 0.55))
    return tuple(lines)


def _across(start_dm: float, y_dm: float, rise: float, end_dm: float, depth: float) -> Line:
    """One horizontal line over the forehead, arched over the brow."""
    middle = (start_dm + end_dm) / 2.0
    return Line([(start_dm, y_dm), (middle, y_dm + rise), (end_dm, y_dm - 0.2 * rise)], 0.014, depth)


GROUPS: dict[str, WrinkleGroup] = {
    "glabella": WrinkleGroup(
        0,
        0.30,
        (
            Line([(0.068, 7.395), (0.060, 7.45), (0.064, 7.515), (0.074, 7.575)], 0.021, 0.75),
            Line([(0.116, 7.450), (0.110, 7.49), (0.114, 7.535)], 0.015, 0.5),
            Line([(-0.05, 7.378), (0.0, 7.372), (0.05, 7.378)], 0.013, 0.6),
        ),
    ),
    "forehead": WrinkleGroup(
        1,
        0.34,
        (
            _across(-0.02, 7.665, 0.012, 0.21, 0.9),
            _across(-0.02, 7.745, 0.014, 0.25, 1.0),
            _across(-0.02, 7.828, 0.014, 0.24, 1.0),
            _across(-0.02, 7.912, 0.010, 0.19, 0.7),
        ),
    ),
    "forehead_side": WrinkleGroup(
        1,
        0.30,
        (
            _across(0.23, 7.668, 0.016, 0.46, 0.8),
            _across(0.27, 7.750, 0.018, 0.52, 1.0),
            _across(0.26, 7.835, 0.016, 0.50, 1.0),
        ),
    ),
    "crows_feet": WrinkleGroup(0, 0.34, _fan((0.445, 7.285), (0.055, 0.19), (-48, -30, -12, 6, 24, 40))),
    "under_eye": WrinkleGroup(
        1,
        0.42,
        (
            Line([(0.185, 7.235), (0.24, 7.190), (0.31, 7.172), (0.39, 7.182), (0.45, 7.215)], 0.014, 0.8),
            Line([(0.165, 7.215), (0.21, 7.150), (0.29, 7.105), (0.37, 7.100)], 0.020, 0.8),
            Line([(0.25, 7.145), (0.33, 7.132), (0.41, 7.150)], 0.011, 0.4),
        ),
    ),
    "bunny": WrinkleGroup(
        0,
        0.10,
        (
            Line([(0.020, 7.300), (0.060, 7.280), (0.105, 7.235)], 0.011, 0.9),
            Line([(0.030, 7.245), (0.075, 7.215), (0.120, 7.165)], 0.011, 0.8),
            Line([(0.050, 7.190), (0.095, 7.150), (0.130, 7.105)], 0.010, 0.5),
            Line([(-0.04, 7.325), (0.0, 7.318), (0.04, 7.325)], 0.011, 0.8),
        ),
    ),
    "nasolabial": WrinkleGroup(
        0,
        0.50,
        (
            Line([(0.15, 6.985), (0.20, 6.935), (0.255, 6.84), (0.30, 6.735), (0.322, 6.64), (0.318, 6.56)], 0.030),
        ),
    ),
    "mouth_corner": WrinkleGroup(
        1,
        0.40,
        (
            Line([(0.285, 6.600), (0.305, 6.540), (0.305, 6.460), (0.285, 6.395)], 0.020, 0.7),
            Line([(0.365, 6.740), (0.395, 6.640), (0.385, 6.530), (0.350, 6.440)], 0.032, 0.25),
        ),
    ),
    "chin": WrinkleGroup(
        0,
        0.18,
        (
            Line([(-0.10, 6.418), (0.0, 6.432), (0.12, 6.412), (0.19, 6.37)], 0.018, 0.9),
            Line([(0.035, 6.36), (0.05, 6.33), (0.04, 6.30)], 0.014, 0.5),
            Line([(0.085, 6.35), (0.10, 6.32), (0.085, 6.29)], 0.014, 0.4),
        ),
    ),
    "neck": WrinkleGroup(
        1,
        0.35,
        (
            Line([(0.10, 6.10), (0.15, 5.95), (0.17, 5.78), (0.16, 5.62)], 0.030, 0.7),
            Line([(0.28, 6.12), (0.34, 5.98), (0.36, 5.80)], 0.030, 0.6),
        ),
    ),
}  # fmt: skip


def distance_to_line(x_dm: np.ndarray, y_dm: np.ndarray, line: Line) -> tuple[np.ndarray, np.ndarray]:
    """Distance (dm) of points to a line, and how far along it the nearest place is (0-1)."""
    curve = _smooth(np.asarray(line.points_dm, np.float32))
    best = np.full(x_dm.shape, np.inf, np.float32)
    along = np.zeros(x_dm.shape, np.float32)
    for k, ((ax, ay), (bx, by)) in enumerate(pairwise(curve)):
        dx, dy = bx - ax, by - ay
        share = np.clip(((x_dm - ax) * dx + (y_dm - ay) * dy) / (dx * dx + dy * dy), 0.0, 1.0)
        square = (x_dm - ax - share * dx) ** 2 + (y_dm - ay - share * dy) ** 2
        nearer = square < best
        best = np.where(nearer, square, best)
        along = np.where(nearer, (k + share) / (len(curve) - 1), along)
    return np.sqrt(best), along


def _smooth(points: np.ndarray, per_span: int = 4) -> np.ndarray:
    """Catmull-Rom curve through the points."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0.0, 1.0, per_span, endpoint=False, dtype=np.float32)[:, None]
    spans = [
        0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
        for p0, p1, p2, p3 in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True)
    ]
    return np.concatenate([*spans, points[-1:]])
