"""Verbs of sensor boards and raters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robopatient.cli.common import Board, Force, Json, board, do


@board.command("list")
def board_list(json: Json = False) -> None:
    """List serial ports with vendor, product and serial number; opens none of them."""
    do("firmware_bridge.verbs:list_boards", as_json=json)


@board.command("monitor")
def board_monitor(
    board: Board = "virtual",
    duration: Annotated[float, typer.Option(min=0, help="Seconds; 0: until Ctrl-C.")] = 0.0,
    rate: Annotated[float, typer.Option(min=80, max=1000, help="Frames per second.")] = 1000.0,
    json: Json = False,
) -> None:
    """Print what a board says, once or several times a second."""
    do("robopatient.session.boards:monitor", board=board, duration_s=duration, rate_hz=rate, as_json=json)


@board.command("tare")
def board_tare(
    board: Board = "virtual",
    duration: Annotated[float, typer.Option(min=0.2, help="Seconds to average.")] = 2.0,
    json: Json = False,
) -> None:
    """Measure the zero of every cell and judge its quality."""
    do("robopatient.session.boards:tare", board=board, duration_s=duration, as_json=json)


@board.command("record")
def board_record(
    out: Annotated[Path, typer.Option("--out", help="Writes OUT.bytes (as received) and OUT.csv (counts).")],
    board: Board = "virtual",
    duration: Annotated[float, typer.Option(min=0.1, help="Seconds.")] = 10.0,
    rate: Annotated[float, typer.Option(min=80, max=1000, help="Frames per second.")] = 1000.0,
    force: Force = False,
) -> None:
    """Record raw bytes and decoded counts, without a patient."""
    do("robopatient.session.boards:record", board=board, out=out, duration_s=duration, rate_hz=rate, force=force)


@board.command("selftest")
def board_selftest(
    board: Board = "virtual",
    rate: Annotated[float, typer.Option(min=80, max=1000, help="Frames per second.")] = 1000.0,
    json: Json = False,
) -> None:
    """Let a board test its cells, its rate and its memory; exit status 1 when something is wrong."""
    do("robopatient.session.boards:self_test", board=board, rate_hz=rate, as_json=json)


@board.command("rater")
def board_rater(
    port: Annotated[str, typer.Option("--port", help="A path, usb:VID:PID[:SERIAL], auto, or virtual.")] = "auto",
    duration: Annotated[float, typer.Option(min=0, help="Seconds; 0: until Ctrl-C.")] = 0.0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print every rating that a rater (dial and buttons) commits."""
    do("firmware_bridge.verbs:rate", port=port, duration_s=duration, as_json=json)


@board.command("flash-help")
def board_flash_help() -> None:
    """Say how to build the firmware and bring it onto a board."""
    do("firmware_bridge.verbs:flash_help")


@board.command("calibrate")
def board_calibrate(
    out: Annotated[
        Path | None, typer.Option("--out", help="Calibration file to write (.toml); .csv and .png beside it.")
    ] = None,
    board: Board = "virtual",
    console: Annotated[bool, typer.Option("--console", help="Guide in a window; the file is named there.")] = False,
    phantom: Annotated[str, typer.Option(help="Name under assets/phantoms, or a .toml file.")] = "square-290",
    range_: Annotated[float, typer.Option("--range", min=1, help="Largest weight at the centre, N.")] = 80.0,
    newton: Annotated[str, typer.Option(help="Your own weights, N, ascending: 9.81,19.62,49.05.")] = "",
    places: Annotated[int, typer.Option(help="5: centre and cells; 9: the edges too, for a full matrix.")] = 5,
    exercises: Annotated[int, typer.Option(min=0, help="Loads to the largest weight before the zero is taken.")] = 3,
    creep: Annotated[float, typer.Option(min=0, help="Minutes under the largest weight in the end; 0: not.")] = 0.0,
    seconds: Annotated[float, typer.Option(min=0.1, max=60, help="Length of a reading.")] = 1.0,
    rate: Annotated[float, typer.Option(min=80, max=1000, help="Frames per second.")] = 250.0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the readings beside --out.")] = False,
    author: Annotated[str, typer.Option(help="Who measures; the login name when not given.")] = "",
    json: Json = False,
) -> None:
    """Guide through known weights and write a dated calibration file; exit status 1 when a limit is not kept."""
    if console:
        values = {"board": board, "phantom": phantom, "range": range_, "newton": newton, "places": str(places)}
        values |= {"exercises": exercises, "creep": creep}
        do("robopatient.console.setup:show", tab="calibration", values=values)
        return
    do(
        "robopatient.session.boards:calibrate",
        board=board,
        out=out,
        phantom=phantom,
        range_newton=range_,
        weights=newton,
        places=places,
        exercises=exercises,
        creep_min=creep,
        seconds=seconds,
        rate_hz=rate,
        author=author,
        resume=resume,
        as_json=json,
    )
