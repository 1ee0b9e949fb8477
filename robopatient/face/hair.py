"""Scalp hair as geometry: a close cap, and ribbons of strands that grow, fall and lie on the head.

Every style is a row of numbers; strands are grown once per identity and then carried by the head.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from robopatient.face.carried import Carried
from robopatient.face.head import Head, vertex_normals
from robopatient.face.identity import Identity
from robopatient.face.light import linear
from robopatient.face.mesh import Part
from robopatient.face.skin import hair_coverage, noise

__all__ = ["STYLES", "Style", "build_hair"]


class Style(NamedTuple):
    """How hair grows.

    ``cap_dm``: thickness of the closed cap; ``strands``: count of ribbons; ``length_dm``: shortest and longest;
    ``layer_dm``: how far off the skin they lie; ``part_x_dm``: where the parting is (None: no parting, combed from the
    crown); ``gravity``: how fast strands turn down (0-1 per step); ``end_y_dm``: height over the eyes where they are
    cut; ``width_dm``: of a ribbon.
    """

    cap_dm: float
    strands: int
    length_dm: tuple[float, float]
    layer_dm: tuple[float, float]
    part_x_dm: float | None
    gravity: float
    end_y_dm: float
    width_dm: float


STYLES: dict[str, Style] = {
    "none": Style(0.0, 0, (0.0, 0.0), (0.0, 0.0), None, 0.0, 0.0, 0.0),
    "cropped": Style(0.045, 0, (0.0, 0.0), (0.0, 0.0), None, 0.0, 0.0, 0.0),
    "short": Style(0.05, 1500, (0.30, 0.50), (0.05, 0.12), None, 0.05, -3.0, 0.030),
    "balding": Style(0.02, 1100, (0.14, 0.26), (0.02, 0.07), None, 0.10, -3.0, 0.022),
    "bob": Style(0.06, 1700, (2.0, 2.3), (0.06, 0.17), 0.22, 0.30, -1.05, 0.045),
    "long": Style(0.04, 1700, (3.6, 4.0), (0.04, 0.13), 0.0, 0.30, -2.6, 0.045),
    "tied": Style(0.045, 900, (0.8, 1.1), (0.03, 0.06), None, 0.0, -3.0, 0.035),
}

STEP_DM = 0.13
GREY_SRGB = np.array([0.74, 0.73, 0.715])
UP = np.array([0.0, 1.0, 0.0], np.float32)
FACE_CURTAIN_DM = 0.40
"""Loose strands stay this far behind the front of the eyes, so that they frame the face and do not hide it."""


def build_hair(identity: Identity, head: Head) -> Carried:
    """Hair of one identity: cap and strands together."""
    style = STYLES[identity.hair.style]
    rng = np.random.default_rng(int(identity.digest()[:8], 16) + 7)
    pieces = []
    if style.cap_dm > 0.0:
        pieces.append(_cap(identity, head, style))
    if style.strands:
        pieces.append(_strands(identity, head, style, rng))
    if not pieces:
        empty = np.zeros((0, 14), np.float32)
        return Carried.from_vertices(empty, np.zeros((0, 3), np.int32))
    start = np.cumsum([0] + [len(piece.place) for piece in pieces])
    return Carried.from_vertices(
        np.concatenate([piece.vertices for piece in pieces]),
        np.concatenate([piece.triangles + at for piece, at in zip(pieces, start, strict=False)]).astype(np.int32),
    )


def _coverage(identity: Identity, head: Head) -> np.ndarray:
    """Hair coverage of every point of the head, ears left out."""
    p = head.template.template_dm
    ear = (np.abs(p[:, 0]) > 0.735) & (p[:, 1] < 7.38) & (p[:, 1] > 6.75) & (p[:, 2] > 0.3)
    return np.where(ear, 0.0, hair_coverage(identity, p, noise(p, 16.0, 3)))


def _colours(identity: Identity, count: int, rng: np.random.Generator) -> np.ndarray:
    """Linear colour of each strand: own colour or grey, a little lighter or darker."""
    grey = rng.random((count, 1)) < identity.hair.grey
    colour = np.where(grey, linear(GREY_SRGB), linear(np.array(identity.hair.colour)))
    mixed = 0.55 * colour + 0.45 * (
        linear(GREY_SRGB) * identity.hair.grey + linear(np.array(identity.hair.colour)) * (1 - identity.hair.grey)
    )
    return (mixed * rng.uniform(0.72, 1.22, (count, 1))).astype(np.float32)


def _cap(identity: Identity, head: Head, style: Style) -> Carried:
    template = head.template
    cover = _coverage(identity, head)
    skin = template.triangles[template.triangle_part == Part.SKIN]
    chosen = skin[cover[skin].max(axis=1) > 0.0]
    points, corner = np.unique(chosen, return_inverse=True)
    triangles = corner.reshape(-1, 3).astype(np.int32)
    place, normal = head.rest[points], vertex_normals(head.rest, skin)[points]
    share = cover[points]
    place = place + (style.cap_dm * (share - 0.35))[:, None] * normal
    normal = vertex_normals(place, triangles)
    rng = np.random.default_rng(5)
    colour = _colours(identity, len(points), rng) * (0.70 + 0.0 * share)[:, None]
    return Carried(
        place=place.astype(np.float32),
        normal=normal,
        tangent=np.zeros_like(place),
        follows=np.ones(len(points), np.float32),
        colour=colour.astype(np.float32),
        cover=(share - 0.35).astype(np.float32),
        triangles=triangles,
    )


def _strands(identity: Identity, head: Head, style: Style, rng: np.random.Generator) -> Carried:
    roots, normals = _roots(identity, head, style.strands, rng)
    count = len(roots)
    path = _grow(head, style, roots, normals, rng)  # (steps, strands, 3)
    steps = len(path)
    tree, surface, outward = _skull(head)
    _, near = tree.query(path.reshape(-1, 3))
    out = outward[near].reshape(path.shape)
    out[1:] = 0.5 * out[1:] + 0.5 * out[:-1]
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=2, keepdims=True) + 1e-9
    side = np.cross(tangent, out)
    side /= np.linalg.norm(side, axis=2, keepdims=True) + 1e-9
    normal = np.cross(side, tangent)
    tilt = rng.normal(0.0, 0.35, (1, count, 1))
    normal = normal + tilt * side
    normal /= np.linalg.norm(normal, axis=2, keepdims=True) + 1e-9

    along = np.linspace(0.0, 1.0, steps)[:, None, None]
    width = (
        0.5 * style.width_dm * rng.uniform(0.6, 1.3, (1, count, 1)) * np.clip((1.02 - along) / 0.35, 0.0, 1.0) ** 0.6
    )
    edges = np.stack([path - width * side, path + width * side])  # (2, steps, strands, 3)
    shade = 0.62 + 0.38 * np.clip(along / 0.3, 0.0, 1.0)
    colour = _colours(identity, count, rng)[None] * shade
    both = lambda values: np.broadcast_to(values, edges.shape[:3] + values.shape[-1:]).reshape(-1, values.shape[-1])  # noqa: E731
    place = edges.reshape(-1, 3).astype(np.float32)
    index = np.arange(2 * steps * count).reshape(2, steps, count)
    a, b, c, d = index[0, :-1], index[1, :-1], index[0, 1:], index[1, 1:]
    triangles = np.stack([np.stack([a, b, c], -1), np.stack([b, d, c], -1)]).reshape(-1, 3)
    return Carried(
        place=place,
        normal=both(normal).astype(np.float32),
        tangent=both(tangent).astype(np.float32),
        follows=head.follow(place),
        colour=both(colour).astype(np.float32),
        cover=np.ones(len(place), np.float32),
        triangles=triangles.astype(np.int32),
    )


def _roots(identity: Identity, head: Head, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Places on the scalp, even over its area, with their normals."""
    template = head.template
    cover = _coverage(identity, head)
    skin = template.triangles[template.triangle_part == Part.SKIN]
    haired = skin[cover[skin].mean(axis=1) > 0.45]
    corners = head.rest[haired]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    chosen = rng.choice(len(haired), count, p=area / area.sum())
    u, v = rng.random((2, count, 1))
    flip = u + v > 1.0
    u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
    c = corners[chosen]
    normals = vertex_normals(head.rest, skin)[haired[chosen]].mean(axis=1)
    return c[:, 0] + u * (c[:, 1] - c[:, 0]) + v * (c[:, 2] - c[:, 0]), normals


def _skull(head: Head) -> tuple[cKDTree, np.ndarray, np.ndarray]:
    """What strands lie on: skin points (shoulders under the gown are lifted by it) and their normals."""
    skin = head.template.triangles[head.template.triangle_part == Part.SKIN]
    points = np.unique(skin)
    outward = vertex_normals(head.rest, skin)[points]
    surface = head.rest[points] + np.where(head.follows[points] < 0.3, 0.14, 0.0)[:, None] * outward
    return cKDTree(surface), surface, outward


def _grow(head: Head, style: Style, roots: np.ndarray, normals: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Paths of the strands, dm, shape (steps, strands, 3): step along, bend down, stay off the skin and off the face."""
    tree, surface, outward = _skull(head)
    eyes = head.eye_centres.mean(axis=0)
    count = len(roots)
    length = rng.uniform(*style.length_dm, (count, 1))
    layer = rng.uniform(*style.layer_dm, (count, 1))
    steps = max(4, round(style.length_dm[1] / STEP_DM))
    step = length / steps
    crown = eyes + np.array([0.12, 1.15, -1.25])
    if style.part_x_dm is None:
        heading = roots - crown
        heading[:, 1] *= 0.6
    else:
        away = np.sign(roots[:, :1] - style.part_x_dm)
        heading = np.concatenate([away, np.full((count, 1), 0.05), np.full((count, 1), -0.45)], axis=1)
    heading = heading - (heading * normals).sum(axis=1, keepdims=True) * normals
    heading /= np.linalg.norm(heading, axis=1, keepdims=True) + 1e-9
    heading += rng.normal(0.0, 0.10, heading.shape)
    end_y = eyes[1] + style.end_y_dm + rng.normal(0.0, 0.05, (count, 1))
    path = [roots + 0.3 * layer * normals]
    for k in range(steps):
        here = path[-1]
        heading = heading - style.gravity * UP
        heading /= np.linalg.norm(heading, axis=1, keepdims=True) + 1e-9
        there = here + step * heading
        _, near = tree.query(there)
        off = ((there - surface[near]) * outward[near]).sum(axis=1, keepdims=True)
        rise = np.minimum(1.0, (k + 1) / 3.0) * layer
        there = there + np.maximum(0.0, rise - off) * outward[near]
        below = there[:, 1] < eyes[1] + 0.35
        curtain = eyes[2] - FACE_CURTAIN_DM
        there[:, 2] = np.where(below & (there[:, 2] > curtain), 0.4 * there[:, 2] + 0.6 * curtain, there[:, 2])
        cut = there[:, 1:2] < end_y
        there = np.where(cut, here + 0.02 * step * heading, there)
        heading = there - here + 1e-4 * heading
        heading /= np.linalg.norm(heading, axis=1, keepdims=True) + 1e-9
        path.append(there)
    return np.stack(path).astype(np.float32)
