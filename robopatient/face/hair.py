"""Scalp hair as geometry: a close cap over the scalp, sheets of locks that fall from a parting, a bun.

Every style is a row of numbers. Strands are streaks of the shading, not triangles: hair costs less than the face.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from robopatient.face.brush import noise
from robopatient.face.carried import Carried
from robopatient.face.geometry import cut_off, round_off, vertex_normals
from robopatient.face.head import Head
from robopatient.face.identity import FaceIdentity
from robopatient.face.light import linear
from robopatient.face.mesh import Material
from robopatient.face.skin import hair_coverage

__all__ = ["STYLES", "Style", "build_hair"]


class Style(NamedTuple):
    """How hair lies (lengths in dm).

    Attributes
    ----------
    cap_dm
        Thickness of the closed cap on the crown and at the sides, 0 for none.
    tuft_dm, tufts_per_dm
        Height and fineness of its unevenness: tufts, curls.
    end_y_dm
        Height over the eyes at which hanging hair is cut; None: no hanging hair.
    part_x_dm
        Where it is parted, to the patient's left.
    layers_dm
        How far off the head each sheet hangs, outermost first.
    flare_dm
        How much further out it hangs at its ends (negative: it curls in).
    wave_dm
        Sideways waves of the locks.
    bun_dm
        Radius of a bun at the back of the crown, 0 for none.
    """

    cap_dm: tuple[float, float] = (0.0, 0.0)
    tuft_dm: float = 0.0
    tufts_per_dm: float = 8.0
    end_y_dm: float | None = None
    part_x_dm: float = 0.0
    layers_dm: tuple[float, ...] = (0.13, 0.07)
    flare_dm: float = 0.0
    wave_dm: float = 0.0
    bun_dm: float = 0.0


STYLES: dict[str, Style] = {
    "none": Style(),
    "cropped": Style((0.045, 0.035)),
    "short": Style((0.17, 0.06), 0.035, 6.0),
    "balding": Style((0.05, 0.06), 0.02, 9.0),
    "curly": Style((0.27, 0.20), 0.10, 6.5),
    "bob": Style((0.05, 0.05), end_y_dm=-0.98, part_x_dm=0.22, flare_dm=-0.10),
    "long": Style((0.05, 0.05), end_y_dm=-2.6, flare_dm=0.05),
    "wavy": Style((0.06, 0.05), end_y_dm=-1.75, part_x_dm=-0.18, layers_dm=(0.18, 0.10), flare_dm=0.12, wave_dm=0.05),
    "tied": Style((0.08, 0.06), 0.012, 5.0, bun_dm=0.34),
}

GREY_SRGB = np.array([0.74, 0.73, 0.715])
SCATTER = np.array([0.013, 0.011, 0.010])
"""Light that even black hair gives back from between its strands (assumption: by eye)."""
EDGE_DENSITY, EDGE_SHARE = 0.15, 0.75
"""Density at the very hairline, and the share of cover at which hair is whole."""
THICK_DM = 0.1
LOCKS_PER_RADIAN = 7.0
"""Streaks around the axis that close hair is combed away from."""


def build_hair(identity: FaceIdentity, head: Head) -> Carried:
    """Hair of one identity: sheets, bun and cap together, the outermost first (what they hide is never shaded)."""
    style = STYLES[identity.hair.style]
    rng = np.random.default_rng(int(identity.digest()[:8], 16) + 7)
    pieces = []
    if style.end_y_dm is not None:
        pieces += [_sheet(identity, head, style, layer, side, rng) for layer in range(2) for side in (1.0, -1.0)]
    if style.bun_dm > 0.0:
        pieces.append(_bun(identity, head, style, rng))
    if style.cap_dm[1] > 0.0:
        pieces.append(_cap(identity, head, style, rng))
    if not pieces:
        return Carried.nothing()
    start = np.cumsum([0] + [len(piece.place) for piece in pieces[:-1]])
    return Carried.from_vertices(
        np.concatenate([piece.vertices for piece in pieces]),
        np.concatenate([piece.triangles + at for piece, at in zip(pieces, start, strict=True)]).astype(np.int32),
    )


class _Skull:
    """The head as a distance from its middle in every direction, ears and lashes left out."""

    def __init__(self, head: Head) -> None:
        template = head.template
        p = template.template_dm
        skin = np.unique(template.triangles[template.triangle_part == Material.SKIN])
        scalp = skin[(p[skin, 1] > 7.1) & ~_ears(p[skin])]
        eyes = head.eye_centres.mean(axis=0)
        high = head.rest[scalp[p[scalp, 1] > 7.5]]
        self.centre = np.array([0.0, eyes[1] + 0.25, (high[:, 2].max() + high[:, 2].min()) / 2.0])
        self.eyes_y_dm = float(eyes[1])
        offset = head.rest[scalp] - self.centre
        self._far = np.linalg.norm(offset, axis=1)
        self._tree = cKDTree(offset / self._far[:, None])
        self._equator = np.array([np.abs(high[:, 0]).max(), np.ptp(high[:, 2]) / 2.0])
        front = scalp[(np.abs(p[scalp, 0]) < 0.12) & (p[scalp, 2] > 0.9)]
        hairline = head.rest[front[np.argmin(np.abs(p[front, 1] - 8.0))]] - self.centre
        self.hairline_rad = float(np.arctan2(hairline[1], hairline[2]))
        """Elevation of the hairline over the middle of the head."""

    def reach(self, direction: np.ndarray) -> np.ndarray:
        """Distance of the scalp along unit directions, shape (..., 1)."""
        near, which = self._tree.query(direction, k=10)
        weight = 1.0 / (near + 0.03)
        found: np.ndarray = (weight * self._far[which]).sum(axis=-1, keepdims=True) / weight.sum(-1, keepdims=True)
        return found

    def beside(self, azimuth: np.ndarray) -> np.ndarray:
        """Horizontal distance at which hair hangs, by angle from the front."""
        rx, rz = self._equator
        return np.asarray(rx * rz / np.hypot(rz * np.sin(azimuth), rx * np.cos(azimuth)))


def _ears(template_dm: np.ndarray) -> np.ndarray:
    x, y, z = template_dm.T
    return (np.abs(x) > 0.735) & (y < 7.40) & (y > 6.75) & (z > 0.3)


def _mean_colour(identity: FaceIdentity) -> np.ndarray:
    hair = identity.hair
    mixed: np.ndarray = linear(np.array(hair.colour)) * (1.0 - hair.grey) + linear(GREY_SRGB) * hair.grey
    return mixed + SCATTER


def _lock_colours(identity: FaceIdentity, count: int, rng: np.random.Generator) -> np.ndarray:
    """Linear colour of each lock: own colour and grey unevenly mixed, a little lighter or darker."""
    hair = identity.hair
    grey = np.clip(hair.grey + 1.2 * hair.grey * (1.0 - hair.grey) * rng.normal(0.0, 1.0, (count, 1)), 0.0, 1.0)
    colour = (1.0 - grey) * linear(np.array(hair.colour)) + grey * linear(GREY_SRGB)
    return np.asarray((colour + SCATTER) * rng.uniform(0.84, 1.12, (count, 1)), np.float32)


def _cap(identity: FaceIdentity, head: Head, style: Style, rng: np.random.Generator) -> Carried:
    """Scalp lifted by the thickness of the hair, uneven, cut where coverage fades."""
    template = head.template
    p = template.template_dm
    cover = np.where(_ears(p), 0.0, hair_coverage(identity, p, 0.4 * noise(p, 16.0, 3)))
    skin = template.triangles[template.triangle_part == Material.SKIN]
    chosen = skin[cover[skin].max(axis=1) > 0.0]
    points, corner = np.unique(chosen, return_inverse=True)
    triangles = corner.reshape(-1, 3).astype(np.int32)
    values = np.column_stack([head.rest[points], cover[points] - 0.3, vertex_normals(head.rest, skin)[points]])
    values, triangles = round_off(values, triangles)
    values[:, 3] = np.clip(values[:, 3], -1.0, 0.7) + 0.05 * noise(values[:, :3], 34.0, 13)
    values, triangles = cut_off(values, triangles, column=3)
    rest, share, normal = values[:, :3], np.clip(values[:, 3] / 0.7, 0.0, 1.0)[:, None], values[:, 4:7]

    skull = _Skull(head)
    top = np.clip((rest[:, 1:2] - skull.centre[1]) / 0.75, 0.0, 1.0)
    crown, side = style.cap_dm
    seed = int(rng.integers(1000))
    tufts = noise(rest, style.tufts_per_dm, seed) + 0.5 * noise(rest, 2.1 * style.tufts_per_dm, seed + 1)
    thickness = side + (crown - side) * top * top * (3.0 - 2.0 * top) + style.tuft_dm * tufts[:, None]
    place = rest + np.sqrt(share) * np.maximum(thickness, 0.02) * normal

    whorl = np.array([0.0, 0.72, -0.69]) if style.bun_dm > 0.0 else np.array([0.08, 0.93, -0.36])
    across, along = _combed(rest - skull.centre, whorl)
    grain = 0.78 + 0.14 * noise(place, 26.0, seed + 2) + 0.12 * tufts + 0.10 * noise(place, 60.0, seed + 3)
    cropped = style.tuft_dm == 0.0  # too short for locks: finer streaks, and every hair has the mean colour
    fineness, sway = (2.5, 0.15) if cropped else (1.0, 0.35)
    locks = fineness * LOCKS_PER_RADIAN * across + sway * noise(rest, 12.0, seed + 4)
    colours = _lock_colours(identity, 64, rng)[np.floor(locks * 2.0).astype(int) % 64]
    colour = 0.5 * colours + 0.5 * _mean_colour(identity)
    combed = 0.0 < style.tufts_per_dm * style.tuft_dm < 0.3  # neither curls nor stubble have one sheen
    edge = EDGE_SHARE if side < THICK_DM else 0.2 * EDGE_SHARE  # under thick hair thin places would be holes
    if cropped:
        colour = _mean_colour(identity) * (1.0 + 0.12 * noise(place, 90.0, seed + 5)[:, None])
    return Carried(
        place=place.astype(np.float32),
        normal=vertex_normals(place, triangles),
        tangent=(along if combed else np.zeros_like(place)).astype(np.float32),
        follows=np.ones(len(place), np.float32),
        colour=(colour * np.clip(grain, 0.3, 1.3)[:, None]).astype(np.float32),
        mark=locks.astype(np.float32),
        density=np.clip(EDGE_DENSITY + share[:, 0] / edge, 0.0, 1.0),
        triangles=triangles,
    )


def _combed(offset: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Angle around an axis that hair is combed away from, and the direction of the strands."""
    unit = _unit(offset)
    height = unit @ axis
    along = _unit(height[:, None] * unit - axis)  # away from the whorl, over the surface
    first = np.array([1.0, 0.0, 0.0])
    second = np.cross(axis, first)
    return np.arctan2(unit @ first, -(unit @ second)), along  # strands meet at the back, where nobody looks


GUIDES, FALL_STEPS, HANG_STEP_DM = 30, 8, 0.30
WAVE_RAD_PER_DM = 9.0
FACE_OPENING_RAD = 1.02
"""Half angle of the face that loose hair leaves free."""


def _sheet(
    identity: FaceIdentity, head: Head, style: Style, layer: int, side: float, rng: np.random.Generator
) -> Carried:
    """One side of loose hair: locks side by side, over the skull from the parting and then straight down."""
    assert style.end_y_dm is not None
    skull = _Skull(head)
    t = np.linspace(0.0, 1.0, GUIDES)
    elevation = skull.hairline_rad + 0.04 + t * (np.radians(118.0) - skull.hairline_rad)
    part = np.full(GUIDES, style.part_x_dm * (1.0 - 0.7 * t)) - 0.06 * side  # the sheets meet under the parting
    root = _unit(np.stack([part, np.sin(elevation), np.cos(elevation)], axis=1))
    azimuth = FACE_OPENING_RAD + 0.07 * layer + (np.pi + 0.06 - FACE_OPENING_RAD) * t**0.8
    equator = np.stack([side * np.sin(azimuth), np.full(GUIDES, 0.0), np.cos(azimuth)], axis=1)

    off = style.layers_dm[layer] * (1.0 + 0.16 * _smooth_random(rng, GUIDES))
    angle = np.arccos(np.clip((root * equator).sum(axis=1), -1.0, 1.0))[:, None]
    rows = []
    hang = skull.beside(azimuth)[:, None]
    for share in np.linspace(0.0, 1.0, FALL_STEPS):
        direction = (np.sin((1.0 - share) * angle) * root + np.sin(share * angle) * equator) / np.sin(angle)
        blend = share * share * (3.0 - 2.0 * share)
        lifted = off[:, None] * min(1.0, 0.35 + 2.2 * share)
        rows.append(direction * ((1.0 - blend) * skull.reach(direction) + blend * hang + lifted))
    cut = skull.eyes_y_dm + style.end_y_dm - skull.centre[1]
    end = cut + 0.05 * layer + 0.06 * _smooth_random(rng, GUIDES)
    steps = max(2, round(-cut / HANG_STEP_DM))
    phase = 1.2 * _smooth_random(rng, GUIDES)
    for share in np.linspace(0.0, 1.0, steps + 1)[1:]:
        swing = WAVE_RAD_PER_DM * share * -end + phase
        turned = azimuth + style.wave_dm * np.sin(swing) / hang[:, 0]
        out = hang[:, 0] + off + style.flare_dm * share**2 + 0.5 * style.wave_dm * np.cos(swing)
        rows.append(np.stack([side * out * np.sin(turned), share * end, out * np.cos(turned)], axis=1))
    rows = [_rounded(rows, k) for k in range(len(rows))]
    path = skull.centre + np.stack(rows)  # (steps, guides, 3)

    along = np.linspace(0.0, 1.0, len(path))[:, None, None]
    shade = (0.70 + 0.30 * np.clip(along / 0.12, 0.0, 1.0)) * (1.0 - 0.12 * along) * (1.0 if layer == 0 else 0.62)
    colour = _lock_colours(identity, GUIDES, rng)[None] * shade
    mark = np.broadcast_to(GUIDES * 0.45 * t + 3.3 * side + 40.0 * layer, path.shape[:2])
    index = np.arange(path.shape[0] * GUIDES).reshape(path.shape[:2])
    a, b, c, d = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, :-1].ravel(), index[1:, 1:].ravel()
    triangles = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)]).astype(np.int32)
    place = path.reshape(-1, 3).astype(np.float32)
    return Carried(
        place=place,
        normal=vertex_normals(place, triangles),
        tangent=_unit(np.gradient(path, axis=0)).reshape(-1, 3).astype(np.float32),
        follows=head.follow(place),
        colour=colour.reshape(-1, 3).astype(np.float32),
        mark=mark.ravel().astype(np.float32),
        density=np.broadcast_to(_thinning(t, along[:, :, 0]), path.shape[:2]).ravel(),
        triangles=triangles,
    )


def _thinning(t: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Density of a sheet: fewer strands beside the face and towards the ends, shape (steps, guides)."""
    beside = np.clip(0.55 + t / 0.10, 0.0, 1.0)
    ends = np.clip(0.30 + (1.0 - along) / 0.12, 0.0, 1.0)
    thinned: np.ndarray = (beside * ends).astype(np.float32)
    return thinned


def _rounded(rows: list[np.ndarray], k: int) -> np.ndarray:
    """A row of the sheet drawn to the mean of its neighbours: hair does not bend at an angle."""
    if k in (0, len(rows) - 1):
        return rows[k]
    smooth: np.ndarray = 0.25 * rows[k - 1] + 0.5 * rows[k] + 0.25 * rows[k + 1]
    return smooth


def _smooth_random(rng: np.random.Generator, count: int) -> np.ndarray:
    """Random row of about unit size whose neighbours resemble each other."""
    rough = rng.normal(0.0, 1.0, count + 4)
    smooth: np.ndarray = np.convolve(rough, [0.25, 0.6, 1.0, 0.6, 0.25], mode="valid") / 1.36
    return smooth


def _bun(identity: FaceIdentity, head: Head, style: Style, rng: np.random.Generator) -> Carried:
    """A knot of hair at the back of the crown: a flattened ball with strands wound about it."""
    skull = _Skull(head)
    towards = np.array([0.0, 0.80, -0.60])
    centre = skull.centre + towards * (skull.reach(towards[None])[0, 0] + 0.55 * style.bun_dm)
    around, down = np.meshgrid(np.linspace(-np.pi, np.pi, 25), np.linspace(0.0, np.pi, 11))
    ball = np.stack([np.sin(down) * np.cos(around), np.cos(down), np.sin(down) * np.sin(around)], axis=-1)
    path = centre + style.bun_dm * ball * np.array([1.15, 0.85, 1.0])
    index = np.arange(around.size).reshape(around.shape)
    a, b, c, d = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, :-1].ravel(), index[1:, 1:].ravel()
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)]).astype(np.int32)
    place = path.reshape(-1, 3).astype(np.float32)
    return Carried(
        place=place,
        normal=vertex_normals(place, triangles),
        tangent=_unit(np.gradient(path, axis=1)).reshape(-1, 3).astype(np.float32),
        follows=np.ones(len(place), np.float32),
        colour=(_mean_colour(identity) * rng.uniform(0.85, 1.05, (len(place), 1))).astype(np.float32),
        mark=(3.0 * down + 0.4 * around).ravel().astype(np.float32),
        density=np.ones(len(place), np.float32),
        triangles=triangles,
    )


def _unit(vectors: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9)
    return scaled
