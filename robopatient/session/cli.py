"""The verbs of one session: run, console, doctor, replay, report, debrief."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from robopatient.command import Force, Headless, Json, Out, Overrides, SessionBoard

app = typer.Typer()

Recorded = Annotated[Path, typer.Argument(metavar="SESSION", help="Folder of a recorded session.")]


@app.command("run", epilog="Example: robopatient run demo --duration 60 --set patient=appendicitis")
def run(
    session: Annotated[
        Path | None, typer.Argument(help="Session file (TOML), or the name of a shipped one: demo.")
    ] = None,
    headless: Headless = False,
    board: SessionBoard = None,
    duration: Annotated[float | None, typer.Option(min=0, help="Seconds; 0: until stopped.")] = None,
    out: Out = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Random seed; the session's own when not given.")] = None,
    like: Annotated[Path | None, typer.Option(help="Repeat the session recorded in this folder.")] = None,
    set_: Overrides = None,
) -> int:
    """Run a session: sense force, compute pain, show it by voice and face, record everything."""
    from robopatient.session.run import new_folder, resolve, run_session

    config = resolve(session, headless, board, duration, seed, like, set_ or [])
    return run_session(config, out or new_folder())


@app.command("console", epilog="Example: robopatient console")
def open_console() -> int | None:
    """Choose patient, voice, face, board and calibration in a window, check them, calibrate, and start."""
    from robopatient.console.setup import show

    return show()


@app.command("doctor", epilog="Example: robopatient doctor --board /dev/ttyUSB0 --calibration calibration/plate-a.toml")
def list_findings(
    json: Json = False,
    board: Annotated[str, typer.Option(help="Also open this board for some seconds and check its state.")] = "",
    calibration: Annotated[str, typer.Option(help="Calibration to check against that board.")] = "",
) -> int:
    """List what is plugged in, missing or slow, and the command that fixes it."""
    from robopatient.session.doctor import doctor

    return doctor(json, board, calibration)


@app.command("replay", epilog="Example: robopatient replay sessions/20261130-202223 --console")
def replay_session(
    folder: Recorded,
    update: Annotated[
        bool, typer.Option("--update", help="Accept the results of this version as the session's golden result.")
    ] = False,
    console: Annotated[
        bool, typer.Option("--console", help="Watch it instead: face, voice and force in synchrony, with a scrubber.")
    ] = False,
) -> int | None:
    """Compute a session again from its raw bytes and compare bit for bit, or watch it again."""
    if console:
        from robopatient.console.replay import show

        return show(folder)
    from robopatient.session.replay import replay

    return replay(folder, update)


@app.command("report", epilog="Example: robopatient report sessions/20261130-202223 --no-film --csv tables")
def write_report(
    folder: Recorded,
    film: Annotated[bool, typer.Option(help="Also write session.mp4.")] = True,
    csv: Annotated[Path | None, typer.Option(help="Also export every topic as CSV into this folder.")] = None,
    force: Force = False,
) -> None:
    """Write presses.csv, report.html and the film of a recorded session, and with --csv a table of every topic."""
    from robopatient.record.export import export_csv
    from robopatient.record.reader import Record
    from robopatient.session.finish import finish, summary

    if csv is not None:
        export_csv(Record(folder), csv, force)
        _tell(f"all topics as CSV in {csv}")
    finish(folder, _tell, film)
    for line in summary(folder):
        _tell(line)


@app.command("debrief", epilog="Example: robopatient debrief sessions/20261130-202223 --no-pdf")
def write_debrief(
    folder: Recorded,
    pdf: Annotated[bool, typer.Option(help="Also print debrief.pdf, where a Chromium is installed.")] = True,
) -> None:
    """Write the debrief of a recorded session: debrief.html, debrief.json and debrief.pdf."""
    from robopatient.session.debrief import make_debrief

    make_debrief(folder, _tell, pdf)
    _tell(f"debrief  {folder / 'debrief.html'}")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
