"""The teeth: two arches of the source mesh, seated behind the lips and told tooth by tooth.

The source's arches are plain walls that touch the lips' inside; teeth, gaps and gum are drawn on them by the shader.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from robopatient.face.mesh import HeadTemplate, Material

__all__ = ["arches", "outer_wall", "seat_teeth", "tooth_places"]

NARROWER, BACK_DM = 0.88, 0.02
"""The source's arch is as wide as the mouth and comes through at its corners (assumption: by eye; 54 mm remain)."""
UPRIGHT_DM = 0.07
"""The source's upper wall looks down, out of the light: its gum goes back by this."""
LOWER_DM = 0.035
"""How much lower the lower row stands: the rows meet behind the middle of the lips otherwise."""
LOWER_TILT = 0.30
"""How much the lower row falls towards the molars, dm per dm: the source's rises there, above the lower lip."""

TEETH_PER_RADIAN = 3.1
"""Along the arch, about its middle: incisors 8 mm wide on an arch of 25 mm (assumption)."""
ARCH_RADIUS_DM = 0.25
ALL_GUM = 2.0
INNER = 0.8
"""Points nearer to the middle than this part of their place's outermost are the tongue's side of the row."""
NEAR_RAD = 0.16
"""Points within this angle belong to the same place of the arch."""


def arches(template: HeadTemplate) -> tuple[np.ndarray, np.ndarray]:
    """Points of the upper and of the lower row, ascending."""
    triangles = template.triangles[template.triangle_part == Material.TEETH]
    points = template.points_of(Material.TEETH)
    corner = np.searchsorted(points, triangles)
    a, b = corner[:, [0, 1]].ravel(), corner[:, [1, 2]].ravel()
    links = sparse.coo_matrix((np.ones(len(a), np.int8), (a, b)), (len(points), len(points)))
    _, piece = csgraph.connected_components(links, directed=False)
    rows = [points[piece == number] for number in range(piece.max() + 1)]
    rows.sort(key=lambda row: float(template.template_dm[row, 1].mean()))
    return rows[-1], rows[0]


def seat_teeth(rest: np.ndarray, template: HeadTemplate) -> None:
    """Bring both rows of an identity (points at rest, dm, changed in place) behind its lips."""
    upper, lower = arches(template)
    height = tooth_places(template)[:, 1]
    for row in (upper, lower):
        middle_x = rest[row, 0].mean()
        rest[row, 0] = middle_x + NARROWER * (rest[row, 0] - middle_x)
        rest[row, 2] -= BACK_DM
    rest[upper, 2] -= UPRIGHT_DM * np.minimum(height[upper], 1.0)
    rest[lower, 1] -= LOWER_DM + LOWER_TILT * (rest[lower, 2].max() - rest[lower, 2])


def outer_wall(template: HeadTemplate) -> np.ndarray:
    """Which triangles of the teeth, as drawn, lie towards the lips: the rest is never seen. Shape (triangles,) bool."""
    triangles = template.triangles[template.triangle_part == Material.TEETH]
    visible: np.ndarray = (tooth_places(template)[triangles, 1] < ALL_GUM).all(axis=1)
    return visible


def tooth_places(template: HeadTemplate) -> np.ndarray:
    """Place of every point of the teeth, others 0, shape (points, 2).

    The first number counts teeth along the arch, whole at the gaps; the second runs from 0 at the biting edge to 1 at
    the top of the gum, and is 2 on the tongue's side.
    """
    places = np.zeros((len(template.template_dm), 2), np.float32)
    for row, towards_gum in zip(arches(template), (1.0, -1.0), strict=True):
        x, y, z = template.template_dm[row].T
        forward = z - z.max() + ARCH_RADIUS_DM
        angle, reach = np.arctan2(x, forward), np.hypot(x, forward)
        height = towards_gum * y
        beside = np.abs(angle[:, None] - angle) < NEAR_RAD
        low = np.where(beside, height, np.inf).min(axis=1)
        high = np.where(beside, height, -np.inf).max(axis=1)
        inner = reach < INNER * np.where(beside, reach, 0.0).max(axis=1)
        share = (height - low) / np.maximum(high - low, 1e-3)
        places[row] = np.stack([TEETH_PER_RADIAN * angle, np.where(inner, ALL_GUM, share)], axis=1)
    return places
