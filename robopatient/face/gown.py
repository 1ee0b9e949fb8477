"""The hospital gown: cloth over the shoulders with a clean neckline, so that no cut through the body ever shows."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from robopatient.face.carried import Carried
from robopatient.face.geometry import cut_off, round_off, vertex_normals
from robopatient.face.head import Head
from robopatient.face.light import linear
from robopatient.face.mesh import Material

__all__ = ["build_gown", "gown_cover_dm"]

CLOTH_SRGB = np.array([0.60, 0.735, 0.775])
"""Washed-out hospital blue."""
THICKNESS_DM = 0.045
SMOOTHING_ROUNDS = 6
MARGIN_DM = 0.35
"""Cloth kept above the neckline before the edge is cut."""


def gown_cover_dm(template_dm: np.ndarray) -> np.ndarray:
    """How far inside the gown's edge a place of the template is: high at the nape, a shallow scoop in front."""
    x, z = np.abs(template_dm[:, 0]), template_dm[:, 2]
    front = np.clip((z + 0.1) / 0.8, 0.0, 1.0)
    front = front * front * (3.0 - 2.0 * front)
    below = 5.90 - 0.34 * front - 0.16 * front * np.exp(-((x / 0.34) ** 2)) - template_dm[:, 1]
    beside = np.where(template_dm[:, 1] < 6.2, 0.9 * (x - 0.68), -1.0)
    soft = 0.10  # rounds the corner where the two edges meet
    return np.asarray(soft * np.logaddexp(below / soft, beside / soft), np.float32)


def build_gown(head: Head) -> Carried:
    """Gown of one identity."""
    template = head.template
    cover = gown_cover_dm(template.template_dm)
    skin = template.triangles[template.triangle_part == Material.SKIN]
    cloth = skin[(cover[skin].max(axis=1) > -MARGIN_DM) & (template.template_dm[skin][..., 1].max(axis=1) < 6.1)]
    points, corner = np.unique(cloth, return_inverse=True)
    triangles = corner.reshape(-1, 3).astype(np.int32)
    place = head.rest[points].copy()
    place += THICKNESS_DM * vertex_normals(place, triangles)
    place = _smooth(place, triangles)
    place += (THICKNESS_DM + _folds(template.template_dm[points]))[:, None] * vertex_normals(place, triangles)
    values = np.column_stack([place, 0.35 * head.follows[points], cover[points]])
    values, triangles = cut_off(*round_off(values, triangles), column=4)
    place = values[:, :3]
    return Carried(
        place=place,
        normal=vertex_normals(place, triangles),
        tangent=np.zeros_like(place),
        follows=values[:, 3],
        colour=np.repeat(linear(CLOTH_SRGB)[None, :], len(place), axis=0),
        mark=values[:, 4],
        density=np.ones(len(place), np.float32),
        triangles=triangles,
    )


def _smooth(place: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Cloth spans hollows: each point moves towards its neighbours' mean."""
    a, b = triangles[:, [0, 1, 2]].ravel(), triangles[:, [1, 2, 0]].ravel()
    links = sparse.csr_matrix((np.ones(len(a), np.float32), (a, b)), shape=(len(place), len(place)))
    links = ((links + links.T) > 0).astype(np.float32)
    count = np.asarray(links.sum(axis=1))
    for _ in range(SMOOTHING_ROUNDS):
        place = 0.4 * place + 0.6 * (links @ place) / count
    return place.astype(np.float32)


def _folds(template_dm: np.ndarray) -> np.ndarray:
    """Soft folds that run down from the neckline, dm."""
    x, y = template_dm[:, 0], template_dm[:, 1]
    depth = np.clip((5.7 - y) / 0.8, 0.0, 1.0)
    return (
        0.030 * depth * np.sin(9.0 * x + 1.3 * np.sin(3.0 * y)) + 0.012 * depth * np.sin(21.0 * x + 4.0 * y)
    ).astype(np.float32)
