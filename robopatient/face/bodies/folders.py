"""Heads from a folder of meshes (ICT-FaceKit's layout) and from our own ``.npz`` layout, into which FLAME is converted.

Nothing is ever unpickled: FLAME's ``.pkl`` is converted by the user, where he has its code (docs/howto/other_faces.md).
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np

from robopatient.errors import AssetError
from robopatient.face.bodies.head import OwnHead, checked, fit_to_room, side_name
from robopatient.face.cache import Arrays, cached_arrays

__all__ = ["NPZ_LAYOUT", "load_ict", "load_npz"]

NEUTRAL = "generic_neutral_mesh.obj"
"""The mesh at rest in ICT-FaceKit's folder ``FaceXModel``; every expression is one more mesh of the same points."""

NPZ_LAYOUT = {
    "points": "float, (n, 3): at rest; x to the head's left, y up, z forward; any unit of length",
    "triangles": "int, (t, 3)",
    "unit_names": "text, (u,): ARKit names",
    "unit_deltas": "float, (u, n, 3): displacement at weight 1",
}
"""Arrays of a head's ``.npz``; ``uv`` (n, 2) and ``albedo`` (rows, columns, 3) uint8 may be added."""


def load_npz(path: Path) -> OwnHead:
    """Head of a file in ``NPZ_LAYOUT``.

    Raises
    ------
    AssetError
        Naming the file and the array that is missing or of the wrong shape.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise AssetError(f"{path}: no such file") from error
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise AssetError(
            f"{path}: is no .npz of plain arrays ({error}); a FLAME .pkl is converted as docs/howto/other_faces.md says"
        ) from error
    absent = [name for name in NPZ_LAYOUT if name not in arrays]
    if absent:
        raise AssetError(f"{path}: lacks {'; '.join(f'{name} ({NPZ_LAYOUT[name]})' for name in absent)}")
    points, triangles, deltas = (arrays[name] for name in ("points", "triangles", "unit_deltas"))
    names = [str(name) for name in arrays["unit_names"].reshape(-1)]
    wanted = {"points": (len(points), 3), "triangles": (len(triangles), 3), "unit_deltas": (len(names), len(points), 3)}
    for name, shape in wanted.items():
        if arrays[name].shape != shape:
            raise AssetError(f"{path}: {name} has the shape {arrays[name].shape}; expected {shape}, {NPZ_LAYOUT[name]}")
    fitted, scale, _ = fit_to_room(points.astype(np.float64))
    uv, albedo = arrays.get("uv"), arrays.get("albedo")
    if (uv is None) != (albedo is None) or (uv is not None and uv.shape != (len(points), 2)):
        raise AssetError(f"{path}: give both uv (n, 2) and albedo (rows, columns, 3), or neither")
    units = {}
    for name, delta in zip(names, deltas, strict=True):
        known = side_name(name)
        if known is not None:
            units[known] = _moved(scale * delta)
    head = OwnHead(path.stem, fitted, triangles.astype(np.int32), units, uv, albedo)
    return checked(head, path)


def load_ict(folder: Path) -> OwnHead:
    """Head of an ICT-FaceKit folder (the one with ``generic_neutral_mesh.obj``, or the one above it).

    Raises
    ------
    AssetError
        Naming the mesh that is missing, damaged or of another number of points.
    """
    inner = folder if (folder / NEUTRAL).is_file() else folder / "FaceXModel"
    if not (inner / NEUTRAL).is_file():
        raise AssetError(f"{folder}: holds no {NEUTRAL}; give ICT-FaceKit's folder FaceXModel")
    files = sorted(path for path in inner.glob("*.obj") if path.name != NEUTRAL and side_name(_stem(path)) is not None)
    key = hashlib.sha256(
        "\n".join(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in [inner / NEUTRAL, *files])
        .encode()
    ).hexdigest()[:16]  # fmt: skip
    arrays = cached_arrays(f"ict-{key}-v1", lambda: _read_ict(inner, files))
    points, scale, _ = fit_to_room(arrays["points"].astype(np.float64))
    units: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name in sorted({str(name) for name in arrays["names"]}):
        rows = np.flatnonzero(arrays["names"] == name)
        units[name] = _moved(scale * arrays["deltas"][rows].sum(axis=0))  # browInnerUp comes as a left and a right half
    return checked(OwnHead(folder.name, points, arrays["triangles"], units), inner)


def _stem(path: Path) -> str:
    """Shape that a file holds; ICT splits the inner brow, ARKit does not."""
    return "browInnerUp" if path.stem.startswith("browInnerUp") else path.stem


def _read_ict(inner: Path, files: list[Path]) -> Arrays:
    points, triangles = _read_obj(inner / NEUTRAL, True)
    deltas, names = [], []
    for path in files:
        moved, _ = _read_obj(path, False)
        if moved.shape != points.shape:
            raise AssetError(f"{path}: has {len(moved)} points, {NEUTRAL} has {len(points)}")
        deltas.append((moved - points).astype(np.float32))
        names.append(str(side_name(_stem(path))))
    stacked = np.stack(deltas) if deltas else np.zeros((0, len(points), 3), np.float32)
    return {"points": points, "triangles": triangles, "deltas": stacked, "names": np.array(names, dtype="U32")}


def _read_obj(path: Path, faces: bool) -> tuple[np.ndarray, np.ndarray]:
    """Points of a Wavefront OBJ, and its faces as triangles when they are asked for."""
    rows, corners = [], []
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("v "):
                    rows.append(line.split()[1:4])
                elif faces and line.startswith("f "):
                    ring = [int(word.partition("/")[0]) - 1 for word in line.split()[1:]]
                    corners += [(ring[0], ring[k], ring[k + 1]) for k in range(1, len(ring) - 1)]
        points = np.array(rows, np.float32).reshape(-1, 3)
    except OSError as error:
        raise AssetError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise AssetError(f"{path}: is a damaged mesh ({error})") from error
    return points, np.array(corners, np.int32).reshape(-1, 3)


def _moved(delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    chosen = np.flatnonzero(np.abs(delta).max(axis=1) > 1e-5)
    return chosen, delta[chosen].astype(np.float32)
