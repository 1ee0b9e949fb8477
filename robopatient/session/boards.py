"""The ``board`` verbs: a board named as ``run --board`` names it, without a patient."""

from __future__ import annotations

import datetime
import json
import math
import select
import sys
import time
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from firmware_bridge import verbs
from firmware_bridge.board import Board
from firmware_bridge.errors import BridgeError
from robopatient.config import load_session
from robopatient.errors import ConfigError, SessionError
from robopatient.phantom import load_phantom
from robopatient.sensing.calibrate import EXERCISES, CalibrationPlan, CalibrationReport, Procedure, evaluate
from robopatient.sensing.calibration import note_of
from robopatient.sensing.calibration_files import Readings, check_name, login_name, save
from robopatient.session.control import open_board
from robopatient.session.run import board_overrides

__all__ = ["Loadable", "calibrate", "guide", "monitor", "open_named", "plan_of", "record", "self_test", "tare"]

READ_TIMEOUT_S = 0.005
SILENCE_S = 5.0
"""A calibration waits so long for a board that has fallen silent."""


def monitor(board: str, duration_s: float, rate_hz: float, as_json: bool) -> None:
    """Print what the board says; 0 seconds: until Ctrl-C."""
    verbs.monitor(open_named(board, rate_hz), duration_s, as_json)


def tare(board: str, duration_s: float, as_json: bool) -> None:
    """Measure the zero of every cell."""
    verbs.tare(open_named(board), duration_s, as_json)


def record(board: str, out: Path, duration_s: float, rate_hz: float, force: bool = False) -> None:
    """Record raw bytes and decoded counts."""
    verbs.record(open_named(board, rate_hz), out, duration_s, force)


def self_test(board: str, rate_hz: float, as_json: bool) -> int:
    """Ask the board how it is; 1 when it is not well."""
    return verbs.self_test(open_named(board, rate_hz), as_json)


@runtime_checkable
class Loadable(Protocol):
    """A board that lays its weights itself: the virtual one."""

    def load(self, newton: float, x_mm: float, y_mm: float) -> None:
        """Lay a weight."""
        ...


def calibrate(
    board: str,
    out: Path | None,
    phantom: str,
    range_newton: float,
    weights: str,
    places: int,
    exercises: int,
    creep_min: float,
    seconds: float,
    rate_hz: float,
    author: str,
    as_json: bool,
    resume: bool = False,
) -> int:
    """Guide through a calibration and write ``out`` (.toml), its readings (.csv) and a plot (.png); 1: not accepted.

    Each reading is kept at once; ``resume``: go on with those that are there.
    """
    plan = plan_of(range_newton, weights, places, exercises, creep_min)
    if out is None:
        raise ConfigError("--out: name the calibration file, such as --out calibration/plate-a.toml; or add --console")
    check_name(out, resume)
    opened = open_named(board, rate_hz)
    procedure = Procedure(load_phantom(phantom), plan, measure_s=seconds, settle_s=min(1.0, seconds))
    with Readings(out, len(procedure.phantom.cells_mm), resume) as kept:
        try:
            procedure.resume(kept.kept)
            uid = kept.board_uid if procedure.state == "done" else guide(opened, procedure, kept)
        except BaseException:
            if kept.count:
                _tell(f"{kept.count} readings are kept in {kept.path}; go on: type the same command with --resume")
            raise
    report = evaluate(
        procedure.phantom,
        procedure.readings,
        board_uid=uid,
        author=author or login_name(),
        date=datetime.datetime.now().astimezone().date(),
    )
    saved = save(report, procedure, out)
    if not report.failures:
        try:
            refused = verbs.write_note(opened, note_of(out.stem, saved))
        except BridgeError as error:  # the calibration is written all the same
            refused = str(error)
        _tell(f"the board keeps no note of it ({refused})" if refused else "the board keeps a note of it")
    if as_json:
        print(json.dumps(_plain(report) | {"file": str(out)}))
    else:
        for line in (*report.lines, f"written: {out}", f"use it: robopatient run --set sensing.calibration={out}"):
            print(line)
    return 1 if report.failures else 0


def plan_of(
    range_newton: float, weights: str, places: int = 5, exercises: int = EXERCISES, creep_min: float = 0.0
) -> CalibrationPlan:
    """Plan of a calibration as its options name it; ``weights`` ("10,20,40", N) replace those of the range.

    Raises
    ------
    ConfigError
        Naming the weight that is no number, or the option that is out of range.
    """
    options = {"places": places, "exercises": exercises, "creep_min": creep_min}
    if not weights:
        return CalibrationPlan.of_range(range_newton, **options)
    newton = [_number(text) for text in weights.split(",")]
    return msgspec.convert({"newton": newton, **options}, CalibrationPlan)


def guide(board: Board, procedure: Procedure, kept: Readings) -> str:
    """Lead a person at the terminal (or a board that loads itself) through a procedure; returns the board's uid.

    Raises
    ------
    SessionError
        When the board falls silent, or a reading cannot be kept.
    """
    told = -1
    quiet_since_s = time.monotonic()
    board.open()
    try:
        while procedure.state != "done":
            data = board.read(READ_TIMEOUT_S)
            now_ns = time.monotonic_ns()
            frames = board.frames(now_ns, data) if data else []
            board.poll(now_ns)
            before = procedure.state
            for frame in frames:
                procedure.feed(frame)
            if len(procedure.readings) > kept.count:
                kept.add(procedure.readings[-1], board.health().uid)
            if frames:
                quiet_since_s = time.monotonic()
            elif time.monotonic() - quiet_since_s > SILENCE_S:
                health = board.health()
                raise SessionError(f"{board.name}: no sample for {SILENCE_S:g} s ({health.state}: {health.detail})")
            if before == "reading" and procedure.state != "reading":
                _tell(f"  refused: {procedure.refusal}" if procedure.refusal else "  read")
                told = -1
            if procedure.state != "waiting" or board.health().state != "streaming":
                continue
            done, of = procedure.progress
            if told != done:
                told = done
                _tell(f"{done + 1}/{of}: {procedure.step.text}")
                if isinstance(board, Loadable):
                    board.load(procedure.step.newton, procedure.step.x_mm, procedure.step.y_mm)
                    procedure.begin()
                else:
                    _tell("  then press Enter")
            elif select.select([sys.stdin], [], [], 0)[0]:
                if not sys.stdin.readline():
                    raise SessionError("the terminal was closed before the calibration was complete")
                procedure.begin()
        return board.health().uid
    finally:
        board.close()


def _plain(report: CalibrationReport) -> dict[str, object]:
    """JSON knows no nan: a creep that was not measured is null."""
    fields: dict[str, object] = msgspec.to_builtins(report)
    del fields["loads"]
    told = {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in fields.items()}
    return told | {"failures": report.failures}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(f'--newton: "{text}" is no number; write for example --newton 10,20,40') from error


def open_named(name: str, rate_hz: float = 1000.0) -> Board:
    """A board named as ``run --board`` names it, not yet opened."""
    return open_board(load_session(None, [*board_overrides(name), f"board.rate_hz={rate_hz}"]))


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
