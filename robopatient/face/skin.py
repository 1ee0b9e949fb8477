"""The skin, painted once per identity: albedo, occlusion, pores, lines of age, and two layers of wrinkles waiting for AUs.

Everything is computed in the space of the template head, so every identity folds and blushes in the same places. Three
textures leave here; the renderers only look them up (noise per fragment would cost ten times as much on a CPU).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from robopatient.face.head import vertex_normals
from robopatient.face.identity import Identity
from robopatient.face.light import encode, linear
from robopatient.face.mesh import HeadTemplate, Part, load_mask
from robopatient.face.paint import brow_canvas, iris_texture
from robopatient.face.wrinkles import GROUPS, distance_to_line

__all__ = ["SLOPE_LIMIT", "SkinMaps", "bake_skin", "hair_coverage", "monk_colour"]

SIZE_PX = 1024

MONK_SRGB = np.array(
    [
        [246, 237, 228], [243, 231, 219], [247, 234, 208], [234, 218, 186], [215, 189, 150],
        [160, 126, 86], [130, 92, 67], [96, 65, 52], [58, 49, 42], [41, 36, 32],
    ],
    np.float32,
) / 255.0  # fmt: skip
"""Swatches of the Monk Skin Tone scale (Monk 2023, skintone.google)."""


class SkinMaps(NamedTuple):
    """Textures of one identity, uint8, row 0 at v = 0.

    Attributes
    ----------
    albedo
        (size, size, 4): sRGB colour; alpha is gloss (0 matte, 1 wet).
    layers
        (size, size, 4): slopes of wrinkle layer 0 (two channels) and layer 1.
    detail
        (size, size, 4): slopes of the lines at rest and pores; crease shade of layers 0 and 1.
    iris
        (256, 256, 3): eyeball seen from the front, sRGB; the cornea's axis in the middle.
    """

    albedo: np.ndarray
    layers: np.ndarray
    detail: np.ndarray
    iris: np.ndarray


SLOPE_LIMIT = 1.6
"""Largest slope stored: dm of height per dm."""


def bake_skin(identity: Identity, template: HeadTemplate) -> SkinMaps:
    """Paint the textures of an identity (about two seconds)."""
    texels = _texels(template)
    seed = int(identity.digest()[:8], 16)
    colour, gloss = _albedo(identity, texels, seed)
    slopes, creases = [], []
    for layer in (0, 1):
        names = [name for name, group in GROUPS.items() if group.layer == layer]
        height = _wrinkle_height(texels, {name: 1.0 for name in names})
        slopes.append(_slope(texels, height))
        creases.append(np.clip(-height.at / DEPTH_DM, 0.0, 1.0))
    age = float(np.clip((identity.skin.wrinkle_age_years - 25.0) / 55.0, 0.0, 1.2))
    rest = _wrinkle_height(texels, {name: age * group.age for name, group in GROUPS.items()})
    detail = _slope(texels, rest) + _pores(texels, identity, seed)
    colour *= (1.0 - 0.35 * np.clip(-rest.at / DEPTH_DM, 0.0, 1.0))[:, None]

    return SkinMaps(
        albedo=_image(texels, np.concatenate([encode(colour) * 255.0, gloss[:, None] * 255.0], axis=1)),
        layers=_image(texels, np.concatenate([_slope_bytes(slopes[0]), _slope_bytes(slopes[1])], axis=1)),
        detail=_image(texels, np.concatenate([_slope_bytes(detail), np.stack(creases, axis=1) * 255.0], axis=1)),
        iris=iris_texture(identity, seed),
    )


def _slope_bytes(slope: np.ndarray) -> np.ndarray:
    return np.clip(slope / SLOPE_LIMIT * 127.5 + 127.5, 0, 255)


class _Texels(NamedTuple):
    """Texels covered by skin: flat index, template position and normal (dm), masks of the wheel."""

    index: np.ndarray
    position: np.ndarray
    normal: np.ndarray
    tangent: np.ndarray
    upward: np.ndarray
    lips: np.ndarray
    ears: np.ndarray


class _Height(NamedTuple):
    """A height field (dm) at the texels, and one step along each tangent."""

    at: np.ndarray
    beside: np.ndarray
    above: np.ndarray


STEP_DM = 0.004
DEPTH_DM = 0.012
"""Depth of a full fold: 1.2 mm."""


def _texels(template: HeadTemplate) -> _Texels:
    """Template position of every texel, by walking the triangles in texture space."""
    triangles = template.draw_triangles[template.triangle_part == Part.SKIN]
    normals = vertex_normals(template.template_dm, template.triangles[template.triangle_part == Part.SKIN])
    values = np.concatenate(
        [template.template_dm[template.draw_point], normals[template.draw_point], template.mask_uv], axis=1
    )
    field = np.zeros((SIZE_PX * SIZE_PX, values.shape[1]), np.float32)
    done = np.zeros(SIZE_PX * SIZE_PX, bool)
    pixel = template.draw_uv * SIZE_PX - 0.5
    for a, b, c in triangles:
        pa, pb, pc = pixel[a], pixel[b], pixel[c]
        x0, y0 = np.floor(np.minimum(np.minimum(pa, pb), pc) - 0.5).astype(int)
        x1, y1 = np.ceil(np.maximum(np.maximum(pa, pb), pc) + 0.5).astype(int)
        xs, ys = np.meshgrid(
            np.arange(max(x0, 0), min(x1, SIZE_PX - 1) + 1), np.arange(max(y0, 0), min(y1, SIZE_PX - 1) + 1)
        )
        area = (pb[0] - pa[0]) * (pc[1] - pa[1]) - (pb[1] - pa[1]) * (pc[0] - pa[0])
        if abs(area) < 1e-9:
            continue
        wb = ((xs - pa[0]) * (pc[1] - pa[1]) - (ys - pa[1]) * (pc[0] - pa[0])) / area
        wc = ((pb[0] - pa[0]) * (ys - pa[1]) - (pb[1] - pa[1]) * (xs - pa[0])) / area
        wa = 1.0 - wb - wc
        slack = -0.75 / np.sqrt(abs(area))  # half a texel over the edge, so that bilinear look-ups find skin
        inside = (wa >= slack) & (wb >= slack) & (wc >= slack)
        place = (ys * SIZE_PX + xs)[inside]
        fresh = ~done[place] | ((wa >= 0) & (wb >= 0) & (wc >= 0))[inside]
        place = place[fresh]
        weights = np.stack([wa[inside], wb[inside], wc[inside]], axis=1)[fresh].astype(np.float32)
        field[place] = weights @ values[[a, b, c]]
        done[place] = True
    index = np.flatnonzero(done)
    position, normal, mask_uv = field[index, :3], field[index, 3:6], field[index, 6:8]
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    tangent, upward = tangents(normal)
    lips, ears = (_sample_mask(load_mask(name), mask_uv) for name in ("lips", "ears"))
    return _Texels(index, position, normal, tangent, upward, lips, ears)


def tangents(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Horizontal and upward tangent of unit normals: the frame that slopes are stored in (the shader's too)."""
    tangent = np.stack([normal[:, 2], np.zeros(len(normal), np.float32), -normal[:, 0]], axis=1)
    tangent /= np.sqrt((tangent * tangent).sum(axis=1, keepdims=True)) + 1e-4
    return tangent, np.cross(normal, tangent)


def _sample_mask(mask: np.ndarray, uv: np.ndarray) -> np.ndarray:
    rows, columns = mask.shape
    places = [(1.0 - uv[:, 1]) * rows - 0.5, uv[:, 0] * columns - 0.5]
    return ndimage.map_coordinates(mask, places, order=1, mode="nearest")


def _image(texels: _Texels, values: np.ndarray) -> np.ndarray:
    """Texels as an image; texels off the skin take the nearest skin's value, so that mip levels do not bleed."""
    channels = values.shape[1]
    image = np.zeros((SIZE_PX * SIZE_PX, channels), np.uint8)
    image[texels.index] = np.clip(np.round(values), 0, 255).astype(np.uint8)
    covered = np.zeros(SIZE_PX * SIZE_PX, bool)
    covered[texels.index] = True
    nearest = ndimage.distance_transform_edt(
        ~covered.reshape(SIZE_PX, SIZE_PX), return_distances=False, return_indices=True
    )
    return np.ascontiguousarray(image.reshape(SIZE_PX, SIZE_PX, channels)[nearest[0], nearest[1]])


def noise(position: np.ndarray, cycles_per_dm: float, seed: int) -> np.ndarray:
    """Smooth noise in space, about -1 to 1, the same for the same seed."""
    rng = np.random.default_rng(seed)
    lattice = rng.uniform(-1.0, 1.0, (32, 32, 32)).astype(np.float32)
    shift = rng.uniform(0, 32, 3).astype(np.float32)
    places = (position * np.float32(cycles_per_dm) + shift).T
    return ndimage.map_coordinates(lattice, places, order=1, mode="grid-wrap")


def monk_colour(tone: float) -> np.ndarray:
    """Linear albedo of a Monk tone, 1 to 10; swatches are warmed a little, because they leave out the blood."""
    swatches = linear(MONK_SRGB)
    place = np.clip(tone, 1.0, 10.0) - 1.0
    low = min(int(place), 8)
    colour = swatches[low] + (place - low) * (swatches[low + 1] - swatches[low])
    return colour * np.array([0.90, 0.76, 0.68], np.float32)


def _bump(position: np.ndarray, centre: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """Gaussian spot on the face, mirrored; centre and radii in dm of the template's frontal plane."""
    x = (np.abs(position[:, 0]) - centre[0]) / radii[0]
    y = (position[:, 1] - centre[1]) / radii[1]
    return np.exp(-(x * x + y * y)) * (position[:, 2] > 0.5)


def _albedo(identity: Identity, texels: _Texels, seed: int) -> tuple[np.ndarray, np.ndarray]:
    skin, hair = identity.skin, identity.hair
    p = texels.position
    base = monk_colour(skin.monk_tone)
    lightness = float(base.mean()) / 0.5
    colour = np.repeat(base[None, :], len(p), axis=0).astype(np.float32)

    def tint(share: np.ndarray, factor: tuple[float, float, float]) -> None:
        colour[:] *= 1.0 - np.clip(share, 0.0, 1.0)[:, None] * (1.0 - np.array(factor, np.float32))

    broad, middle, fine = noise(p, 3.0, seed), noise(p, 9.0, seed + 1), noise(p, 30.0, seed + 2)
    colour *= (1.0 + 0.035 * broad + 0.03 * middle + 0.035 * fine)[:, None]
    tint(0.5 + 0.5 * noise(p, 14.0, seed + 3), (1.02, 0.965, 0.955))  # uneven blood

    blood = skin.redness * (
        0.9 * _bump(p, (0.40, 6.98), (0.20, 0.20))
        + 0.9 * _bump(p, (0.0, 6.95), (0.16, 0.13))
        + 0.35 * _bump(p, (0.0, 6.33), (0.16, 0.10))
        + 0.8 * texels.ears
    )
    tint(blood * (0.8 + 0.35 * middle), (0.97, 0.70, 0.66))
    tint(0.30 * _bump(p, (0.31, 7.18), (0.17, 0.07)), (0.86, 0.74, 0.76))  # under the eyes
    tint(0.35 * _bump(p, (0.33, 7.38), (0.19, 0.06)), (0.90, 0.76, 0.72))  # upper lids
    tint(0.35 * _bump(p, (0.175, 7.275), (0.035, 0.03)), (0.95, 0.62, 0.58))  # inner corners

    if skin.spots > 0.0:
        patches = np.clip((noise(p, 8.0, seed + 4) + 0.5 * noise(p, 22.0, seed + 5) - 0.72) * 5.0, 0.0, 1.0)
        tint(skin.spots * 0.55 * patches, (0.78, 0.66, 0.56))
        tint(skin.spots * 0.35 * np.clip(noise(p, 5.0, seed + 6), 0, 1), (0.93, 0.84, 0.80))
    if skin.freckles > 0.0:
        dots = np.clip((noise(p, 45.0, seed + 7) - 0.45) * 4.0, 0.0, 1.0)
        tint(skin.freckles * dots * _bump(p, (0.25, 7.05), (0.35, 0.30)), (0.80, 0.64, 0.52))

    if skin.stubble > 0.0:
        beard = _beard(p) * (1.0 - texels.lips)
        dots = 0.55 + 0.45 * np.clip(noise(p, 60.0, seed + 8) * 2.0, -1.0, 1.0)
        dark = np.array(hair.colour, np.float32) * (1 - hair.grey) + 0.55 * hair.grey
        share = (0.55 * skin.stubble * beard * dots)[:, None]
        colour[:] = colour * (1 - share) + share * linear(dark * 0.9)

    lip_tone = (0.98, 0.62, 0.60) if lightness > 0.5 else (0.98, 0.74, 0.72)
    lips = np.clip(texels.lips * 1.15, 0.0, 1.0)
    tint(lips * (0.45 + 0.55 * skin.lip_colour), lip_tone)
    tint(lips * 0.25 * (0.5 + 0.5 * noise(p * [3.0, 0.5, 1.0], 22.0, seed + 9)), (0.85, 0.78, 0.78))

    brows = brow_canvas(identity, seed)
    share = brows.sample(p, texels.normal)[:, None]
    colour[:] = colour * (1 - share) + share * linear(np.array(hair.brow_colour, np.float32))

    cover = np.clip(hair_coverage(identity, p, noise(p, 16.0, seed + 10)) * (1.0 - texels.ears), 0.0, 1.0)
    cover *= 0.75 + 0.25 * noise(p, 50.0, seed + 11)
    scalp = linear(np.array(hair.colour, np.float32) * (1 - hair.grey) + np.array([0.62, 0.61, 0.60]) * hair.grey)
    cover = np.clip(cover, 0.0, 0.92)[:, None]
    colour[:] = colour * (1 - cover) + cover * scalp * (0.75 + 0.25 * fine[:, None])

    gloss = 0.30 + 0.22 * _bump(p, (0.0, 7.75), (0.35, 0.25)) + 0.30 * _bump(p, (0.0, 7.05), (0.10, 0.25))
    gloss += 0.10 * _bump(p, (0.36, 7.08), (0.15, 0.12)) + 0.10 * fine
    gloss = np.where(lips > 0.3, 0.62, gloss) * (1.0 - 0.8 * cover[:, 0])
    return np.clip(colour, 0.003, 1.0), np.clip(gloss, 0.0, 1.0)


def _beard(p: np.ndarray) -> np.ndarray:
    """Where a beard grows: moustache, chin, jaw and the upper neck, 0-1."""
    x, y = np.abs(p[:, 0]), p[:, 1]
    upper = 6.80 + 0.55 * np.clip(x - 0.25, 0.0, 1.0)  # edge rises from the moustache to the side-burns
    below = np.clip((upper - y) / 0.10, 0.0, 1.0)
    above_neck = np.clip((y - 5.95) / 0.25, 0.0, 1.0)
    return below * above_neck * (p[:, 2] > 0.35)


FRONT_HAIRLINE_DM = ((0.0, 7.99), (0.25, 8.0), (0.50, 7.97), (0.72, 7.88), (0.90, 7.70), (1.05, 7.45), (1.2, 7.20),
                     (1.38, 7.16), (1.5, 7.36), (1.85, 7.36), (2.05, 7.0), (2.5, 6.72), (3.15, 6.6))  # fmt: skip
"""Lower edge of the hair: angle around the head (0 in front, rad) and template height (dm); after the facial thirds."""
BALD_TOP_DM = ((0.0, 6.0), (0.95, 6.0), (1.1, 7.62), (1.5, 7.75), (2.2, 7.85), (3.15, 7.9))
"""Upper edge of a horseshoe of hair."""


def hair_coverage(identity: Identity, position: np.ndarray, wobble: np.ndarray) -> np.ndarray:
    """How much of the skin hair covers at template positions, 0-1."""
    style = identity.hair.style
    if style == "none":
        return np.zeros(len(position), np.float32)
    angle = np.arctan2(np.abs(position[:, 0]), position[:, 2] - 0.55)
    edge = np.interp(angle, *np.array(FRONT_HAIRLINE_DM).T)
    if identity.sex > 0.5:
        edge += 0.05 * np.exp(-(((angle - 0.55) / 0.25) ** 2))  # receding temples
    soft = {"cropped": 0.05, "balding": 0.10}.get(style, 0.07)
    cover = np.clip((position[:, 1] - edge + 0.05 * wobble) / soft, 0.0, 1.0)
    if style == "balding":
        top = np.interp(angle, *np.array(BALD_TOP_DM).T)
        cover *= 0.12 + 0.88 * np.clip((top - position[:, 1] + 0.08 * wobble) / 0.16, 0.0, 1.0)
    return cover


def _wrinkle_height(texels: _Texels, depths: dict[str, float]) -> _Height:
    """Height of the named groups at full size times ``depths``, at the texels and one step along each tangent."""
    p = texels.position
    front = (p[:, 2] > 0.5) & (texels.normal[:, 2] > 0.05)
    fields = []
    for offset in (0.0, texels.tangent * STEP_DM, texels.upward * STEP_DM):
        moved = p + offset
        height = np.zeros(len(p), np.float32)
        for name, depth in depths.items():
            if depth <= 0.0:
                continue
            for line in GROUPS[name].lines:
                points = np.array(line.points_dm)
                low, high = points.min(axis=0) - 0.12, points.max(axis=0) + 0.12
                x, y = np.abs(moved[:, 0]), moved[:, 1]
                near = np.flatnonzero(front & (x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1]))
                distance, along = distance_to_line(x[near], y[near], line)
                taper = np.clip(np.sin(np.pi * np.clip(0.06 + 0.88 * along, 0.0, 1.0)), 0.0, 1.0) ** 0.8
                d = distance / line.width_dm
                profile = -np.exp(-d * d) + 0.38 * np.exp(-((d - 1.9) ** 2) / 1.2)
                height[near] += depth * line.depth * DEPTH_DM * taper * profile
        fields.append(height)
    return _Height(*fields)


def _slope(texels: _Texels, height: _Height) -> np.ndarray:
    """Gradient along the two tangents, dm per dm, shape (texels, 2)."""
    return np.stack([height.beside - height.at, height.above - height.at], axis=1) / STEP_DM


def _pores(texels: _Texels, identity: Identity, seed: int) -> np.ndarray:
    """Slopes of pores and fine lines: stronger in older skin; lips have furrows instead."""
    p = texels.position
    strength = 0.10 + 0.0012 * identity.skin.wrinkle_age_years
    slopes = np.stack([noise(p, 55.0, seed + 20), noise(p, 55.0, seed + 21)], axis=1)
    slopes += 0.6 * np.stack([noise(p, 24.0, seed + 22), noise(p, 24.0, seed + 23)], axis=1)
    slopes *= strength * (1.0 - 0.8 * texels.lips)[:, None]
    slopes[:, 0] += 0.28 * texels.lips * noise(p * [2.6, 0.35, 1.0], 26.0, seed + 24)
    return slopes
