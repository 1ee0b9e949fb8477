"""``dataset verify``: is every byte the one that was written, every cell full, every label what the face says?

Nothing is taken on trust: labels are computed again from the stored action units and the mesh of the stored person.
"""

from __future__ import annotations

import collections
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from experiments.datasets.design import SPLITS, Design
from experiments.datasets.draw import label_row, pose_of_row
from experiments.datasets.labels import Labeller, png_bytes
from experiments.datasets.layout import CHECKSUMS, checksum_of, read_rows
from robopatient.errors import RecordError
from robopatient.face.head import Head
from robopatient.face.identity import Identity
from robopatient.face.light import make_look

__all__ = ["Check", "open_dataset", "rows_of", "verify"]

LANDMARK_TOLERANCE_PX = 1e-3
"""Landmarks are stored as float32: a place of 500 px is known to 3e-5."""


class Check(NamedTuple):
    """One finding: what was checked, how many agree of how many, and the first that do not."""

    name: str
    agree: int
    total: int
    wrong: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all agree."""
        return self.agree == self.total


def open_dataset(folder: Path) -> tuple[dict[str, Any], Design]:
    """Facts and design of a finished data set.

    Raises
    ------
    RecordError
        When the folder holds none, or one that was never finished.
    """
    try:
        facts = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        design = msgspec.convert(facts["design"], Design)
    except (OSError, ValueError, KeyError, msgspec.ValidationError) as error:
        raise RecordError(
            f"{folder}: holds no finished data set ({error}); make or finish one with: robopatient dataset generate"
        ) from error
    return facts, design


def rows_of(folder: Path, design: Design) -> Iterator[dict[str, Any]]:
    """Every frame's labels, split by split.

    Raises
    ------
    RecordError
        Naming a table that cannot be read.
    """
    for split in SPLITS:
        stills = design.picture.form == "stills"
        path = folder / split / "metadata.parquet" if stills else folder / "frames" / f"{split}.parquet"
        if not getattr(design.split, split):
            continue
        try:
            yield from read_rows(path)
        except (OSError, ValueError) as error:
            raise RecordError(
                f"{path}: cannot be read ({error}); delete {CHECKSUMS} and generate into this folder again"
            ) from error


def verify(folder: Path) -> list[Check]:
    """All checks; none stops the others."""
    _, design = open_dataset(folder)
    rows = list(rows_of(folder, design))
    return [
        _checksums(folder),
        _balance(design, rows),
        _complete(design, rows),
        _labels(rows),
        _geometry(folder, design, rows),
        _leaks(rows),
        _duplicates(folder),
    ]


def _checksums(folder: Path) -> Check:
    wrong, total = [], 0
    listed = set()
    for line in (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines():
        expected, _, name = line.partition("  ")
        listed.add(name)
        path = folder / name
        total += 1
        if not path.is_file():
            wrong.append(f"{name} is missing")
        elif checksum_of(path) != expected:
            wrong.append(f"{name} was changed")
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and name not in listed and name != CHECKSUMS:
            total += 1
            wrong.append(f"{name} is not listed")
    return Check("files are as they were written", total - len(wrong), total, tuple(wrong))


def _balance(design: Design, rows: list[dict[str, Any]]) -> Check:
    """The same number of people in every cell of every split, as the design asks."""
    crossed = [
        column
        for column, axis in zip(
            ("age_band", "sex", "ancestry", "skin_band"),
            (design.balance.age, design.balance.sex, design.balance.ancestry, design.balance.skin),
            strict=True,
        )
        if axis
    ]
    people = {row["person"]: (row["split"], *(row[column] for column in crossed)) for row in rows}
    counts = collections.Counter(people.values())
    parts = design.split.train + design.split.validation + design.split.test
    rounds = design.balance.people // len(design.cells()) // parts
    wrong = []
    total = 0
    for split in SPLITS:
        expected = rounds * getattr(design.split, split)
        for cell in design.cells():
            key = (split, *(value for value in cell if value))
            total += 1
            if counts[key] != expected:
                wrong.append(f"{' '.join(key)}: {counts[key]} people, not {expected}")
    return Check("cells hold as many people as the design says", total - len(wrong), total, tuple(wrong))


def _complete(design: Design, rows: list[dict[str, Any]]) -> Check:
    counts = collections.Counter(row["person"] for row in rows)
    wrong = [f"{name}: {count} frames, not {design.frames_a_person}" for name, count in counts.items()
             if count != design.frames_a_person]  # fmt: skip
    return Check("everybody shows everything from everywhere", len(counts) - len(wrong), len(counts), tuple(wrong))


def _labels(rows: list[dict[str, Any]]) -> Check:
    """PSPI, ARKit weights and sides follow from the stored action units."""
    wrong = []
    for row in rows:
        again = label_row(pose_of_row(row))
        bad = [name for name in ("pspi", "pspi_no_au43") if again[name] != row[name]]
        if not np.allclose(again["arkit"], row["arkit"], atol=1e-6):
            bad.append("arkit")
        if bad:
            wrong.append(f"{row['file_name']} frame {row['frame']}: {', '.join(bad)}")
    return Check("labels follow from the action units", len(rows) - len(wrong), len(rows), tuple(wrong))


def _geometry(folder: Path, design: Design, rows: list[dict[str, Any]]) -> Check:
    """Landmarks, regions and displacement follow from the mesh of the stored person."""
    people = json.loads((folder / "people.json").read_text(encoding="utf-8"))
    identities = {f"p{one['number']:05d}": msgspec.convert(one["identity"], Identity) for one in people}
    wrong = []
    labeller, of = None, ""
    for row in rows:
        if row["person"] != of:
            of = row["person"]
            head = Head(identities[of])
            eyes = head.eye_centres.mean(axis=0)
            labeller = Labeller(head, eyes, design.picture.size_px, design.picture.label_px)
        assert labeller is not None
        found = labeller.label(pose_of_row(row), make_look(row["view"], row["light"], design.picture.background))
        marks = np.array(row["landmarks_px"]).reshape(-1, 2)
        if (
            np.abs(found.landmarks_px - marks).max() > LANDMARK_TOLERANCE_PX
            or png_bytes(found.regions) != row["region_mask"]
            or png_bytes(found.displacement) != row["displacement_map"]
        ):
            wrong.append(f"{row['file_name']} frame {row['frame']}")
    return Check("landmarks and maps follow from the mesh", len(rows) - len(wrong), len(rows), tuple(wrong))


def _leaks(rows: list[dict[str, Any]]) -> Check:
    """No person and no seed in two splits."""
    homes: dict[tuple[str, Any], set[str]] = collections.defaultdict(set)
    for row in rows:
        homes["person", row["person"]].add(row["split"])
        homes["seed", row["seed"]].add(row["split"])
    wrong = [f"{kind} {value} is in {' and '.join(sorted(at))}" for (kind, value), at in homes.items() if len(at) > 1]
    return Check("splits share nobody and no seed", len(homes) - len(wrong), len(homes), tuple(wrong))


def _duplicates(folder: Path) -> Check:
    """No two pictures or clips with the same bytes."""
    first: dict[str, str] = {}
    wrong, total = [], 0
    for line in (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        if "/files/" not in name or name.endswith(".wav"):  # several views of a take have the same sound
            continue
        total += 1
        if digest in first:
            wrong.append(f"{name} is {first[digest]} again")
        first.setdefault(digest, name)
    return Check("no picture is there twice", total - len(wrong), total, tuple(wrong))
