"""The trials of a study as one tidy table: a row an attempt, a column a fact, whatever sessions they lie in.

Nothing is left out: attempts that failed and answers that were taken back stay in the table, and the column ``counts``
says which row of each trial is the one to analyse.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from robopatient import messages as m
from robopatient.errors import RecordError
from robopatient.facs import by_side, unit_of_name, units_in
from robopatient.record.dictionary import meaning_of, unit_of
from robopatient.record.reader import Record
from robopatient.record.schema import FILE_NAME

__all__ = ["Explained", "TrialTable", "explain", "find_records", "read_trial_table"]

Row = dict[str, Any]

LATENCIES = {
    "trigger_to_command_ms": ("command_ns", "From the trigger to the first command of the reaction."),
    "trigger_to_sound_ms": ("sound_ns", "From the trigger to the reaction's first sounding sample."),
    "trigger_to_frame_ms": ("frame_ns", "From the trigger to the reaction's first picture."),
}
"""Latencies by name: the moment they end at and their meaning; all begin at ``trigger_ns``."""

MADE = {
    "folder": ("", "Name of the session's folder."),
    "counts": ("", "1: the last finished row of its trial, the one to analyse; 0: failed, or replaced by a later row."),
    "onset_s": ("s", "Time of the trigger (without one: of the row) since the session began."),
    **{name: ("ms", meaning) for name, (_, meaning) in LATENCIES.items()},
}
"""Columns that are computed here: unit and meaning."""

PREFIX = {"factors": "factor", "au": "au"}
"""Fields that hold several values, and the prefix of their columns: ``factor.pitch``, ``au.AU4``."""

SPELLED_UNITS = {"response_time_s": "s", "level_dbfs": "dBFS"}


class Explained(NamedTuple):
    """A column of the table: name, unit ("" for words and counts) and meaning."""

    name: str
    unit: str
    meaning: str


class TrialTable(NamedTuple):
    """The attempts of one or more sessions.

    Attributes
    ----------
    rows
        Plain values by column; None for what did not happen.
    records
        Folders that the rows come from, those without a trial included.
    cut_off
        Names of the folders whose session has no end: it was killed, or it still runs.
    """

    rows: list[Row]
    records: list[Path]
    cut_off: list[str]


def find_records(source: Path) -> list[Path]:
    """Folders of sessions in ``source``: itself, or everything below it, in the order of their names.

    Raises
    ------
    RecordError
        When there is none.
    """
    if source.name == FILE_NAME:
        return [source.parent]
    if (source / FILE_NAME).is_file():
        return [source]
    found = [Path(folder) for folder, _, files in os.walk(source) if FILE_NAME in files]
    if not found:
        raise RecordError(f"{source}: holds no session (no {FILE_NAME} in it or below it)")
    return sorted(found)


def read_trial_table(source: Path) -> TrialTable:
    """Every attempt at every trial of the sessions in ``source``, in the order in which they were run.

    Raises
    ------
    RecordError
        When there is no session, or one that cannot be read.
    """
    folders = find_records(source)
    begun: list[tuple[str, list[Row], Path, bool]] = []
    for folder in folders:
        with Record(folder) as record:
            trials = record.messages("trial")
            if not trials:
                continue
            start = record.start
            rows = [_row(trial, start.t_ns, folder.name) for trial in trials]
            begun.append((start.wall_time_iso, rows, folder, record.stop is None))
    begun.sort(key=lambda one: one[0])  # a session resumed after a crash follows the one it goes on from
    rows = [row for _, part, _, _ in begun for row in part]
    _mark(rows)
    return TrialTable(rows, folders, [folder.name for _, _, folder, open_ended in begun if open_ended])


def explain(rows: Iterable[Row]) -> list[Explained]:
    """Every column of these rows in the table's order: the fixed ones, then factors, then action units."""
    found = set().union(*(row.keys() for row in rows))
    columns = []
    for name in m.TrialRecord.__struct_fields__:
        if name not in PREFIX:
            unit = SPELLED_UNITS.get(name, unit_of(name))
            columns.append(Explained(name, unit, meaning_of(m.TrialRecord, name)))
    columns += [Explained(name, unit, meaning) for name, (unit, meaning) in MADE.items()]
    for name in sorted(name for name in found if name.startswith("factor.")):
        factor = name.partition(".")[2]
        columns.append(Explained(name, unit_of(factor), f"Level of the factor {factor} that was asked for."))
    for name in sorted(name for name in found if name.startswith("au.")):
        unit = name.partition(".")[2]
        where = {"L": ", on the patient's left", "R": ", on the patient's right"}.get(
            unit[-1:], ", of the stronger side"
        )
        meaning = f"Largest intensity of {unit_of_name(unit)} shown in the reaction{where}."
        columns.append(Explained(name, "FACS 0-5", meaning))
    return columns


def _row(trial: m.TrialRecord, begin_ns: int, folder: str) -> Row:
    row: Row = {}
    for name in m.TrialRecord.__struct_fields__:
        value = getattr(trial, name)
        if name in PREFIX:
            parts = by_side(value, units_in(value)) if name == "au" else value
            row |= {f"{PREFIX[name]}.{part}": one for part, one in parts.items()}
        else:
            row[name] = _plain(name, value)
    row["folder"] = folder
    row["counts"] = 0
    row["onset_s"] = round(((trial.trigger_ns or trial.t_ns) - begin_ns) * 1e-9, 6)
    for name, (end, _) in LATENCIES.items():
        end_ns = getattr(trial, end)
        row[name] = round((end_ns - trial.trigger_ns) * 1e-6, 3) if end_ns and trial.trigger_ns else None
    return row


def _mark(rows: Sequence[Row]) -> None:
    """Say which row of each trial counts: the last that was finished."""
    last: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        if row["status"] == "done":
            last[row["study"], row["participant"], row["session"], row["kind"] == "practice", row["trial"]] = row
    for row in last.values():
        row["counts"] = 1


def _plain(name: str, value: Any) -> Any:
    """A cell: words joined; None for NaN and for a moment that never came."""
    if isinstance(value, tuple):
        return " ".join(word.replace(" ", "-") for word in value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if name.endswith("_ns") and value == 0:
        return None
    return value
