"""A folder of sessions: found, indexed, searched, tagged, exported and deleted.

The index is one SQLite file that may be deleted at any time: what matters lies in the sessions' own folders
(``record.sqlite``, ``debrief.json``, ``tags.json``). A folder that cannot be read is listed with the reason.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from robopatient.errors import RecordError
from robopatient.record import schema
from robopatient.record.debrief_figures import FILE_NAME as FIGURES_FILE
from robopatient.record.debrief_figures import Figures, read_figures, replace
from robopatient.record.info import read_info
from robopatient.record.reader import Record

__all__ = ["INDEX_FILE", "Entry", "Library", "Wanted", "earlier_sessions"]

INDEX_FILE = "library.sqlite"
INDEX_VERSION = 1
TAGS_FILE = "tags.json"
SESSION_FILES = (
    schema.FILE_NAME, f"{schema.FILE_NAME}-wal", f"{schema.FILE_NAME}-shm", "inputs.journal", "voice.wav",
    "session.mp4", "report.html", "debrief.html", "debrief.pdf", FIGURES_FILE, TAGS_FILE, "presses.csv",
    "golden.msgpack",
)  # fmt: skip
"""What a session leaves and ``delete`` removes; anything else in its folder is not ours."""


QUERY = (
    "SELECT name, session_id, wall_time_iso, trainee, patient, scenario, ended, duration_s, tags, figures, problem "
    "FROM sessions"
)


class Entry(msgspec.Struct, frozen=True, rename={"figures_json": "figures"}):
    """One line of the list; ``problem`` says why a folder cannot be read."""

    name: str
    session_id: str = ""
    wall_time_iso: str = ""
    trainee: str = ""
    patient: str = ""
    scenario: str = ""
    ended: str = ""
    duration_s: float = 0.0
    tags: tuple[str, ...] = ()
    figures_json: msgspec.Raw = msgspec.Raw(b"null")
    problem: str = ""

    @property
    def figures(self) -> Figures | None:
        """What the debrief measured; None without one. Decoded when asked for: a list of thousands seldom asks."""
        return msgspec.json.decode(self.figures_json, type=Figures | None)


class Wanted(msgspec.Struct, frozen=True):
    """Which sessions: all that are given must fit."""

    trainee: str = ""
    patient: str = ""
    scenario: str = ""
    tag: str = ""
    since: str = ""
    """First day, YYYY-MM-DD."""
    text: str = ""
    """Anywhere in name, codes, patient, scenario or tags."""


class Library:
    """The sessions below one folder, each in a folder of its own.

    Parameters
    ----------
    root
        The folder; the index is written there, or kept in memory when the folder cannot be written.

    Raises
    ------
    RecordError
        When there is no such folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        if not root.is_dir():
            raise RecordError(f"{root}: no such folder; give the folder that holds the sessions with --folder")
        self._index = self._open()

    def refresh(self) -> None:
        """Bring the index up to date: read what is new or changed, forget what is gone."""
        known = dict(self._index.execute("SELECT name, stamp FROM sessions"))
        found = dict(self._folders())
        gone = [(name,) for name in known if name not in found]
        changed = [self._row(name, stamp) for name, stamp in found.items() if known.get(name) != stamp]
        if not gone and not changed:
            return
        with self._index:
            self._index.executemany("DELETE FROM sessions WHERE name = ?", gone)
            self._index.executemany(f"INSERT OR REPLACE INTO sessions VALUES ({', '.join('?' * 12)})", changed)

    def rebuild(self) -> None:
        """Forget the index and read every session again."""
        with self._index:
            self._index.execute("DELETE FROM sessions")
        self.refresh()

    def find(self, wanted: Wanted | None = None) -> list[Entry]:
        """Sessions that fit, oldest first; folders that cannot be read come last."""
        wanted = wanted or Wanted()
        where, values = ["1"], []
        for column in ("trainee", "patient", "scenario"):
            if getattr(wanted, column):
                where.append(f"{column} = ?")
                values.append(getattr(wanted, column))
        if wanted.tag:
            where.append("instr(tags, ?)")
            values.append(json.dumps(wanted.tag))
        if wanted.since:
            where.append("wall_time_iso >= ?")
            values.append(wanted.since)
        if wanted.text:
            where.append("instr(lower(name || session_id || trainee || patient || scenario || tags), ?)")
            values.append(wanted.text.lower())
        query = f"{QUERY} WHERE {' AND '.join(where)} ORDER BY problem != '', wall_time_iso, name"
        return [_entry(row) for row in self._index.execute(query, values)]

    def unreadable(self) -> list[Entry]:
        """Folders that cannot be read, and why."""
        return [_entry(row) for row in self._index.execute(f"{QUERY} WHERE problem != '' ORDER BY name")]

    def get(self, name: str) -> Entry:
        """The session with this folder name or session id.

        Raises
        ------
        RecordError
            When there is none, or more than one.
        """
        rows = self._index.execute(f"{QUERY} WHERE ? IN (name, session_id)", (name,))
        found = [_entry(row) for row in rows]
        if len(found) != 1:
            many = f"{len(found)} sessions are" if found else "no session is"
            raise RecordError(f'{self.root}: {many} called "{name}"; type: robopatient sessions list')
        return found[0]

    def tag(self, name: str, add: Sequence[str], remove: Sequence[str]) -> tuple[str, ...]:
        """Give tags to a session and take others away; they lie in its own folder."""
        entry = self.get(name)
        tags = tuple(sorted({*entry.tags, *add} - set(remove)))
        path = self.root / entry.name / TAGS_FILE
        try:
            replace(path, json.dumps(tags).encode())
        except OSError as error:
            raise RecordError(f"{path}: cannot be written ({error.strerror})") from error
        self.refresh()
        return tags

    def delete(self, name: str) -> list[Path]:
        """Remove a session's files and its folder; return what else lay there, which stays.

        The index keeps no trace: freed pages are overwritten.
        """
        entry = self.get(name)
        folder = self.root / entry.name
        try:
            for known in SESSION_FILES:
                (folder / known).unlink(missing_ok=True)
            left = sorted(folder.iterdir())
            if not left:
                folder.rmdir()
        except OSError as error:
            raise RecordError(f"{folder}: cannot be removed ({error.strerror}); nothing else was touched") from error
        self.refresh()
        return left

    def close(self) -> None:
        """Let go of the index."""
        self._index.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> sqlite3.Connection:
        """The index beside the sessions, made anew when it is damaged or of another version, or in memory."""
        path = self.root / INDEX_FILE
        for attempt in (str(path), str(path), ":memory:"):
            try:
                index = sqlite3.connect(attempt)
                if index.execute("PRAGMA user_version").fetchone()[0] != INDEX_VERSION:
                    index.execute("DROP TABLE IF EXISTS sessions")
                index.execute("PRAGMA secure_delete = ON")
                index.execute(
                    "CREATE TABLE IF NOT EXISTS sessions (name TEXT PRIMARY KEY, stamp TEXT, session_id TEXT, "
                    "wall_time_iso TEXT, trainee TEXT, patient TEXT, scenario TEXT, ended TEXT, duration_s REAL, "
                    "tags TEXT, figures BLOB, problem TEXT) WITHOUT ROWID"
                )
                index.execute(f"PRAGMA user_version = {INDEX_VERSION}")
                index.commit()
            except sqlite3.DatabaseError:
                if os.access(self.root, os.W_OK):
                    path.unlink(missing_ok=True)
                continue
            return index
        raise RecordError(f"{path}: the index can neither be read nor made")

    def _folders(self) -> Iterator[tuple[str, str]]:
        """Name and stamp of every folder that holds a record, or that cannot be looked into."""
        try:
            folders = [entry for entry in os.scandir(self.root) if entry.is_dir()]
        except OSError as error:
            raise RecordError(f"{self.root}: cannot be read ({error.strerror})") from error
        for folder in folders:
            try:
                record = os.stat(f"{folder.path}/{schema.FILE_NAME}")  # noqa: PTH116 — Path objects double the time
                # Tags and figures are replaced, never written in place: so the time of their folder changes.
                stamp = f"{record.st_size}.{record.st_mtime_ns}.{folder.stat().st_mtime_ns}"
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                yield folder.name, f"! {error.strerror}"
                continue
            yield folder.name, stamp

    def _row(self, name: str, stamp: str) -> tuple[Any, ...]:
        """Line of the index for a folder."""
        folder = self.root / name
        if stamp.startswith("!"):
            return _blank(name, stamp, f"{folder}: {stamp[2:]}")
        try:
            tags = json.loads((folder / TAGS_FILE).read_text(encoding="utf-8")) if (folder / TAGS_FILE).exists() else []
        except (OSError, ValueError):
            tags = []
        try:
            with Record(folder) as record:
                start, stop = record.start, record.stop
                config = read_info(start)
        except (RecordError, msgspec.DecodeError) as error:
            return _blank(name, stamp, str(error))
        figures = read_figures(folder)
        return (
            name, stamp, start.session_id, start.wall_time_iso,
            config.training.trainee, config.patient, config.scenario,
            stop.reason if stop else "not ended", (stop.t_ns - start.t_ns) * 1e-9 if stop else 0.0, json.dumps(tags),
            msgspec.json.encode(figures) if figures else None, "",
        )  # fmt: skip


def earlier_sessions(folder: Path, figures: Figures) -> list[Figures]:
    """Figures of the same trainee's sessions before this one, in the folder beside it, oldest first."""
    if not figures.trainee:
        return []
    found = []
    for path in folder.absolute().parent.glob(f"*/{FIGURES_FILE}"):
        other = read_figures(path.parent)
        if other and other.trainee == figures.trainee and other.wall_time_iso < figures.wall_time_iso:
            found.append(other)
    return sorted(found, key=lambda each: each.wall_time_iso)


def _blank(name: str, stamp: str, problem: str) -> tuple[Any, ...]:
    return (name, stamp, "", "", "", "", "", "", 0.0, "[]", None, problem)


def _entry(row: Sequence[Any]) -> Entry:
    *words, tags, figures, problem = row
    name, session_id, wall_time_iso, trainee, patient, scenario, ended, duration_s = words
    return Entry(
        name, session_id, wall_time_iso, trainee, patient, scenario, ended, duration_s,
        tuple(json.loads(tags)) if tags != "[]" else (), msgspec.Raw(figures or b"null"), problem,
    )  # fmt: skip
