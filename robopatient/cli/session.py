"""Verbs of one session: run, console, doctor, replay, report, debrief."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robopatient.cli.common import Json, Out, Overrides, Seed, app, do


@app.command()
def run(
    session: Annotated[
        Path | None, typer.Argument(help="Session file (TOML), or the name of a shipped one: demo.")
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="No windows.")] = False,
    board: Annotated[str | None, typer.Option("--board", help="virtual, replay:FILE[#NAME], a device path …")] = None,
    duration: Annotated[float | None, typer.Option("--duration", min=0, help="Seconds; 0: until stopped.")] = None,
    out: Out = None,
    seed: Seed = None,
    like: Annotated[Path | None, typer.Option("--like", help="Repeat the session recorded in this folder.")] = None,
    set_: Overrides = None,
) -> None:
    """Run a session: sense force, compute pain, show it by voice and face, record everything."""
    do(
        "robopatient.session.run:run",
        session=session,
        headless=headless,
        board=board,
        duration_s=duration,
        out=out,
        seed=seed,
        like=like,
        overrides=set_ or [],
    )


@app.command()
def console() -> None:
    """Choose patient, voice, face, board and calibration in a window, check them, calibrate, and start."""
    do("robopatient.console.setup:show")


@app.command()
def doctor(
    json: Json = False,
    board: Annotated[str, typer.Option("--board", help="Also open this board and check its state.")] = "",
    calibration: Annotated[str, typer.Option(help="Calibration to check against that board.")] = "",
) -> None:
    """List what is plugged in, missing or slow, and the command that fixes it."""
    do("robopatient.session.doctor:doctor", as_json=json, board=board, calibration=calibration)


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(metavar="SESSION", help="Folder of a recorded session.")],
    update: Annotated[
        bool, typer.Option("--update", help="Accept the results of this version as the session's golden result.")
    ] = False,
    console: Annotated[
        bool, typer.Option("--console", help="Watch it instead: face, voice and force in synchrony, with a scrubber.")
    ] = False,
) -> None:
    """Compute a session again from its raw bytes and compare bit for bit, or watch it again."""
    if console:
        do("robopatient.console.replay:show", folder=folder)
    else:
        do("robopatient.session.replay:replay", folder=folder, update=update)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="SESSION", help="Folder of a recorded session.")],
    film: Annotated[bool, typer.Option(help="Also write session.mp4.")] = True,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also export every topic as CSV into this folder.")] = None,
) -> None:
    """Write presses.csv, report.html and the film of a recorded session."""
    do("robopatient.session.finish:report", folder=folder, film=film, csv=csv)


@app.command()
def debrief(
    folder: Annotated[Path, typer.Argument(metavar="SESSION", help="Folder of a recorded session.")],
    pdf: Annotated[bool, typer.Option(help="Also print debrief.pdf, where a Chromium is installed.")] = True,
) -> None:
    """Write the debrief of a recorded session: debrief.html, debrief.json and debrief.pdf."""
    do("robopatient.session.debrief:debrief", folder=folder, pdf=pdf)
