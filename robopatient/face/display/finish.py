"""The last step before the window: mesh warp, soft edge, brightness and gamma, on the picture that the renderer drew.

The keystone is not here: it is in the renderer's clip matrix. Test patterns, which no renderer draws, take it here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from robopatient.errors import require
from robopatient.face.display.profile import DisplayProfile
from robopatient.face.keystone import apply

__all__ = ["Finish", "mesh_shift", "soft_edge"]

_numba: Any = require("numba", "face")

COARSE_PX = 8
"""The mesh is bent smoothly, so its inverse is searched at every so many pixels and interpolated."""
ROUNDS = 12
"""Of the search; each brings the place nearer by the mesh's slope, which is well below 1."""


class Finish:
    """One profile at one size of window.

    Parameters
    ----------
    width_px, height_px
        Of the pictures that will be given; their aspect is the window's.
    """

    def __init__(self, profile: DisplayProfile, width_px: int, height_px: int) -> None:
        self.width_px, self.height_px = width_px, height_px
        rows = profile.keystone(width_px / height_px)
        self._back = _rows(np.linalg.inv(np.array(rows)))
        self._forth = rows
        source = self._source(profile)
        self._map = _pixels(source, width_px, height_px) if profile.mesh else None
        places = apply(self._back, source)
        self._picture = places
        inside = (np.abs(places) <= 1.0).all(axis=-1)
        gain = np.round(soft_edge(places, profile.soft_edge) * inside * 256.0).astype(np.uint16)
        self._gain = None if gain.min() == 256 else gain
        levels = profile.brightness * (np.arange(256) / 255.0) ** (1.0 / profile.gamma)
        self._lut = np.clip(np.round(levels * 255.0), 0, 255).astype(np.uint8)
        self._plain = self._map is None and self._gain is None and bool((self._lut == np.arange(256)).all())

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """A window's picture, shape (height, width, 3) uint8, as it goes to the screen."""
        return pixels if self._plain else self._through(pixels, self._map, self._gain)

    def pattern(self, picture: np.ndarray, edge: bool = False) -> np.ndarray:
        """A square test picture, shape (size, size, 3), through keystone and all the rest.

        Parameters
        ----------
        edge
            Whether the soft edge is there too; it would hide the corners that are to be placed.
        """
        size = len(picture)
        return self._through(picture, _pixels(self._picture, size, size), self._gain if edge else None)

    def upright(self, pixels: np.ndarray, size_px: int) -> np.ndarray:
        """The square picture within a window's picture, neither warped nor mirrored: for the console."""
        axis = (np.arange(size_px) + 0.5) / size_px * 2.0 - 1.0
        places = apply(self._forth, np.stack(np.meshgrid(axis, -axis), axis=-1))
        column = np.clip((places[..., 0] + 1.0) * 0.5 * self.width_px, 0, self.width_px - 1).astype(np.intp)
        row = np.clip((1.0 - places[..., 1]) * 0.5 * self.height_px, 0, self.height_px - 1).astype(np.intp)
        return np.ascontiguousarray(pixels[row, column])

    def _source(self, profile: DisplayProfile) -> np.ndarray:
        """For every pixel the place in the renderer's picture that it shows, shape (height, width, 2)."""
        x = (np.arange(self.width_px) + 0.5) / self.width_px * 2.0 - 1.0
        y = 1.0 - (np.arange(self.height_px) + 0.5) / self.height_px * 2.0
        if not profile.mesh:
            return np.stack(np.meshgrid(x, y), axis=-1)
        counts = max(2, self.width_px // COARSE_PX), max(2, self.height_px // COARSE_PX)
        wanted = np.stack(np.meshgrid(np.linspace(-1, 1, counts[0]), np.linspace(1, -1, counts[1])), axis=-1)
        found = wanted.copy()
        for _ in range(ROUNDS):
            found = wanted - mesh_shift(profile.mesh, apply(self._back, found))
        at = [(1.0 - y) * 0.5 * (counts[1] - 1), (x + 1.0) * 0.5 * (counts[0] - 1)]
        grid = np.stack(np.meshgrid(*at, indexing="ij"))
        return np.stack([ndimage.map_coordinates(found[..., n], grid, order=1) for n in range(2)], axis=-1)

    def _through(self, pixels: np.ndarray, places: np.ndarray | None, gain: np.ndarray | None) -> np.ndarray:
        out = np.empty((self.height_px, self.width_px, 3), np.uint8)
        gain = np.full((1, 1), 256, np.uint16) if gain is None else gain
        if places is None:
            _level(np.ascontiguousarray(pixels), gain, self._lut, out)
        else:
            _look_up(np.ascontiguousarray(pixels), places, gain, self._lut, out)
        return out


def mesh_shift(mesh: tuple[tuple[tuple[float, float], ...], ...], places: np.ndarray) -> np.ndarray:
    """Smooth shift of a mesh at places of the picture, shape (..., 2); beyond the picture that of its edge."""
    shifts = np.array(mesh)
    rows, columns = shifts.shape[:2]
    at = [(1.0 - places[..., 1]) * 0.5 * (rows - 1), (places[..., 0] + 1.0) * 0.5 * (columns - 1)]
    order = min(3, rows - 1, columns - 1)
    return np.stack(
        [ndimage.map_coordinates(shifts[..., n], at, order=order, mode="nearest") for n in range(2)], axis=-1
    )


def soft_edge(places: np.ndarray, share: float) -> np.ndarray:
    """Brightness 0-1 that fades to black towards the ellipse in the picture, at places shape (..., 2).

    Parameters
    ----------
    share
        Width of the fade as a part of the half picture; 0 leaves everything bright.
    """
    if share <= 0.0:
        return np.ones(places.shape[:-1], np.float32)
    t = np.clip((1.0 - np.hypot(places[..., 0], places[..., 1])) / share, 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)


def _rows(matrix: np.ndarray) -> Any:
    return tuple(tuple(float(value) for value in row) for row in matrix)


def _pixels(places: np.ndarray, width: int, height: int) -> np.ndarray:
    """Row and column of places in a picture, shape (..., 2) float32."""
    row, column = (1.0 - places[..., 1]) * 0.5 * height - 0.5, (places[..., 0] + 1.0) * 0.5 * width - 0.5
    return np.ascontiguousarray(np.stack([row, column], axis=-1), np.float32)


@_numba.njit(cache=True, nogil=True)
def _level(pixels, gain, lut, out):  # type: ignore[no-untyped-def]
    """Gain (256 is 1) and look-up table, pixel by pixel."""
    everywhere = gain.shape[0] == 1
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            factor = gain[0, 0] if everywhere else gain[row, column]
            for n in range(3):
                out[row, column, n] = lut[(pixels[row, column, n] * factor) >> 8]


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _look_up(pixels, places, gain, lut, out):  # type: ignore[no-untyped-def]
    """The same of the picture bent: bilinear between its pixels, black beyond them."""
    rows, columns = pixels.shape[:2]
    everywhere = gain.shape[0] == 1
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            y, x = places[row, column, 0], places[row, column, 1]
            factor = gain[0, 0] if everywhere else gain[row, column]
            if factor == 0 or y < -0.5 or x < -0.5 or y > rows - 0.5 or x > columns - 0.5:
                for n in range(3):
                    out[row, column, n] = lut[0]
                continue
            y = min(max(y, np.float32(0.0)), np.float32(rows - 1.001))
            x = min(max(x, np.float32(0.0)), np.float32(columns - 1.001))
            i, j = int(y), int(x)
            fy, fx = y - i, x - j
            for n in range(3):
                low = pixels[i, j, n] * (1.0 - fx) + pixels[i, j + 1, n] * fx
                high = pixels[i + 1, j, n] * (1.0 - fx) + pixels[i + 1, j + 1, n] * fx
                value = low * (1.0 - fy) + high * fy + 0.5
                out[row, column, n] = lut[(int(value) * factor) >> 8]
