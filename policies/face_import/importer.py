"""A folder of recordings becomes a corpus of faces, split by person, with a card of what it lacks."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from firmware_bridge.inputs import one_spelling, read_table, read_text, visible_files
from firmware_bridge.outputs import check_outputs, new_files
from policies.corpus.store import Corpus, Sequence, check, save
from policies.errors import PolicyError
from policies.face_import.formats import read_openface, read_pyfeat, read_unbc_sequence
from policies.face_import.stimulus import pain_of_temperature, read_pain
from policies.face_import.tables import FaceTable, motion_of, pieces
from robopatient.face.generator.condition import Traits, condition_of
from robopatient.face.generator.motion import MOTION_HZ

__all__ = ["KINDS", "import_corpus"]

SHARES = {"test": 0.2, "validation": 0.1}
"""Of the people, where the table names no split."""

_BIOVID_NAME = re.compile(r"^\d{6}_([mw])_(\d{2})$")

TRAITS = Traits.__struct_fields__


class ImportedTrial(msgspec.Struct, frozen=True):
    """One trial before it is brought into the latent. ``pain`` is (times in s, pain 0-10)."""

    subject: str
    trial: str
    kind: str
    face: FaceTable
    pain: tuple[np.ndarray, np.ndarray]
    traits: Traits
    split: str = ""


def import_corpus(
    *, kind: str, path: Path, out: Path, table: Path | None, fps: float, seed: int, force: bool = False
) -> None:
    """Read, check, split and write.

    Raises
    ------
    PolicyError
        Naming the file, column or person that is wrong; nothing is written then.
    """
    if kind not in KINDS:
        raise PolicyError(f'no kind "{kind}"; choose among {", ".join(KINDS)}')
    if out.suffix != ".npz":
        raise PolicyError(f"{out}: a corpus is a .npz file; give --out NAME.npz")
    if not path.is_dir():
        raise PolicyError(f"{path}: is no folder; give the folder of the recordings")
    out.parent.mkdir(parents=True, exist_ok=True)
    files = (out, out.with_suffix(".md"))
    check_outputs(files, [table or ""], force)
    recordings = KINDS[kind](path, table, fps)
    if not recordings:
        raise PolicyError(
            f"{path}: no recordings of kind {kind} found; see docs/howto/import_recordings.md for its layout"
        )
    splits = _splits(recordings, seed)
    sequences: list[Sequence] = []
    notes: dict[str, int] = {}
    for one in recordings:
        try:
            parts, cut = pieces(one.face)
        except PolicyError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        found = [cut] if cut else []
        for number, piece in enumerate(parts, start=1):
            trial = f"{one.trial}-{number}" if len(parts) > 1 else one.trial
            motion, said = motion_of(piece)
            found += said
            sequences.append(
                _sequence(msgspec.structs.replace(one, trial=trial, face=piece), motion, splits[one.subject])
            )
        for note in dict.fromkeys(found):
            notes[note] = notes.get(note, 0) + 1
    if not sequences:
        raise PolicyError(f"{path}: in none of {len(recordings)} recordings was the face found for long enough")
    corpus = Corpus(sequences, f"imported, {kind}, {len(sequences)} recordings of {len(splits)} people")
    corpus = msgspec.structs.replace(corpus, card=_card(corpus, kind, notes))
    check(corpus, str(path))
    with new_files(*files, force=force) as (part, _):
        save(corpus, part)
    for note, count in notes.items():
        print(f"{count} of {len(sequences)} recordings: {note}", file=sys.stderr)
    people = ", ".join(f"{split} {len(corpus.subjects(split))}" for split in ("train", "validation", "test"))
    print(f"{out}: {len(sequences)} sequences, people: {people}; card: {out.with_suffix('.md')}")


def _openface(path: Path, table: Path | None, fps: float) -> list[ImportedTrial]:
    return _by_table(path, table, lambda file: read_openface(file, fps))


def _pyfeat(path: Path, table: Path | None, fps: float) -> list[ImportedTrial]:
    return _by_table(path, table, lambda file: read_pyfeat(file, fps))


def _by_table(path: Path, table: Path | None, read: Callable[[Path], FaceTable]) -> list[ImportedTrial]:
    """Recordings that ``trials.csv`` lists; its ``file`` and ``pain`` are relative to the folder."""
    table = table or path / "trials.csv"
    listed = read_table(table, PolicyError)
    listed.need("file", "subject", "pain", hint="it lists the recordings: file,subject,kind,split,pain,sex,age_years")
    spelling, _ = one_spelling(listed.column("subject"))
    result = []
    for line, row in listed.rows:
        where = f"{table}, line {line}"
        missing = [name for name in ("file", "subject", "pain") if not row.get(name)]
        if missing:
            raise PolicyError(f"{where}: no {', '.join(missing)}; every row needs file, subject and pain")
        face = read(path / row["file"])
        kind = row.get("kind") or "palpation"
        if kind not in ("palpation", "thermal", "control"):
            raise PolicyError(f"{where}: kind {kind}; choose palpation, thermal or control")
        result.append(
            ImportedTrial(
                spelling[row["subject"]],
                Path(row["file"]).stem,
                kind,
                face,
                _pain_of(row["pain"], path, face, where),
                _traits(row, where),
                row.get("split") or "",
            )
        )
    return result


def _biovid(path: Path, table: Path | None, fps: float) -> list[ImportedTrial]:
    """``faces/NAME.csv`` (OpenFace of the licensed videos) and ``temperature/NAME.csv``; NAME as 071309_w_21."""
    del table
    result = []
    for file in visible_files(path / "faces", "*.csv"):
        match = _BIOVID_NAME.match(file.stem)
        if match is None:
            raise PolicyError(f"{file}: name is not date_sex_age, such as 071309_w_21; keep the names of the database")
        warmth = path / "temperature" / file.name
        if not warmth.is_file():
            raise PolicyError(f"{warmth}: missing; every face needs its thermode")
        traits = Traits(sex=float(match[1] == "m"), age_years=float(match[2]))
        result.append(
            ImportedTrial(file.stem, "part-c", "thermal", read_openface(file, fps), pain_of_temperature(warmth), traits)
        )
    return result


def _unbc(path: Path, table: Path | None, fps: float) -> list[ImportedTrial]:
    """The archive's own folders; pain is the sequence's self-report, held: what hurt when was not recorded."""
    del table
    result = []
    for folder in visible_files(path / "Frame_Labels" / "FACS", "*/*/"):
        report = path / "Sequence_Labels" / "VAS" / folder.parent.name / f"{folder.name}.txt"
        try:
            felt = float(read_text(report, PolicyError).split()[0])
        except (PolicyError, ValueError, IndexError) as error:
            raise PolicyError(f"{report}: no self-report ({error}); every sequence needs its VAS") from error
        if not 0.0 <= felt <= 10.0:
            raise PolicyError(f"{report}: VAS {felt:g}; the scale is 0 to 10")
        face = read_unbc_sequence(folder, fps)
        pain = face.t_s, np.full(len(face.t_s), felt)
        kind = "palpation" if felt > 0.0 else "control"
        result.append(ImportedTrial(folder.parent.name, folder.name, kind, face, pain, Traits()))
    return result


KINDS: dict[str, Callable[[Path, Path | None, float], list[ImportedTrial]]] = {
    "biovid": _biovid,
    "unbc": _unbc,
    "openface": _openface,
    "pyfeat": _pyfeat,
}
"""Kinds of recordings and what reads them."""


def _pain_of(text: str, path: Path, face: FaceTable, where: str) -> tuple[np.ndarray, np.ndarray]:
    """A number for the whole recording, or a CSV with t_s,nrs."""
    try:
        felt = float(text)
    except ValueError:
        return read_pain(path / text)
    if not 0.0 <= felt <= 10.0:
        raise PolicyError(f"{where}: pain {felt:g}; the scale is 0 to 10, or name a CSV with t_s,nrs")
    return face.t_s, np.full(len(face.t_s), felt)


def _traits(row: dict[str, str], where: str) -> Traits:
    given: dict[str, object] = {}
    for name in TRAITS:
        text = row.get(name, "")
        if text:
            try:
                given[name] = text if name == "archetype" else float(text)
            except ValueError as error:
                raise PolicyError(f"{where}: {name} is {text}, expected a number") from error
    try:
        return msgspec.convert(given, Traits)
    except msgspec.ValidationError as error:
        raise PolicyError(f"{where}: {error}") from error


def _splits(recordings: list[ImportedTrial], seed: int) -> dict[str, str]:
    """Split of every person: the table's, or drawn; never both."""
    given: dict[str, str] = {}
    for one in recordings:
        if given.setdefault(one.subject, one.split) != one.split:
            raise PolicyError(
                f"{one.subject} is in the splits {given[one.subject] or '(none)'} and {one.split or '(none)'}; "
                "keep all recordings of a person in one"
            )
    named = [subject for subject, split in given.items() if split]
    if named and len(named) < len(given):
        other = next(subject for subject, split in given.items() if not split)
        raise PolicyError(f"{other} has no split but others have; name one for all or for none")
    if named:
        wrong = next((s for s in given.values() if s not in ("train", "validation", "test")), None)
        if wrong:
            raise PolicyError(f"split {wrong}; choose train, validation or test")
        return given
    people = sorted(given)
    if len(people) < 4:
        raise PolicyError(f"{len(people)} people; at least 4 are needed to keep training, validation and test apart")
    order = np.random.default_rng([seed, 8]).permutation(len(people)).tolist()
    test = max(1, round(SHARES["test"] * len(people)))
    validation = max(1, round(SHARES["validation"] * len(people)))
    names = ["test"] * test + ["validation"] * validation + ["train"] * (len(people) - test - validation)
    return {people[at]: name for at, name in zip(order, names, strict=True)}


def _sequence(one: ImportedTrial, motion: np.ndarray, split: str) -> Sequence:
    times, pain = one.pain
    at_s = one.face.t_s[0] + np.arange(len(motion)) / MOTION_HZ
    felt = np.interp(at_s, times, pain)
    contact = np.ones(len(felt)) if one.kind != "palpation" else (felt > 0.0).astype(float)
    condition = condition_of(felt, MOTION_HZ, one.traits, contact=contact)
    return Sequence(
        subject=one.subject,
        trial=one.trial,
        split=split,  # type: ignore[arg-type]
        kind=one.kind,  # type: ignore[arg-type]
        pain=felt.astype(np.float32),
        motion=motion.astype(np.float32),
        condition=condition.astype(np.float32),
        traits=one.traits,
    )


def _card(corpus: Corpus, kind: str, notes: dict[str, int]) -> str:
    n = len(corpus.sequences)
    seconds = sum(len(one.pain) for one in corpus.sequences) / MOTION_HZ
    lines = [
        "# Corpus of recorded faces",
        "",
        f"{corpus.origin}; {seconds / 60.0:.1f} minutes. The recordings' own licence applies to this file.",
        "",
        "| split | people | sequences |",
        "| --- | --- | --- |",
        *(f"| {s} | {len(corpus.subjects(s))} | {len(corpus.of(s))} |" for s in ("train", "validation", "test")),
        "",
        "What was done, and what the recordings do not hold:",
        "",
        *(f"- {note}: {count} of {n} recordings" for note, count in notes.items()),
        "- conditions at rest because they were not recorded: pressed place, voice, emotion",
        "- expressiveness, archetype, asymmetry and tempo are typical unless the table names them: never taken "
        "from the face that is to be generated, which would leak",
        "- head and gaze have the signs that the program documents",
    ]
    if kind == "pyfeat":
        lines.append("- intensities are py-feat's probabilities times 5: no FACS intensities")
    if kind == "unbc":
        lines.append("- pain is the sequence's self-report held from its first to its last frame")
    return "\n".join(lines) + "\n"
