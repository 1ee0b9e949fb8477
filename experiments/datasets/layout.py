"""The folder that users get: tables and pictures by split, shards, stimuli list, cards and checksums.

``load_dataset(DIR)`` and ``pandas.read_parquet`` read it as it is; every step may be repeated after a kill.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import shutil
import tarfile
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

import robopatient
from experiments.datasets.cards import data_card, datasheet
from experiments.datasets.design import SPLITS, Design, Person
from experiments.datasets.draw import identity_of, lineage_of
from experiments.datasets.labels import LANDMARKS, MAP_FULL_MM, REGIONS
from experiments.datasets.report import write_report
from robopatient.errors import require
from robopatient.face.arkit import ARKIT

__all__ = ["CHECKSUMS", "checksum_of", "finish", "read_rows", "write_rows"]

VERSIONS = ("numpy", "moderngl", "numba", "pillow", "av", "anny", "pyarrow")
CHUNK_BYTES = 1 << 20
CHECKSUMS = "checksums.sha256"
CLIP_COLUMNS = (
    "person", "split", "shot", "kind", "nrs", "archetype", "expressiveness", "view", "light", "neutral", "age_band",
    "age_years", "sex", "ancestry", "skin_band", "monk_tone", "hair", "lineage", "seed",
)  # fmt: skip


def write_rows(rows: list[dict[str, Any]], path: Path) -> None:
    """Rows as Parquet; the same rows give the same bytes."""
    pa, pq = require("pyarrow", "study"), require("pyarrow.parquet", "study")
    pq.write_table(pa.Table.from_pylist(rows), path, compression="zstd", store_schema=False)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a Parquet file."""
    rows: list[dict[str, Any]] = require("pyarrow.parquet", "study").read_table(path).to_pylist()
    return rows


def finish(out: Path, design: Design, people: list[Person], work: Path) -> None:
    """Lay out what was drawn in ``work``; the checksums come last and say that all is there."""
    for person in people:  # pictures first: a person whose pictures have moved keeps its rows in ``work``
        drawn, home = work / person.name, out / person.split / "files" / person.name
        home.parent.mkdir(parents=True, exist_ok=True)
        if not home.is_dir():
            part = home.with_name(home.name + ".part")
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(drawn, part, ignore=shutil.ignore_patterns("rows.parquet"), copy_function=_link)
            part.replace(home)
    counts, everything = {}, []
    for split in SPLITS:
        rows = [row for p in people if p.split == split for row in read_rows(work / p.name / "rows.parquet")]
        if not rows:
            continue
        for row in rows:
            for column in ("file_name", "neutral"):
                row[column] = f"files/{row['person']}/{row[column]}"
        counts[split] = len(rows)
        everything += rows
        if design.picture.form == "stills":
            write_rows(rows, out / split / "metadata.parquet")
        else:
            (out / "frames").mkdir(exist_ok=True)
            write_rows(rows, out / "frames" / f"{split}.parquet")
            write_rows([_clip_row(row) for row in rows if row["frame"] == 0], out / split / "metadata.parquet")
        if design.extra.webdataset:
            _write_shards(out, split, rows, design.extra.shard_items)
    everybody = [{**person._asdict(), "identity": json.loads(msgspec.json.encode(identity_of(design, person)))}
                 for person in people]  # fmt: skip
    _text(out / "people.json", json.dumps(everybody, indent=1))
    if design.extra.bids:
        _write_stimuli(out)
    facts = _facts(design, counts)
    _text(out / "README.md", data_card(design, facts))
    _text(out / "DATASHEET.md", datasheet(design, facts))
    _text(out / "report.html", write_report(out, design, everything, facts))
    _text(out / "dataset.json", json.dumps(facts, indent=1))
    files = sorted(path for path in out.rglob("*") if path.is_file() and work not in path.parents)
    lines = [f"{checksum_of(path)}  {path.relative_to(out)}" for path in files if path.name != CHECKSUMS]
    _text(out / CHECKSUMS, "\n".join(lines) + "\n")


def checksum_of(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _link(source: str, target: str) -> None:
    """A second name for a file, or a copy where the file system has no such thing."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _text(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _clip_row(row: dict[str, Any]) -> dict[str, Any]:
    """What holds for a whole clip."""
    return {name: row[name] for name in ("file_name", *CLIP_COLUMNS)}


def _write_shards(out: Path, split: str, rows: list[dict[str, Any]], size: int) -> None:
    """WebDataset: tar files of picture and JSON under one key; headers carry no time and no owner."""
    folder = out / "shards"
    folder.mkdir(exist_ok=True)
    items: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        items.setdefault(row["file_name"], []).append(row)
    names = list(items)
    for number, start in enumerate(range(0, len(names), size)):
        with tarfile.open(folder / f"{split}-{number:05d}.tar", "w", format=tarfile.USTAR_FORMAT) as shard:
            for name in names[start : start + size]:
                picture = out / split / name
                key = picture.stem
                labels = [{k: v for k, v in row.items() if not isinstance(v, bytes)} for row in items[name]]
                _add(shard, key + picture.suffix, picture.read_bytes())
                _add(shard, key + ".json", json.dumps(labels[0] if len(labels) == 1 else labels).encode())
                if len(labels) == 1:
                    _add(shard, key + ".region.png", items[name][0]["region_mask"])
                    _add(shard, key + ".displacement.png", items[name][0]["displacement_map"])


def _add(shard: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    shard.addfile(entry, io.BytesIO(data))


def _write_stimuli(out: Path) -> None:
    """A list of stimuli as experiments in BIDS refer to them (``stim_file``)."""
    lines = ["stim_file\tperson\tkind\tnrs\tarchetype\tview\tlight"]
    for split in SPLITS:
        table = out / split / "metadata.parquet"
        for row in read_rows(table) if table.is_file() else []:
            fields = [f"{split}/{row['file_name']}", row["person"], row["kind"], f"{row['nrs']:g}"]
            lines.append("\t".join([*fields, row["archetype"] or "n/a", row["view"], row["light"]]))
    _text(out / "stimuli.tsv", "\n".join(lines) + "\n")
    columns = {
        "stim_file": "path below this folder",
        "person": "made-up person",
        "kind": "neutral, pain, or an expression that is not pain",
        "nrs": "pain shown at the apex, numeric rating scale 0 to 10",
        "archetype": "which action units carry the pain",
        "view": "camera",
        "light": "light",
    }
    _text(out / "stimuli.json", json.dumps({k: {"Description": v} for k, v in columns.items()}, indent=1))


def _facts(design: Design, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "design_sha256": design.digest,
        "title": design.title,
        "design": json.loads(msgspec.json.encode(design)),
        "lineage": lineage_of(design),
        "frames": counts,
        "landmarks": list(LANDMARKS),
        "regions": list(REGIONS),
        "arkit": list(ARKIT),
        "displacement_full_mm": MAP_FULL_MM,
        "version": robopatient.__version__,
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in VERSIONS},
    }
