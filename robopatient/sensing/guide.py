"""A calibration at the terminal: a person lays the weights, or a board that loads itself does."""

from __future__ import annotations

import datetime
import select
import sys
import time
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from firmware_bridge.board import Board
from firmware_bridge.board_tools import write_note
from firmware_bridge.errors import BridgeError
from robopatient.errors import ConfigError, SessionError
from robopatient.sensing.calibrate import EXERCISES, CalibrationPlan, CalibrationReport, Procedure, evaluate
from robopatient.sensing.calibration import note_of
from robopatient.sensing.calibration_files import Readings, login_name, save

__all__ = ["Loadable", "calibrate", "guide", "plan_of"]

READ_TIMEOUT_S = 0.005
SILENCE_S = 5.0
"""A calibration waits so long for a board that has fallen silent."""


@runtime_checkable
class Loadable(Protocol):
    """A board that lays its weights itself: the virtual one."""

    def load(self, newton: float, x_mm: float, y_mm: float) -> None:
        """Lay a weight."""
        ...


def calibrate(
    board: Board, procedure: Procedure, out: Path, author: str = "", resume: bool = False
) -> CalibrationReport:
    """Guide through a procedure and write ``out`` (.toml), its readings (.csv) and a plot (.png).

    Each reading is kept at once.

    Parameters
    ----------
    board
        Not yet opened.
    author
        Who measures; "" is the login name.
    resume
        Go on with the readings that are there.

    Raises
    ------
    SessionError, ConfigError, BridgeError
        When the board falls silent or is not there, a reading cannot be kept, or readings are of another plan.
    """
    with Readings(out, len(procedure.phantom.cells_mm), resume) as kept:
        try:
            procedure.resume(kept.kept)
            uid = kept.board_uid if procedure.state == "done" else guide(board, procedure, kept)
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
            refused = write_note(board, note_of(out.stem, saved))
        except BridgeError as error:  # the calibration is written all the same
            refused = str(error)
        _tell(f"the board keeps no note of it ({refused})" if refused else "the board keeps a note of it")
    return report


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


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(f'--newton: "{text}" is no number; write for example --newton 10,20,40') from error


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
