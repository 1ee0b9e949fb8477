"""Triangle meshes: normals, rounding subdivision, and leaving away what no camera can see."""

from __future__ import annotations

import numpy as np
from scipy import sparse

__all__ = ["normal_operator", "round_off", "vertex_normals"]


def vertex_normals(points: np.ndarray, triangles: np.ndarray, operator: sparse.csr_matrix | None = None) -> np.ndarray:
    """Area-weighted unit normals, shape (points, 3).

    Parameters
    ----------
    operator
        ``normal_operator`` of the same triangles, when the caller needs normals every frame.
    """
    if operator is None:
        operator = normal_operator(triangles, len(points))
    a, b, c = points[triangles[:, 0]], points[triangles[:, 1]], points[triangles[:, 2]]
    u, v = b - a, c - a
    cross = np.empty_like(u)  # written out: np.cross takes three times as long
    cross[:, 0] = u[:, 1] * v[:, 2] - u[:, 2] * v[:, 1]
    cross[:, 1] = u[:, 2] * v[:, 0] - u[:, 0] * v[:, 2]
    cross[:, 2] = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    normals: np.ndarray = operator @ cross
    normals /= np.sqrt((normals * normals).sum(axis=1, keepdims=True)) + 1e-12
    return normals


def normal_operator(triangles: np.ndarray, count: int) -> sparse.csr_matrix:
    """Sum of the triangles around each point, shape (points, triangles)."""
    rows = triangles.T.ravel()
    columns = np.tile(np.arange(len(triangles)), 3)
    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(count, len(triangles)))


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
