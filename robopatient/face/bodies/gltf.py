"""Heads from glTF 2.0: ``.glb`` or ``.gltf`` with morph targets under ARKit's names (Khronos glTF 2.0, sections 3-5).

Only what a head needs is read: meshes with their nodes' transforms, morph targets, the first base colour texture. No
animation, no skin, no extension that compresses.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from robopatient.errors import AssetError, require
from robopatient.face.bodies.head import OwnHead, checked, fit_to_room, side_name

__all__ = ["load_gltf"]

MAGIC, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942
TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
COUNTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
TRIANGLES = 4
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
        needed = [name for name in self.json.get("extensionsRequired", []) if name != "KHR_materials_unlit"]
        if needed:
            raise AssetError(f"{path}: needs the extension {', '.join(needed)}; export it without compression")
        self._buffers: dict[int, bytes] = {}

    def head(self) -> OwnHead:
        """All meshes of the scene as one head."""
        points: list[np.ndarray] = []
        triangles: list[np.ndarray] = []
        places: list[np.ndarray] = []
        deltas: dict[str, list[tuple[int, np.ndarray]]] = {}
        count = 0
        picture = None
        for node, transform in self._nodes():
            mesh = self.json["meshes"][node["mesh"]]
            names = mesh.get("extras", {}).get("targetNames", [])
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
                places.append(uv.astype(np.float32))
                for index, target in enumerate(part.get("targets", [])):
                    known = side_name(str(names[index])) if index < len(names) else None
                    if known is not None and "POSITION" in target:
                        moved = self._array(target["POSITION"]).astype(np.float64)
                        deltas.setdefault(known, []).append((count, moved @ transform[:3, :3].T))
                picture = picture if picture is not None else self._picture(part)
                count += len(place)
        if not points:
            raise AssetError(f"{self.path}: holds no mesh")
        if count > MOST_POINTS:
            raise AssetError(f"{self.path}: has {count} points, more than {MOST_POINTS}; export a lighter head")
        fitted, scale, _ = fit_to_room(np.concatenate(points))
        units = {}
        for name, parts in deltas.items():
            whole = np.zeros((count, 3), np.float32)
            for start, moved in parts:
                whole[start : start + len(moved)] += scale * moved
            chosen = np.flatnonzero(np.abs(whole).max(axis=1) > 1e-5)
            units[name] = (chosen, whole[chosen])
        head = OwnHead(
            self.path.stem, fitted, np.concatenate(triangles).astype(np.int32), units,
            np.concatenate(places) if picture is not None else None, picture,
        )  # fmt: skip
        return checked(head, self.path)

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
        beside = (self.path.parent / uri).resolve()
        if not beside.is_relative_to(self.path.parent.resolve()):
            raise AssetError(f"{self.path}: names {uri}, which is outside its folder")
        try:
            return beside.read_bytes()
        except OSError as error:
            raise AssetError(f"{self.path}: its part {uri} cannot be read ({error.strerror})") from error

    def _picture(self, part: dict[str, Any]) -> np.ndarray | None:
        """Base colour texture, shape (rows, columns, 3), or None."""
        materials = self.json.get("materials", [])
        if "material" not in part or part["material"] >= len(materials):
            return None
        base = materials[part["material"]].get("pbrMetallicRoughness", {}).get("baseColorTexture")
        if base is None:
            return None
        image = self.json["images"][self.json["textures"][base["index"]]["source"]]
        if "bufferView" in image:
            view = self.json["bufferViews"][image["bufferView"]]
            data = self._buffer(view["buffer"])[view.get("byteOffset", 0) :][: view["byteLength"]]
        else:
            data = self._fetch(image["uri"])
        try:
            with require("PIL.Image", "face").open(io.BytesIO(data)) as opened:
                return np.asarray(opened.convert("RGB"))
        except OSError as error:
            raise AssetError(f"{self.path}: its texture is damaged ({error})") from error


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
