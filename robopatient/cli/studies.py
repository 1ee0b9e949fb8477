"""Verbs of perceptual studies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robopatient.cli.common import Folder, Json, Overrides, StudyName, Workers, do, study


@study.command("analyse")
def study_analyse(
    source: Annotated[Path, typer.Argument(metavar="RECORD|CSV", help="Session, folder of sessions, or a table.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for report, figures and tables.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draws of people.")] = 1,
    json: Json = False,
) -> None:
    """Model the answers of a study: report.html, figures, tables; the published table is read as it is."""
    do("experiments.analysis.verbs:analyse", source=source, out=out, seed=seed, as_json=json)


@study.command("export")
def study_export(
    source: Annotated[Path, typer.Argument(metavar="RECORD", help="Session, or folder of sessions.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write into; it must not hold an export yet.")],
    bids: Annotated[bool, typer.Option(help="Write a BIDS data set.")] = True,
    tables: Annotated[bool, typer.Option(help="Write trials.csv, trials.parquet and their dictionary.")] = True,
    force: Annotated[bool, typer.Option(help="Also the force that was recorded (BIDS _physio.tsv.gz).")] = True,
    json: Json = False,
) -> None:
    """Write a study's trials as a tidy table (CSV, Parquet) and as a BIDS data set."""
    do(
        "robopatient.session.study_export:export",
        source=source,
        out=out,
        bids=bids,
        tables=tables,
        force=force,
        as_json=json,
    )


@study.command("list")
def study_list(json: Json = False) -> None:
    """List the studies that are shipped: trials and minutes of a session."""
    do("robopatient.session.study_verbs:list_studies", as_json=json)


@study.command("check")
def study_check(
    name: StudyName,
    participants: Annotated[int, typer.Option(min=1, max=1000, help="Lists to look at.")] = 20,
    json: Json = False,
) -> None:
    """Prove that a study is balanced and say how long it takes; exit status 1 when it is not."""
    do("robopatient.session.study_verbs:check", name=name, participants=participants, as_json=json)


@study.command("run")
def study_run(
    name: StudyName,
    participant: Annotated[str, typer.Option(help="Code, never a name; its number chooses the order: P01.")],
    session: Annotated[int, typer.Option(min=1, help="Which of the study's sessions.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with this session after a crash or a break.")] = False,
    board: Annotated[str | None, typer.Option("--board", help="virtual, replay:FILE[#NAME], a device path …")] = None,
    language: Annotated[str, typer.Option(help="Of the participant's screen: english, german, … or a .toml.")] = (
        "english"
    ),
    demographics: Annotated[str, typer.Option(help="Kept apart from the record: age=34, sex=f.")] = "",
    folder: Folder = Path("sessions"),
    headless: Annotated[bool, typer.Option("--headless", help="No windows.")] = False,
    set_: Overrides = None,
) -> None:
    """Run one participant's session of a study."""
    do(
        "robopatient.session.study_run:run_study",
        name=name,
        participant=participant,
        session=session,
        folder=folder,
        board=board,
        headless=headless,
        language=language,
        resume=resume,
        demographics=demographics,
        overrides=set_ or [],
    )


@study.command("desk")
def study_desk(
    board: Annotated[
        str | None, typer.Option("--board", help="virtual, a device path …; can be changed there.")
    ] = None,
    folder: Folder = Path("sessions"),
    set_: Overrides = None,
) -> None:
    """Choose study, participant and rig in a window, see what is missing, run the session; then the next."""
    values = {"board": board} if board else {}
    do("robopatient.console.setup:show", tab="study", values=values, folder=folder, overrides=tuple(set_ or ()))


@study.command("simulate")
def study_simulate(
    name: StudyName,
    out: Annotated[Path, typer.Option("--out", help="Folder for the sessions.")],
    listeners: Annotated[
        str, typer.Option(help="CSV of rated trials (its people answer), or congruence, psychophysical, noisy, …")
    ] = "congruence",
    participants: Annotated[int, typer.Option(min=1, max=1000, help="How many people.")] = 20,
    sessions: Annotated[int, typer.Option(min=0, help="Of each; 0: all that the study has.")] = 0,
    speed: Annotated[str, typer.Option(help="max, or times faster than life.")] = "max",
    seed: Annotated[int, typer.Option(min=0, help="Of the people.")] = 1,
    workers: Workers = 0,
    keep_all: Annotated[bool, typer.Option("--all", help="Record forces, commands and sound too.")] = False,
    set_: Overrides = None,
) -> None:
    """Run a study with simulated people through the whole chain, faster than life."""
    do(
        "experiments.studies.simulate:simulate",
        name=name,
        listeners=listeners,
        participants=participants,
        out=out,
        sessions=sessions,
        seed=seed,
        workers=workers,
        keep_all=keep_all,
        speed=speed,
        overrides=set_ or [],
    )


@study.command("delete")
def study_delete(
    participant: Annotated[str, typer.Argument(help="Code of the participant.")],
    folder: Folder = Path("sessions"),
    yes: Annotated[bool, typer.Option("--yes", help="Really remove it.")] = False,
) -> None:
    """Remove all that is kept of a participant, in every study, for good."""
    do("robopatient.session.study_verbs:delete", participant=participant, folder=folder, yes=yes)
