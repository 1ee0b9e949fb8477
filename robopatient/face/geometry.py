"""Triangle meshes: normals, rounding subdivision, and cutting along a line."""

from __future__ import annotations

import numpy as np

from robopatient.errors import require

__all__ = ["cut_off", "move", "round_off", "vertex_normals"]

_numba = require("numba", "face")


@_numba.njit(cache=True, nogil=True)
def move(points: np.ndarray, chosen: np.ndarray, weight: float, delta: np.ndarray) -> None:
    """Add ``weight * delta`` (n, 3) to the chosen points (n,), in place: numpy's indexing takes ten times as long."""
    for k in range(chosen.shape[0]):
        for n in range(3):
            points[chosen[k], n] += weight * delta[k, n]


@_numba.njit(cache=True, nogil=True)
def _normals(points: np.ndarray, triangles: np.ndarray, normals: np.ndarray) -> None:
    """Sum of the triangles around each point, scaled to unit length, into ``normals``, filled with 0 by the caller."""
    for k in range(triangles.shape[0]):
        a, b, c = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in range(3):
            point = triangles[k, corner]
            normals[point, 0] += nx
            normals[point, 1] += ny
            normals[point, 2] += nz
    for k in range(normals.shape[0]):
        square = normals[k, 0] * normals[k, 0] + normals[k, 1] * normals[k, 1] + normals[k, 2] * normals[k, 2]
        inverse = 1.0 / (np.sqrt(square) + 1e-12)
        for n in range(3):
            normals[k, n] *= inverse


def vertex_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals, float32, shape (points, 3)."""
    normals = np.zeros((len(points), 3), np.float32)
    _normals(np.ascontiguousarray(points, np.float32), np.ascontiguousarray(triangles, np.int32), normals)
    return normals


def round_off(values: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut every triangle in four, new points lifted onto the curved surface that the normals tell.

    Parameters
    ----------
    values
        Place in the first three columns; further columns are averaged. Shape (points, 3 + n).

    Returns
    -------
    tuple
        New values (old points first) and triangles. The lift is that of PN triangles (Vlachos 2001).
    """
    place = values[:, :3]
    normals = vertex_normals(place, triangles)
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    unique, which = np.unique(edges, axis=0, return_inverse=True)
    a, b = unique.T
    middle = (values[a] + values[b]) / 2.0
    along = place[b] - place[a]
    for corner, direction in ((a, along), (b, -along)):
        lift = (direction * normals[corner]).sum(axis=1, keepdims=True) / 8.0
        middle[:, :3] -= lift * normals[corner]
    ab, bc, ca = (len(values) + part for part in np.split(which.ravel(), 3))
    i, j, k = triangles.T
    finer = [np.stack(corners, axis=1) for corners in ((i, ab, ca), (ab, j, bc), (ca, bc, k), (ab, bc, ca))]
    return np.concatenate([values, middle]).astype(np.float32), np.concatenate(finer).astype(np.int32)


def cut_off(values: np.ndarray, triangles: np.ndarray, column: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a mesh along the line where a column of its values is 0, and keep the side above.

    Parameters
    ----------
    values
        Whatever is linear over a triangle, place included, shape (points, n).

    Returns
    -------
    tuple
        Values with new points on the line, and triangles; points that nothing uses stay.
    """
    level = values[:, column]
    above = level[triangles] >= 0.0
    count = above.sum(axis=1)
    kept = [triangles[count == 3]]
    fresh: list[np.ndarray] = []
    size = len(values)
    for corners, sides in zip(triangles[(count == 1) | (count == 2)], above[(count == 1) | (count == 2)], strict=True):
        alone = int(np.flatnonzero(sides == (sides.sum() == 1))[0])  # the corner that has a side of the line to itself
        a, b, c = np.roll(corners, -alone)
        ab, ac = size, size + 1
        for other in (b, c):
            share = level[a] / (level[a] - level[other])
            fresh.append(values[a] + share * (values[other] - values[a]))
        size += 2
        kept.append(np.array([[a, ab, ac]] if sides[alone] else [[ab, b, c], [ab, c, ac]]))
    return np.concatenate([values, *(row[None] for row in fresh)]), np.concatenate(kept).astype(np.int32)
