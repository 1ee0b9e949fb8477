"""Triangles to pixels on the CPU, ahead of drawing: what can be seen at all, baked open sky, textures.

Kernels are compiled by numba on first use (cached beside the package where that is writable).
"""

from __future__ import annotations

import numpy as np

from robopatient.errors import require

__all__ = ["fill_texture", "nearest_triangles", "open_sky"]

_numba = require("numba", "face")


def nearest_triangles(
    x: np.ndarray, y: np.ndarray, depth: np.ndarray, triangles: np.ndarray, size_px: int
) -> np.ndarray:
    """Number of the triangle nearest to the eye at every pixel, -1 where none is."""
    numbers = np.full((size_px, size_px), -1, np.int64)
    _mark_nearest(x, y, depth, triangles, np.full((size_px, size_px), np.inf, np.float32), numbers)
    return numbers


@_numba.njit(cache=True, nogil=True)
def _mark_nearest(
    x: np.ndarray, y: np.ndarray, depth: np.ndarray, triangles: np.ndarray, nearest: np.ndarray, numbers: np.ndarray
) -> None:
    """Smallest depth at every pixel and whose it is, into arrays that begin with infinity and -1."""
    rows, columns = nearest.shape
    for k in range(triangles.shape[0]):
        a, b, c = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        area = (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a])
        if area == 0.0:
            continue
        inverse = 1.0 / area
        first_row = max(0, int(np.ceil(min(y[a], y[b], y[c]))))
        last_row = min(rows - 1, int(np.floor(max(y[a], y[b], y[c]))))
        first_column = max(0, int(np.ceil(min(x[a], x[b], x[c]))))
        last_column = min(columns - 1, int(np.floor(max(x[a], x[b], x[c]))))
        for row in range(first_row, last_row + 1):
            for column in range(first_column, last_column + 1):
                wb = ((column - x[a]) * (y[c] - y[a]) - (row - y[a]) * (x[c] - x[a])) * inverse
                wc = ((x[b] - x[a]) * (row - y[a]) - (y[b] - y[a]) * (column - x[a])) * inverse
                if wb < 0.0 or wc < 0.0 or wb + wc > 1.0:
                    continue
                d = depth[a] + wb * (depth[b] - depth[a]) + wc * (depth[c] - depth[a])
                if d < nearest[row, column]:
                    nearest[row, column] = d
                    numbers[row, column] = k


@_numba.njit(cache=True, nogil=True)
def fill_texture(
    pixel: np.ndarray, triangles: np.ndarray, attributes: np.ndarray, field: np.ndarray, size_px: int
) -> None:
    """Interpolate vertex attributes over the texels of a square texture.

    Parameters
    ----------
    pixel
        Place of each vertex in texels, shape (vertices, 2).
    attributes
        Shape (vertices, n).
    field
        Shape (size * size, n), filled with nan where nothing is; texels half outside a triangle are filled too, unless
        another covers them, so that bilinear look-ups at its border find it.
    """
    for border in (1, 0):
        for k in range(triangles.shape[0]):
            a, b, c = triangles[k, 0], triangles[k, 1], triangles[k, 2]
            ax, ay, bx, by, cx, cy = pixel[a, 0], pixel[a, 1], pixel[b, 0], pixel[b, 1], pixel[c, 0], pixel[c, 1]
            area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
            if abs(area) < 1e-9:
                continue
            slack = border * 1.2
            for row in range(
                max(0, int(min(ay, by, cy) - slack)), min(size_px - 1, int(max(ay, by, cy) + slack) + 1) + 1
            ):
                for column in range(
                    max(0, int(min(ax, bx, cx) - slack)), min(size_px - 1, int(max(ax, bx, cx) + slack) + 1) + 1
                ):
                    wb = ((column - ax) * (cy - ay) - (row - ay) * (cx - ax)) / area
                    wc = ((bx - ax) * (row - ay) - (by - ay) * (column - ax)) / area
                    wa = 1.0 - wb - wc
                    if border == 1:
                        wa, wb, wc = max(wa, 0.0), max(wb, 0.0), max(wc, 0.0)
                        total = wa + wb + wc
                        wa, wb, wc = wa / total, wb / total, wc / total
                        dx = wa * ax + wb * bx + wc * cx - column
                        dy = wa * ay + wb * by + wc * cy - row
                        if dx * dx + dy * dy > slack * slack:
                            continue
                    elif wa < 0.0 or wb < 0.0 or wc < 0.0:
                        continue
                    for j in range(attributes.shape[1]):
                        field[row * size_px + column, j] = (
                            wa * attributes[a, j] + wb * attributes[b, j] + wc * attributes[c, j]
                        )


SKY_DIRECTIONS = 64
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
    numbers = np.empty((SKY_PX, SKY_PX), np.int64)
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
        _mark_nearest(*(each.astype(np.float32) for each in (x, y, depth)), triangles, nearest, numbers)
        rows = np.clip(np.round(y).astype(int), 0, SKY_PX - 1)
        columns = np.clip(np.round(x).astype(int), 0, SKY_PX - 1)
        facing = np.maximum(normals @ towards, 0.0)
        seen += facing * (depth <= nearest[rows, columns] + SKY_BIAS_DM)
        total += facing
    return seen / np.maximum(total, 1e-6)
