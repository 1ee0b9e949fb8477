"""Writes the record while the session runs: messages in at any rate, committed to disk at most 250 ms later.

The loop only appends to a queue; one thread owns the file. When the disk refuses, what was committed stays
readable, what was not yet written is held and tried again, and ``error`` says so; the loop never sees an exception.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
from collections import deque
from pathlib import Path
from typing import Any, Self

from robopatient import messages as m
from robopatient.clock import Clock, HostClock
from robopatient.errors import RecordError
from robopatient.record.schema import FILE_NAME, TABLES, create_statements
from robopatient.topics import topic_of

__all__ = ["RecordWriter", "fold_log"]

COMMIT_S = 0.2
"""Time between commits: with one tick and a sync to disk, a message is safe within 250 ms."""
TICK_S = 0.05
"""Messages become rows in portions this long, so that the interpreter lock is never held for long beside the loop."""
RETRY_S = 1.0
"""Time between attempts while the disk refuses."""
CAPACITY = 120_000
"""Messages held while the disk refuses: over a minute of everything (some 1500 messages/s)."""


class RecordWriter:
    """The record of one session, open for writing.

    Parameters
    ----------
    folder
        Made when absent. It must not hold a record yet.
    min_free_mb
        Free space asked for at the start; below it, while running, a warning goes into the record.

    Raises
    ------
    RecordError
        When the folder cannot be written, is too full or holds a record: naming it and what to do.
    """

    def __init__(
        self, folder: Path, *, min_free_mb: int = 200, clock: Clock | None = None, capacity: int = CAPACITY
    ) -> None:
        self.path = folder / FILE_NAME
        self.lost = 0
        """Messages dropped because the queue was full or they could not be written."""
        self.error: RecordError | None = None
        """Why nothing reaches the disk at the moment; None when all is well."""
        self._min_free_mb = self._free_mb = min_free_mb
        self._clock = clock or HostClock()
        self._capacity = capacity
        self._queue: deque[m.Message] = deque()
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES}
        self._held = 0
        self._lost_noted = 0
        self._space_noted = False
        self._stop = threading.Event()
        self._urgent: deque[tuple[m.Message, threading.Event]] = deque()
        self._wake = threading.Event()
        self._connection = _create(folder, self.path, min_free_mb)
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)
        self._thread.start()

    def put(self, message: m.Message) -> None:
        """Record a message; returns at once, from any thread, and never raises. Overflow is counted in ``lost``."""
        if len(self._queue) + self._held < self._capacity and not self._stop.is_set():
            self._queue.append(message)
        else:
            self.lost += 1

    def put_now(self, message: m.Message) -> threading.Event:
        """Record a message and commit at once; returns without waiting an event that is set when it is on the disk.

        What was put before it is committed with it. While the disk refuses, the message is kept and tried again.
        """
        safe = threading.Event()
        self._urgent.append((message, safe))
        self._wake.set()
        return safe

    @property
    def free_mb(self) -> int:
        """Free space where the record lies, as of the last commit."""
        return self._free_mb

    def close(self) -> None:
        """Write what is still held and close the file; ``error`` is set if that failed."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._wake.set()
        self._thread.join()
        waiting = self._encode()
        self._commit()
        self._release(waiting)
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        ticks, wait = 0, round(COMMIT_S / TICK_S)
        waiting: list[threading.Event] = []
        while not self._stop.is_set():
            hurry = self._wake.wait(TICK_S)
            self._wake.clear()
            waiting += self._encode()
            ticks += 1
            if ticks >= wait or (hurry and self.error is None):
                self._commit()
                if self._release(waiting):
                    waiting = []
                ticks, wait = 0, round((COMMIT_S if self.error is None else RETRY_S) / TICK_S)

    def _release(self, waiting: list[threading.Event]) -> bool:
        """Wake the waiting threads once their rows are on the disk."""
        if self.error is None:
            for safe in waiting:
                safe.set()
        return self.error is None

    def _encode(self) -> list[threading.Event]:
        """Turn what is in the queue into rows; returns the events to set when they are on the disk."""
        waiting = []
        for _ in range(len(self._queue)):
            self._encode_one(self._queue.popleft())
        while self._urgent:
            message, safe = self._urgent.popleft()
            self._encode_one(message)
            waiting.append(safe)
        if self.lost > self._lost_noted:
            overflow, self._lost_noted = self.lost - self._lost_noted, self.lost
            self._note("error", f"{overflow} messages lost: the record's queue was full ({self._capacity} messages)")
        return waiting

    def _encode_one(self, message: m.Message) -> None:
        """A message that has no table or no row becomes an error note."""
        try:
            topic = topic_of(message)
            if topic.recorded:
                self._rows[topic.name].append(TABLES[topic.name].encode(message))
                self._held += 1
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            self.lost += 1
            self._lost_noted += 1
            self._note("error", f"{type(message).__name__} could not be recorded: {error!r}")

    def _commit(self) -> None:
        """Write all rows in one transaction; on failure keep them for the next attempt."""
        self._watch_space()
        try:
            if not self.path.exists():  # SQLite would go on writing into the removed file
                raise sqlite3.OperationalError("the file was removed")
            self._connection.execute("BEGIN")
            for name, rows in self._rows.items():
                if rows:
                    self._connection.executemany(TABLES[name].insert, rows)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if self.error is None:  # reported once, not at every attempt
                self._note("error", f"the record could not be written: {error}")
                self.error = RecordError(
                    f"{self.path}: cannot be written ({error}; {self._free_mb} MB free); free space there: what was "
                    f"written so far stays readable, and up to {self._capacity} messages are held in memory meanwhile"
                )
            return
        for rows in self._rows.values():
            rows.clear()
        self._held = 0
        if self.error is not None:
            self.error = None
            self._note("info", "the record can be written again; all that was held is in it")

    def _watch_space(self) -> None:
        """Note once when the disk is nearly full."""
        with contextlib.suppress(OSError):  # the folder is gone: the commit says so
            self._free_mb = _free_mb(self.path.parent)
        if self._free_mb < self._min_free_mb and not self._space_noted:
            self._space_noted = True
            self._note("warning", f"{self.path.parent}: only {self._free_mb} MB free, {self._min_free_mb} wanted")

    def _note(self, level: str, text: str) -> None:
        self._rows["note"].append(TABLES["note"].encode(m.Note(self._clock.now_ns(), level, "record", text)))


def fold_log(folder: Path) -> None:
    """Bring into the record what lies beside it in the write-ahead log, so that it is one file again.

    SQLite does so when the last program closes a record; a killed one, or a reader that outlives it, leaves
    ``record.sqlite-wal``. Does nothing while somebody still reads, and where nothing can be written.
    """
    path = folder / FILE_NAME
    if not path.with_name(f"{FILE_NAME}-wal").exists():
        return
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _create(folder: Path, path: Path, min_free_mb: int) -> sqlite3.Connection:
    """Make the folder and an empty record in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free_mb = _free_mb(folder)
    except OSError as error:
        raise RecordError(
            f"{folder}: no record can be written there ({error.strerror}); choose another folder with --out"
        ) from error
    if path.exists():
        raise RecordError(f"{path}: is there already and is never overwritten; choose another folder with --out")
    if free_mb < min_free_mb:
        raise RecordError(
            f"{folder}: {free_mb} MB free, {min_free_mb} asked for; free some space, choose another folder with "
            "--out, or allow less with --set record.min_free_mb=…"
        )
    try:
        # Made here, used by the writer's thread alone from then on.
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN")
        for statement, parameters in create_statements():
            connection.execute(statement, parameters)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise RecordError(f"{path}: cannot be written ({error}); choose another folder with --out") from error
    return connection


def _free_mb(folder: Path) -> int:
    return shutil.disk_usage(folder).free // 1_000_000
