"""A picture of a calibration: what is left of each weight when the fit has been taken away."""

from __future__ import annotations

from pathlib import Path

from robopatient.errors import require
from robopatient.sensing.calibrate import LIMITS, Report

__all__ = ["plot"]


def plot(report: Report, path: Path) -> None:
    """Write a PNG: error of the total against the load, up (filled) and down (open), a colour a place.

    Raises
    ------
    MissingPackageError
        Without matplotlib.
    """
    require("matplotlib", "study").use("Agg")
    pyplot = require("matplotlib.pyplot", "study")
    figure, axes = pyplot.subplots(figsize=(7.2, 4.2), layout="constrained")
    full_scale = max(reading.step.newton for reading in report.loads)
    band = LIMITS["linearity_percent"] / 100.0 * full_scale
    axes.axhspan(-band, band, color="0.93", label=f"linearity limit, {LIMITS['linearity_percent']:g} % of full scale")
    places = list(dict.fromkeys(reading.step.place for reading in report.loads))
    for number, place in enumerate(places):
        colour = f"C{number}"
        for direction, face in (("up", colour), ("down", "none")):
            points = [
                (reading.step.newton, error)
                for reading, error in zip(report.loads, report.errors_newton, strict=True)
                if reading.step.place == place and reading.step.direction == direction
            ]
            label = place if direction == "up" else None
            axes.plot(*zip(*points, strict=True), "o", ms=5, mec=colour, mfc=face, label=label)
    axes.axhline(0.0, color="0.4", lw=0.8)
    axes.set_xlabel("weight (N); filled: going up, open: going down")
    axes.set_ylabel("error of the total (N)")
    uid = report.calibration.board_uid or "any board"
    axes.set_title(f"Calibration of {uid}, {report.calibration.date}", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, ncols=2)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
