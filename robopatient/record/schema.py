"""What a session record looks like inside: one SQLite table per recorded topic, derived from the messages themselves.

The file explains itself: table ``dictionary`` names every column with its unit and meaning, ``topics`` every table.

========================== ==========================================================================
field of the message       columns
========================== ==========================================================================
float                      REAL; NaN is NULL (and -0.0 is 0.0: SQLite keeps whole numbers as integers)
int, bool                  INTEGER
str, Literal               TEXT
message (``ask``)          its own columns with the field's name before them: ``ask_level_db``
``pose``                   its own columns under their own names: ``head_pitch_deg``
tuple of fixed length      one column an element: ``contact_x_mm``, ``contact_y_mm``; all NULL for None
other tuples, dict         TEXT holding JSON: ``[1.5,0.0]``, ``{"AU4":2.0}``
property of the message    one more column, for those who read the file without this package
========================== ==========================================================================
"""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from robopatient.record.dictionary import meaning_of, summary_of, unit_of
from robopatient.topics import TOPICS, Topic

__all__ = ["APPLICATION_ID", "FILE_NAME", "SCHEMA_VERSION", "TABLES", "Column", "Table", "create_statements", "quoted"]

FILE_NAME = "record.sqlite"
SCHEMA_VERSION = 1
"""Kept in ``PRAGMA user_version``; raised when an older reader would misread the file, not when a column is added."""
APPLICATION_ID = 0x526F6250
"""``PRAGMA application_id``: "RobP", so that ``file`` and the reader recognise a record among other SQLite files."""

ELEMENTS = {
    "contact_mm": ("contact_x_mm", "contact_y_mm"),
    "head_deg": ("head_pitch_deg", "head_yaw_deg", "head_roll_deg"),
    "gaze_deg": ("gaze_pitch_deg", "gaze_yaw_deg"),
}
"""Names for the elements of fixed tuples; others are numbered."""

UNPREFIXED = ("pose",)
"""Messages in a message whose columns keep their own names: the record was so before they were one field."""

Kind = Literal["REAL", "INTEGER", "TEXT"]


class Column(NamedTuple):
    """One column.

    Attributes
    ----------
    encoding
        How a cell becomes a value again.
    derived
        Whether it only repeats what other columns say.
    default
        Cell of a record that is older than the column; ``NODEFAULT`` when there is none.
    """

    name: str
    kind: Kind
    encoding: Literal["plain", "bool", "json"]
    unit: str
    meaning: str
    derived: bool = False
    default: Any = msgspec.NODEFAULT


class Codec(NamedTuple):
    """How one value becomes cells and back."""

    columns: tuple[Column, ...]
    encode: Callable[[Any], tuple[Any, ...]]
    decode: Callable[[Sequence[Any]], Any]


class Table:
    """One topic's table: its columns, and the way from a message to a row and back.

    Attributes
    ----------
    columns
        In the order of the table, those derived from properties last.
    insert
        The SQL statement that takes ``encode``'s row.
    """

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.name = topic.name
        self._codec = _struct_codec(topic.message)
        self._derived = [name for name, _ in _properties(topic.message)]
        derived = [
            _column(name, kind, "plain", topic.message, derived=True) for name, kind in _properties(topic.message)
        ]
        self.columns = (*self._codec.columns, *derived)
        self.stored = len(self._codec.columns)
        names = ", ".join(quoted(column.name) for column in self.columns)
        marks = ", ".join("?" * len(self.columns))
        self.insert = f"INSERT INTO {quoted(self.name)} ({names}) VALUES ({marks})"

    def encode(self, message: msgspec.Struct) -> tuple[Any, ...]:
        """Row of a message."""
        row = self._codec.encode(message)
        return (*row, *(getattr(message, name) for name in self._derived)) if self._derived else row

    def decode(self, row: Sequence[Any]) -> Any:
        """Message of a row (without the derived columns); equal to the one that was encoded."""
        return self._codec.decode(row)


def create_statements() -> Iterator[tuple[str, tuple[Any, ...]]]:
    """SQL and its parameters that make an empty record, in order."""
    yield f"PRAGMA application_id = {APPLICATION_ID}", ()
    yield f"PRAGMA user_version = {SCHEMA_VERSION}", ()
    yield "CREATE TABLE topics (topic TEXT PRIMARY KEY, message TEXT, sender TEXT, rate_hz REAL, meaning TEXT)", ()
    yield "CREATE TABLE dictionary (topic TEXT, column TEXT, type TEXT, unit TEXT, meaning TEXT)", ()
    for table in TABLES.values():
        row = table.topic
        yield (
            "INSERT INTO topics VALUES (?, ?, ?, ?, ?)",
            (row.name, row.message.__name__, row.sender, row.rate_hz, summary_of(row.message)),
        )
        columns = ", ".join(f"{quoted(column.name)} {column.kind}" for column in table.columns)
        yield f"CREATE TABLE {quoted(table.name)} ({columns})", ()
        for column in table.columns:
            yield (
                "INSERT INTO dictionary VALUES (?, ?, ?, ?, ?)",
                (table.name, column.name, column.kind, column.unit, column.meaning),
            )


def quoted(name: str) -> str:
    """SQL identifier: topic names such as ``action`` are keywords."""
    return '"' + name.replace('"', '""') + '"'


def _struct_codec(kind: type[msgspec.Struct], prefix: str = "") -> Codec:
    """Codec of a message: the columns of its fields, one after another."""
    hints = typing.get_type_hints(kind)
    fields = msgspec.structs.fields(kind)
    names = [field.name for field in fields]
    codecs = [_with_default(_codec(prefix + field.name, hints[field.name], kind), field) for field in fields]
    columns = tuple(column for codec in codecs for column in codec.columns)
    parts = [(name, codec.encode) for name, codec in zip(names, codecs, strict=True)]
    spans: list[tuple[int, int, Callable[[Sequence[Any]], Any]]] = []
    start = 0
    for codec in codecs:
        spans.append((start, start + len(codec.columns), codec.decode))
        start += len(codec.columns)

    def encode(value: Any) -> tuple[Any, ...]:
        cells: list[Any] = []
        for name, encode_field in parts:
            cells += encode_field(getattr(value, name))
        return tuple(cells)

    def decode(cells: Sequence[Any]) -> Any:
        return kind(*(decode_field(cells[first:last]) for first, last, decode_field in spans))

    return Codec(columns, encode, decode)


def _with_default(codec: Codec, field: msgspec.structs.FieldInfo) -> Codec:
    """The codec with its columns' defaults filled in from the field's."""
    if field.default_factory is not msgspec.NODEFAULT:
        cells = codec.encode(field.default_factory())
    elif field.default is not msgspec.NODEFAULT:
        cells = codec.encode(field.default)
    else:
        return codec
    columns = (column._replace(default=cell) for column, cell in zip(codec.columns, cells, strict=True))
    return codec._replace(columns=tuple(columns))


def _codec(name: str, hint: Any, owner: type[msgspec.Struct]) -> Codec:
    """Codec of one field; the table at the top of this file says which."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _struct_codec(hint, "" if name in UNPREFIXED else f"{name}_")
    if hint is float:
        return Codec((_column(name, "REAL", "plain", owner),), lambda v: (float(v),), _float)
    if hint is bool:
        return Codec((_column(name, "INTEGER", "bool", owner),), lambda v: (int(v),), lambda c: bool(c[0]))
    if hint is int:
        return Codec((_column(name, "INTEGER", "plain", owner),), lambda v: (_integer(v),), lambda c: c[0])
    if hint is str or typing.get_origin(hint) is Literal:
        return Codec((_column(name, "TEXT", "plain", owner),), lambda v: (_text(v),), lambda c: c[0])
    optional = typing.get_origin(hint) in (typing.Union, types.UnionType) and type(None) in typing.get_args(hint)
    inner = next(arg for arg in typing.get_args(hint) if arg is not type(None)) if optional else hint
    elements = typing.get_args(inner) if typing.get_origin(inner) is tuple else ()
    if elements and set(elements) == {float}:
        return _fixed_tuple_codec(name, len(elements), owner)
    return _json_codec(name, hint, owner)


def _fixed_tuple_codec(name: str, length: int, owner: type[msgspec.Struct]) -> Codec:
    names = ELEMENTS.get(name, tuple(f"{name}_{index}" for index in range(length)))
    columns = tuple(_column(element, "REAL", "plain", owner, field=name) for element in names)
    nothing = (None,) * length

    def decode(cells: Sequence[Any]) -> Any:
        return None if tuple(cells) == nothing else tuple(_float((cell,)) for cell in cells)

    return Codec(columns, lambda v: nothing if v is None else tuple(map(float, v)), decode)


def _json_codec(name: str, hint: Any, owner: type[msgspec.Struct]) -> Codec:
    # json and not msgspec.json: only the former keeps NaN and the infinities apart.
    dumps = json.JSONEncoder(separators=(",", ":"), default=_number).encode
    return Codec(
        (_column(name, "TEXT", "json", owner),),
        lambda v: (dumps(v),),
        lambda c: msgspec.convert(json.loads(c[0]), hint),
    )


def _number(value: Any) -> Any:
    """Python's number of a numpy scalar."""
    try:
        return value.item()
    except AttributeError:
        raise TypeError(f"{type(value).__name__} {value!r} cannot be recorded") from None


def _integer(value: Any) -> int:
    """Python's integer of any; OverflowError beyond the 64 bits of SQLite's."""
    whole = int(value)
    if not -(2**63) <= whole < 2**63:
        raise OverflowError(f"{whole} has more than 64 bits")
    return whole


def _text(value: str) -> str:
    """The text; bytes of a file name that are not UTF-8 (lone surrogates) are written out, as in ``udce9``."""
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()


def _float(cells: Sequence[Any]) -> float:
    return math.nan if cells[0] is None else float(cells[0])


def _column(
    name: str,
    kind: Kind,
    encoding: Literal["plain", "bool", "json"],
    owner: type[msgspec.Struct],
    *,
    field: str = "",
    derived: bool = False,
) -> Column:
    return Column(name, kind, encoding, unit_of(name), meaning_of(owner, field or name), derived)


def _properties(kind: type[msgspec.Struct]) -> list[tuple[str, Kind]]:
    """Float properties of a message, such as ``total_newton``."""
    return [
        (name, "REAL")
        for name, member in vars(kind).items()
        if isinstance(member, property) and typing.get_type_hints(member.fget).get("return") is float
    ]


TABLES: dict[str, Table] = {row.name: Table(row) for row in TOPICS.values() if row.recorded}
"""The tables of a record by topic."""
