"""The files of a calibration: the dated file, its readings as a table, and its plot; nothing is overwritten.

A reading is on the disk as soon as it is made: laying the weights takes up to an hour.
"""

from __future__ import annotations

import csv
import getpass
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec

from firmware_bridge.inputs import read_table
from firmware_bridge.outputs import new_files
from robopatient.errors import ConfigError, SessionError, require
from robopatient.sensing.calibrate import CalibrationReport, CalibrationStep, Procedure, Reading, to_toml
from robopatient.sensing.calibration import ForceCalibration, load_calibration
from robopatient.sensing.calibration_plot import plot

__all__ = ["Readings", "check_name", "login_name", "save"]

STEP = ("kind", "place", "x_mm", "y_mm", "newton", "direction", "series")


def check_name(out: Path, resume: bool = False) -> None:
    """Refuse a name before anything is measured, and see that the plot can be drawn.

    Raises
    ------
    ConfigError
        When it is no .toml, or exists; when its readings exist and are not to be gone on with, or the reverse.
    MissingPackageError
        Without matplotlib.
    """
    if out.suffix != ".toml":
        raise ConfigError(f"--out {out}: name a file that ends in .toml")
    for path in (out, out.with_suffix(".png")):
        if path.exists():
            raise ConfigError(f"{path}: exists; calibrations are dated and kept, choose another name")
    table = out.with_suffix(".csv")
    if table.exists() and not resume:
        raise ConfigError(f"{table}: exists; go on with its readings by --resume, or choose another name")
    if resume and not table.exists():
        raise ConfigError(f"--resume: there are no readings in {table}; start without it")
    require("matplotlib", "study")


def login_name() -> str:
    """Who is logged in; the number of a user whom the system knows no name of (a container)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


class Readings:
    """The readings of a calibration beside its file (.csv), one a line, on the disk at once. A context manager.

    Parameters
    ----------
    out
        Of the calibration (.toml).
    n_cells
        Of the phantom.
    resume
        Go on with those that are there.

    Attributes
    ----------
    kept
        Those that were there.
    count
        How many there are now.
    board_uid
        Number of the board that made them; "" before the first.

    Raises
    ------
    SessionError
        When the file cannot be written, or read.
    """

    def __init__(self, out: Path, n_cells: int, resume: bool = False) -> None:
        self.path = out.with_suffix(".csv")
        self.board_uid = ""
        self.kept: list[Reading] = []
        self._columns = [f"{name}{cell}_counts" for name in ("mean", "sd") for cell in range(1, n_cells + 1)]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if resume:
                self.kept = self._read(n_cells)
            self._file: IO[str] = self.path.open("a" if resume else "x", newline="", encoding="utf-8")
        except OSError as error:
            raise SessionError(f"{self.path}: cannot be written ({error.strerror}); choose another --out") from error
        self.count = len(self.kept)
        if not resume:
            self._write([*STEP, "samples", *self._columns, "board_uid"])

    def __enter__(self) -> Readings:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if not self.count:
            self.path.unlink(missing_ok=True)

    def add(self, reading: Reading, board_uid: str) -> None:
        """Keep one.

        Raises
        ------
        SessionError
            When another board made it than the others, or the disk refuses.
        """
        if self.count and board_uid != self.board_uid:
            raise SessionError(
                f"this is board {board_uid}, the readings in {self.path} are of board {self.board_uid}: plug that one "
                "in, or start a new calibration with another --out"
            )
        self.board_uid = board_uid
        step = [getattr(reading.step, name) for name in STEP]
        self._write([*step, reading.samples, *reading.mean_counts, *reading.sd_counts, board_uid])
        self.count += 1

    def _write(self, row: Sequence[object]) -> None:
        try:
            csv.writer(self._file).writerow(row)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise SessionError(
                f"{self.path}: cannot be written ({error.strerror}); what was read before is in it: free some space, "
                "then go on with --resume"
            ) from error

    def _read(self, n_cells: int) -> list[Reading]:
        found = []
        for number, row in read_table(self.path, SessionError).rows:
            try:
                counts = [float(row[name]) for name in self._columns]
                reading = Reading(
                    step=msgspec.convert({name: row[name] for name in STEP}, CalibrationStep, strict=False),
                    mean_counts=tuple(counts[:n_cells]),
                    sd_counts=tuple(counts[n_cells:]),
                    samples=int(row["samples"]),
                )
                self.board_uid = row["board_uid"]
            except (KeyError, TypeError, ValueError) as error:  # msgspec's are among them
                raise SessionError(
                    f"{self.path}: line {number} is no reading ({error}); take it out, or choose another --out"
                ) from error
            found.append(reading)
        return found


def save(report: CalibrationReport, procedure: Procedure, out: Path) -> ForceCalibration:
    """Write ``out`` (.toml), its readings (.csv) where they are not there yet, and a plot (.png).

    Returns the calibration as it will be read.

    Raises
    ------
    SessionError, OutputError
        When a file cannot be written.
    """
    if not out.with_suffix(".csv").exists():
        with Readings(out, len(procedure.phantom.cells_mm)) as table:
            for reading in procedure.readings:
                table.add(reading, report.calibration.board_uid)
    with new_files(out) as (part,):
        part.write_text(to_toml(report), encoding="utf-8")
    with new_files(out.with_suffix(".png")) as (part,):
        plot(report, part)
    return load_calibration(str(out), n_cells=len(procedure.phantom.cells_mm))
