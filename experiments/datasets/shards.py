"""WebDataset shards of a data set: tar files of picture, labels and maps under one key, the same bytes every time."""

from __future__ import annotations

import io
import itertools
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.datasets.tables import rows_in

__all__ = ["SHARDS", "broken_members", "write_shards"]

SHARDS = "shards"
END_BYTES = 2 * tarfile.BLOCKSIZE
"""Zeros that end a tar file."""
MAPS = {"region_mask": "region.png", "displacement_map": "displacement.png"}


def write_shards(out: Path, split: str, table: Path, size: int) -> None:
    """Shards of a split, ``size`` pictures or clips each; headers carry no time and no owner.

    A still comes with its labels and maps, a clip with a list of its frames' labels, and its sound where that is a
    file of its own.
    """
    folder = out / SHARDS
    folder.mkdir(exist_ok=True)
    items = _items(table)
    for number in itertools.count():
        few = list(itertools.islice(items, size))
        if not few:
            return
        path = folder / f"{split}-{number:05d}.tar"
        part = path.with_name(path.name + ".part")
        with tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as shard:
            for name, rows in few:
                _add_item(shard, out / split / name, rows)
        part.replace(path)


def _items(table: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Rows of each picture or clip; those of one stand together."""
    for name, rows in itertools.groupby(rows_in(table), key=lambda row: str(row["file_name"])):
        yield name, list(rows)


def _add_item(shard: tarfile.TarFile, picture: Path, rows: list[dict[str, Any]]) -> None:
    labels = [{name: value for name, value in row.items() if name not in MAPS} for row in rows]
    _add(shard, picture.name, picture.read_bytes())
    _add(shard, picture.stem + ".json", json.dumps(labels[0] if len(labels) == 1 else labels).encode())
    if len(rows) == 1:
        for column, ending in MAPS.items():
            _add(shard, f"{picture.stem}.{ending}", rows[0][column])
    sound = picture.with_suffix(".wav")
    if sound.is_file():
        _add(shard, sound.name, sound.read_bytes())


def _add(shard: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    shard.addfile(entry, io.BytesIO(data))


def broken_members(path: Path, files: dict[str, Path]) -> list[str]:
    """What is wrong with a shard: that it cannot be read to its end, or holds another picture than the folder.

    Parameters
    ----------
    files
        Pictures, clips and sounds of the set by file name; those found are taken out.
    """
    wrong = []
    try:
        with path.open("rb") as raw:
            raw.seek(-END_BYTES, io.SEEK_END)
            if any(raw.read()):
                raise tarfile.ReadError("no mark of the end")
        with tarfile.open(path) as shard:
            for entry in shard:
                held = shard.extractfile(entry)
                data = held.read() if held else b""
                if len(data) != entry.size:
                    raise tarfile.ReadError("a member ends early")
                file = files.pop(entry.name, None)
                if file is not None and (not file.is_file() or file.read_bytes() != data):
                    wrong.append(f"{path.name}: {entry.name} is not the picture of the folder")
    except (tarfile.TarError, OSError, EOFError) as error:
        wrong.append(f"{path.name}: cannot be read to its end ({error})")
    return wrong
