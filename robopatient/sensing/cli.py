"""The verbs of sensor boards and raters; a board is named as ``run --board`` names it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robopatient.command import Board, Force, Json, print_json

if TYPE_CHECKING:
    from firmware_bridge.board import LinkHealth
    from firmware_bridge.frames import RawFrame
    from firmware_bridge.wire import Ident
    from robopatient.sensing.calibrate import CalibrationReport

app = typer.Typer()

Rate = Annotated[float, typer.Option(min=80, max=1000, help="Frames per second.")]
UntilStopped = Annotated[float, typer.Option(min=0, help="Seconds; 0: until Ctrl-C.")]

LINE_S = 0.5
"""Between two lines of ``board monitor``."""
RATER_TIMEOUT_S = 0.05


@app.command("list", epilog="Example: robopatient board list")
def list_boards(json: Json = False) -> None:
    """List serial ports with vendor, product and serial number; opens none of them."""
    import msgspec

    from firmware_bridge.discovery import ports

    found = ports()
    if json:
        print_json({"ports": [msgspec.to_builtins(port) | {"allowed": port.is_allowed} for port in found]})
        return
    for port in found:
        usb = f"usb:{port.vid}:{port.pid}" + (f":{port.serial}" if port.serial else "") if port.vid else "-"
        print(f"{port.path}  {usb}  {port.description}{'  *' if port.is_allowed else ''}")
    if any(port.is_allowed for port in found):
        print('* may be opened by board.port = "auto"')
    if not found:
        print("no serial port; plug a board in, or simulate one: robopatient board monitor --board virtual")


@app.command("monitor", epilog="Example: robopatient board monitor --board /dev/ttyUSB0 --duration 10")
def monitor(board: Board = "virtual", duration: UntilStopped = 0.0, rate: Rate = 1000.0, json: Json = False) -> None:
    """Print what a board says, twice a second; with --json only its health at the end."""
    from firmware_bridge.board_tools import stream
    from robopatient.session.run import open_named

    opened = open_named(board, rate)
    samples, latest, line_ns = 0, None, None
    try:
        for now_ns, _, frames in stream(opened, duration):
            samples += len(frames)
            latest = frames[-1] if frames else latest
            line_ns = now_ns if line_ns is None else line_ns
            if not json and now_ns - line_ns >= LINE_S * 1e9:
                print(_line(opened.health(), samples / ((now_ns - line_ns) * 1e-9), latest), flush=True)
                samples, line_ns = 0, now_ns
    except KeyboardInterrupt:
        pass
    if json:
        print_json(_plain(opened.health()))


@app.command("tare", epilog="Example: robopatient board tare --board /dev/ttyUSB0")
def tare_board(
    board: Board = "virtual",
    duration: Annotated[float, typer.Option(min=0.2, help="Seconds to average.")] = 2.0,
    json: Json = False,
) -> None:
    """Measure the zero of every cell, in counts, and judge its quality."""
    from firmware_bridge.board_tools import tare
    from robopatient.session.run import open_named

    result = tare(open_named(board), duration)
    if json:
        print_json(result)
        return
    for cell, (offset, spread) in enumerate(zip(result["offset_counts"], result["sd_counts"], strict=True), start=1):
        print(f"cell {cell}: {offset:.1f} counts (sd {spread:.1f})")


@app.command("record", epilog="Example: robopatient board record --out take1 --board /dev/ttyUSB0 --duration 30")
def record_board(
    out: Annotated[Path, typer.Option("--out", help="Writes OUT.bytes (as received) and OUT.csv (counts).")],
    board: Board = "virtual",
    duration: Annotated[float, typer.Option(min=0.1, help="Seconds.")] = 10.0,
    rate: Rate = 1000.0,
    force: Force = False,
) -> None:
    """Record raw bytes and decoded counts, without a patient."""
    from firmware_bridge.board_tools import record
    from robopatient.session.run import open_named

    health = record(open_named(board, rate), out, duration, force)
    print(f"{health.samples} samples, {health.lost} lost: {out}.bytes {out}.csv")


@app.command("selftest", epilog="Example: robopatient board selftest --board /dev/ttyUSB0")
def self_test_board(board: Board = "virtual", rate: Rate = 1000.0, json: Json = False) -> int:
    """Let a board test its cells, its rate and its memory; exit status 1 when something is wrong."""
    import msgspec

    from firmware_bridge.board_tools import self_test
    from robopatient.session.run import open_named

    health, ident, test, findings = self_test(open_named(board, rate))
    if json:
        print_json({"passed": not findings, "findings": findings, "uid": health.uid} | msgspec.to_builtins(test))
    else:
        print(f"{health.board} {health.uid}, firmware {health.firmware}, last reset {_cause(ident)}")
        print(f"its note on its calibration: {health.note or 'none'}")
        print(f"{test.rate_millihertz / 1000:.1f} conversions a second")
        print("\n".join(findings) if findings else "passed")
    return 1 if findings else 0


@app.command("rater", epilog="Example: robopatient board rater --port /dev/ttyACM0")
def print_ratings(
    port: Annotated[str, typer.Option(help="A path, usb:VID:PID[:SERIAL], auto, or virtual.")] = "auto",
    duration: UntilStopped = 0.0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print every rating that a rater (dial and buttons) commits; a virtual one obeys typed lines."""
    import math
    import select
    import sys
    import time

    import msgspec

    from firmware_bridge.boards.spawned import SpawnedBoard
    from firmware_bridge.rater import RatingCommit, make_rater

    rater = make_rater(port)
    rater.open()
    end_s = time.monotonic() + duration if duration else math.inf
    detail = ""
    try:
        while time.monotonic() < end_s:
            for entry in rater.step(RATER_TIMEOUT_S):
                words = f"rating {entry.value}" if isinstance(entry, RatingCommit) else f"button {entry.line}"
                print(msgspec.json.encode(entry).decode() if json else words, flush=True)
            if isinstance(rater.board, SpawnedBoard) and select.select([sys.stdin], [], [], 0)[0]:
                line = sys.stdin.readline().strip()
                if line:
                    rater.board.type_line(line)
            if rater.health().detail != detail:
                detail = rater.health().detail
                print(detail or "well again", file=sys.stderr)
    except KeyboardInterrupt:
        pass
    finally:
        rater.close()


@app.command("flash-help", epilog="Example: robopatient board flash-help")
def flash_help() -> None:
    """Say how to build the firmware and bring it onto a board."""
    from firmware_bridge.board_tools import FLASH_HELP

    print(FLASH_HELP)


@app.command("calibrate", epilog="Example: robopatient board calibrate --board /dev/ttyUSB0 --out calibration/a.toml")
def calibrate_board(
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
    seconds: Annotated[float, typer.Option(min=0.1, max=60, help="Length of a reading, s.")] = 1.0,
    rate: Rate = 250.0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the readings beside --out.")] = False,
    author: Annotated[str, typer.Option(help="Who measures; the login name when not given.")] = "",
    json: Json = False,
) -> int:
    """Guide through known weights and write a dated calibration file; exit status 1 when a limit is not kept."""
    from robopatient.errors import ConfigError
    from robopatient.phantom import load_phantom
    from robopatient.sensing.calibrate import Procedure
    from robopatient.sensing.calibration_files import check_name
    from robopatient.sensing.guide import calibrate, plan_of
    from robopatient.session.run import open_named

    if console:
        from robopatient.console.setup import show

        values: dict[str, str | float] = {"board": board, "phantom": phantom, "range": range_, "newton": newton}
        return show("calibration", values | {"places": str(places), "exercises": exercises, "creep": creep})
    plan = plan_of(range_, newton, places, exercises, creep)
    if out is None:
        raise ConfigError("--out: name the calibration file, such as --out calibration/plate-a.toml; or add --console")
    check_name(out, resume)
    procedure = Procedure(load_phantom(phantom), plan, measure_s=seconds, settle_s=min(1.0, seconds))
    report = calibrate(open_named(board, rate), procedure, out, author, resume)
    if json:
        found = _plain(report)
        del found["loads"]
        print_json(found | {"failures": report.failures, "file": str(out)})
    else:
        for line in (*report.lines, f"written: {out}", f"use it: robopatient run --set sensing.calibration={out}"):
            print(line)
    return 1 if report.failures else 0


def _line(health: LinkHealth, rate_hz: float, frame: RawFrame | None) -> str:
    from firmware_bridge.frames import Status

    counts = "  ".join(f"{count:>9}" for count in frame.counts) if frame else "no sample yet"
    flags = " ".join(bit.name or "" for bit in Status if health.status & bit)
    clock = f"{health.clock} {health.residual_ms:.3f} ms"
    drops = f"lost {health.lost} bad {health.bad} duplicate {health.duplicate} epoch {health.epoch}"
    tail = " | ".join(filter(None, (clock, drops, flags, health.detail)))
    return f"{health.state:<11} {rate_hz:7.1f} Hz  {counts} | {tail}"


def _cause(ident: Ident) -> str:
    from firmware_bridge.wire import ResetCause

    known = {cause.value: cause.name.lower().replace("_", " ") for cause in ResetCause}
    return known.get(ident.reset_cause, str(ident.reset_cause))


def _plain(told: LinkHealth | CalibrationReport) -> dict[str, Any]:
    """JSON knows no nan: a residual or a creep that was not measured is null."""
    import math

    import msgspec

    fields: dict[str, Any] = msgspec.to_builtins(told)
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in fields.items()}
