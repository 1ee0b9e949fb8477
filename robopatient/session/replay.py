"""A recorded session again from its raw bytes: pain and expression, compared bit for bit with the record; its force."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from robopatient import messages as m
from robopatient.config import SessionConfig
from robopatient.errors import RecordError, RobopatientError
from robopatient.patient import load_patient
from robopatient.record.physio import Signal, evenly, force_columns, recorded_force
from robopatient.record.reader import Record
from robopatient.session.control import open_board
from robopatient.session.journal import FILE_NAME as JOURNAL
from robopatient.session.journal import Action, JournalGap, Received, Tick, read_journal
from robopatient.session.pipeline import Pipeline, Touch
from robopatient.session.provenance import changed
from robopatient.topics import TOPICS

__all__ = ["Comparison", "board_force", "compare", "recompute", "replay", "session_force"]

GOLDEN = "golden.msgpack"
COMPARED = ("force", "pain", "expression", "voice", "face", "press", "said", "scenario")
UNSEEN_S = 2.0
"""A record and a journal that were cut off by a kill end within this time of each other: commits every 0.25 s and 1 s
(``record.writer``, ``session.journal``)."""


class Comparison(msgspec.Struct, frozen=True):
    """Rows recomputed and recorded of each topic, the first difference, if any, and how much the journal lacks.

    Attributes
    ----------
    unseen_s
        Time at the end of the record that the journal does not tell of: the disk refused, or the file was cut.
    """

    rows: dict[str, int]
    difference: str = ""
    unseen_s: float = 0.0


def recompute(folder: Path) -> Iterator[tuple[str, m.Message]]:
    """Topic and message of everything that the loop said, computed anew from ``inputs.journal``.

    The board is built but never opened: only its pure decoder is used. Where the journal has a gap, nothing after it
    can be computed.
    """
    config = msgspec.json.decode(Record(folder).start.config_json, type=SessionConfig)
    pipeline = Pipeline(config, open_board(config), load_patient(config.patient), folder)
    for entry in read_journal(folder):
        match entry:
            case Received(t_ns, data):
                pipeline.receive(t_ns, data)
            case Action(_, action):
                pipeline.act(action)
            case JournalGap():
                break
            case Tick(t_ns):
                outputs = pipeline.tick(t_ns)
                for topic in ("voice", "face", "force", "pain", "expression"):
                    yield topic, getattr(outputs, topic)
                for press in outputs.presses:
                    yield "press", press
                for said in outputs.said:
                    yield "said", said
                for change in outputs.changes:
                    yield "scenario", change
    for press in pipeline.finish():
        yield "press", press


def compare(folder: Path) -> Comparison:
    """Recompute a session and compare every row with what is expected of it.

    Expected is the accepted result of ``--update`` if there is one, else the record. A session that was killed has
    turns in its journal that its database had not committed yet, or the reverse: the comparison covers what both hold.
    So it does with fields: what an older version did not keep is not compared.
    """
    expected, as_held = _expected(folder)
    counts = dict.fromkeys(COMPARED, 0)
    seen_ns = 0
    for topic, message in recompute(folder):
        if isinstance(message, m.ForceFrame):
            seen_ns = message.t_ns
        row = counts[topic]
        counts[topic] += 1
        if row < len(expected[topic]) and expected[topic][row] != (computed := as_held[topic](message)):
            return Comparison(counts, f"{topic} row {row}: expected {expected[topic][row]}, computed {computed}")
    if not any(counts.values()):
        raise RecordError(f"{folder}: the journal holds no turn of the loop; the session ended before it began")
    rows = {topic: min(counts[topic], len(expected[topic])) for topic in COMPARED}
    last = expected["force"][-1] if expected["force"] else None
    unseen_s = (last.t_ns - seen_ns) * 1e-9 if isinstance(last, m.ForceFrame) else 0.0
    return Comparison(rows, unseen_s=unseen_s if unseen_s > UNSEEN_S else 0.0)


def replay(folder: Path, update: bool = False) -> int:
    """The verb ``replay``: say whether this version computes what was recorded; 1 when it does not."""
    if update:
        rows: dict[str, list[m.Message]] = {topic: [] for topic in COMPARED}
        for topic, message in recompute(folder):
            rows[topic].append(message)
        (folder / GOLDEN).write_bytes(msgspec.msgpack.encode(rows))
        print(f"{folder / GOLDEN}: accepted {sum(map(len, rows.values()))} rows as this session's result")
        return 0
    result = compare(folder)
    if result.difference:
        print(f"{folder}: differs at {result.difference}")
        start = Record(folder).start
        for name in changed(start.files_sha256, msgspec.json.decode(start.config_json, type=SessionConfig)):
            print(f"{name} is not what it was when the session ran")
        print("if the change is intended: robopatient replay --update", folder)
        return 1
    rows_text = ", ".join(f"{topic} {count}" for topic, count in result.rows.items())
    print(f"{folder}: equal bit for bit ({rows_text} rows)")
    if result.unseen_s:
        print(
            f"{folder / JOURNAL}: does not hold the last {result.unseen_s:.1f} s of the record (the disk refused, or "
            "the file was cut): they were not compared"
        )
    return 0


def _expected(folder: Path) -> tuple[dict[str, list[m.Message]], dict[str, Callable[[m.Message], m.Message]]]:
    """Messages expected of each topic, and how a computed one is brought to the fields that were kept of it."""
    golden = folder / GOLDEN
    if not golden.exists():
        record = Record(folder)
        rows = {topic: record.messages(topic) for topic in COMPARED}
        return rows, {topic: record.as_held(topic) for topic in COMPARED}
    kept = msgspec.msgpack.decode(golden.read_bytes(), type=dict[str, list[msgspec.Raw]])
    rows = {
        topic: [msgspec.msgpack.decode(raw, type=TOPICS[topic].message) for raw in kept.get(topic, [])]
        for topic in COMPARED
    }
    first = {topic: msgspec.msgpack.decode(kept[topic][0]) if rows[topic] else {} for topic in COMPARED}
    return rows, {topic: partial(_with_fields_of, first[topic]) for topic in COMPARED}


def _with_fields_of(kept: dict[str, Any], message: Any) -> Any:
    """The message with the fields at their defaults that an accepted one of an older version lacks."""
    changes: dict[str, Any] = {}
    for field in msgspec.structs.fields(message):
        value = getattr(message, field.name)
        if field.name not in kept:
            changes[field.name] = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
        elif isinstance(value, msgspec.Struct):
            changes[field.name] = _with_fields_of(kept[field.name], value)
    return msgspec.structs.replace(message, **changes) if changes else message


def session_force(folder: Path) -> Signal | None:
    """Force of a session at the board's rate, from the raw bytes; at the loop's rate where those are not all there."""
    with Record(folder) as record:
        recorded = recorded_force(record)
    if not (folder / JOURNAL).exists():
        return recorded
    try:
        signal = board_force(folder)
    except RobopatientError as error:
        print(f"{folder.name}: raw bytes cannot be read again ({error}); force at the loop's rate", file=sys.stderr)
        return recorded
    if signal is None or recorded is None:
        return recorded if signal is None else signal
    if (unseen_s := recorded.end_s - signal.end_s) > UNSEEN_S:
        print(f"{folder.name}: {JOURNAL} lacks the last {unseen_s:.1f} s; force at the loop's rate", file=sys.stderr)
        return recorded
    return signal


def board_force(folder: Path) -> Signal | None:
    """Force as the board sent it, calibrated and tared as it was then, up to a gap; None without a frame.

    Raises
    ------
    RobopatientError
        When calibration, phantom or journal are not there any more.
    """
    with Record(folder) as record:
        config = msgspec.json.decode(record.start.config_json, type=SessionConfig)
    touch = Touch(config.sensing, open_board(config))
    times: list[int] = []
    cells: list[tuple[float, ...]] = []
    for entry in read_journal(folder):
        if isinstance(entry, Received):
            for frame in touch.receive(entry.t_ns, entry.data):
                times.append(frame.t_ns)
                cells.append(frame.cells_newton)
        elif isinstance(entry, Action) and entry.action.action == "tare":
            touch.sensing.tare()
        elif isinstance(entry, JournalGap):
            break
    if len(times) < 2:
        return None
    newtons = np.array(cells)
    values = np.column_stack([newtons, newtons.sum(axis=1)])
    return evenly(np.array(times), values, float(config.board.rate_hz), force_columns(newtons.shape[1]))
