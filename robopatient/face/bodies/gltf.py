"""Heads from glTF 2.0: ``.glb`` or ``.gltf`` with morph targets under ARKit's names (Khronos glTF 2.0, sections 3-5).

Only what a head needs is read: meshes with their nodes' transforms, morph targets, base colours. No animation, no skin,
no extension that compresses. Of a whole body the head and the neck are kept.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import struct
import urllib.parse
from pathlib import Path
from typing import Any

import numpy as np

from robopatient.errors import AssetError, require
from robopatient.face.bodies.head import NEEDED, OwnHead, checked, fit_to_room, side_name

__all__ = ["load_gltf"]

MAGIC, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942
TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
COUNTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
TRIANGLES = 4
COMPRESSING = ("KHR_draco_mesh_compression", "EXT_meshopt_compression")
HARMLESS = ("KHR_materials_", "KHR_texture_", "KHR_lights_", "EXT_texture_", "KHR_mesh_quantization")
"""Extensions (or how their names begin) without which a head has its shape; a texture that needs one is left out."""
LARGEST_PICTURE_PX = 1024
MOVED_SHARE = 0.05
"""Of the largest displacement of a shape: points that move less do not belong to the face (assumption)."""
NECK = 0.6
"""Kept below the face, in heights of the face from the lowest to the highest point that pain moves (assumption)."""
BODY = 3.5
"""A box so many heights of the face high holds more than a head: an adult's head is 1.5 to 2 (assumption)."""
MOST_POINTS = 2_000_000


def load_gltf(path: Path) -> OwnHead:
    """Head of a file.

    Raises
    ------
    AssetError
        Naming the file and the part that is missing, cut off or not understood.
    """
    try:
        return _Reader(path).head()
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, struct.error, OverflowError) as error:
        raise AssetError(f"{path}: is no glTF head that can be read ({type(error).__name__}: {error})") from error


class _Reader:
    """One file's JSON and buffers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            data = path.read_bytes()
        except OSError as error:
            raise AssetError(f"{path}: cannot be read ({error.strerror})") from error
        self._binary = b""
        text = data
        if data[:4] == b"glTF":
            text = self._chunks(data)
        try:
            self.json: dict[str, Any] = json.loads(text)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise AssetError(f"{path}: its JSON is damaged ({error})") from error
        needed = [name for name in self.json.get("extensionsRequired") or [] if not name.startswith(HARMLESS)]
        if needed:
            way = "compression" if any(name in COMPRESSING for name in needed) else "it"
            raise AssetError(f"{path}: needs the extension {', '.join(needed)}; export it without {way}")
        self._buffers: dict[int, bytes] = {}

    def head(self) -> OwnHead:
        """All meshes of the scene as one head."""
        points: list[np.ndarray] = []
        triangles: list[np.ndarray] = []
        places: list[np.ndarray] = []
        pictures: list[np.ndarray | None] = []
        deltas: dict[str, list[tuple[int, np.ndarray]]] = {}
        count = 0
        for node, transform in self._nodes():
            mesh = self.json["meshes"][node["mesh"]]
            for part in mesh["primitives"]:
                if part.get("mode", TRIANGLES) != TRIANGLES:
                    continue
                attributes = part["attributes"]
                if "POSITION" not in attributes:
                    raise AssetError(f"{self.path}: mesh {mesh.get('name', node['mesh'])} has no POSITION")
                place = self._array(attributes["POSITION"]).astype(np.float64)
                corners = (
                    self._array(part["indices"]).reshape(-1) if "indices" in part else np.arange(len(place))
                ).astype(np.int64)
                if len(corners) % 3 or (len(corners) and corners.max() >= len(place)):
                    raise AssetError(f"{self.path}: its triangles name points that are not there")
                points.append(place @ transform[:3, :3].T + transform[:3, 3])
                triangles.append(corners.reshape(-1, 3) + count)
                uv = self._array(attributes["TEXCOORD_0"]) if "TEXCOORD_0" in attributes else np.zeros((len(place), 2))
                picture, placed = self._coloured(part, uv.astype(np.float32))
                places.append(placed)
                pictures.append(picture)
                targets = part.get("targets") or []
                for name, target in zip(self._target_names(mesh, part, targets), targets, strict=True):
                    known = side_name(name)
                    if known is not None and "POSITION" in target:
                        moved = self._array(target["POSITION"]).astype(np.float64)
                        deltas.setdefault(known, []).append((count, moved @ transform[:3, :3].T))
                count += len(place)
        if not points:
            raise AssetError(f"{self.path}: holds no mesh")
        if count > MOST_POINTS:
            raise AssetError(f"{self.path}: has {count} points, more than {MOST_POINTS}; export a lighter head")
        units = {}
        for name, parts in deltas.items():
            units[name] = np.zeros((count, 3))
            for start, moved in parts:
                units[name][start : start + len(moved)] += moved
        uv, albedo = _atlas(places, pictures)
        part_of = np.repeat(np.arange(len(points)), [len(place) for place in points])
        whole = self._head(np.concatenate(points), np.concatenate(triangles), part_of, units, uv, albedo)
        return checked(whole, self.path)

    def _head(
        self,
        points: np.ndarray,
        triangles: np.ndarray,
        part_of: np.ndarray,
        units: dict[str, np.ndarray],
        uv: np.ndarray,
        albedo: np.ndarray | None,
    ) -> OwnHead:
        """The head in the project's room; parts below the face, and what is far below it, are cut off."""
        face = np.zeros(len(points), bool)
        for name in set(NEEDED) & set(units):
            size = np.abs(units[name]).max(axis=1)
            face |= size > MOVED_SHARE * max(float(size.max()), 1e-12)
        kept = np.arange(len(points))
        if face.any():
            low, high = points[face, 1].min(), points[face, 1].max()
            if np.ptp(points[:, 1]) > BODY * (high - low):
                tops = np.full(part_of[-1] + 1, -np.inf)
                np.maximum.at(tops, part_of, points[:, 1])
                above = (points[:, 1] >= low - NECK * (high - low)) & (tops > low)[part_of]
                triangles = triangles[above[triangles].all(axis=1)]
                kept = np.unique(triangles)
                triangles = np.searchsorted(kept, triangles)
        fitted, scale, _ = fit_to_room(points[kept])
        moved = {}
        for name, delta in units.items():
            whole = (scale * delta[kept]).astype(np.float32)
            chosen = np.flatnonzero(np.abs(whole).max(axis=1) > 1e-5)
            moved[name] = (chosen, whole[chosen])
        return OwnHead(
            self.path.stem, fitted, triangles.astype(np.int32), moved,
            None if albedo is None else uv[kept], albedo,
        )  # fmt: skip

    def _target_names(self, mesh: dict[str, Any], part: dict[str, Any], targets: list[dict[str, int]]) -> list[str]:
        """Names of morph targets: exporters write them beside the mesh, beside the part, or beside the numbers."""
        for owner in (mesh, part):
            names = (owner.get("extras") or {}).get("targetNames")
            if names:
                return [*map(str, names), *[""] * len(targets)][: len(targets)]
        accessors = self.json["accessors"]
        return [
            str(accessors[target["POSITION"]].get("name", "")) if "POSITION" in target else "" for target in targets
        ]

    def _chunks(self, data: bytes) -> bytes:
        """JSON of a .glb; keeps its binary chunk."""
        magic, version, length = struct.unpack_from("<III", data)
        if magic != MAGIC or version != 2:
            raise AssetError(f"{self.path}: is glTF version {version}; version 2 is read")
        if length > len(data):
            raise AssetError(f"{self.path}: is cut off after {len(data)} of {length} bytes; copy it again")
        text, at = b"", 12
        while at + 8 <= length:
            size, kind = struct.unpack_from("<II", data, at)
            chunk = data[at + 8 : at + 8 + size]
            if len(chunk) < size:
                raise AssetError(f"{self.path}: is cut off within a chunk; copy it again")
            if kind == JSON_CHUNK:
                text = chunk
            elif kind == BINARY_CHUNK:
                self._binary = chunk
            at += 8 + size
        return text

    def _nodes(self) -> list[tuple[dict[str, Any], np.ndarray]]:
        """Nodes with a mesh, and their transform into the scene."""
        nodes = self.json.get("nodes", [])
        scenes = self.json.get("scenes", [])
        roots = scenes[self.json.get("scene", 0)].get("nodes", []) if scenes else range(len(nodes))
        found: list[tuple[dict[str, Any], np.ndarray]] = []
        waiting = [(index, np.eye(4)) for index in roots]
        for _ in range(len(nodes) + 1):  # a tree: each node once
            below = []
            for index, above in waiting:
                node = nodes[index]
                transform = above @ _transform(node)
                if "mesh" in node:
                    found.append((node, transform))
                below += [(child, transform) for child in node.get("children", [])]
            waiting = below
            if not waiting:
                return found
        raise AssetError(f"{self.path}: its nodes go round in a circle")

    def _array(self, number: int) -> np.ndarray:
        """Values of an accessor, shape (count, components); sparse ones filled in."""
        accessor = self.json["accessors"][number]
        width, count = COUNTS[accessor["type"]], int(accessor["count"])
        kind = np.dtype(TYPES[accessor["componentType"]])
        if "bufferView" in accessor:
            values = self._view(accessor["bufferView"], accessor.get("byteOffset", 0), kind, count, width).copy()
        else:
            values = np.zeros((count, width), kind)
        if "sparse" in accessor:
            sparse = accessor["sparse"]
            where, what = sparse["indices"], sparse["values"]
            index_kind = np.dtype(TYPES[where["componentType"]])
            rows = self._view(where["bufferView"], where.get("byteOffset", 0), index_kind, sparse["count"], 1)[:, 0]
            values[rows] = self._view(what["bufferView"], what.get("byteOffset", 0), kind, sparse["count"], width)
        if accessor.get("normalized") and kind.kind in "iu":
            return np.maximum(values.astype(np.float32) / np.iinfo(kind).max, -1.0)
        return values

    def _view(self, number: int, offset: int, kind: np.dtype[Any], count: int, width: int) -> np.ndarray:
        view = self.json["bufferViews"][number]
        data = self._buffer(view["buffer"])
        start, size = view.get("byteOffset", 0) + offset, kind.itemsize * width
        stride = view.get("byteStride", size) or size
        end = start + stride * (count - 1) + size if count else start
        if end > len(data):
            raise AssetError(
                f"{self.path}: buffer {view['buffer']} ends after {len(data)} of {end} bytes; copy it again"
            )
        return np.ndarray((count, width), kind, data, start, (stride, kind.itemsize))

    def _buffer(self, number: int) -> bytes:
        if number not in self._buffers:
            uri = self.json["buffers"][number].get("uri")
            self._buffers[number] = self._binary if uri is None else self._fetch(uri)
        return self._buffers[number]

    def _fetch(self, uri: str) -> bytes:
        """Bytes of a data URI or of a file beside this one."""
        if uri.startswith("data:"):
            try:
                return base64.b64decode(uri.partition(",")[2], validate=True)
            except binascii.Error as error:
                raise AssetError(f"{self.path}: its embedded data is damaged ({error})") from error
        beside = (self.path.parent / urllib.parse.unquote(uri)).resolve()
        if not beside.is_relative_to(self.path.parent.resolve()):
            raise AssetError(f"{self.path}: names {uri}, which is outside its folder")
        try:
            return beside.read_bytes()
        except OSError as error:
            raise AssetError(f"{self.path}: its part {uri} cannot be read ({error.strerror})") from error

    def _coloured(self, part: dict[str, Any], uv: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
        """Base colour of a part, shape (rows, columns, 3) uint8, and the places of its points in it."""
        materials = self.json.get("materials") or []
        if "material" not in part or part["material"] >= len(materials):
            return None, uv
        paint = materials[part["material"]].get("pbrMetallicRoughness") or {}
        plain = np.array(paint.get("baseColorFactor") or (1.0, 1.0, 1.0, 1.0), float)[:3]
        base = paint.get("baseColorTexture")
        picture = None if base is None else self._picture(base["index"])
        if base is None or picture is None:
            return (_srgb(plain)[None, None] if "baseColorFactor" in paint else None), uv
        moved = (base.get("extensions") or {}).get("KHR_texture_transform")
        return picture, uv if moved is None else _moved(uv, moved)

    def _picture(self, texture: int) -> np.ndarray | None:
        """A picture, None where it is only there in a form that an extension brings."""
        found = self.json["textures"][texture]
        source = found.get("source", ((found.get("extensions") or {}).get("EXT_texture_webp") or {}).get("source"))
        if source is None:
            return None
        image = self.json["images"][source]
        if "bufferView" in image:
            view = self.json["bufferViews"][image["bufferView"]]
            data = self._buffer(view["buffer"])[view.get("byteOffset", 0) :][: view["byteLength"]]
        else:
            data = self._fetch(image["uri"])
        try:
            with require("PIL.Image", "face").open(io.BytesIO(data)) as opened:
                opened.thumbnail((LARGEST_PICTURE_PX, LARGEST_PICTURE_PX))
                return np.asarray(opened.convert("RGB"))
        except OSError as error:
            raise AssetError(f"{self.path}: its texture is damaged ({error})") from error


def _atlas(places: list[np.ndarray], pictures: list[np.ndarray | None]) -> tuple[np.ndarray, np.ndarray | None]:
    """Places of all points in one picture that holds each part's own, one below the other; None without any.

    Parts that share a picture share its place; parts without one are white.
    """
    if all(picture is None for picture in pictures):
        return np.concatenate(places), None
    white = np.full((1, 1, 3), 255, np.uint8)
    given = [white if picture is None else picture for picture in pictures]
    sheets = list({sheet.tobytes() + bytes(repr(sheet.shape), "ascii"): sheet for sheet in given}.items())
    rows = {key: sum(sheet.shape[0] for _, sheet in sheets[:i]) for i, (key, sheet) in enumerate(sheets)}
    height, width = sum(sheet.shape[0] for _, sheet in sheets), max(sheet.shape[1] for _, sheet in sheets)
    atlas = np.full((height, width, 3), 255, np.uint8)
    for key, sheet in sheets:
        atlas[rows[key] : rows[key] + sheet.shape[0], : sheet.shape[1]] = sheet
    if len(sheets) == 1:
        return np.concatenate(places), atlas
    moved = []
    for place, sheet in zip(places, given, strict=True):
        row = rows[sheet.tobytes() + bytes(repr(sheet.shape), "ascii")]
        inside = np.where((place < 0.0) | (place > 1.0), place - np.floor(place), place)  # a texture repeats
        size = np.array([sheet.shape[1], sheet.shape[0]], np.float32)
        at = np.clip(inside * size, 0.5, size - 0.5) + np.array([0.0, row])
        moved.append((at / (width, height)).astype(np.float32))
    return np.concatenate(moved), atlas


def _moved(uv: np.ndarray, how: dict[str, Any]) -> np.ndarray:
    """Texture places under KHR_texture_transform: scaled, turned, shifted."""
    angle = how.get("rotation", 0.0)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    placed: np.ndarray = uv * how.get("scale", (1.0, 1.0)) @ turn.T + how.get("offset", (0.0, 0.0))
    return placed.astype(np.float32)


def _srgb(linear: np.ndarray) -> np.ndarray:
    """Linear colours 0-1 as sRGB bytes (IEC 61966-2-1)."""
    share = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.clip(linear, 0.0, 1.0) ** (1 / 2.4) - 0.055)
    result: np.ndarray = np.round(255.0 * np.clip(share, 0.0, 1.0)).astype(np.uint8)
    return result


def _transform(node: dict[str, Any]) -> np.ndarray:
    """Local transform of a node, shape (4, 4)."""
    if "matrix" in node:
        return np.array(node["matrix"], float).reshape(4, 4).T
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    transform = np.eye(4)
    transform[:3, :3] = turn * np.array(node.get("scale", (1.0, 1.0, 1.0)))
    transform[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return transform
