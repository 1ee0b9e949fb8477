"""The ratings log: one SQLite file per training session, one row per event, on disk before anything is learnt.

Rows are only ever added; an undo is a row that takes back the rating before it. Snapshots of the policy are a cache:
each is filed under a digest of the answers that led to it, and is used only where these are the answers in force.
"""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from policies.answer_scales import question
from policies.errors import PolicyError
from policies.plan import TrainingTrial

if TYPE_CHECKING:
    from policies.train_ppo import Weights

__all__ = ["LoggedTrial", "RatingsLog"]

Kind = Literal["rating", "undo", "unanswered", "trust"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS lesson (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    row INTEGER PRIMARY KEY,
    t_ns INTEGER NOT NULL,      -- host monotonic time of the answer
    kind TEXT NOT NULL,         -- rating, undo (of the last rating in force), unanswered, trust
    trial INTEGER NOT NULL,     -- index of the trial
    state TEXT, action TEXT, other TEXT, -- normalised coordinates, JSON; other: second sound of a pair
    question TEXT, rating INTEGER,       -- value on the question's scale
    source TEXT, repeats INTEGER
);
CREATE TABLE IF NOT EXISTS progress (answers INTEGER PRIMARY KEY, point TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS snapshots (digest TEXT PRIMARY KEY, answers INTEGER NOT NULL, weights BLOB NOT NULL);
"""


class LoggedTrial(msgspec.Struct, frozen=True):
    """One row: a trial and what became of it."""

    t_ns: int
    kind: Kind
    trial: TrainingTrial | None = None
    rating: int = 0


class RatingsLog:
    """Append-only log of a training session; a commit reaches the disk (synchronous FULL) before the call returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            # WAL needs shared memory, which network and some foreign file systems lack: the answer tells.
            self._db.execute("PRAGMA journal_mode=WAL").fetchone()
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            raise PolicyError(
                f"{path}: is no ratings log ({error}); give the folder of a training session or an empty one"
            ) from error

    def close(self) -> None:
        """Close the file; nothing is pending at any time."""
        self._db.close()

    def describe(self, values: dict[str, Any]) -> None:
        """Write what the training session is, once."""
        rows = [(key, json.dumps(value)) for key, value in values.items()]
        with self._db:
            self._db.execute("BEGIN")
            self._db.executemany("INSERT INTO lesson VALUES (?, ?)", rows)

    def description(self) -> dict[str, Any]:
        """What ``describe`` wrote; empty for a new log."""
        return {key: json.loads(value) for key, value in self._db.execute("SELECT key, value FROM lesson")}

    def add(self, event: LoggedTrial) -> None:
        """Append one row."""
        trial = event.trial
        row: tuple[Any, ...] = (event.t_ns, event.kind, -1, None, None, None, None, None, None, None)
        if trial is not None:
            row = (
                event.t_ns,
                event.kind,
                trial.index,
                json.dumps(trial.state.tolist()),
                json.dumps(trial.action.tolist()),
                None if trial.other is None else json.dumps(trial.other.tolist()),
                trial.question.name,
                event.rating if event.kind == "rating" else None,
                trial.source,
                trial.repeats,
            )
        columns = "t_ns, kind, trial, state, action, other, question, rating, source, repeats"
        self._db.execute(f"INSERT INTO events ({columns}) VALUES ({', '.join('?' * 10)})", row)

    def events(self) -> list[LoggedTrial]:
        """All rows in order."""
        columns = "t_ns, kind, trial, state, action, other, question, rating, source, repeats"
        return [self._event(row) for row in self._db.execute(f"SELECT {columns} FROM events ORDER BY row")]

    @staticmethod
    def _event(row: tuple[Any, ...]) -> LoggedTrial:
        t_ns, kind, index, state, action, other, asked, rating, source, repeats = row
        if state is None:
            return LoggedTrial(t_ns, kind)
        trial = TrainingTrial(
            index,
            np.array(json.loads(state)),
            np.array(json.loads(action)),
            question(asked),
            source,
            None if other is None else np.array(json.loads(other)),
            repeats,
        )
        return LoggedTrial(t_ns, kind, trial, rating or 0)

    def in_force(self) -> list[LoggedTrial]:
        """Ratings and words of trust that no undo has taken back, in order."""
        kept: list[LoggedTrial] = []
        for event in self.events():
            if event.kind == "undo":
                last = max((i for i, e in enumerate(kept) if e.kind == "rating"), default=None)
                if last is not None:
                    del kept[last]
            elif event.kind in ("rating", "trust"):
                kept.append(event)
        return kept

    def save_point(self, answers: int, point: dict[str, float]) -> None:
        """Keep a point of the learning curve: derived, so a later one for the same count replaces it."""
        self._db.execute("INSERT OR REPLACE INTO progress VALUES (?, ?)", (answers, json.dumps(point)))

    def points(self) -> dict[int, dict[str, float]]:
        """The learning curve, by number of answers."""
        rows = self._db.execute("SELECT answers, point FROM progress ORDER BY answers")
        return {answers: json.loads(point) for answers, point in rows}

    def save_snapshot(self, logged: Sequence[LoggedTrial], answers: int, weights: Weights) -> None:
        """File the policy under the answers that led to it."""
        buffer = io.BytesIO()
        np.savez(buffer, **{name: weights[name] for name in sorted(weights)})  # type: ignore[arg-type]
        self._db.execute(
            "INSERT OR IGNORE INTO snapshots VALUES (?, ?, ?)", (digest(logged), answers, buffer.getvalue())
        )

    def snapshot(self, logged: Sequence[LoggedTrial]) -> Weights | None:
        """Policy that these answers led to, if it was kept."""
        row = self._db.execute("SELECT weights FROM snapshots WHERE digest = ?", (digest(logged),)).fetchone()
        if row is None:
            return None
        with np.load(io.BytesIO(row[0]), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}


def digest(logged: Sequence[LoggedTrial]) -> str:
    """Fingerprint of a sequence of answers, independent of when they were given."""
    text = json.dumps(
        [
            [e.kind]
            if e.trial is None
            else [
                e.kind,
                e.trial.index,
                e.trial.state.tolist(),
                e.trial.action.tolist(),
                e.trial.question.name,
                e.rating,
            ]
            for e in logged
        ]
    )
    return hashlib.sha256(text.encode()).hexdigest()
