"""The rasteriser's kernels: nearest triangles, and the arithmetic of the shaders per visible pixel, in numba.

Every kernel here says which shader it repeats; both must be changed together.
"""

from __future__ import annotations

import numpy as np

from robopatient.errors import require
from robopatient.face.material import HEM_DM, STREAKS
from robopatient.face.texels import SLOPE_LIMIT

__all__ = [
    "ATTRIBUTES", "EYE", "GOWN", "HAIR", "NO_BODY", "PLACE", "SKIN", "TEETH_PART", "TONGUE_PART", "blend_lashes",
    "depth_resolve", "light_skin", "resolve", "shade",
]  # fmt: skip

_numba = require("numba", "face")

ATTRIBUTES = 16
"""Floats per vertex. Skin: what ``shaders/skin.vert`` hands on (key, fill, shine, texel). Eyes: direction on the ball,
lids, place. Teeth and tongue: normal, texture place, open sky, place. Gown and hair: lit colour, highlight, mark,
density."""
PLACE = 8
"""First column of the place of eyes, teeth and tongue."""
NO_BODY = np.zeros((1, 1, 4), np.uint8)
"""In place of the body map while nothing of it shows."""
GOWN, HAIR, SKIN, EYE, TEETH_PART, TONGUE_PART = range(6)


def depth_resolve(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, triangles: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """Number of the nearest of one-sided triangles at every pixel, -1 for none, and weights of two corners.

    Parameters
    ----------
    x, y, z
        Columns, rows and depth of all vertices, float32.

    Returns
    -------
    tuple
        Shapes (height, width) int32 and (height, width, 2) float32.
    """
    depth = np.full((height, width), np.inf, np.float32)
    number = np.full((height, width), -1, np.int32)
    weights = np.empty((height, width, 2), np.float32)
    material, nothing = np.full(len(triangles), SKIN, np.int8), np.zeros((0, ATTRIBUTES), np.float32)
    resolve(x, y, z, triangles, material, nothing, 1.0, depth, number, weights)
    return number, weights


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _thin(wa, wb, wc, a, b, c):  # type: ignore[no-untyped-def]
    """shaders/hair.frag: whether the strand at this place of thin hair is left out."""
    density = wa * a[7] + wb * b[7] + wc * c[7]
    if density >= 1.0:
        return False
    across = wa * a[6] + wb * b[6] + wc * c[6]
    strand, lock = across * 4.0, across * 1.7
    return density < 1.5 * abs(strand - np.floor(strand) - 0.5) + 0.5 * abs(lock - np.floor(lock) - 0.5)


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _area(x, y, a, b, c):  # type: ignore[no-untyped-def]
    """Twice the area of a triangle, signed: rows count down."""
    return (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a])


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _box(x, y, a, b, c, rows, columns):  # type: ignore[no-untyped-def]
    """First row and column of a triangle's pixels, and those after the last."""
    top, left = max(0, int(np.ceil(min(y[a], y[b], y[c])))), max(0, int(np.ceil(min(x[a], x[b], x[c]))))
    return top, left, min(rows, int(max(y[a], y[b], y[c])) + 1), min(columns, int(max(x[a], x[b], x[c])) + 1)


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _weights(x, y, a, b, c, inverse, row, column):  # type: ignore[no-untyped-def]
    """Weights of the corners at a pixel, ``inverse`` being one over ``_area``; one is negative outside."""
    wb = ((column - x[a]) * (y[c] - y[a]) - (row - y[a]) * (x[c] - x[a])) * inverse
    wc = ((x[b] - x[a]) * (row - y[a]) - (y[b] - y[a]) * (column - x[a])) * inverse
    return 1.0 - wb - wc, wb, wc


@_numba.njit(cache=True, fastmath=True, nogil=True)
def resolve(x, y, z, triangles, material, attributes, hand, depth, number, weights):  # type: ignore[no-untyped-def]
    """Nearest triangle of every pixel and its screen weights of the second and third corner; hand -1 is a mirror's."""
    rows, columns = depth.shape
    for k in range(triangles.shape[0]):
        a, b, c = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        area = _area(x, y, a, b, c)
        kind = material[k]
        if area == 0.0 or (area * hand > 0.0 and (kind in (SKIN, EYE))):  # seen from behind (rows count down)
            continue
        inverse = 1.0 / area
        top, left, below, right = _box(x, y, a, b, c, rows, columns)
        for row in range(top, below):
            for column in range(left, right):
                wa, wb, wc = _weights(x, y, a, b, c, inverse, row, column)
                if wa < 0.0 or wb < 0.0 or wc < 0.0:
                    continue
                d = wa * z[a] + wb * z[b] + wc * z[c]
                if d >= depth[row, column]:
                    continue
                if kind == HAIR and _thin(wa, wb, wc, attributes[a], attributes[b], attributes[c]):
                    continue
                depth[row, column] = d
                number[row, column] = k
                weights[row, column, 0] = wb
                weights[row, column, 1] = wc


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _look_up(image, u, v, channels, found):  # type: ignore[no-untyped-def]
    """Bilinear texture look-up, 0-1, into ``found``."""
    rows, columns = image.shape[0], image.shape[1]
    px = min(max(u * columns - 0.5, 0.0), columns - 1.001)
    py = min(max(v * rows - 0.5, 0.0), rows - 1.001)
    i, j = int(px), int(py)
    fx, fy = px - i, py - j
    for n in range(channels):
        low = image[j, i, n] * (1.0 - fx) + image[j, i + 1, n] * fx
        high = image[j + 1, i, n] * (1.0 - fx) + image[j + 1, i + 1, n] * fx
        found[n] = (low * (1.0 - fy) + high * fy) * (1.0 / 255.0)


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _unit(x, y, z):  # type: ignore[no-untyped-def]
    inverse = 1.0 / np.sqrt(x * x + y * y + z * z + 1e-12)
    return x * inverse, y * inverse, z * inverse


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _step(low, high, value):  # type: ignore[no-untyped-def]
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@_numba.njit(cache=True, fastmath=True, nogil=True)
def shade(  # type: ignore[no-untyped-def]
    number, weights, inverse_w, triangles, material, attributes, albedo_map, layer_map, detail_map, iris_map,
    lights, plain, eye_rotation, gaze, picture, body, body_map,
):  # fmt: skip
    """Colour every covered pixel: the arithmetic of the fragment shaders."""
    rows, columns = number.shape
    value = np.empty(ATTRIBUTES, np.float32)
    albedo, layers, detail = np.empty(4, np.float32), np.empty(4, np.float32), np.empty(4, np.float32)
    colour, share = np.empty(3, np.float32), np.zeros(4, np.float32)
    living = body_map.shape[0] > 1
    for row in range(rows):
        for column in range(columns):
            k = number[row, column]
            if k < 0:
                continue
            a, b, c = triangles[k, 0], triangles[k, 1], triangles[k, 2]
            wb, wc = weights[row, column, 0] * inverse_w[b], weights[row, column, 1] * inverse_w[c]
            wa = (1.0 - weights[row, column, 0] - weights[row, column, 1]) * inverse_w[a]
            total = 1.0 / (wa + wb + wc)
            wa, wb, wc = wa * total, wb * total, wc * total
            for n in range(ATTRIBUTES):
                value[n] = wa * attributes[a, n] + wb * attributes[b, n] + wc * attributes[c, n]
            kind = material[k]
            if kind == SKIN:
                if living:
                    _look_up(body_map, value[12], value[13], 4, share)
                _skin(value, albedo_map, layer_map, detail_map, lights, albedo, layers, detail, body, share, colour)
            elif kind == EYE:
                _eye(value, iris_map, lights, eye_rotation, gaze, body[2], albedo, colour)
            elif kind in (GOWN, HAIR):
                shade = 1.0
                if kind == GOWN and value[6] < HEM_DM:
                    shade = 0.89
                if kind == HAIR:
                    second = value[6] * 2.618
                    shade -= STREAKS * (abs(value[6] - np.floor(value[6]) - 0.5) + abs(second - np.floor(second) - 0.5))
                for n in range(3):
                    colour[n] = (value[n] + value[3 + n]) * shade * shade
            else:
                _plain(value, plain[kind - TEETH_PART], lights, colour)
            for n in range(3):
                picture[row, column, n] = np.uint8(255.0 * np.sqrt(min(max(colour[n], 0.0), 1.0)) + 0.5)


@_numba.njit(cache=True, fastmath=True, nogil=True)
def light_skin(chosen, moving, lights, attributes):  # type: ignore[no-untyped-def]
    """shaders/skin.vert: dot products of the lights with the frame of every chosen vertex."""
    for m in range(chosen.shape[0]):
        k = chosen[m]
        nx, ny, nz = moving[k, 3], moving[k, 4], moving[k, 5]
        flat = 1.0 / np.sqrt(1e-4 + nx * nx + nz * nz)
        tx, tz = nz * flat, -nx * flat
        ux, uy, uz = ny * tz, nz * tx - nx * tz, -ny * tx  # normal x tangent
        ex, ey, ez = _unit(lights[6, 0] - moving[k, 0], lights[6, 1] - moving[k, 1], lights[6, 2] - moving[k, 2])
        hx, hy, hz = _unit(lights[0, 0] + ex, lights[0, 1] + ey, lights[0, 2] + ez)
        row = attributes[k]
        for lamp in range(2):
            x, y, z = lights[2 * lamp, 0], lights[2 * lamp, 1], lights[2 * lamp, 2]
            row[4 * lamp] = x * nx + y * ny + z * nz
            row[4 * lamp + 1] = x * tx + z * tz
            row[4 * lamp + 2] = x * ux + y * uy + z * uz
        row[8] = hx * nx + hy * ny + hz * nz
        row[9] = hx * tx + hz * tz
        row[10] = hx * ux + hy * uy + hz * uz
        edge = 1.0 - max(nx * ex + ny * ey + nz * ez, 0.0)
        row[7] = ny
        row[11] = 0.040 + 0.30 * edge**5
        row[14], row[15] = moving[k, 6], moving[k, 7]


SOFT = 0.645
"""Of shaders/skin.frag: the part of the slope that is left away in the softened normal."""


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _skin(  # type: ignore[no-untyped-def]
    value, albedo_map, layer_map, detail_map, lights, albedo, layers, detail, body, share, colour
):
    """shaders/skin.frag; ``share`` is 0 throughout when the body does nothing."""
    u, v, s0, s1 = value[12], value[13], value[14], value[15]
    _look_up(albedo_map, u, v, 4, albedo)
    _look_up(layer_map, u, v, 4, layers)
    _look_up(detail_map, u, v, 4, detail)
    wet = max(body[1] * share[1], body[2] * share[2])
    glitter = 1.0 + 2.2 * body[1] * share[1]
    gloss = min(albedo[3] + 0.9 * wet, 1.4)
    slope_x = SLOPE_LIMIT * ((detail[0] * 2 - 1) * glitter + s0 * (layers[0] * 2 - 1) + s1 * (layers[2] * 2 - 1))
    slope_y = SLOPE_LIMIT * ((detail[1] * 2 - 1) * glitter + s0 * (layers[1] * 2 - 1) + s1 * (layers[3] * 2 - 1))
    crease = s0 * detail[2] + s1 * detail[3]
    upright = 1.0 / np.sqrt(1.0 + slope_x * slope_x + slope_y * slope_y)
    soft_x, soft_y = (1.0 - SOFT) * upright * slope_x, (1.0 - SOFT) * upright * slope_y
    sky = value[3]
    sun = 0.45 + 0.55 * sky
    soft_key = value[0] - soft_x * value[1] - soft_y * value[2]
    hard_key = upright * (value[0] - slope_x * value[1] - slope_y * value[2])
    fill = sun * max((value[4] - soft_x * value[5] - soft_y * value[6] + 0.2) / 1.2, 0.0)
    up = 0.5 + 0.5 * upright * (value[7] - slope_y * (1.0 - 0.5 * value[7] * value[7]))
    off = max(1.0 - value[8] + soft_x * value[9] + soft_y * value[10], 0.0)
    tight = np.exp2(-(17.3 + 57.7 * gloss) * off * (1.0 + 0.5 * off))
    gleam = value[11] * (1.0 - 0.6 * crease) * (1.0 + 1.6 * wet)
    red = min(max(body[0], 0.0) * share[0] + 0.7 * body[2] * share[3], 1.0)
    pale = 0.75 * max(-body[0], 0.0) * share[0]
    own = (albedo[0] * albedo[0] * (1.0 + 0.03 * red), albedo[1] * albedo[1] * (1.0 - 0.33 * red),
           albedo[2] * albedo[2] * (1.0 - 0.34 * red))  # fmt: skip
    grey = 0.30 * own[0] + 0.55 * own[1] + 0.15 * own[2]
    bleed = sky * sky * (1.0 - sky)
    for n in range(3):
        wrap = (0.30, 0.12, 0.06)[n]
        fold = (0.30, 0.37, 0.39)[n]
        bounce = (1.0, 0.92, 0.90)[n]
        lit = lights[1, n] * sun * max(((soft_key if n == 0 else hard_key) + wrap) / (1.0 + wrap), 0.0)
        lit += lights[3, n] * fill
        lit += (lights[5, n] + (lights[4, n] - lights[5, n]) * up) * (bounce * bleed + sky)
        shine = sun * tight * (1.6 + 8.0 * gloss) * lights[1, n] + 0.7 * sky * lights[4, n]
        skin = own[n] + pale * (grey * (1.05, 1.03, 0.94)[n] + 0.03 - own[n])
        colour[n] = skin * (1.0 - 0.12 * wet) * (1.0 - fold * crease) * lit + shine * gleam


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _eye(value, iris_map, lights, eye_rotation, gaze, tears, painted, colour):  # type: ignore[no-untyped-def]
    """shaders/eye.frag."""
    bx, by, bz = _unit(value[0], value[1], value[2])
    _look_up(iris_map, bx * 0.5 + 0.5, by * 0.5 + 0.5, 3, painted)
    hx = gaze[0, 0] * bx + gaze[0, 1] * by + gaze[0, 2] * bz
    hy = gaze[1, 0] * bx + gaze[1, 1] * by + gaze[1, 2] * bz
    r = eye_rotation
    nx, ny, nz = (
        r[0, 0] * bx + r[0, 1] * by + r[0, 2] * bz,
        r[1, 0] * bx + r[1, 1] * by + r[1, 2] * bz,
        r[2, 0] * bx + r[2, 1] * by + r[2, 2] * bz,
    )
    arch = hx * hx / 0.85
    upper = value[3] + (-0.12 - value[3]) * arch
    lower = value[4] + (-0.12 - value[4]) * arch
    shade = 1.0 - 0.62 * _step(upper - 0.42, upper + 0.02, hy)
    shade *= 1.0 - 0.30 * (1.0 - _step(lower - 0.02, lower + 0.16, hy))
    shade *= 1.0 - 0.45 * _step(0.35, 0.95, abs(hx))
    key = max((nx * lights[0, 0] + ny * lights[0, 1] + nz * lights[0, 2] + 0.35) / 1.35, 0.0)
    fill = max((nx * lights[2, 0] + ny * lights[2, 1] + nz * lights[2, 2] + 0.35) / 1.35, 0.0)
    inside = 1.0 - _step(0.44, 0.56, np.sqrt(bx * bx + by * by))
    bulge = 0.55 * inside
    wx, wy, wz = nx + bulge * (nx - r[0, 2]), ny + bulge * (ny - r[1, 2]), nz + bulge * (nz - r[2, 2])
    ex, ey, ez = _unit(lights[6, 0] - value[8], lights[6, 1] - value[9], lights[6, 2] - value[10])
    kx, ky, kz = _unit(lights[0, 0] + ex, lights[0, 1] + ey, lights[0, 2] + ez)
    fx, fy, fz = _unit(lights[2, 0] + ex, lights[2, 1] + ey, lights[2, 2] + ez)
    wx, wy, wz = _unit(wx, wy, wz)
    window = _step(0.972, 0.988, wx * kx + wy * ky + wz * kz)
    second = _step(0.985, 0.996, wx * fx + wy * fy + wz * fz)
    glint = (0.75 * window + 0.18 * second) * (0.35 + 0.65 * inside) * (1.0 - _step(upper - 0.10, upper + 0.06, hy))
    brim = 0.06 * tears
    tear = (1.0 - _step(lower + 0.03 + brim, lower + 0.075 + brim, hy)) * _step(lower - 0.05, lower + 0.02, hy)
    tear *= 0.09 + 0.20 * tears
    seen = _step(0.04, 0.16, value[3] - value[4])
    sore = 0.8 * tears * _step(0.48, 0.60, np.sqrt(bx * bx + by * by))
    for n in range(3):
        lit = lights[1, n] * key + lights[3, n] * fill
        lit += lights[5, n] + (lights[4, n] - lights[5, n]) * (0.5 + 0.5 * ny)
        white = 1.0 - sore * (0.03, 0.30, 0.30)[n]
        shut = (0.030, 0.014, 0.012)[n]
        colour[n] = shut + seen * (painted[n] * painted[n] * white * lit * shade * 0.92 + glint + tear - shut)


@_numba.njit(cache=True, fastmath=True, nogil=True)
def _plain(value, tint, lights, colour):  # type: ignore[no-untyped-def]
    """shaders/plain.frag."""
    nx, ny, nz = _unit(value[0], value[1], value[2])
    if nz < 0.0:
        nx, ny, nz = -nx, -ny, -nz
    ex, ey, ez = _unit(lights[6, 0] - value[8], lights[6, 1] - value[9], lights[6, 2] - value[10])
    hx, hy, hz = _unit(lights[0, 0] + ex, lights[0, 1] + ey, lights[0, 2] + ez)
    key = max((nx * lights[0, 0] + ny * lights[0, 1] + nz * lights[0, 2] + 0.2) / 1.2, 0.0)
    fill = max((nx * lights[2, 0] + ny * lights[2, 1] + nz * lights[2, 2] + 0.2) / 1.2, 0.0)
    shine = tint[3] * max(nx * hx + ny * hy + nz * hz, 0.0) ** 40
    gap, covered = 1.0, 0.0
    if tint[4] > 0.0:
        between = 2.0 * abs(value[5] - np.round(value[5]))
        margin = 0.40 + 0.16 * _step(0.0, 0.8, between)
        covered = _step(margin - 0.03, margin + 0.03, value[6])
        notch = _step(0.0, 0.08, value[6]) + _step(0.0, 0.45, between)
        gap = (1.0 - tint[4] * (1.0 - _step(0.0, 0.6, between))) * min(0.35 + notch, 1.0)
        gap += covered * (1.0 - gap)
        shine *= 1.0 - covered
    for n in range(3):
        lit = lights[1, n] * key + lights[3, n] * fill
        lit += lights[5, n] + (lights[4, n] - lights[5, n]) * (0.5 + 0.5 * ny)
        own = tint[n] + covered * (tint[5 + n] - tint[n])
        colour[n] = (own * lit * gap + shine) * value[7]


@_numba.njit(cache=True, fastmath=True, nogil=True)
def blend_lashes(x, y, z, triangles, alpha, colour, depth, picture):  # type: ignore[no-untyped-def]
    """Lashes over what is there, in encoded colour as the GL blend does it."""
    rows, columns = depth.shape
    for k in range(triangles.shape[0]):
        a, b, c = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        area = _area(x, y, a, b, c)
        if area == 0.0:
            continue
        inverse = 1.0 / area
        top, left, below, right = _box(x, y, a, b, c, rows, columns)
        for row in range(top, below):
            for column in range(left, right):
                wa, wb, wc = _weights(x, y, a, b, c, inverse, row, column)
                if wa < 0.0 or wb < 0.0 or wc < 0.0:
                    continue
                d = wa * z[a] + wb * z[b] + wc * z[c]
                if d >= depth[row, column]:
                    continue
                depth[row, column] = d
                share = wa * alpha[a] + wb * alpha[b] + wc * alpha[c]
                for n in range(3):
                    mixed = picture[row, column, n] * (1.0 - share) + colour[n] * share
                    picture[row, column, n] = np.uint8(mixed + 0.5)
