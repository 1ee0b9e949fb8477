"""The verbs ``sessions list``, ``show``, ``tag``, ``export`` and ``delete`` over a folder of sessions."""

from __future__ import annotations

import csv
import json
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from firmware_bridge.outputs import check_outputs, new_files
from robopatient.config import reference
from robopatient.errors import RecordError
from robopatient.record.debrief_figures import Figures
from robopatient.record.library import Entry, Library, Wanted

__all__ = ["delete", "export", "list_sessions", "show", "tag"]

COLUMNS = ("name", "session_id", "wall_time_iso", "trainee", "patient", "scenario", "ended", "duration_s", "tags")
FIGURES = tuple(name for name in Figures.__struct_fields__ if name not in COLUMNS and name != "ratings")
XAPI_VERB = {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en": "completed"}}
XAPI_TYPE = "http://adlnet.gov/expapi/activities/simulation"


def list_sessions(folder: Path, wanted: Wanted, as_json: bool, rebuild: bool = False) -> None:
    """Print the sessions that fit, oldest first; folders that cannot be read are named on stderr."""
    with Library(folder) as library:
        _bring_up_to_date(library, rebuild)
        found = library.find(wanted)
        unreadable = library.unreadable()
    entries = [entry for entry in found if not entry.problem]
    if as_json:
        print(msgspec.json.encode(entries).decode())
    else:
        for entry in entries:
            print(_line(entry))
        print(f"{len(entries)} session{'' if len(entries) == 1 else 's'} in {folder}")
    for entry in unreadable:
        print(f"{folder / entry.name}: cannot be read: {entry.problem}", file=sys.stderr)


def show(folder: Path, name: str, as_json: bool, play: bool = False) -> None:
    """Print everything that the library knows of a session, or play it in the console's replay."""
    with Library(folder) as library:
        library.refresh()
        entry = library.get(name)
    if play:
        reference("robopatient.console.replay:show")(folder / entry.name)
        return
    if as_json:
        print(msgspec.json.encode(entry).decode())
        return
    for key, value in _cells(entry).items():
        if value not in ("", None):
            print(f"{key:<24} {value}")
    if entry.problem:
        print(f"{'problem':<24} {entry.problem}")
    elif entry.figures is None:
        print(f"no figures: type: robopatient debrief {folder / entry.name}")


def tag(folder: Path, name: str, add: Sequence[str], remove: Sequence[str]) -> None:
    """Give a session tags, and take others away."""
    with Library(folder) as library:
        library.refresh()
        print(f"{name}: {', '.join(library.tag(name, add, remove)) or 'no tags'}")


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
                writer.writerows(_cells(entry) for entry in entries)
            print(f"{table}: {len(entries)} sessions")
        if xapi is not None:
            statements = list(_statements(entries, home))
            with new_files(xapi, force=force) as (part,):
                part.write_text(json.dumps(statements, indent=1), encoding="utf-8")
            print(f"{xapi}: {len(statements)} statements")
    except OSError as error:
        raise RecordError(f"{error.filename}: cannot be written ({error.strerror})") from error


def delete(folder: Path, name: str, yes: bool) -> int:
    """Remove a session for good; without ``yes`` only say what would go."""
    with Library(folder) as library:
        library.refresh()
        entry = library.get(name)
        if not yes:
            print(f"would remove {folder / entry.name} ({_line(entry)}); to do it: add --yes")
            return 1
        left = library.delete(name)
    print(f"{folder / entry.name}: removed")
    for path in left:
        print(f"{path}: is no file of a session and was left")
    return 0


def _bring_up_to_date(library: Library, rebuild: bool) -> None:
    if rebuild:
        library.rebuild()
    else:
        library.refresh()


def _line(entry: Entry) -> str:
    figures = entry.figures
    said = (
        f"{figures.presses} presses, {figures.light_regions}/{figures.deep_regions} of 9" if figures else "no debrief"
    )
    parts = (
        entry.name, entry.wall_time_iso[:16].replace("T", " "),
        entry.trainee or "–", entry.patient, entry.scenario or "–",
        f"{entry.duration_s:.0f} s", entry.ended, said, " ".join(f"#{each}" for each in entry.tags),
    )  # fmt: skip
    return "  ".join(filter(None, parts))


def _cells(entry: Entry) -> dict[str, Any]:
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
        figures = _cells(entry)
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
