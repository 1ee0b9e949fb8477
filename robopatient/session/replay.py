"""Run a recorded session again from its raw bytes and compare pain and expression bit for bit with the record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from robopatient import messages as m
from robopatient.config import SessionConfig
from robopatient.errors import RecordError
from robopatient.patient import load_patient
from robopatient.record.reader import Record
from robopatient.session.control import open_board
from robopatient.session.journal import Action, Received, Tick, read_journal
from robopatient.session.pipeline import Outputs, Pipeline

__all__ = ["Comparison", "compare", "recompute"]

COMPARED = ("force", "pain", "expression", "voice", "face", "press")


class Comparison(msgspec.Struct, frozen=True):
    """Rows recomputed and recorded of each topic, and the first difference, if any."""

    rows: dict[str, int]
    difference: str = ""


def recompute(folder: Path) -> Iterator[Outputs]:
    """Outputs of every turn of the loop, computed anew from ``inputs.journal``.

    The board is built but never opened: only its pure decoder is used.
    """
    start = Record(folder).start
    config = msgspec.json.decode(start.config_json, type=SessionConfig)
    pipeline = Pipeline(config, open_board(config), load_patient(config.patient))
    for entry in read_journal(folder):
        match entry:
            case Received(t_ns, data):
                pipeline.receive(t_ns, data)
            case Action(_, action):
                pipeline.act(action)
            case Tick(t_ns):
                yield pipeline.tick(t_ns)


def compare(folder: Path) -> Comparison:
    """Recompute a session and compare every row with the record.

    A session that was killed has journal entries that its database had not committed yet (or the reverse): the
    comparison covers the rows that both hold.
    """
    record = Record(folder)
    recorded: dict[str, list[m.Message]] = {topic: record.messages(topic) for topic in COMPARED}
    counts = dict.fromkeys(COMPARED, 0)
    for outputs in recompute(folder):
        for topic in COMPARED:
            made = outputs.presses if topic == "press" else [getattr(outputs, topic)]
            for message in made:
                row = counts[topic]
                counts[topic] += 1
                if row < len(recorded[topic]) and recorded[topic][row] != message:
                    return Comparison(
                        counts, f"{topic} row {row}: recorded {recorded[topic][row]}, recomputed {message}"
                    )
    if not any(counts.values()):
        raise RecordError(f"{folder}: the journal holds no turn of the loop; the session ended before it began")
    shared = {topic: min(counts[topic], len(recorded[topic])) for topic in COMPARED}
    return Comparison(shared)
