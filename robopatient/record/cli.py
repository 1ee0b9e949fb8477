"""The verbs of the library of recorded sessions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robopatient.command import Folder, Force, Json, Yes

if TYPE_CHECKING:
    from robopatient.record.library import Entry

app = typer.Typer()

Trainee = Annotated[str, typer.Option(help="Only of this trainee (code).")]
OfPatient = Annotated[str, typer.Option(help="Only with this patient.")]
OfScenario = Annotated[str, typer.Option(help="Only of this scenario.")]
Tag = Annotated[str, typer.Option(help="Only with this tag.")]
Since = Annotated[str, typer.Option(help="From this day on, YYYY-MM-DD.")]
Search = Annotated[str, typer.Option(help="Words anywhere in names, codes or tags.")]
SessionName = Annotated[str, typer.Argument(metavar="SESSION", help="Name of its folder, or its id.")]


@app.command("list", epilog="Example: robopatient sessions list --trainee T1 --since 2026-11-01")
def list_sessions(
    folder: Folder = Path("sessions"),
    trainee: Trainee = "",
    patient: OfPatient = "",
    scenario: OfScenario = "",
    tag: Tag = "",
    since: Since = "",
    search: Search = "",
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Forget the index and read every session again.")] = False,
    json: Json = False,
) -> None:
    """List the sessions in a folder, oldest first; folders that cannot be read are named."""
    import msgspec

    from robopatient.record.library import Library, Wanted

    with Library(folder) as library:
        if rebuild:
            library.rebuild()
        else:
            library.refresh()
        found = library.find(Wanted(trainee, patient, scenario, tag, since, search))
        unreadable = library.unreadable()
    entries = [entry for entry in found if not entry.problem]
    if json:
        print(msgspec.json.encode(entries).decode())
    else:
        for entry in entries:
            print(_line(entry))
        print(f"{len(entries)} session{'' if len(entries) == 1 else 's'} in {folder}")
    for entry in unreadable:
        print(f"{folder / entry.name}: cannot be read: {entry.problem}", file=sys.stderr)


@app.command("show", epilog="Example: robopatient sessions show 20261130-202223")
def show_session(
    name: SessionName,
    folder: Folder = Path("sessions"),
    json: Json = False,
    play: Annotated[bool, typer.Option("--play", help="Watch it instead, as replay --console does.")] = False,
) -> int | None:
    """Print all figures of one session."""
    import msgspec

    from robopatient.record.library import Library
    from robopatient.record.library_export import cells

    with Library(folder) as library:
        library.refresh()
        entry = library.get(name)
    if play:
        from robopatient.console.replay import show

        return show(folder / entry.name)
    if json:
        print(msgspec.json.encode(entry).decode())
        return 0
    for key, value in cells(entry).items():
        if value not in ("", None):
            print(f"{key:<24} {value}")
    if entry.problem:
        print(f"{'problem':<24} {entry.problem}")
    elif entry.figures is None:
        print(f"no figures: type: robopatient debrief {folder / entry.name}")
    return 0


@app.command("tag", epilog="Example: robopatient sessions tag 20261130-202223 exam --remove practice")
def tag_session(
    name: SessionName,
    tags: Annotated[list[str] | None, typer.Argument(help="Tags to give.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Tag to take away, repeatable.")] = None,
    folder: Folder = Path("sessions"),
) -> None:
    """Give a session tags, or take them away."""
    from robopatient.record.library import Library

    with Library(folder) as library:
        library.refresh()
        print(f"{name}: {', '.join(library.tag(name, tags or [], remove or [])) or 'no tags'}")


@app.command("export", epilog="Example: robopatient sessions export --csv sessions.csv --scenario murphy")
def export_sessions(
    csv: Annotated[Path | None, typer.Option(help="Table to write, one line a session.")] = None,
    xapi: Annotated[Path | None, typer.Option(help="File of xAPI statements to write (JSON).")] = None,
    home: Annotated[
        str, typer.Option(help="Address of the system whose codes the trainees have (xAPI account).")
    ] = "https://example.org",
    folder: Folder = Path("sessions"),
    trainee: Trainee = "",
    patient: OfPatient = "",
    scenario: OfScenario = "",
    tag: Tag = "",
    since: Since = "",
    search: Search = "",
    force: Force = False,
) -> None:
    """Write the figures of sessions as a table or as xAPI statements; codes only, never names."""
    from robopatient.record.library import Wanted
    from robopatient.record.library_export import export

    export(folder, Wanted(trainee, patient, scenario, tag, since, search), csv, xapi, home, force)


@app.command("delete", epilog="Example: robopatient sessions delete 20261130-202223 --yes")
def delete_session(name: SessionName, folder: Folder = Path("sessions"), yes: Yes = False) -> int:
    """Remove a session for good: its folder's own files and its line in the index; without --yes only name it."""
    from robopatient.record.library import Library

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
