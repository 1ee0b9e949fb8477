"""Reads a record: finished, still being written, or left behind by a process that was killed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np

from robopatient import messages as m
from robopatient.errors import RecordError
from robopatient.record import reread
from robopatient.record.schema import APPLICATION_ID, FILE_NAME, SCHEMA_VERSION, TABLES, Column, Table, quoted

__all__ = ["Record"]


class Record:
    """What one session left in its folder.

    Parameters
    ----------
    folder
        The session's folder, or the path of its ``record.sqlite``.

    Raises
    ------
    RecordError
        When there is no record, or one that this version cannot read.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder if folder.name == FILE_NAME else folder / FILE_NAME
        self.folder = self.path.parent
        if not self.path.is_file():
            raise RecordError(f"{folder}: holds no {FILE_NAME}; give the folder that `robopatient run --out` wrote")
        try:
            self._connection = _open(self.path)
        except sqlite3.Error as error:
            raise self._unreadable(error) from error
        try:
            self._prepare()
        except RecordError:
            self._connection.close()  # an open one would keep the write-ahead log of a session that ends
            raise

    def _prepare(self) -> None:
        try:
            application_id, version = (
                self._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
            reread.prepare(self._connection)
        except sqlite3.Error as error:
            raise self._unreadable(error) from error
        if application_id != APPLICATION_ID:
            raise RecordError(f"{self.path}: is an SQLite file, but no record of robopatient")
        if version > SCHEMA_VERSION:
            raise RecordError(
                f"{self.path}: has schema {version}, this version reads up to {SCHEMA_VERSION}; "
                "type: pip install --upgrade robopatient"
            )

    def _unreadable(self, error: sqlite3.Error) -> RecordError:
        return RecordError(
            f"{self.path}: cannot be read ({error}); is it a record of robopatient? One that was killed must lie "
            "in a folder that can be written: copy it to one"
        )

    @property
    def start(self) -> m.SessionStart:
        """What was known before the first frame; RecordError when the session ended before it began."""
        found = self.messages("start")
        if not found:
            raise RecordError(f"{self.path}: holds no start of a session; it was killed before its first commit")
        return found[0]

    @property
    def stop(self) -> m.SessionStop | None:
        """How the session ended; None while it runs or when it was killed."""
        found = self.messages("stop")
        return found[-1] if found else None

    def messages(self, topic: str) -> list[Any]:
        """All messages of a topic in the order in which they were recorded, equal to those that were put.

        What an older version worked out otherwise (PSPI) is worked out again, here and in all that follows.
        """
        table = self._table(topic)
        columns = table.columns[: table.stored]
        try:
            return [table.decode(row) for row in self._rows(table, columns)]
        except (msgspec.ValidationError, json.JSONDecodeError, TypeError) as error:
            raise RecordError(f"{self.path}: table {topic} holds a row that is no {topic} message ({error})") from error

    def as_held(self, topic: str) -> Callable[[Any], Any]:
        """What a record of this age would give back of a message: fields younger than the record are at their defaults.

        A record without the topic, or with all its columns, changes nothing.
        """
        table = self._table(topic)
        held = set(self._columns(table.name))
        young = {i: one.default for i, one in enumerate(table.columns[: table.stored]) if one.name not in held}

        def without_young(message: Any) -> Any:
            row = list(table.encode(message)[: table.stored])
            for index, default in young.items():
                row[index] = default
            return table.decode(row)

        return without_young if held and young else lambda message: message

    def message(self, topic: str, index: int) -> Any:
        """One message of a topic by its place among them, from 0: a long session's are slow to decode.

        Raises
        ------
        IndexError
            When there are fewer.
        """
        table = self._table(topic)
        rows = self._rows(table, table.columns[: table.stored], f"LIMIT 1 OFFSET {int(index)}")
        return table.decode(rows[0])

    def table(self, topic: str, *only: str) -> dict[str, np.ndarray]:
        """The columns of a topic, each of length (n_rows,).

        REAL is float64 (NaN for NULL), INTEGER int64 or bool, TEXT object. Of JSON columns, lists of numbers of one
        length become float64 of shape (n_rows, length); a dict ``au`` becomes one column a key, ``au.AU4``, NaN
        where absent; anything else stays an object.

        Parameters
        ----------
        only
            Columns to read; none given is all. A long session's JSON is slow to read.
        """
        table = self._table(topic)
        columns = [column for column in table.columns if not only or column.name in only]
        rows = self._rows(table, columns)
        arrays: dict[str, np.ndarray] = {}
        for column, cells in zip(columns, zip(*rows, strict=True) if rows else [()] * len(columns), strict=True):
            arrays.update(_arrays(column, cells))
        return arrays

    def cells(self, table: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """Header and rows of any table as they lie in the file (PSPI aside), ``topics`` and ``dictionary`` included."""
        try:
            names = self._columns(table)
            again = reread.expressions(table, names)
            wanted = ", ".join(f"{again[name]} AS {quoted(name)}" if name in again else quoted(name) for name in names)
            cursor = self._connection.execute(f"SELECT {wanted or '*'} FROM {quoted(table)} ORDER BY rowid")
        except sqlite3.Error as error:
            raise RecordError(f"{self.path}: table {table} cannot be read ({error})") from error
        return [column[0] for column in cursor.description], cursor

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _table(self, topic: str) -> Table:
        if topic not in TABLES:
            raise RecordError(f'"{topic}" is not recorded; topics are {", ".join(TABLES)}')
        return TABLES[topic]

    def _columns(self, table: str) -> list[str]:
        """Names of a table's columns; none when the record has no such table."""
        return [row[1] for row in self._connection.execute(f"PRAGMA table_info({quoted(table)})")]

    def _rows(self, table: Table, columns: Sequence[Column], limit: str = "") -> list[tuple[Any, ...]]:
        """All rows, or some; a column younger than the record is filled with its default."""
        try:
            found = self._columns(table.name)
            if not found:
                return []
            again = reread.expressions(table.name, found)
            names: list[str] = []
            defaults: list[Any] = []
            for column in columns:
                if column.name in found:
                    names.append(again.get(column.name, quoted(column.name)))
                elif column.default is msgspec.NODEFAULT and not column.derived:
                    raise RecordError(
                        f"{self.path}: table {table.name} has no column {column.name}; it was written by another "
                        "version of robopatient: read it with that one (table start, column version)"
                    )
                else:
                    names.append("?")
                    defaults.append(None if column.derived else column.default)
            query = f"SELECT {', '.join(names)} FROM {quoted(table.name)} ORDER BY rowid {limit}"
            return self._connection.execute(query, defaults).fetchall()
        except sqlite3.Error as error:
            raise RecordError(f"{self.path}: table {table.name} cannot be read ({error})") from error


def _open(path: Path) -> sqlite3.Connection:
    """Open read-only, beside a writer if there is one.

    A record in WAL mode is read through an index that SQLite lays beside the file. A finished one (no log, or an empty
    one) needs none: it is read as it is, and nothing is left in its folder.
    """
    log = path.with_name(f"{FILE_NAME}-wal")
    how = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)


def _arrays(column: Column, cells: Sequence[Any]) -> dict[str, np.ndarray]:
    """Arrays of one column: one, or one a key when it holds dicts of numbers."""
    if column.kind == "REAL":
        return {column.name: np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)}
    if column.kind == "INTEGER":
        return {column.name: np.array(cells, dtype=bool if column.encoding == "bool" else np.int64)}
    if column.encoding == "plain":
        return {column.name: _objects(cells)}
    values = _decoded(cells)
    if all(isinstance(value, dict) for value in values):
        keys = sorted({key for value in values for key in value})
        arrays = [np.array([value.get(key, np.nan) for value in values]) for key in keys]
        if arrays and all(array.dtype.kind in "if" for array in arrays):
            named = zip(keys, arrays, strict=True)
            return {f"{column.name}.{key}": array.astype(np.float64) for key, array in named}
    elif len({len(value) for value in values}) == 1:
        array = np.array(values)
        if array.size and array.dtype.kind in "if":
            return {column.name: array.astype(np.float64)}
    return {column.name: _objects(values)}


def _decoded(cells: Sequence[Any]) -> list[Any]:
    """Values of JSON cells; what is the same over and over (flags) is decoded once, and shared."""
    distinct = list(dict.fromkeys(cells))
    values = json.loads(f"[{','.join(distinct)}]")
    if len(distinct) == len(cells):
        return values
    known = dict(zip(distinct, values, strict=True))
    return [known[cell] for cell in cells]


def _objects(values: Sequence[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):  # array[:] = values would make rows of lists
        array[index] = value
    return array
