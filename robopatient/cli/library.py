"""Verbs of the library of recorded sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from robopatient.cli.common import (
    Folder,
    Force,
    Json,
    OfPatient,
    OfScenario,
    Search,
    SessionName,
    Since,
    Tag,
    Trainee,
    do,
    sessions,
)


def _wanted(trainee: str, patient: str, scenario: str, tag: str, since: str, search: str) -> Any:
    """Filter of the library."""
    from robopatient.record.library import Wanted

    return Wanted(trainee=trainee, patient=patient, scenario=scenario, tag=tag, since=since, text=search)


@sessions.command("list")
def sessions_list(
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
    do(
        "robopatient.session.library:list_sessions",
        folder=folder,
        wanted=_wanted(trainee, patient, scenario, tag, since, search),
        as_json=json,
        rebuild=rebuild,
    )


@sessions.command("show")
def sessions_show(
    name: SessionName,
    folder: Folder = Path("sessions"),
    json: Json = False,
    play: Annotated[bool, typer.Option("--play", help="Watch it instead, as replay --console does.")] = False,
) -> None:
    """Print all figures of one session."""
    do("robopatient.session.library:show", folder=folder, name=name, as_json=json, play=play)


@sessions.command("tag")
def sessions_tag(
    name: SessionName,
    tags: Annotated[list[str] | None, typer.Argument(help="Tags to give.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Tag to take away, repeatable.")] = None,
    folder: Folder = Path("sessions"),
) -> None:
    """Give a session tags, or take them away."""
    do("robopatient.session.library:tag", folder=folder, name=name, add=tags or [], remove=remove or [])


@sessions.command("export")
def sessions_export(
    csv: Annotated[Path | None, typer.Option("--csv", help="Table to write, one line a session.")] = None,
    xapi: Annotated[Path | None, typer.Option("--xapi", help="File of xAPI statements to write (JSON).")] = None,
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
    do(
        "robopatient.session.library:export",
        folder=folder,
        wanted=_wanted(trainee, patient, scenario, tag, since, search),
        table=csv,
        xapi=xapi,
        home=home,
        force=force,
    )


@sessions.command("delete")
def sessions_delete(
    name: SessionName,
    folder: Folder = Path("sessions"),
    yes: Annotated[bool, typer.Option("--yes", help="Really remove it.")] = False,
) -> None:
    """Remove a session for good: its folder's own files and its line in the index."""
    do("robopatient.session.library:delete", folder=folder, name=name, yes=yes)
