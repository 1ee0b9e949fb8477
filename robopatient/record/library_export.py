"""Figures of many sessions for other programs: a table, one line a session, or xAPI statements; codes, never names."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from firmware_bridge.outputs import check_outputs, new_files
from robopatient.errors import RecordError
from robopatient.record.debrief_figures import Figures
from robopatient.record.library import Entry, Library, Wanted

__all__ = ["cells", "export"]

COLUMNS = ("name", "session_id", "wall_time_iso", "trainee", "patient", "scenario", "ended", "duration_s", "tags")
FIGURES = tuple(name for name in Figures.__struct_fields__ if name not in COLUMNS and name != "ratings")
XAPI_VERB = {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en": "completed"}}
XAPI_TYPE = "http://adlnet.gov/expapi/activities/simulation"


def export(folder: Path, wanted: Wanted, table: Path | None, xapi: Path | None, home: str, force: bool = False) -> None:
    """Write the sessions that fit as CSV, one line each, or as xAPI statements, or both.

    Parameters
    ----------
    home
        Address of the system that the trainees' codes belong to: an xAPI actor is an account there, never a name.
    """
    if table is None and xapi is None:
        raise RecordError("export: say where to: --csv FILE, --xapi FILE, or both")
    if xapi is not None and not (urlsplit(home).scheme and urlsplit(home).netloc):
        raise RecordError(f'--home {home}: give an address with its scheme, such as "https://lms.example.org"')
    check_outputs([path for path in (table, xapi) if path is not None], force=force)
    with Library(folder) as library:
        library.refresh()
        entries = [entry for entry in library.find(wanted) if not entry.problem]
    try:
        if table is not None:
            with (
                new_files(table, force=force) as (part,),
                part.open("w", newline="", encoding="utf-8") as file,
            ):
                writer = csv.DictWriter(file, (*COLUMNS, *FIGURES, "rating_error"))
                writer.writeheader()
                writer.writerows(cells(entry) for entry in entries)
            print(f"{table}: {len(entries)} sessions")
        if xapi is not None:
            statements = list(_statements(entries, home))
            with new_files(xapi, force=force) as (part,):
                part.write_text(json.dumps(statements, indent=1), encoding="utf-8")
            print(f"{xapi}: {len(statements)} statements")
    except OSError as error:
        raise RecordError(f"{error.filename}: cannot be written ({error.strerror})") from error


def cells(entry: Entry) -> dict[str, Any]:
    """Row of a table: what every session has, then the figures of those that were debriefed."""
    cells: dict[str, Any] = {name: getattr(entry, name) for name in COLUMNS}
    cells |= {"tags": " ".join(entry.tags), "duration_s": round(entry.duration_s, 1)}
    figures = entry.figures
    if figures is not None:
        cells |= {name: _rounded(getattr(figures, name)) for name in (*FIGURES, "rating_error")}
    return cells


def _word(name: str) -> str:
    """A name as part of an IRI: a file's name without its folder, which may tell who somebody is."""
    return quote(Path(name).stem, safe="")


def _rounded(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value


def _statements(entries: Sequence[Entry], home: str) -> Iterator[dict[str, Any]]:
    """One xAPI 1.0.3 statement a session with a trainee; the figures are extensions, and there is no score."""
    for entry in entries:
        if not entry.trainee:
            continue
        figures = cells(entry)
        activity = f"urn:robopatient:scenario:{_word(entry.scenario) or 'free'}:{_word(entry.patient) or 'unknown'}"
        yield {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{home}/{entry.session_id}")),
            "actor": {"objectType": "Agent", "account": {"homePage": home, "name": entry.trainee}},
            "verb": XAPI_VERB,
            "object": {
                "id": activity,
                "definition": {"type": XAPI_TYPE, "name": {"en": Path(entry.scenario).stem or "palpation"}},
            },
            "result": {
                "completion": entry.ended == "done",
                "duration": f"PT{entry.duration_s:.1f}S",
                "extensions": {
                    f"urn:robopatient:figure:{name}": figures[name]
                    for name in (*FIGURES, "rating_error")
                    if figures.get(name) is not None
                },
            },
            "context": {
                "registration": str(uuid.uuid5(uuid.NAMESPACE_URL, entry.session_id)),
                "platform": "robopatient",
            },
            "timestamp": entry.wall_time_iso,
        }
