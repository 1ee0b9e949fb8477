"""The face without OpenGL: visible triangles first, then the shaders' arithmetic once per visible pixel, in numba.

Draws the same scene as the GL renderer with the same formulas; edges and texture filtering differ by a pixel.
"""

from __future__ import annotations

import numpy as np

from robopatient.errors import require
from robopatient.face import light
from robopatient.face.bodies.head import OwnHead
from robopatient.face.body import body_map
from robopatient.face.carried import Carried
from robopatient.face.identity import Identity
from robopatient.face.material import GUM, HEM_DM, LASH, STREAKS, TEETH, TONGUE, TOOTH_GAP
from robopatient.face.mesh import Part
from robopatient.face.pose import FacePose
from robopatient.face.scene import Frame, load_scene
from robopatient.face.texels import HALF_TEXTURES_PX, SLOPE_LIMIT

__all__ = ["NumbaRenderer", "depth_resolve"]

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


class NumbaRenderer:
    """Z-buffer renderer on one CPU core.

    Raises
    ------
    AssetError
        When the head data is not installed.
    """

    kind = "numba"

    def __init__(self, identity: Identity | OwnHead, size_px: int, look: light.Look | None = None) -> None:
        self.look = look or light.Look()
        self._light = light.LIGHTS[self.look.light]
        self.size_px = size_px
        self.wear(identity)

    def wear(self, identity: Identity | OwnHead) -> None:
        """Draw another face from now on."""
        scene = self._scene = load_scene(identity)
        self._clip = light.clip_matrix(scene.eyes_dm, self.look)
        self._camera = light.camera_dm(scene.eyes_dm, self.look)
        self._iris = np.ascontiguousarray(scene.textures(0, self.look.light == "mask").iris)
        self.resize(self.size_px)

        head_count, gown_count = len(scene.uv), len(scene.gown.place)
        pieces = [
            (GOWN, scene.gown.triangles + head_count),
            (HAIR, scene.hair.triangles + head_count + gown_count),
            (SKIN, scene.parts[Part.SKIN]),
            (EYE, scene.parts[Part.EYE]),
            (TEETH_PART, scene.parts[Part.TEETH]),
            (TONGUE_PART, scene.parts[Part.TONGUE]),
        ]
        self._triangles = np.concatenate([triangles for _, triangles in pieces]).astype(np.int32)
        self._material = np.concatenate([np.full(len(t), kind, np.int8) for kind, t in pieces])
        self._count = head_count + gown_count + len(scene.hair.place)
        self._attributes = np.zeros((self._count, ATTRIBUTES), np.float32)
        self._skin_vertices = np.unique(scene.parts[Part.SKIN])
        self._plain_vertices = np.unique(np.concatenate([scene.parts[Part.TEETH], scene.parts[Part.TONGUE]]))
        self._attributes[self._skin_vertices, 3] = scene.open_sky[self._skin_vertices]
        self._attributes[self._skin_vertices, 12:14] = scene.uv[self._skin_vertices]
        self._attributes[self._plain_vertices, 5:7] = scene.uv[self._plain_vertices]
        self._attributes[self._plain_vertices, 7] = scene.open_sky[self._plain_vertices]
        self._attributes[head_count:, 6] = np.concatenate([scene.gown.mark, scene.hair.mark])
        self._attributes[head_count:, 7] = np.concatenate([scene.gown.density, scene.hair.density])
        self._place = np.zeros((self._count, 3), np.float32)
        self._lights = np.stack([*self._light, self._camera]).astype(np.float32)
        self._plain = np.array([[*TEETH, 0.25, TOOTH_GAP, *GUM], [*TONGUE, 0.15, 0.0, *TONGUE]], np.float32)
        self._lash_alpha = (
            scene.lashes[:, 1] * (1.0 - _smoothstep(0.0, 1.0, scene.lashes[:, 0]))
            * _smoothstep(-0.7, -0.1, scene.lashes[:, 0])
        ).astype(np.float32)  # fmt: skip

    def resize(self, size_px: int) -> None:
        """Draw pictures of another size from now on."""
        self.size_px = size_px
        self._background = light.background(size_px, self.look)
        self._outside = ~light.inside(light.picture_places(size_px, self.look)) if self.look.curtained else None
        self._halvings = 1 if size_px <= HALF_TEXTURES_PX else 0
        maps = self._scene.textures(self._halvings, self.look.light == "mask")
        self._maps = [maps.albedo, maps.layers, maps.detail]

    def draw(self, pose: FacePose) -> np.ndarray:
        """Picture of a pose, shape (size, width, 3) uint8, top row first; 4 channels on a transparent background."""
        scene = self._scene
        frame = scene.frame(pose)
        head_count, gown_count = len(scene.uv), len(scene.gown.place)
        self._place[:head_count] = frame.vertices[:, :3]
        attributes, plain, eyes = self._attributes, self._plain_vertices, scene.eye_vertices
        _light_skin(self._skin_vertices, frame.vertices, self._lights, attributes)
        attributes[plain, :3] = frame.vertices[plain, 3:6]
        attributes[plain, PLACE : PLACE + 3] = frame.vertices[plain, :3]
        attributes[eyes, :3] = scene.eye_local
        attributes[eyes, 3:5] = frame.eye_lids
        attributes[eyes, PLACE : PLACE + 3] = frame.vertices[eyes, :3]
        for carried, start in ((scene.gown, head_count), (scene.hair, head_count + gown_count)):
            end = start + len(carried.place)
            self._place[start:end], attributes[start:end, :6] = self._carry(carried, frame)

        x, y, z, inverse_w = self._project()
        shape = self._background.shape[:2]
        depth = np.full(shape, np.inf, np.float32)
        number = np.full(shape, -1, np.int32)
        weights = np.empty((*shape, 2), np.float32)
        hand = -1.0 if self.look.mirrored else 1.0
        _resolve(x, y, z, self._triangles, self._material, attributes, hand, depth, number, weights)
        picture = self._background.copy()
        _shade(
            number, weights, inverse_w, self._triangles, self._material, attributes, *self._maps, self._iris,
            self._lights, self._plain, frame.eye_rotation, frame.gaze, picture, np.array(pose.body, np.float32),
            body_map(self._halvings) if any(pose.body) else NO_BODY,
        )  # fmt: skip
        lash_light = float(self._light.ambient_sky.mean()) + 0.5 * float(self._light.key_colour.mean())
        lash = light.encode(np.array(LASH) * lash_light) * 255.0
        if self.look.channels == 4:
            picture[..., 3] = np.where(number >= 0, 255, 0)
        _blend(x, y, z, scene.parts[Part.LASH], self._lash_alpha, lash.astype(np.float32), depth, picture)
        if self._outside is not None:
            picture[self._outside] = 0
        return picture

    def close(self) -> None:
        """Nothing to give back."""

    def _project(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Columns, rows (pixel centres at whole numbers), depth and 1 / w of all vertices."""
        clip, place = self._clip, self._place
        moved = [clip[row, 0] * place[:, 0] + clip[row, 1] * place[:, 1] + clip[row, 2] * place[:, 2] + clip[row, 3]
                 for row in range(4)]  # fmt: skip
        inverse_w = 1.0 / moved[3]
        height, width = self._background.shape[:2]
        x = (moved[0] * inverse_w * 0.5 + 0.5) * width - 0.5
        y = (0.5 - moved[1] * inverse_w * 0.5) * height - 0.5
        return x, y, moved[2] * inverse_w, inverse_w

    def _carry(self, carried: Carried, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Posed places, and lit colour with highlight side by side: what the carried vertex shader does."""
        turn, pivot = frame.head_rotation, self._scene.head.head_joint
        follows = carried.follows[:, None]
        place = carried.place + follows * ((carried.place - pivot) @ turn.T + pivot - carried.place)
        place[:, 1] += frame.breath_lift_dm * (1.0 - carried.follows)
        place[:, 2] += frame.forward_dm * carried.follows
        normal = carried.normal + follows * (carried.normal @ turn.T - carried.normal)
        eye = self._camera - place
        eye /= np.sqrt((eye * eye).sum(axis=1, keepdims=True))
        normal *= np.where((normal * eye).sum(axis=1, keepdims=True) < 0.0, -1.0, 1.0)
        normal /= np.sqrt((normal * normal).sum(axis=1, keepdims=True)) + 1e-9
        lamp = self._light
        to_key = (normal @ lamp.key_direction)[:, None]
        lit = lamp.key_colour * np.maximum((to_key + 0.25) / 1.25, 0.0)
        lit = lit + lamp.fill_colour * np.maximum(((normal @ lamp.fill_direction)[:, None] + 0.25) / 1.25, 0.0)
        lit += lamp.ambient_ground + (lamp.ambient_sky - lamp.ambient_ground) * (0.5 + 0.5 * normal[:, 1:2])
        strand = carried.tangent + follows * (carried.tangent @ turn.T - carried.tangent)
        halfway = lamp.key_direction + eye
        halfway /= np.sqrt((halfway * halfway).sum(axis=1, keepdims=True))
        across = (strand * halfway).sum(axis=1, keepdims=True)
        gleam = (strand * strand).sum(axis=1, keepdims=True) * np.maximum(1.0 - across * across, 0.0) ** 24
        highlight = lamp.key_colour * (0.15 * gleam * np.maximum(to_key + 0.2, 0.0)) * (0.25 + carried.colour)
        return place, np.concatenate([carried.colour * lit, highlight], axis=1)


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
    _resolve(x, y, z, triangles, material, nothing, 1.0, depth, number, weights)
    return number, weights


def _smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    smooth: np.ndarray = t * t * (3.0 - 2.0 * t)
    return smooth


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
def _resolve(x, y, z, triangles, material, attributes, hand, depth, number, weights):  # type: ignore[no-untyped-def]
    """Nearest triangle of every pixel and its screen weights of the second and third corner; hand -1 is a mirror's."""
    rows, columns = depth.shape
    for k in range(triangles.shape[0]):
        a, b, c = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        area = (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a])
        kind = material[k]
        if area == 0.0 or (area * hand > 0.0 and (kind in (SKIN, EYE))):  # seen from behind (rows count down)
            continue
        inverse = 1.0 / area
        first_column = max(0, int(np.ceil(min(x[a], x[b], x[c]))))
        last_column = min(columns - 1, int(np.floor(max(x[a], x[b], x[c]))))
        for row in range(max(0, int(np.ceil(min(y[a], y[b], y[c])))), min(rows - 1, int(max(y[a], y[b], y[c]))) + 1):
            for column in range(first_column, last_column + 1):
                wb = ((column - x[a]) * (y[c] - y[a]) - (row - y[a]) * (x[c] - x[a])) * inverse
                wc = ((x[b] - x[a]) * (row - y[a]) - (y[b] - y[a]) * (column - x[a])) * inverse
                wa = 1.0 - wb - wc
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
def _shade(  # type: ignore[no-untyped-def]
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
def _light_skin(chosen, moving, lights, attributes):  # type: ignore[no-untyped-def]
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
def _blend(x, y, z, triangles, alpha, colour, depth, picture):  # type: ignore[no-untyped-def]
    """Lashes over what is there, in encoded colour as the GL blend does it."""
    rows, columns = depth.shape
    for k in range(triangles.shape[0]):
        a, b, c = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        area = (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a])
        if area == 0.0:
            continue
        for row in range(max(0, int(np.ceil(min(y[a], y[b], y[c])))), min(rows - 1, int(max(y[a], y[b], y[c]))) + 1):
            for column in range(
                max(0, int(np.ceil(min(x[a], x[b], x[c])))), min(columns - 1, int(max(x[a], x[b], x[c]))) + 1
            ):
                wb = ((column - x[a]) * (y[c] - y[a]) - (row - y[a]) * (x[c] - x[a])) / area
                wc = ((x[b] - x[a]) * (row - y[a]) - (y[b] - y[a]) * (column - x[a])) / area
                wa = 1.0 - wb - wc
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
