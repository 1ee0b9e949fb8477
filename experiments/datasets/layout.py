"""The folder that users get: tables and pictures by split, shards, stimuli list, cards and checksums.

``load_dataset(DIR)`` and ``pandas.read_parquet`` read it as it is; every step may be repeated after a kill.
"""

from __future__ import annotations

import json
import platform
import shutil
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

import robopatient
from experiments.datasets.cards import data_card, datasheet
from experiments.datasets.design import SPLITS, DatasetDesign, DatasetPerson
from experiments.datasets.draw import identity_of, lineage_of
from experiments.datasets.labels import LANDMARKS, MAP_FULL_MM, REGIONS
from experiments.datasets.report import write_report
from experiments.datasets.shards import write_shards
from experiments.datasets.tables import DIGESTS, ROWS, ParquetTable, checksum_of, read_digests, rows_in
from robopatient.errors import require
from robopatient.face.arkit import ARKIT

__all__ = ["CHECKSUMS", "CLIP_COLUMNS", "finish", "table_of"]

VERSIONS = ("numpy", "moderngl", "numba", "pillow", "av", "anny", "pyarrow")
CHECKSUMS = "checksums.sha256"
CLIP_COLUMNS = (
    "person", "split", "shot", "kind", "nrs", "archetype", "expressiveness", "view", "light", "neutral", "age_band",
    "age_years", "sex", "ancestry", "skin_band", "monk_tone", "hair", "lineage", "seed",
)  # fmt: skip
NOT_FOR_USERS = (ROWS, DIGESTS)


def table_of(out: Path, design: DatasetDesign, split: str) -> Path:
    """Where the labels of every frame of a split are."""
    return out / (f"{split}/metadata.parquet" if design.picture.form == "stills" else f"frames/{split}.parquet")


def finish(out: Path, design: DatasetDesign, people: list[DatasetPerson], work: Path) -> None:
    """Lay out what was drawn in ``work``; the checksums come last and say that all is there.

    Nothing is held of more than a few people at a time, and every step may be done again after a kill. Files of an
    earlier layout that are not those of ``work`` are replaced.
    """
    digests: dict[str, str] = {}
    counts: dict[str, int] = {}
    for split in SPLITS:
        members = [person for person in people if person.split == split]
        if not members:
            continue
        for person in members:
            home = f"{split}/files/{person.name}"
            _move_in(work / person.name, out / home)
            digests |= {f"{home}/{name}": digest for name, digest in read_digests(work / person.name / DIGESTS).items()}
        counts[split] = _write_tables(out, design, split, [work / person.name for person in members])
        if design.extra.webdataset:
            write_shards(out, split, table_of(out, design, split), design.extra.shard_items)
    everybody = [{**person._asdict(), "identity": json.loads(msgspec.json.encode(identity_of(design, person)))}
                 for person in people]  # fmt: skip
    _text(out / "people.json", json.dumps(everybody, indent=1))
    if design.extra.bids:
        _write_stimuli(out)
    facts = _facts(design, counts)
    _text(out / "README.md", data_card(design, facts))
    _text(out / "DATASHEET.md", datasheet(design, facts))
    _text(out / "report.html", write_report(out, design, facts, [table_of(out, design, split) for split in counts]))
    _text(out / "dataset.json", json.dumps(facts, indent=1))
    for path in out.rglob("*"):
        name = path.relative_to(out).as_posix()
        if path.is_file() and work not in path.parents and name not in (CHECKSUMS, *digests):
            digests[name] = checksum_of(path)
    _text(out / CHECKSUMS, "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)))


def _move_in(drawn: Path, home: Path) -> None:
    """Give a person's pictures their place, under a second name: a person whose pictures have moved keeps the rows."""
    home.parent.mkdir(parents=True, exist_ok=True)
    part = home.with_name(home.name + ".part")
    for old in (part, home):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(drawn, part, ignore=shutil.ignore_patterns(*NOT_FOR_USERS), copy_function=_link)
    part.replace(home)


def _link(source: str, target: str) -> None:
    """A second name for a file, or a copy where the file system has no such thing."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _write_tables(out: Path, design: DatasetDesign, split: str, drawn: list[Path]) -> int:
    """Labels of a split with paths that hold below its folder; returns the frames."""
    stills = design.picture.form == "stills"
    count = 0
    with ParquetTable(table_of(out, design, split)) as frames, ExitStack() as stack:
        clips = None if stills else stack.enter_context(ParquetTable(out / split / "metadata.parquet"))
        for folder in drawn:
            table = _with_paths(require("pyarrow.parquet", "study").read_table(folder / ROWS), folder.name)
            frames.add(table)
            if clips is not None:
                first = require("pyarrow.compute", "study").equal(table["frame"], 0)
                clips.add(table.filter(first).select(["file_name", *CLIP_COLUMNS]))
            count += table.num_rows
    return count


def _with_paths(table: Any, person: str) -> Any:
    join = require("pyarrow.compute", "study").binary_join_element_wise
    for name in ("file_name", "neutral"):
        table = table.set_column(table.schema.get_field_index(name), name, join("files", person, table[name], "/"))
    return table


def _text(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


STIMULUS_COLUMNS = ("file_name", "person", "kind", "nrs", "archetype", "view", "light")


def _write_stimuli(out: Path) -> None:
    """A list of stimuli as experiments in BIDS refer to them (``stim_file``)."""
    lines = ["stim_file\tperson\tkind\tnrs\tarchetype\tview\tlight"]
    for split in SPLITS:
        table = out / split / "metadata.parquet"
        for row in rows_in(table, STIMULUS_COLUMNS) if table.is_file() else ():
            fields = [f"{split}/{row['file_name']}", row["person"], row["kind"], f"{row['nrs']:g}"]
            lines.append("\t".join([*fields, row["archetype"] or "n/a", row["view"], row["light"]]))
    _text(out / "stimuli.tsv", "\n".join(lines) + "\n")
    columns = {
        "stim_file": "path below this folder",
        "person": "simulated person",
        "kind": "neutral, pain, or an expression that is not pain",
        "nrs": "pain shown at the apex, numeric rating scale 0 to 10",
        "archetype": "which action units carry the pain",
        "view": "camera",
        "light": "light",
    }
    _text(out / "stimuli.json", json.dumps({k: {"Description": v} for k, v in columns.items()}, indent=1))


def _facts(design: DatasetDesign, counts: dict[str, int]) -> dict[str, Any]:
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
