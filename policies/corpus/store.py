"""A corpus of face motion: sequences with their conditions, split by subject, as one file and a card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, get_args

import msgspec
import numpy as np

from policies.errors import PolicyError
from robopatient.errors import ConfigError
from robopatient.face.generator.condition import CONDITIONS, Traits, check_conditions
from robopatient.face.generator.motion import CHANNELS, HIGH, LOW, MOTION_HZ

__all__ = ["FORMAT", "Corpus", "Kind", "Sequence", "Split", "check", "load", "save"]

FORMAT = 1
Split = Literal["train", "validation", "test"]
Kind = Literal["palpation", "thermal", "control"]


class Sequence(msgspec.Struct, frozen=True):
    """One trial of one person.

    Attributes
    ----------
    pain
        0 to 10, shape (n,) float32.
    motion
        Shape (n, D) float32; columns ``CHANNELS``.
    condition
        Shape (n, C) float32; columns ``CONDITIONS``.
    """

    subject: str
    trial: str
    split: Split
    kind: Kind
    pain: np.ndarray
    motion: np.ndarray
    condition: np.ndarray
    traits: Traits


class Corpus(msgspec.Struct, frozen=True):
    """Sequences and where they come from."""

    sequences: list[Sequence]
    origin: str
    card: str = ""

    def of(self, split: Split) -> list[Sequence]:
        """Sequences of a split."""
        return [one for one in self.sequences if one.split == split]

    def subjects(self, split: Split) -> list[str]:
        """Names of the people of a split, sorted."""
        return sorted({one.subject for one in self.of(split)})


def check(corpus: Corpus, where: str = "corpus") -> None:
    """Refuse a corpus that would teach or test something wrong.

    Raises
    ------
    PolicyError
        Naming the sequence and what is wrong: a subject in two splits, wrong shapes, values that are not finite or out
        of range, or too few subjects.
    """
    seen: dict[str, str] = {}
    for one in corpus.sequences:
        name = f"{where}: {one.subject}/{one.trial}"
        if seen.setdefault(one.subject, one.split) != one.split:
            raise PolicyError(
                f"{name}: subject is in the splits {seen[one.subject]} and {one.split}; keep people apart"
            )
        n = len(one.pain)
        if one.motion.shape != (n, len(CHANNELS)) or one.condition.shape != (n, len(CONDITIONS)) or n == 0:
            raise PolicyError(
                f"{name}: motion {one.motion.shape}, condition {one.condition.shape} for {n} rows of pain; expected "
                f"({n}, {len(CHANNELS)}) and ({n}, {len(CONDITIONS)})"
            )
        for what, table in (("pain", one.pain), ("motion", one.motion), ("condition", one.condition)):
            if not np.isfinite(table).all():
                row = int(np.argwhere(~np.isfinite(table))[0][0])
                raise PolicyError(f"{name}: {what} row {row} is not finite; leave the trial out or correct it")
        if (one.pain < 0.0).any() or (one.pain > 10.0).any():
            raise PolicyError(f"{name}: pain from {one.pain.min():g} to {one.pain.max():g}; the scale is 0 to 10")
        outside = ((one.motion < LOW - 1e-3) | (one.motion > HIGH + 1e-3)).any(axis=0)
        if outside.any():
            at = int(np.argmax(outside))
            column = one.motion[:, at]
            raise PolicyError(
                f"{name}: {CHANNELS[at]} from {column.min():g} to {column.max():g}; "
                f"its range is {LOW[at]:g} to {HIGH[at]:g}"
            )
    few = [split for split in get_args(Split) if len(corpus.subjects(split)) < 1]
    if few or len(corpus.subjects("train")) < 2:
        counts = ", ".join(f"{split} {len(corpus.subjects(split))}" for split in get_args(Split))
        raise PolicyError(f"{where}: too few subjects ({counts}); needs two to train and one in each other split")


def save(corpus: Corpus, path: Path) -> None:
    """Write ``path`` (.npz, no pickles) and its card beside it (.md)."""
    lengths = np.array([len(one.pain) for one in corpus.sequences])
    head = {
        "format": FORMAT,
        "hz": MOTION_HZ,
        "channels": CHANNELS,
        "conditions": CONDITIONS,
        "origin": corpus.origin,
        "sequences": [
            {
                "subject": one.subject, "trial": one.trial, "split": one.split, "kind": one.kind,
                "traits": msgspec.to_builtins(one.traits),
            }
            for one in corpus.sequences
        ],
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            head=np.frombuffer(json.dumps(head).encode(), np.uint8),
            lengths=lengths,
            pain=np.concatenate([one.pain for one in corpus.sequences]).astype(np.float32),
            motion=np.concatenate([one.motion for one in corpus.sequences]).astype(np.float32),
            condition=np.concatenate([one.condition for one in corpus.sequences]).astype(np.float32),
        )
    path.with_suffix(".md").write_text(corpus.card or f"# Corpus\n\n{corpus.origin}\n", encoding="utf-8")


def load(path: Path) -> Corpus:
    """Corpus from a file written by ``save``, checked.

    Raises
    ------
    PolicyError
        When it cannot be read, has other columns or another rate, or fails ``check``.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            head = json.loads(file["head"].tobytes())
            lengths, pain, motion, condition = (file[name] for name in ("lengths", "pain", "motion", "condition"))
    except (OSError, ValueError, KeyError) as error:
        raise PolicyError(f"{path}: is no corpus ({error}); make one: robopatient face train") from error
    if head["format"] != FORMAT or head["hz"] != MOTION_HZ:
        raise PolicyError(
            f"{path}: format {head['format']} at {head['hz']:g} Hz, expected {FORMAT} at {MOTION_HZ:g} Hz"
        )
    missing = [name for name in CHANNELS if name not in head["channels"]]
    if missing or tuple(head["channels"]) != CHANNELS:
        raise PolicyError(
            f"{path}: channels: missing {', '.join(missing) or 'none'}, or in another order; "
            "make the corpus again with this version"
        )
    try:
        check_conditions(head["conditions"], str(path))
    except ConfigError as error:
        raise PolicyError(str(error)) from error
    ends = np.cumsum(lengths)
    sequences = [
        Sequence(
            **{key: one[key] for key in ("subject", "trial", "split", "kind")},
            pain=pain[end - n : end],
            motion=motion[end - n : end],
            condition=condition[end - n : end],
            traits=msgspec.convert(one["traits"], Traits),
        )
        for one, end, n in zip(head["sequences"], ends.tolist(), lengths.tolist(), strict=True)
    ]
    card = path.with_suffix(".md")
    corpus = Corpus(sequences, head["origin"], card.read_text(encoding="utf-8") if card.exists() else "")
    check(corpus, str(path))
    return corpus
