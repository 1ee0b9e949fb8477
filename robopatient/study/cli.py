"""The verbs of perceptual studies that need no analysis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robopatient.command import Folder, Force, Headless, Json, Overrides, SessionBoard, StudyName, Yes, print_json

if TYPE_CHECKING:
    from robopatient.study.proof import Proof
    from robopatient.study.study import Study

app = typer.Typer()


@app.command("list", epilog="Example: robopatient study list")
def list_studies(json: Json = False) -> None:
    """List the studies that are shipped: trials and minutes of a session."""
    from rich.console import Console
    from rich.table import Table

    from robopatient.study.duration import balance_of
    from robopatient.study.study import load_study, study_names
    from robopatient.study.trials import Person

    rows = []
    for name in study_names():
        study = load_study(name)
        balance = balance_of(study, study.plan(Person("P01", 1, study.file.seed)))
        rows.append(
            {
                "name": name,
                "title": study.file.title,
                "sessions": study.file.sessions,
                "trials": sum(count for kind, count in balance.kinds.items() if kind != "practice"),
                "minutes": round(balance.minutes),
            }
        )
    if json:
        print_json(rows)
        return
    table = Table(box=None)
    for heading in ("study", "sessions", "trials", "minutes", "about"):
        table.add_column(heading, justify="left" if heading in ("study", "about") else "right")
    for row in rows:
        table.add_row(*(str(row[key]) for key in ("name", "sessions", "trials", "minutes", "title")))
    Console().print(table)


@app.command("check", epilog="Example: robopatient study check congruence_corrected --participants 40")
def check_study(
    name: StudyName,
    participants: Annotated[int, typer.Option(min=1, max=1000, help="Number of participants' lists.")] = 20,
    json: Json = False,
) -> int:
    """Prove that a study is balanced and say how long it takes; exit status 1 when it is not."""
    import msgspec

    from robopatient.study.proof import prove
    from robopatient.study.study import load_study

    study = load_study(name)
    proof = prove(study, participants)
    if json:
        told = {
            "study": study.name,
            "balanced": not proof.problems,
            "problems": proof.problems,
            "design_sha256": proof.design_sha256,
            "cells": [balance.cells for balance in proof.balances],
            "session": msgspec.to_builtins(proof.balances[0]),
        }
        print_json(told)
    else:
        _print_proof(study, proof)
    return 1 if proof.problems else 0


@app.command("run", epilog="Example: robopatient study run congruence_corrected --participant P01 --board /dev/ttyUSB0")
def run_session_of_study(
    name: StudyName,
    participant: Annotated[str, typer.Option(help="Code, never a name; its number chooses the order: P01.")],
    session: Annotated[int, typer.Option(min=1, help="Which of the study's sessions.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with this session after a crash or a break.")] = False,
    board: SessionBoard = None,
    language: Annotated[str, typer.Option(help="Of the participant's screen: english, german, … or a .toml.")] = (
        "english"
    ),
    demographics: Annotated[str, typer.Option(help="Kept apart from the record: age=34, sex=f.")] = "",
    folder: Folder = Path("sessions"),
    headless: Headless = False,
    set_: Overrides = None,
) -> int:
    """Run one participant's session of a study."""
    from robopatient.session.study_run import run_study

    return run_study(name, participant, session, folder, board, headless, language, resume, demographics, set_ or [])


@app.command("desk", epilog="Example: robopatient study desk --board /dev/ttyUSB0")
def open_desk(board: SessionBoard = None, folder: Folder = Path("sessions"), set_: Overrides = None) -> int:
    """Choose study, participant and rig in a window, see what is missing, run the session; then the next."""
    from robopatient.console.setup import show

    return show("study", {"board": board} if board else {}, folder, tuple(set_ or ()))


@app.command("export", epilog="Example: robopatient study export sessions --out export")
def export_study(
    source: Annotated[Path, typer.Argument(metavar="RECORD", help="Session, or folder of sessions.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write into.")],
    bids: Annotated[bool, typer.Option(help="Write a BIDS data set.")] = True,
    tables: Annotated[bool, typer.Option(help="Write trials.csv, trials.parquet and their dictionary.")] = True,
    recorded_force: Annotated[
        bool,
        typer.Option("--recorded-force/--no-force", help="Also the force that was recorded, N (BIDS _physio.tsv.gz)."),
    ] = True,
    force: Force = False,
    json: Json = False,
) -> int:
    """Write a study's trials as a tidy table (CSV, Parquet) and as a BIDS data set; 1 when a session is unreadable."""
    from firmware_bridge.errors import OutputError
    from firmware_bridge.outputs import new_folder
    from robopatient.errors import RecordError
    from robopatient.record.bids import write_bids
    from robopatient.record.tables import write_tables
    from robopatient.record.trials import read_trial_table
    from robopatient.session.replay import session_force

    made = (["trials.csv", "trials.parquet", "dictionary.csv"] if tables else []) + (["bids"] if bids else [])
    there = [out / name for name in made if (out / name).exists()]
    if there and not force:
        raise OutputError(f"{there[0]}: exists; choose another --out, or write over it with --force")
    table = read_trial_table(source)
    if not table.rows:
        raise RecordError(
            f"{source}: holds {len(table.records)} session(s) without a trial; run a study with: robopatient study "
            f"run STUDY"
        )
    done: dict[str, object] = {
        "trials": sum(row["counts"] for row in table.rows),
        "attempts": len(table.rows),
        "participants": len({row["participant"] for row in table.rows}),
        "cut_off": table.cut_off,
        "unreadable": table.unreadable,
        "remarks": table.remarks,
    }
    without_force: list[str] = []
    with new_folder(out, force=True) as part:
        if bids:
            written = write_bids(table, part / "bids", session_force if recorded_force else None)
            without_force = written.without_force
            done |= {"bids_files": written.files, "without_force": without_force}
        if tables:
            write_tables(table, part)
    status = 1 if table.unreadable else 0
    if json:
        print_json(done)
        return status
    print(f"{out}: {done['trials']} trials of {done['participants']} people in {done['attempts']} attempts")
    for name in table.cut_off:
        print(f"  {name} has no end: what was committed until then is here")
    if without_force:
        some = ", ".join(without_force[:3]) + (", …" if len(without_force) > 3 else "")
        print(f"  {len(without_force)} session(s) without force: {some}")
    for line in (*(f"left out: {why}" for why in table.unreadable), *table.remarks):
        print(f"  {line}")
    return status


@app.command("delete", epilog="Example: robopatient study delete P01 --yes")
def delete(
    participant: Annotated[str, typer.Argument(help="Code of the participant.")],
    folder: Folder = Path("sessions"),
    yes: Yes = False,
) -> int:
    """Remove all that is kept of a participant, in every study; exit status 1 when a file still names them."""
    from robopatient.record.participants import delete_participant

    done = delete_participant(participant, folder, yes)
    for name in done.removed:
        print(f"removed {name}")
    for name in done.remains:
        print(f"remains {folder / name}")
    if done.remains:
        print("They are made of several people's sessions: remove them, and make them again without this person.")
    return 1 if done.remains else 0


def _print_proof(study: Study, proof: Proof) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    balances, problems = proof.balances, proof.problems
    first = balances[0]
    minutes = [balance.minutes for balance in balances]
    cells = [balance.cells for balance in balances]
    console.print(f"[bold]{study.name}[/bold] {study.file.version}: {study.file.title}")
    table = Table(box=None, show_header=False)
    table.add_row("sessions of a participant", str(study.file.sessions))
    table.add_row("trials of a session", ", ".join(f"{count} {kind}" for kind, count in first.kinds.items()))
    spread = f"{min(cells)}" if min(cells) == max(cells) else f"{min(cells)} to {max(cells)}"
    table.add_row("distinct cells", f"{spread} of {first.of_cells}, each {first.least} to {first.most} times")
    for name, counts in first.levels.items():
        shown = ", ".join(f"{level}: {count}" for level, count in counts.items())
        run = f"  (at most {first.runs[name]} in a row)" if name in first.runs else ""
        table.add_row(name, shown + run)
    if first.repeat_gap:
        table.add_row("hidden repeats", f"at least {first.repeat_gap} trials after their first")
    for name, config in study.file.staircases.items():
        table.add_row(
            f"staircase {name}",
            f"{config.factor} from {config.low:g} to {config.high:g} in {config.steps} steps, {config.trials} trials",
        )
    table.add_row("duration of a session", f"{min(minutes):.0f} min expected, breaks included")
    table.add_row("question", study.file.question)
    table.add_row("design", proof.design_sha256[:16])
    console.print(table)
    for problem in problems:
        console.print(f"[red]{problem}[/red]")
    if not problems and study.file.design.order == "independent":
        console.print(f"{len(balances)} lists: every level equally often; cells are not, as in the published script")
    elif not problems:
        console.print(f"{len(balances)} lists: balanced")
