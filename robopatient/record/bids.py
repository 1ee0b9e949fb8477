"""A study as a data set of the Brain Imaging Data Structure (BIDS 1.10): behaviour, events, and the force beside them.

Each session folder becomes one run: ``_beh.tsv`` with all columns of every attempt, ``_events.tsv`` with what happened
when, and ``_recording-force_physio.tsv.gz``. Times count from the run's own start; no date leaves the record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import robopatient
from robopatient import messages as m
from robopatient.errors import RecordError
from robopatient.record.physio import Signal, write_physio
from robopatient.record.reader import Record
from robopatient.record.trials import Explained, Row, TrialTable, explain

__all__ = ["Written", "write_bids"]

BIDS_VERSION = "1.10.0"
STANDARD_NAMES = {
    "response_time_s": "response_time",
    "kind": "trial_type",
    "onset_s": "trigger_s",
    "session": "study_session",
}
"""Names that BIDS reserves for these quantities, and others for names that its readers would take for something else:
``onset_s`` for the column of an events file, ``session`` for the entity of a file's name (pybids refuses both)."""
EVENT_COLUMNS = (
    Explained("onset", "s", "Time since the run's start."),
    Explained("duration", "s", "0 for a moment; n/a where the end is not recorded."),
    Explained("trial_type", "", "reaction (the trigger that set it off), response (an answer), or missed."),
    Explained("trial", "", "Number of the trial in the session's list."),
    Explained("attempt", "", "Number of the attempt at it."),
    Explained("kind", "", "main, practice, catch or repeat."),
    Explained("value", "", "The answer as a number."),
    Explained("response_time", "s", "From the question's appearance to the answer."),
    Explained("counts", "", "1: the attempt to analyse."),
)


class Written(NamedTuple):
    """What was written: files, and runs whose force could not be."""

    files: int
    without_force: list[str]


def write_bids(table: TrialTable, folder: Path, force: Callable[[Path], Signal | None] | None) -> Written:
    """Write the data set.

    Parameters
    ----------
    folder
        New or empty.
    force
        Force of a session's folder on an even clock, or None to leave it out; called once a run.

    Raises
    ------
    RecordError
        When the folder is in use or cannot be written, or two codes become one label.
    """
    if folder.exists() and any(folder.iterdir()):
        raise RecordError(f"{folder}: is not empty; give --out another folder, so that no older file is mixed in")
    subjects = _labels({str(row["participant"]) for row in table.rows})
    columns = explain(table.rows)
    runs: dict[tuple[str, str, int], list[str]] = {}
    by_folder: dict[str, list[Row]] = {}
    for row in table.rows:
        key = (str(row["participant"]), str(row["study"]), int(row["session"]))
        if row["folder"] not in runs.setdefault(key, []):
            runs[key].append(row["folder"])
        by_folder.setdefault(row["folder"], []).append(row)
    written = Written(0, [])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        count = _write_top(folder, table, subjects, columns)
        for (participant, study, session), names in runs.items():
            for run, name in enumerate(names, 1):
                stem = f"sub-{subjects[participant]}_ses-{session:02d}_task-{_label(study)}_run-{run}"
                place = folder / f"sub-{subjects[participant]}" / f"ses-{session:02d}" / "beh"
                place.mkdir(parents=True, exist_ok=True)
                rows = [
                    row
                    for row in by_folder[name]
                    if (str(row["participant"]), str(row["study"])) == (participant, study)
                ]
                count += _write_run(
                    place, stem, study, rows, columns, table.records[name], force, written.without_force
                )
    except OSError as error:
        raise RecordError(f"{folder}: cannot be written ({error.strerror or error}); choose another folder") from error
    return written._replace(files=count)


def _write_run(
    place: Path,
    stem: str,
    study: str,
    rows: list[Row],
    columns: list[Explained],
    record_folder: Path,
    force: Callable[[Path], Signal | None] | None,
    without_force: list[str],
) -> int:
    used = [column for column in columns if any(row.get(column.name) is not None for row in rows)]
    _tsv(
        place / f"{stem}_beh.tsv", [_standard(c.name) for c in used], ([row.get(c.name) for c in used] for row in rows)
    )
    described = {_standard(column.name): _described(column, rows) for column in used}
    with Record(record_folder) as record:
        start = record.start
    software = _software(start)
    _json(place / f"{stem}_beh.json", {"TaskName": study, "TaskDescription": _task(study)} | described)
    events = sorted(_events(rows, start.t_ns), key=lambda event: event[0])
    _tsv(place / f"{stem}_events.tsv", [column.name for column in EVENT_COLUMNS], events)
    told = {column.name: _described(column, ()) for column in EVENT_COLUMNS}
    _json(place / f"{stem}_events.json", {"TaskName": study, "StimulusPresentation": software} | told)
    if force is None:
        return 4
    signal = force(record_folder)
    if signal is None:
        without_force.append(record_folder.name)
        return 4
    name = f"{stem}_recording-force_physio"
    write_physio(signal, place / f"{name}.tsv.gz")
    cells = {column: {"Description": "Total force." if column == "total" else "Force of one load cell.", "Units": "N"}
             for column in signal.columns}  # fmt: skip
    _json(
        place / f"{name}.json",
        {
            "TaskName": study,
            "PhysioType": "generic",
            "SamplingFrequency": signal.rate_hz,
            "StartTime": round((signal.begin_ns - start.t_ns) * 1e-9, 6),
            "Columns": list(signal.columns),
        }
        | cells,
    )
    return 6


def _events(rows: Iterable[Row], begin_ns: int) -> Iterable[list[Any]]:
    """Reactions, answers and misses of a run, in the order of ``EVENT_COLUMNS``."""
    for row in rows:
        common = [row["trial"], row["attempt"], row["kind"]]
        if row["trigger_ns"] is not None:
            yield [_since(row["trigger_ns"], begin_ns), None, "reaction", *common, None, None, row["counts"]]
        elif row["status"] != "done":
            yield [_since(row["t_ns"], begin_ns), 0, "missed", *common, None, None, row["counts"]]
        if row["response_ns"] is not None:
            answer = [row["response_value"], row["response_time_s"], row["counts"]]
            yield [_since(row["response_ns"], begin_ns), 0, "response", *common, *answer]


def _since(t_ns: int, begin_ns: int) -> float:
    return round((t_ns - begin_ns) * 1e-9, 6)


def _write_top(folder: Path, table: TrialTable, subjects: dict[str, str], columns: list[Explained]) -> int:
    studies = sorted({str(row["study"]) for row in table.rows})
    _json(
        folder / "dataset_description.json",
        {
            "Name": ", ".join(studies),
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "raw",
            "Authors": ["Enter the authors here"],
            "GeneratedBy": [{"Name": "robopatient", "Version": robopatient.__version__}],
        },
    )
    (folder / "README").write_text(_readme(studies, columns), encoding="utf-8")
    rows = []
    for code, label in subjects.items():
        own = [row for row in table.rows if str(row["participant"]) == code]
        counted = sum(row["counts"] for row in own)
        rows.append([f"sub-{label}", code, len({row["session"] for row in own}), counted])
    _tsv(folder / "participants.tsv", ["participant_id", "code", "session_count", "trial_count"], rows)
    _json(
        folder / "participants.json",
        {
            "code": {"Description": "Pseudonym in the record; the key to names is kept elsewhere."},
            "session_count": {"Description": "Sessions with at least one attempt."},
            "trial_count": {"Description": "Finished trials, practice included."},
        },
    )
    return 4


def _readme(studies: list[str], columns: list[Explained]) -> str:
    return (
        f"Studies: {', '.join(studies)}. Recorded with robopatient {robopatient.__version__}.\n\n"
        "People pressed the abdomen of a robotic patient and judged how it reacted. Each run is one session of the\n"
        "controller; a session that was cut off and gone on with has several. *_beh.tsv holds every attempt at every\n"
        "trial: analyse the rows with counts = 1. *_events.tsv and *_recording-force_physio.tsv.gz share one clock,\n"
        "which begins with the run.\n\n"
        f"The table has {len(columns)} columns, explained in the *_beh.json beside it. Levels are digital (dB below "
        f"full\n"
        "scale); PSPI is computed from the action units drawn. Times of sound and picture are those of the sound\n"
        "driver and of the display's own account.\n"
    )


def _software(start: m.SessionStart) -> dict[str, str]:
    system = start.machine.get("system") or start.machine.get("platform") or "unknown"
    return {
        "OperatingSystem": system,
        "SoftwareName": "robopatient",
        "SoftwareVersion": start.version,
        "Code": f"commit {start.commit}" if start.commit else "commit unknown",
    }


def _task(study: str) -> str:
    return f"Press the phantom's abdomen and judge the patient's reaction ({study})."


def _described(column: Explained, rows: Iterable[Row]) -> dict[str, Any]:
    entry: dict[str, Any] = {"Description": column.meaning or column.name}
    if column.unit:
        entry["Units"] = column.unit
    if column.name == "response":
        levels = {str(row["response_value"]): str(row["response"]) for row in rows if row["response"]}
        entry["Levels"] = {text: f"response_value {value}" for value, text in sorted(levels.items())}
    return entry


def _labels(codes: set[str]) -> dict[str, str]:
    """BIDS labels (letters and digits) of the participants' codes."""
    labels: dict[str, str] = {}
    for code in sorted(codes):
        label = _label(code)
        twin = next((other for other, known in labels.items() if known.lower() == label.lower()), None)
        if not label or twin is not None:
            raise RecordError(
                f"participant {code!r}: BIDS allows letters and digits only, and {label!r} is "
                + (f"also what {twin!r} becomes" if twin else "empty")
                + "; export them apart"
            )
        labels[code] = label
    return labels


def _label(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", text)


def _standard(name: str) -> str:
    return STANDARD_NAMES.get(name, name.replace(".", "_"))


def _tsv(path: Path, header: list[str], rows: Iterable[Iterable[Any]]) -> None:
    lines = ["\t".join(header), *("\t".join(map(_cell, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "n/a"
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value).replace("\t", " ").replace("\n", " ")


def _json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
