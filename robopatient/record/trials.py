"""The trials of a study as one tidy table: a row an attempt, a column a fact, whatever sessions they lie in.

Nothing is left out: attempts that failed and answers that were taken back stay in the table, and the column ``counts``
says which row of each trial is the one to analyse.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from robopatient import messages as m
from robopatient.errors import RecordError
from robopatient.facs import by_side, unit_of_name, units_in
from robopatient.record.dictionary import meaning_of, unit_of
from robopatient.record.info import read_info
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
    "folder": ("", "Name of the session's folder, with the way to it where it lies deeper."),
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
        Folders that the rows come from, those without a trial included, by the name that the rows call them.
    cut_off
        Names of the folders whose session has no end: it was killed, or it still runs.
    unreadable
        Folders whose record cannot be read, and why; the others are here.
    remarks
        What whoever pools these rows must know: copies that were left out, two people of one code, two versions of a
        study's files.
    """

    rows: list[Row]
    records: dict[str, Path]
    cut_off: list[str]
    unreadable: list[str]
    remarks: list[str]


class _StudySession(NamedTuple):
    """What one folder holds of a study: who, when, after which folder, by which files, and its rows."""

    folder: Path
    key: tuple[str, str, int]
    session_id: str
    wall_time_iso: str
    before: str
    files: tuple[tuple[str, str], ...]
    open_ended: bool
    rows: list[Row]


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

    A session that lies there twice counts once. Where one code was used at two sites (folders side by side), these are
    two people: the code of each begins with the name of the site's folder.

    Raises
    ------
    RecordError
        When there is no session, when none can be read, or when two sessions of one participant exclude each other.
    """
    folders = {_name_in(source, folder): folder for folder in find_records(source)}
    sessions: list[_StudySession] = []
    unreadable: list[str] = []
    for name, folder in folders.items():
        try:
            session = _read_session(folder, name)
        except RecordError as error:
            if len(folders) == 1:
                raise
            unreadable.append(str(error))
        else:
            sessions += [session] if session is not None else []
    if unreadable and len(unreadable) == len(folders):
        raise RecordError(f"{source}: none of its {len(folders)} sessions can be read; the first: {unreadable[0]}")
    sessions.sort(key=lambda one: one.wall_time_iso)  # a session resumed after a crash follows the one it goes on from
    sessions, remarks = _without_copies(sessions)
    remarks += _apart_by_site(sessions) + _versions(sessions)
    rows = [row for session in sessions for row in session.rows]
    _mark(rows)
    cut_off = [session.folder.name for session in sessions if session.open_ended]
    return TrialTable(rows, folders, cut_off, unreadable, remarks)


def _name_in(source: Path, folder: Path) -> str:
    """A session's folder as the rows call it: its name, and where below ``source`` it lies deeper, the way to it."""
    name = folder.relative_to(source).as_posix() if folder.is_relative_to(source) else ""
    return name if name not in ("", ".") else folder.name


def _read_session(folder: Path, name: str) -> _StudySession | None:
    """None when no trial of a study was run."""
    with Record(folder) as record:
        trials = record.messages("trial")
        if not trials:
            return None
        start, ended = record.start, record.stop is not None
        before = read_info(start).study.resume
    files = tuple(
        sorted((Path(name).name, sha) for name, sha in start.files_sha256.items() if name.startswith("studies/"))
    )
    first = trials[0]
    return _StudySession(
        folder,
        (first.study, first.participant, first.session),
        start.session_id,
        start.wall_time_iso,
        Path(before).name,
        files,
        not ended,
        [_row(trial, start.t_ns, name) for trial in trials],
    )


def _without_copies(sessions: list[_StudySession]) -> tuple[list[_StudySession], list[str]]:
    """Each session once: of copies, the one nearest to the top."""
    kept: dict[tuple[str, str, int], _StudySession] = {}
    remarks = []
    for session in sorted(sessions, key=lambda one: len(one.folder.parts)):
        twin = kept.setdefault((session.session_id, session.wall_time_iso, len(session.rows)), session)
        if twin is not session:
            remarks.append(f"{session.folder} is left out: a copy of {twin.folder}.")
    return [session for session in sessions if any(session is one for one in kept.values())], remarks


def _apart_by_site(sessions: Sequence[_StudySession]) -> list[str]:
    """Give people of different sites different codes; changes the rows.

    Raises
    ------
    RecordError
        When one site holds a session twice and neither goes on with the other.
    """
    first: dict[tuple[str, str, int], dict[Path, _StudySession]] = {}
    for session in sessions:
        begun = first.setdefault(session.key, {})
        site = session.folder.parent
        if site in begun and not (session.before or _is_part(session.folder, begun[site].folder)):
            study, participant, number = session.key
            raise RecordError(
                f"{begun[site].folder} and {session.folder}: both begin session {number} of participant {participant} "
                f"in {study}, and neither goes on with the other: are they two people? Put each site's sessions into "
                "a folder of its own, or take one of the two out"
            )
        begun.setdefault(site, session)
    twice = {key[:2] for key, begun in first.items() if len(begun) > 1}
    for session in sessions:
        if session.key[:2] in twice:
            for row in session.rows:
                row["participant"] = f"{session.folder.parent.name}-{row['participant']}"
    return [
        f"Participant {participant} of {study} is at several sites; taken for one person a site, called by its folder."
        for study, participant in sorted(twice)
    ]


def _is_part(folder: Path, first: Path) -> bool:
    """Whether a folder is called as ``study run`` calls the later parts of a session."""
    return re.fullmatch(rf"{re.escape(first.name)}_\d+", folder.name) is not None


def _versions(sessions: Iterable[_StudySession]) -> list[str]:
    """A remark for every study that was run with different files."""
    files: dict[str, dict[tuple[tuple[str, str], ...], list[_StudySession]]] = {}
    for session in sessions:
        if session.files:
            files.setdefault(session.key[0], {}).setdefault(session.files, []).append(session)
    return [
        f"{study} was run with {len(versions)} versions of its files, pooled here: "
        + "; ".join(f"{len(own)} sessions like {own[0].folder.name}" for own in versions.values())
        + ". Its trials may differ between them."
        for study, versions in sorted(files.items())
        if len(versions) > 1
    ]


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
