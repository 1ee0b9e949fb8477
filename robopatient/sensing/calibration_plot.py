"""A plot of a calibration: the residual of each weight after the fit."""

from __future__ import annotations

from pathlib import Path

from robopatient.errors import require
from robopatient.sensing.calibrate import LIMITS, CalibrationReport

__all__ = ["plot"]


def plot(report: CalibrationReport, path: Path) -> None:
    """Write a PNG: error of the total against the load, up (filled) and down (open), a colour a place.

    Raises
    ------
    MissingPackageError
        Without matplotlib.
    """
    require("matplotlib", "study").use("Agg")
    pyplot = require("matplotlib.pyplot", "study")
    figure, axes = pyplot.subplots(figsize=(8.4, 4.2), layout="constrained")
    full_scale = max(reading.step.newton for reading in report.loads)
    band = LIMITS["linearity_percent"] / 100.0 * full_scale
    axes.axhspan(-band, band, color="0.93", label=f"linearity limit\n({LIMITS['linearity_percent']:g} % of full scale)")
    axes.axhline(0.0, color="0.4", lw=0.8)
    rows = list(zip(report.loads, report.errors_newton, strict=True))
    for number, place in enumerate(dict.fromkeys(reading.step.place for reading, _ in rows)):
        colour = f"C{number}"
        for series in sorted({reading.step.series for reading, _ in rows if reading.step.place == place}):
            loop = [(r.step, error) for r, error in rows if (r.step.place, r.step.series) == (place, series)]
            axes.plot([step.newton for step, _ in loop], [error for _, error in loop], color=colour, lw=0.7)
            for step, error in loop:
                face = colour if step.direction == "up" else "white"
                axes.plot(step.newton, error, "o", ms=4.5, mec=colour, mfc=face)
        axes.plot([], [], "o-", ms=4.5, lw=0.7, color=colour, label=place)
    axes.set_xlabel("weight (N); filled: going up, open: going down")
    axes.set_ylabel("error of the total (N)")
    uid = report.calibration.board_uid or "any board"
    axes.set_title(f"Calibration of board {uid}, {report.calibration.date}", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
