"""``dataset verify``: is every byte the one that was written, every cell full, every label what the face says?

Nothing is taken on trust: labels are computed again from the stored action units and the mesh of the stored person.
"""

from __future__ import annotations

import collections
import json
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from experiments.datasets.design import SPLITS, DatasetDesign
from experiments.datasets.draw import label_row, pose_of_row, seen_row
from experiments.datasets.labels import Deformed, Labeller
from experiments.datasets.layout import CHECKSUMS, table_of
from experiments.datasets.shards import SHARDS, broken_members
from experiments.datasets.tables import checksum_of, read_digests, rows_in
from robopatient.errors import RecordError
from robopatient.face.head import Head
from robopatient.face.identity import FaceIdentity
from robopatient.face.light import make_look
from robopatient.messages import FacePose

__all__ = ["LABELS", "PLACES", "DatasetCheck", "open_dataset", "verify"]

LABELS = "labels follow from the action units"
PLACES = "landmarks and maps follow from the mesh"
CROSSED = {"age": "age_band", "sex": "sex", "ancestry": "ancestry", "skin": "skin_band"}
"""Column of each attribute that a design may cross."""

LANDMARK_TOLERANCE_PX = 1e-3
"""Landmarks are stored as float32: a place of 500 px is known to 3e-5."""


class DatasetCheck(NamedTuple):
    """One finding: what was checked, how many agree of how many, and the first that do not."""

    name: str
    agree: int
    total: int
    wrong: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all agree."""
        return self.agree == self.total


def open_dataset(folder: Path) -> tuple[dict[str, Any], DatasetDesign]:
    """Facts and design of a finished data set.

    Raises
    ------
    RecordError
        When the folder holds none, or one that was never finished.
    """
    try:
        facts = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        design = msgspec.convert(facts["design"], DatasetDesign)
    except (OSError, ValueError, KeyError, msgspec.ValidationError) as error:
        raise RecordError(
            f"{folder}: holds no finished data set ({error}); make or finish one with: robopatient dataset generate"
        ) from error
    return facts, design


def verify(folder: Path) -> list[DatasetCheck]:
    """All checks; none stops the others.

    Raises
    ------
    RecordError
        When the folder holds no finished data set.
    """
    _, design = open_dataset(folder)
    listed = _listed(folder)
    tables = [(split, table_of(folder, design, split)) for split in SPLITS if getattr(design.split, split)]
    checks = [_checksums(folder, listed), _duplicates(listed)]
    if design.extra.webdataset:
        checks.append(_shards(folder))
    readable = _readable(tables)
    checks.append(readable)
    if not readable.passed:
        return checks
    census, again = _Census(), _Again(folder, design)
    for _, table in tables:
        for row in rows_in(table):
            census.see(row)
            again.see(row)
    return [*checks, *census.checks(design), *again.checks()]


def _listed(folder: Path) -> dict[str, str]:
    """Hash of every file by its name, as written last when the set was made."""
    try:
        return read_digests(folder / CHECKSUMS)
    except OSError as error:
        raise RecordError(
            f"{folder / CHECKSUMS}: cannot be read ({error.strerror}): the set was not finished; type its "
            "dataset generate again"
        ) from error


def _checksums(folder: Path, listed: dict[str, str]) -> DatasetCheck:
    wrong = []
    for name, expected in listed.items():
        path = folder / name
        if not path.is_file():
            wrong.append(f"{name} is missing")
        elif checksum_of(path) != expected:
            wrong.append(f"{name} was changed")
    there = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    strange = [name for name in there if name not in listed and name != CHECKSUMS]
    wrong += [f"{name} is not listed" for name in strange]
    total = len(listed) + len(strange)
    return DatasetCheck("files are as they were written", total - len(wrong), total, tuple(wrong))


def _duplicates(listed: dict[str, str]) -> DatasetCheck:
    """No two pictures or clips with the same bytes; several views of a take have the same sound."""
    first: dict[str, str] = {}
    pictures = [name for name in listed if "/files/" in name and not name.endswith(".wav")]
    wrong = [
        f"{name} is {first[listed[name]]} again" for name in pictures if first.setdefault(listed[name], name) != name
    ]
    return DatasetCheck("no picture is there twice", len(pictures) - len(wrong), len(pictures), tuple(wrong))


def _shards(folder: Path) -> DatasetCheck:
    """Every picture is in one shard, whole."""
    files = {path.name: path for path in folder.glob("*/files/*/*")}
    total = len(files)
    wrong = [line for path in sorted((folder / SHARDS).glob("*.tar")) for line in broken_members(path, files)]
    wrong += [f"{name} is in no shard" for name in files]
    return DatasetCheck(
        "shards hold every picture, whole", max(0, total - len(wrong)), max(total, len(wrong)), tuple(wrong)
    )


def _readable(tables: list[tuple[str, Path]]) -> DatasetCheck:
    wrong = []
    for _, path in tables:
        try:
            for _ in rows_in(path, ["person"]):
                pass
        except RecordError as error:
            wrong.append(f"{error}")
    return DatasetCheck("tables of labels can be read", len(tables) - len(wrong), len(tables), tuple(wrong))


class _Census:
    """Who is there, in which split, and how often."""

    def __init__(self) -> None:
        self._people: dict[str, dict[str, str]] = {}
        self._frames: collections.Counter[str] = collections.Counter()
        self._homes: dict[tuple[str, Any], set[str]] = collections.defaultdict(set)

    def see(self, row: dict[str, Any]) -> None:
        person = row["person"]
        self._people.setdefault(person, {name: row[name] for name in ("split", *CROSSED.values())})
        self._frames[person] += 1
        self._homes["person", person].add(row["split"])
        self._homes["seed", row["seed"]].add(row["split"])

    def checks(self, design: DatasetDesign) -> list[DatasetCheck]:
        """Balance, completeness and leaks."""
        return [self._balance(design), self._complete(design), self._leaks()]

    def _balance(self, design: DatasetDesign) -> DatasetCheck:
        """The same number of people in every cell of every split, as the design asks."""
        crossed = [column for axis, column in CROSSED.items() if getattr(design.balance, axis)]
        counts = collections.Counter(tuple(who[name] for name in ("split", *crossed)) for who in self._people.values())
        parts = design.split.train + design.split.validation + design.split.test
        rounds = design.balance.people // len(design.cells()) // parts
        wrong, total = [], 0
        for split in SPLITS:
            expected = rounds * getattr(design.split, split)
            for cell in design.cells():
                key = (split, *(value for value in cell if value))
                total += 1
                if counts[key] != expected:
                    wrong.append(f"{' '.join(key)}: {counts[key]} people, not {expected}")
        return DatasetCheck("cells hold as many people as the design says", total - len(wrong), total, tuple(wrong))

    def _complete(self, design: DatasetDesign) -> DatasetCheck:
        wrong = [f"{name}: {count} frames, not {design.frames_a_person}" for name, count in self._frames.items()
                 if count != design.frames_a_person]  # fmt: skip
        total = len(self._frames)
        return DatasetCheck("everybody shows everything from everywhere", total - len(wrong), total, tuple(wrong))

    def _leaks(self) -> DatasetCheck:
        """No person and no seed in two splits."""
        wrong = [
            f"{kind} {value} is in {' and '.join(sorted(at))}"
            for (kind, value), at in self._homes.items()
            if len(at) > 1
        ]
        return DatasetCheck(
            "splits share no person and no seed", len(self._homes) - len(wrong), len(self._homes), tuple(wrong)
        )


class _Again:
    """Every label once more: PSPI, ARKit weights and sides from the stored action units, the rest from the mesh."""

    def __init__(self, folder: Path, design: DatasetDesign) -> None:
        self._picture = design.picture
        people = json.loads((folder / "people.json").read_text(encoding="utf-8"))
        self._identities = {one["identity"]["name"]: msgspec.convert(one["identity"], FaceIdentity) for one in people}
        self._of = ""
        self._labeller: Labeller | None = None
        self._pose = FacePose()
        self._face: Deformed | None = None
        self._seen = 0
        self._wrong_labels: list[str] = []
        self._wrong_places: list[str] = []

    def see(self, row: dict[str, Any]) -> None:
        self._seen += 1
        where = f"{row['file_name']} frame {row['frame']}"
        pose = pose_of_row(row)
        again = label_row(pose)
        bad = [name for name in ("pspi", "pspi_no_au43") if again[name] != row[name]]
        if not np.allclose(again["arkit"], row["arkit"], atol=1e-6):
            bad.append("arkit")
        if bad:
            self._wrong_labels.append(f"{where}: {', '.join(bad)}")
        look = make_look(row["view"], row["light"], self._picture.background)
        found = seen_row(*self._deformed(row["person"], pose), look)
        off = np.abs(np.array(found.pop("landmarks_px")) - np.array(row["landmarks_px"]))
        if off.max() > LANDMARK_TOLERANCE_PX or any(row[name] != value for name, value in found.items()):
            self._wrong_places.append(where)

    def _deformed(self, person: str, pose: FacePose) -> tuple[Labeller, Deformed]:
        """Person and pose on the mesh; several looks in a row share both."""
        if self._labeller is None or person != self._of:
            self._of, self._face = person, None
            head = Head(self._identities[person])
            self._labeller = Labeller(head, self._picture.size_px, self._picture.label_px)
        if self._face is None or pose != self._pose:
            self._pose, self._face = pose, self._labeller.deform(pose)
        return self._labeller, self._face

    def checks(self) -> list[DatasetCheck]:
        """What does not follow."""
        return [
            DatasetCheck(LABELS, self._seen - len(self._wrong_labels), self._seen, tuple(self._wrong_labels)),
            DatasetCheck(PLACES, self._seen - len(self._wrong_places), self._seen, tuple(self._wrong_places)),
        ]
