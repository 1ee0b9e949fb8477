"""The skin's texture space: which place of the template every texel shows, and how the skin folds there.

All of it belongs to the template, not to an identity, so it is computed once and cached.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from robopatient.errors import require
from robopatient.face.cache import Arrays, cached_arrays
from robopatient.face.geometry import vertex_normals
from robopatient.face.mesh import MOUTH_CHART, WHEEL_VERSION, HeadTemplate, Material, load_mask, load_template
from robopatient.face.raster import fill_texture
from robopatient.face.wrinkles import GROUPS, distance_to_line

__all__ = ["HALF_TEXTURES_PX", "SIZE_PX", "SLOPE_LIMIT", "Texels", "halve", "load_texels", "slope_bytes", "to_image"]

_numba = require("numba", "face")

SIZE_PX = 1024
CACHE_VERSION = 4

SLOPE_LIMIT = 1.6
"""Largest slope stored in a texture: dm of height per dm."""
HALF_TEXTURES_PX = 640
"""Pictures up to this size are drawn with the textures at half their size: still a texel to a pixel of the face."""
STEP_DM = 0.004
FOLD_DEPTH_DM = 0.012
"""Depth of a full fold: 1.2 mm (assumption)."""


class Texels(NamedTuple):
    """Texels covered by skin, one row each.

    Attributes
    ----------
    place
        Flat index into the (1024, 1024) texture.
    position, normal
        On the template, dm.
    lips, ears, mouth
        Masks 0-1; ``mouth`` is the inside of the mouth.
    layer_slopes
        Slopes of wrinkle layers 0 and 1 at full depth, along the horizontal and the upward tangent: (texels, 4).
    creases
        Depth of the folds of layers 0 and 1, 0-1: (texels, 2).
    age_slopes, age_crease
        The same for the lines at rest of a face of 80 years.
    """

    place: np.ndarray
    position: np.ndarray
    normal: np.ndarray
    lips: np.ndarray
    ears: np.ndarray
    mouth: np.ndarray
    layer_slopes: np.ndarray
    creases: np.ndarray
    age_slopes: np.ndarray
    age_crease: np.ndarray


@lru_cache(maxsize=1)
def load_texels() -> Texels:
    """Texels of the head template."""
    arrays = cached_arrays(f"texels-{WHEEL_VERSION}-v{CACHE_VERSION}", lambda: _build(load_template()))
    if set(arrays) != set(Texels._fields):
        arrays = _build(load_template())
    return Texels(**arrays)


def slope_bytes(slope: np.ndarray) -> np.ndarray:
    """Slopes as texture values before rounding, 127.5 for level; what is beyond 0-255 is held there."""
    return slope * (127.5 / SLOPE_LIMIT) + 127.5


def to_image(texels: Texels, values: np.ndarray) -> np.ndarray:
    """Rows of 0-255 as an image; texels off the skin take the nearest skin's value, so that no edge bleeds in."""
    image = np.empty((SIZE_PX * SIZE_PX, values.shape[1]), np.uint8)
    _spread(np.ascontiguousarray(values, np.float32), _nearest_row(len(texels.place)), image)
    return image.reshape(SIZE_PX, SIZE_PX, values.shape[1])


@_numba.njit(cache=True, nogil=True)
def _spread(values, row, image):  # type: ignore[no-untyped-def]
    """Rounded rows of ``values`` to every place of the image that they are nearest to."""
    for k in range(image.shape[0]):
        for n in range(image.shape[1]):
            image[k, n] = np.uint8(min(max(values[row[k], n] + np.float32(0.5), np.float32(0.0)), np.float32(255.0)))


def halve(image: np.ndarray, times: int) -> np.ndarray:
    """Texture averaged down by 2 per time, shape (rows, columns, channels) uint8."""
    for _ in range(times):
        wide = image.astype(np.uint16)
        pairs = wide[::2] + wide[1::2]
        image = ((pairs[:, ::2] + pairs[:, 1::2] + 2) >> 2).astype(np.uint8)
    return np.ascontiguousarray(image)


@lru_cache(maxsize=1)
def _nearest_row(count: int) -> np.ndarray:
    """For every place of the texture the row of the nearest of ``count`` texels, shape (SIZE_PX * SIZE_PX,)."""
    row_of = np.full(SIZE_PX * SIZE_PX, -1, np.int32)
    row_of[load_texels().place] = np.arange(count, dtype=np.int32)
    bare = (row_of < 0).reshape(SIZE_PX, SIZE_PX)
    row, column = ndimage.distance_transform_edt(bare, return_distances=False, return_indices=True)
    nearest: np.ndarray = row_of[(row * SIZE_PX + column).ravel()]
    return nearest


def _build(template: HeadTemplate) -> Arrays:
    skin = template.triangle_part == Material.SKIN
    normals = vertex_normals(template.template_dm, template.triangles[skin])
    attributes = np.concatenate(
        [template.template_dm[template.draw_point], normals[template.draw_point], template.mask_uv], axis=1
    ).astype(np.float32)
    field = np.full((SIZE_PX * SIZE_PX, attributes.shape[1]), np.nan, np.float32)
    pixel = (template.draw_uv * SIZE_PX - 0.5).astype(np.float32)
    fill_texture(pixel, template.draw_triangles[skin], attributes, field, SIZE_PX)
    index = np.flatnonzero(np.isfinite(field[:, 0]))
    position, normal, mask_uv = field[index, :3], field[index, 3:6], field[index, 6:8]
    normal = normal / (np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9)
    u, v = mask_uv.T
    mouth = (u > MOUTH_CHART[0]) & (u < MOUTH_CHART[2]) & (v > MOUTH_CHART[1]) & (v < MOUTH_CHART[3])

    folds = _Folds(position, normal)
    layers = [folds.height({n: 1.0 for n, group in GROUPS.items() if group.layer == layer}) for layer in (0, 1)]
    age = folds.height({name: group.age for name, group in GROUPS.items()})
    return {
        "place": index,
        "position": position,
        "normal": normal,
        "lips": _sample_mask(load_mask("lips"), mask_uv),
        "ears": _sample_mask(load_mask("ears"), mask_uv),
        "mouth": mouth,
        "layer_slopes": np.concatenate([_slope(height) for height in layers], axis=1).astype(np.float16),
        "creases": np.stack([_crease(height) for height in layers], axis=1).astype(np.float16),
        "age_slopes": _slope(age).astype(np.float16),
        "age_crease": _crease(age).astype(np.float16),
    }


class _Height(NamedTuple):
    """A height field (dm) at the texels, and one step along each tangent."""

    at: np.ndarray
    beside: np.ndarray
    above: np.ndarray


class _Folds:
    """Height of wrinkle groups over the texels."""

    def __init__(self, position: np.ndarray, normal: np.ndarray) -> None:
        tangent, upward = _tangents(normal)
        self._places = [position, position + STEP_DM * tangent, position + STEP_DM * upward]
        self._front = (position[:, 2] > 0.5) & (normal[:, 2] > 0.05)

    def height(self, depths: dict[str, float]) -> _Height:
        """Groups at the given depths, each 0-1."""
        return _Height(*(self._sum(place, depths) for place in self._places))

    def _sum(self, place: np.ndarray, depths: dict[str, float]) -> np.ndarray:
        height = np.zeros(len(place), np.float32)
        x, y = np.abs(place[:, 0]), place[:, 1]
        for name, depth in depths.items():
            for line in GROUPS[name].lines:
                points = np.array(line.points_dm)
                low, high = points.min(axis=0) - 0.12, points.max(axis=0) + 0.12
                near = np.flatnonzero(self._front & (x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1]))
                distance, along = distance_to_line(x[near], y[near], line)
                taper = np.sin(np.pi * (0.06 + 0.88 * along)) ** 0.8
                d = distance / line.width_dm
                # a groove between two soft ridges
                profile = -np.exp(-d * d) + 0.30 * np.exp(-((d - 1.9) ** 2) / 1.4)
                height[near] += depth * line.depth * FOLD_DEPTH_DM * taper * profile
        return height


def _slope(height: _Height) -> np.ndarray:
    """Gradient along the two tangents, dm per dm, shape (texels, 2)."""
    return np.stack([height.beside - height.at, height.above - height.at], axis=1) / STEP_DM


def _crease(height: _Height) -> np.ndarray:
    shade: np.ndarray = np.clip(-height.at / FOLD_DEPTH_DM, 0.0, 1.0)
    return shade


def _tangents(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Horizontal and upward tangent of unit normals: the frame that slopes are stored in, and the shader's."""
    tangent = np.stack([normal[:, 2], np.zeros(len(normal), np.float32), -normal[:, 0]], axis=1)
    tangent /= np.sqrt((tangent * tangent).sum(axis=1, keepdims=True)) + 1e-4
    return tangent, np.cross(normal, tangent)


def _sample_mask(mask: np.ndarray, uv: np.ndarray) -> np.ndarray:
    rows, columns = mask.shape
    places = [(1.0 - uv[:, 1]) * rows - 0.5, uv[:, 0] * columns - 0.5]
    found: np.ndarray = ndimage.map_coordinates(mask, places, order=1, mode="nearest")
    return found
