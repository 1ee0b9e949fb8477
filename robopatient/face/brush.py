"""Noise, soft spots and tints over a cloud of places: what skin, hair and gown are painted with.

Kernels are compiled by numba on first use; in numpy the same paint takes four times as long.
"""

from __future__ import annotations

import numpy as np

from robopatient.errors import require

__all__ = ["blend", "noise", "spot", "tint"]

_numba = require("numba", "face")

LATTICE = 32
"""Random values along a side before the noise repeats; a power of 2."""


def noise(position: np.ndarray, cycles_per_dm: float, seed: int) -> np.ndarray:
    """Smooth noise in space, about -1 to 1, the same for the same seed; shape (points,) float32."""
    found = np.empty(len(position), np.float32)
    lattice = np.random.default_rng(seed).uniform(-1.0, 1.0, (LATTICE, LATTICE, LATTICE)).astype(np.float32)
    _sample_lattice(np.ascontiguousarray(position, np.float32), np.float32(cycles_per_dm), lattice, found)
    return found


def spot(position: np.ndarray, centre: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """Gaussian spot on the face, mirrored, 0-1, shape (points,) float32.

    Parameters
    ----------
    centre, radii
        In the template's frontal plane, dm.
    """
    found = np.zeros(len(position), np.float32)
    _spot(position, np.array(centre, np.float32), 1.0 / np.array(radii, np.float32), found)
    return found


def blend(colour: np.ndarray, share: np.ndarray, other: np.ndarray) -> None:
    """Mix ``other``, one colour or one a place, into colours (points, 3), in place, by ``share`` (points,), 0-1."""
    others = np.broadcast_to(np.asarray(other, np.float32), colour.shape)
    _blend(colour, np.ascontiguousarray(share, np.float32), others)


def tint(colour: np.ndarray, share: np.ndarray, factor: tuple[float, float, float]) -> None:
    """Multiply colours (points, 3) by ``factor``, in place, as far as ``share`` (points,) says, 0-1."""
    _tint(colour, np.ascontiguousarray(share, np.float32), 1.0 - np.array(factor, np.float32))


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _sample_lattice(position, scale, lattice, found):  # type: ignore[no-untyped-def]
    """Trilinear look-up, repeating after LATTICE cells."""
    last = LATTICE - 1
    one, two, three = np.float32(1.0), np.float32(2.0), np.float32(3.0)
    for k in range(position.shape[0]):
        x, y, z = position[k, 0] * scale, position[k, 1] * scale, position[k, 2] * scale
        fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
        i, j, m = int(fx) & last, int(fy) & last, int(fz) & last
        right, above, before = (i + 1) & last, (j + 1) & last, (m + 1) & last
        fx, fy, fz = x - fx, y - fy, z - fz
        fx, fy, fz = fx * fx * (three - two * fx), fy * fy * (three - two * fy), fz * fz * (three - two * fz)
        low = (lattice[i, j, m] * (one - fx) + lattice[right, j, m] * fx) * (one - fy)
        low += (lattice[i, above, m] * (one - fx) + lattice[right, above, m] * fx) * fy
        high = (lattice[i, j, before] * (one - fx) + lattice[right, j, before] * fx) * (one - fy)
        high += (lattice[i, above, before] * (one - fx) + lattice[right, above, before] * fx) * fy
        found[k] = low * (one - fz) + high * fz


FAR = 12.0
"""Squared distance, in radii, beyond which a spot is nothing."""
FRONT_DM = 0.5
"""Template depth behind which no spot is painted: the back of the head."""


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _spot(position, centre, per_radius, found):  # type: ignore[no-untyped-def]
    for k in range(position.shape[0]):
        x = (abs(position[k, 0]) - centre[0]) * per_radius[0]
        y = (position[k, 1] - centre[1]) * per_radius[1]
        far = x * x + y * y
        if far < FAR and position[k, 2] > FRONT_DM:
            found[k] = np.exp(-far)


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _blend(colour, share, other):  # type: ignore[no-untyped-def]
    for k in range(colour.shape[0]):
        if share[k] > 0.0:
            for n in range(3):
                colour[k, n] += share[k] * (other[k, n] - colour[k, n])


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _tint(colour, share, lost):  # type: ignore[no-untyped-def]
    for k in range(colour.shape[0]):
        s = min(max(share[k], np.float32(0.0)), np.float32(1.0))
        for n in range(3):
            colour[k, n] *= np.float32(1.0) - s * lost[n]
