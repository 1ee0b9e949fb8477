"""Scalp hair as geometry: a close cap, and ribbons of strands that grow, fall and lie on the head.

Every style is a row of numbers; strands are grown once per identity and then carried by the head.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from robopatient.face.carried import Carried
from robopatient.face.geometry import round_off, vertex_normals
from robopatient.face.head import Head
from robopatient.face.identity import Identity
from robopatient.face.light import linear
from robopatient.face.mesh import Part
from robopatient.face.raster import noise
from robopatient.face.skin import hair_coverage

__all__ = ["STYLES", "Style", "build_hair"]


class Style(NamedTuple):
    """How hair grows (lengths in dm).

    Attributes
    ----------
    cap_dm
        Thickness of the closed cap under the strands, 0 for none.
    strands, width_dm
        Count and width of the ribbons.
    length_dm, layer_dm
        Shortest and longest; how far off the skin the lowest and the highest lie.
    part_x_dm
        Where the parting is, to the patient's left; None: combed away from the crown.
    gravity
        How fast strands turn down, per step.
    end_y_dm
        Height over the eyes at which they are cut.
    flare_dm
        How much further out loose hair hangs at the shoulders than at the ears (negative: it curls in).
    """

    cap_dm: float = 0.0
    strands: int = 0
    width_dm: float = 0.0
    length_dm: tuple[float, float] = (0.0, 0.0)
    layer_dm: tuple[float, float] = (0.0, 0.0)
    part_x_dm: float | None = None
    gravity: float = 0.0
    end_y_dm: float = -3.0
    flare_dm: float = 0.0


STYLES: dict[str, Style] = {
    "none": Style(),
    "cropped": Style(cap_dm=0.05),
    "short": Style(0.05, 900, 0.045, (0.30, 0.50), (0.05, 0.11), None, 0.05),
    "balding": Style(0.0, 700, 0.035, (0.14, 0.24), (0.015, 0.05), None, 0.12),
    "bob": Style(0.05, 1700, 0.048, (2.1, 2.4), (0.03, 0.14), 0.25, 0.22, -1.02, -0.10),
    "long": Style(0.04, 1600, 0.050, (3.7, 4.1), (0.03, 0.12), 0.0, 0.22, -2.7, 0.06),
    "tied": Style(0.06, 500, 0.055, (0.8, 1.1), (0.04, 0.07)),
}

STEP_DM = 0.17
TOWARDS_CAMERA = np.array([0.0, 0.0, 0.9], np.float32)
"""Ribbons turn this much to the viewer, so that none is seen edge on."""
GREY_SRGB = np.array([0.74, 0.73, 0.715])
UP = np.array([0.0, 1.0, 0.0], np.float32)


def build_hair(identity: Identity, head: Head) -> Carried:
    """Hair of one identity: cap and strands together."""
    style = STYLES[identity.hair.style]
    rng = np.random.default_rng(int(identity.digest()[:8], 16) + 7)
    pieces = []
    if style.strands:
        pieces.append(_strands(identity, head, style, rng))
    if style.cap_dm > 0.0:
        pieces.append(_cap(identity, head, style))
    if not pieces:
        return Carried.from_vertices(np.zeros((0, 14), np.float32), np.zeros((0, 3), np.int32))
    start = np.cumsum([0] + [len(piece.place) for piece in pieces[:-1]])
    return Carried.from_vertices(
        np.concatenate([piece.vertices for piece in pieces]),
        np.concatenate([piece.triangles + at for piece, at in zip(pieces, start, strict=True)]).astype(np.int32),
    )


def _ears(template_dm: np.ndarray) -> np.ndarray:
    x, y, z = template_dm.T
    return (np.abs(x) > 0.735) & (y < 7.40) & (y > 6.75) & (z > 0.3)


def _coverage(identity: Identity, head: Head) -> np.ndarray:
    """Hair coverage of every point of the head, ears left out."""
    p = head.template.template_dm
    return np.where(_ears(p), 0.0, hair_coverage(identity, p, noise(p, 16.0, 3)))


def _mean_colour(identity: Identity) -> np.ndarray:
    hair = identity.hair
    mixed: np.ndarray = linear(np.array(hair.colour)) * (1.0 - hair.grey) + linear(GREY_SRGB) * hair.grey
    return mixed


def _strand_colours(identity: Identity, count: int, rng: np.random.Generator) -> np.ndarray:
    """Linear colour of each strand: own colour or grey, both drawn to the mean, a little lighter or darker."""
    grey = rng.random((count, 1)) < identity.hair.grey
    colour = np.where(grey, linear(GREY_SRGB), linear(np.array(identity.hair.colour)))
    return (0.25 * colour + 0.75 * _mean_colour(identity)) * rng.uniform(0.86, 1.10, (count, 1))


def _cap(identity: Identity, head: Head, style: Style) -> Carried:
    """Scalp lifted by the thickness of the hair, rounded; its edge is cut where coverage fades."""
    template = head.template
    cover = _coverage(identity, head)
    skin = template.triangles[template.triangle_part == Part.SKIN]
    chosen = skin[cover[skin].max(axis=1) > 0.0]
    points, corner = np.unique(chosen, return_inverse=True)
    triangles = corner.reshape(-1, 3).astype(np.int32)
    normal = vertex_normals(head.rest, skin)[points]
    values = np.column_stack([head.rest[points], cover[points] - 0.4, normal])
    values, triangles = round_off(values, triangles)
    share = np.clip(values[:, 3], -1.0, 0.6)
    place = values[:, :3] + style.cap_dm * (share / 0.6)[:, None] * values[:, 4:7]
    grain = 0.72 + 0.16 * noise(place, 26.0, 11) + 0.12 * noise(place, 60.0, 12)
    return Carried(
        place=place.astype(np.float32),
        normal=vertex_normals(place, triangles),
        tangent=np.zeros_like(place),
        follows=np.ones(len(place), np.float32),
        colour=(_mean_colour(identity)[None] * grain[:, None]).astype(np.float32),
        cover=(share + 0.16 * noise(place, 34.0, 13)).astype(np.float32),
        triangles=triangles,
    )


def _strands(identity: Identity, head: Head, style: Style, rng: np.random.Generator) -> Carried:
    """Ribbons along grown paths, the frontmost first (what lies behind is then never shaded)."""
    roots, normals = _roots(identity, head, style.strands, rng)
    order = np.argsort(-roots[:, 2])
    path, out, depth = _grow(head, style, roots[order], normals[order], rng)
    lies = _height_over_skin(head, path[:ARCH_STEPS]).max(axis=0) < ARCH_DM
    path, out, depth = path[:, lies], out[:, lies], depth[lies]
    steps, count = path.shape[:2]
    tangent = _unit(np.gradient(path, axis=0))
    side = _unit(np.cross(tangent, _unit(out + TOWARDS_CAMERA)))
    normal = _unit(out + rng.normal(0.0, 0.30, (1, count, 1)) * side)

    along = np.linspace(0.0, 1.0, steps)[:, None, None]
    taper = np.clip((1.02 - along) / 0.30, 0.0, 1.0) ** 0.6 * np.clip(0.25 + along / 0.12, 0.0, 1.0)
    half = 0.5 * style.width_dm * rng.uniform(0.6, 1.3, (1, count, 1)) * taper
    edges = np.stack([path - half * side, path + half * side])  # (2, steps, strands, 3)
    shade = 0.72 + 0.28 * np.clip(along / 0.15, 0.0, 1.0)
    colour = _strand_colours(identity, count, rng)[None] * shade * (0.55 + 0.45 * depth)

    def both(values: np.ndarray) -> np.ndarray:
        return np.broadcast_to(values, (2, *path.shape)).reshape(-1, 3).astype(np.float32)

    place = edges.reshape(-1, 3).astype(np.float32)
    across = np.broadcast_to(np.array([1.0, 2.0])[:, None, None], edges.shape[:3])
    seed = np.broadcast_to(rng.integers(0, 40, (1, 1, count)), edges.shape[:3])
    index = np.arange(2 * steps * count).reshape(2, steps, count).transpose(2, 1, 0)  # strand, step, edge
    a, b, c, d = index[:, :-1, 0], index[:, :-1, 1], index[:, 1:, 0], index[:, 1:, 1]
    triangles = np.stack([np.stack([a, b, c], -1), np.stack([b, d, c], -1)], axis=2).reshape(-1, 3)
    return Carried(
        place=place,
        normal=both(normal),
        tangent=both(tangent),
        follows=head.follow(place),
        colour=both(colour),
        cover=(across + 2.0 * seed).ravel().astype(np.float32),
        triangles=triangles.astype(np.int32),
    )


ARCH_STEPS, ARCH_DM = 6, 0.19
"""A strand that stands higher than this over the scalp near its root is a stray, and is left out."""


def _height_over_skin(head: Head, path: np.ndarray) -> np.ndarray:
    """Height of every place over the tangent plane of the nearest skin point, dm."""
    skin = head.template.triangles[head.template.triangle_part == Part.SKIN]
    points = np.unique(skin)
    _, near = cKDTree(head.rest[points]).query(path)
    height: np.ndarray = ((path - head.rest[points][near]) * vertex_normals(head.rest, skin)[points][near]).sum(axis=-1)
    return height


def _unit(vectors: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9)
    return scaled


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


class _Envelope:
    """What strands lie on: an ellipsoid round the skull that goes over into a cylinder below its middle.

    A smooth surface in place of the skin: strands that follow every bump of ears and neck look windswept.
    """

    def __init__(self, head: Head) -> None:
        p, rest = head.template.template_dm, head.rest
        eyes = head.eye_centres.mean(axis=0)
        skull = rest[(p[:, 1] > 7.5) & (head.template.lash_across != head.template.lash_across)]
        self.eyes = eyes
        self.centre = np.array([0.0, eyes[1] + 0.28, (skull[:, 2].max() + skull[:, 2].min()) / 2.0])
        self.radii = np.array(
            [np.abs(skull[:, 0]).max(), skull[:, 1].max() - self.centre[1], np.ptp(skull[:, 2]) / 2.0]
        )

    def lay(self, place: np.ndarray, off_dm: np.ndarray, share: float) -> np.ndarray:
        """Move places towards ``off_dm`` over the surface, by a share of the gap."""
        offset = (place - self.centre) / self.radii
        above = offset * [1.0, 1.0, 1.0]
        above[:, 1] = np.maximum(above[:, 1], 0.0)
        distance = np.linalg.norm(above, axis=1, keepdims=True) + 1e-6
        wanted = 1.0 + off_dm / self.radii.min()
        onto = above / distance * wanted
        onto[:, 1] = np.where(offset[:, 1] > 0.0, onto[:, 1], offset[:, 1])
        return place + share * (onto * self.radii + self.centre - place)

    def outward(self, place: np.ndarray) -> np.ndarray:
        """Unit normals of the surface through places, shape like ``place``."""
        offset = (place - self.centre) / self.radii
        offset[..., 1] = np.maximum(offset[..., 1], 0.0)
        return _unit(offset / self.radii)

    def open_face(self, place: np.ndarray, opening_rad: np.ndarray) -> np.ndarray:
        """Turn places about the vertical axis, out of the opening for the face."""
        offset = place - self.centre
        angle = np.arctan2(np.abs(offset[:, 0]), offset[:, 2])
        reach = np.hypot(offset[:, 0], offset[:, 2])
        down = np.clip((self.centre[1] + 0.62 * self.radii[1] - place[:, 1]) / (0.45 * self.radii[1]), 0.0, 1.0)
        wanted = np.maximum(angle, opening_rad[:, 0] * down)
        moved = place.copy()
        moved[:, 0] = self.centre[0] + np.sign(offset[:, 0] + 1e-9) * reach * np.sin(wanted)
        moved[:, 2] = self.centre[2] + reach * np.cos(wanted)
        return moved


FACE_OPENING_RAD = (0.98, 1.25)
"""Half angle of the face left free by loose hair, narrowest and widest strand."""


def _grow(
    head: Head, style: Style, roots: np.ndarray, normals: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Paths of the strands and outward normals along them, dm, (steps, strands, 3), and how far out each lies, 0-1."""
    envelope = _Envelope(head)
    count = len(roots)
    length = rng.uniform(*style.length_dm, (count, 1))
    layer = style.layer_dm[0] + np.ptp(style.layer_dm) * rng.beta(2.0, 2.6, (count, 1))  # few lone strands on top
    steps = max(4, round(style.length_dm[1] / STEP_DM))
    step = length / steps
    if style.part_x_dm is None:
        heading = roots - (envelope.eyes + np.array([0.12, 1.15, -1.25]))  # the crown's whorl
        heading[:, 1] *= 0.6
    else:
        away = np.where(roots[:, :1] > style.part_x_dm, 1.0, -1.0)
        heading = np.concatenate([away, np.full((count, 1), 0.05), np.full((count, 1), -0.40)], axis=1)
    heading = _unit(heading - (heading * normals).sum(axis=1, keepdims=True) * normals)
    heading = _unit(heading + rng.normal(0.0, 0.05, heading.shape))
    end_y = envelope.eyes[1] + style.end_y_dm + rng.normal(0.0, 0.05, (count, 1))
    opening = rng.uniform(*FACE_OPENING_RAD, (count, 1))
    loose = style.length_dm[1] > LOOSE_DM
    path, normal = [roots + 0.2 * layer * normals], [normals]
    for k in range(steps):
        here = path[-1]
        heading = _unit(heading - style.gravity * UP)
        there = here + step * heading
        if loose:
            there = envelope.lay(there, layer + style.flare_dm * _below(there, envelope), min(1.0, (k + 1) / 2.0))
            there = envelope.open_face(there, opening)
            there = np.where(there[:, 1:2] < end_y, here + 0.02 * step * heading, there)
            out = envelope.outward(there)
        else:
            out = normals
            there = there + layer * 0.5 / steps * normals
            heading = heading - 0.35 * step * _unit(there - envelope.centre)  # keep to the round of the skull
        heading = _unit(there - here + 1e-4 * heading)
        path.append(there)
        normal.append(out)
    depth = (layer - style.layer_dm[0]) / max(np.ptp(style.layer_dm), 1e-6)
    return np.stack(path).astype(np.float32), np.stack(normal).astype(np.float32), depth


LOOSE_DM = 0.7
"""Hair longer than this falls over the head; shorter hair stands where it grows."""


def _below(place: np.ndarray, envelope: _Envelope) -> np.ndarray:
    """0 over the ears to 1 at the shoulders."""
    share: np.ndarray = np.clip((envelope.centre[1] - place[:, 1:2]) / 1.6, 0.0, 1.0)
    return share
