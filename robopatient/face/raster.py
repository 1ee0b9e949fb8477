"""Triangles to pixels on the CPU: the z-buffer kernels of the fallback renderer and of baked occlusion.

Kernels are compiled by numba on first use (cached beside the package where that is writable).
"""

from __future__ import annotations

import numpy as np

from robopatient.errors import require

__all__ = ["depth_map", "open_sky"]

_numba = require("numba", "face")


@_numba.njit(cache=True, fastmath=True, nogil=True)
def depth_map(x: np.ndarray, y: np.ndarray, depth: np.ndarray, triangles: np.ndarray, nearest: np.ndarray) -> None:
    """Smallest depth at every pixel into ``nearest`` (rows, columns), which the caller fills with infinity."""
    rows, columns = nearest.shape
    for k in range(triangles.shape[0]):
        a, b, c = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        area = (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a])
        if area == 0.0:
            continue
        first_row = max(0, int(np.ceil(min(y[a], y[b], y[c]))))
        last_row = min(rows - 1, int(np.floor(max(y[a], y[b], y[c]))))
        first_column = max(0, int(np.ceil(min(x[a], x[b], x[c]))))
        last_column = min(columns - 1, int(np.floor(max(x[a], x[b], x[c]))))
        for row in range(first_row, last_row + 1):
            for column in range(first_column, last_column + 1):
                wb = ((column - x[a]) * (y[c] - y[a]) - (row - y[a]) * (x[c] - x[a])) / area
                wc = ((x[b] - x[a]) * (row - y[a]) - (y[b] - y[a]) * (column - x[a])) / area
                if wb < 0.0 or wc < 0.0 or wb + wc > 1.0:
                    continue
                d = depth[a] + wb * (depth[b] - depth[a]) + wc * (depth[c] - depth[a])
                if d < nearest[row, column]:
                    nearest[row, column] = d


SKY_DIRECTIONS = 96
SKY_PX = 224
SKY_BIAS_DM = 0.035
"""Surfaces nearer than this in front of a point are the point's own."""


def open_sky(points: np.ndarray, normals: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Share of the light from all around that reaches each point, cosine weighted, 0-1.

    Parameters
    ----------
    points, normals
        Shape (points, 3), dm.
    triangles
        What stands in the light, as points, shape (triangles, 3).
    """
    centre = points.mean(axis=0)
    reach = float(np.linalg.norm(points - centre, axis=1).max())
    scale = (SKY_PX - 1) / (2.0 * reach)
    seen = np.zeros(len(points), np.float32)
    total = np.zeros(len(points), np.float32)
    golden = np.pi * (3.0 - np.sqrt(5.0))
    for k in range(SKY_DIRECTIONS):
        height = 1.0 - 2.0 * (k + 0.5) / SKY_DIRECTIONS
        ring = np.sqrt(1.0 - height * height)
        towards = np.array([ring * np.cos(golden * k), height, ring * np.sin(golden * k)], np.float32)
        side = np.cross(towards, [0.0, 1.0, 0.0]) if abs(towards[1]) < 0.9 else np.cross(towards, [1.0, 0.0, 0.0])
        side = (side / np.linalg.norm(side)).astype(np.float32)
        up = np.cross(side, towards).astype(np.float32)
        offset = points - centre
        x, y = (offset @ side + reach) * scale, (offset @ up + reach) * scale
        depth = -(offset @ towards)
        nearest = np.full((SKY_PX, SKY_PX), np.inf, np.float32)
        depth_map(x.astype(np.float32), y.astype(np.float32), depth.astype(np.float32), triangles, nearest)
        rows = np.clip(np.round(y).astype(int), 0, SKY_PX - 1)
        columns = np.clip(np.round(x).astype(int), 0, SKY_PX - 1)
        facing = np.maximum(normals @ towards, 0.0)
        seen += facing * (depth <= nearest[rows, columns] + SKY_BIAS_DM)
        total += facing
    return seen / np.maximum(total, 1e-6)
