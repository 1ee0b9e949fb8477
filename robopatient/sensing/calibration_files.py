"""What a calibration leaves: the dated file, its readings as a table, and its plot; nothing is ever written over."""

from __future__ import annotations

import csv
from pathlib import Path

from robopatient.errors import ConfigError, SessionError
from robopatient.sensing.calibrate import Procedure, Report, to_toml
from robopatient.sensing.calibration import Calibration, load_calibration
from robopatient.sensing.calibration_plot import plot

__all__ = ["check_name", "save"]


def check_name(out: Path) -> None:
    """Refuse a name before anything is measured.

    Raises
    ------
    ConfigError
        When it is no .toml, or exists.
    """
    if out.suffix != ".toml":
        raise ConfigError(f"--out {out}: name a file that ends in .toml")
    if out.exists():
        raise ConfigError(f"--out {out}: exists; calibrations are dated and kept, choose another name")


def save(report: Report, procedure: Procedure, out: Path) -> Calibration:
    """Write ``out`` (.toml), its readings (.csv) and a plot (.png); returns the calibration as it will be read.

    Raises
    ------
    SessionError
        When a file cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.with_suffix(".csv").open("w", newline="", encoding="utf-8") as table:
            writer = csv.writer(table)
            cells = range(1, len(procedure.phantom.cells_mm) + 1)
            counts = [f"{name}{cell}_counts" for name in ("mean", "sd") for cell in cells]
            writer.writerow(["kind", "place", "x_mm", "y_mm", "newton", "direction", "series", "samples", *counts])
            for reading in procedure.readings:
                step = reading.step
                head = [step.kind, step.place, step.x_mm, step.y_mm, step.newton, step.direction, step.series]
                writer.writerow([*head, reading.samples, *reading.mean_counts, *reading.sd_counts])
        plot(report, out.with_suffix(".png"))
        out.write_text(to_toml(report), encoding="utf-8")
    except OSError as error:
        raise SessionError(
            f"{error.filename or out}: cannot be written ({error.strerror}); choose another --out"
        ) from error
    return load_calibration(str(out), n_cells=len(procedure.phantom.cells_mm))
