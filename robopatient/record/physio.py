"""A recorded signal on an even clock, and the compressed text table that BIDS wants for it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np

from robopatient.errors import RecordError
from robopatient.record.reader import Record

__all__ = ["Signal", "evenly", "recorded_force", "write_physio"]

LONGEST_GAP_S = 0.1
"""Between samples farther apart nothing is known: the input counts as lost from there on (topic force, maximum age)."""
NANOSECOND_S = 1e-9
RESOLUTION = 1000
"""Steps of a newton in the text: a thousandth, far below the noise of any cell."""


class Signal(NamedTuple):
    """Evenly sampled force.

    Attributes
    ----------
    begin_ns
        Host monotonic time of the first sample.
    columns
        Names of the columns of ``values``.
    values
        N, shape (samples, columns); NaN where nothing was received.
    """

    begin_ns: int
    rate_hz: float
    columns: tuple[str, ...]
    values: np.ndarray

    @property
    def end_s(self) -> float:
        """Host monotonic time of the last sample, s."""
        return self.begin_ns * 1e-9 + (len(self.values) - 1) / self.rate_hz


def evenly(t_ns: np.ndarray, values: np.ndarray, rate_hz: float, columns: tuple[str, ...]) -> Signal:
    """Interpolate samples with their own times to an even clock.

    Parameters
    ----------
    t_ns
        Time of each sample, shape (n,), n > 1; samples that do not go forward in time are left out.
    values
        Shape (n, columns).
    rate_hz
        Of the result; about that of the samples.
    """
    forward = np.concatenate([[True], np.diff(np.maximum.accumulate(t_ns)) > 0])
    t_ns, values = t_ns[forward], values[forward]
    t_s = (t_ns - t_ns[0]) * 1e-9
    even_s = np.arange(int(t_s[-1] * rate_hz + 1e-6) + 1) / rate_hz
    result = np.column_stack([np.interp(even_s, t_s, column) for column in values.T])
    after = np.searchsorted(t_s, even_s, side="left").clip(1, len(t_s) - 1)
    inside = (even_s > t_s[after - 1] + NANOSECOND_S) & (even_s < t_s[after] - NANOSECOND_S)
    lost = (t_s[after] - t_s[after - 1] > LONGEST_GAP_S) & inside
    result[lost] = np.nan
    return Signal(int(t_ns[0]), rate_hz, columns, result)


def recorded_force(record: Record) -> Signal | None:
    """The force that the loop worked on, at the loop's rate; None when the record holds none."""
    table = record.table("force", "t_ns", "cells_newton")
    t_ns, cells = table["t_ns"], table["cells_newton"]
    if cells.ndim != 2:  # before the board's first frame nothing was measured: those rows are empty
        full = np.array([len(row) for row in cells], dtype=int)
        measured = full == full.max(initial=0)
        t_ns, cells = t_ns[measured], np.array([list(row) for row in cells[measured]], dtype=float)
    if len(t_ns) < 2 or cells.ndim != 2 or not cells.shape[1]:
        return None
    values = np.column_stack([cells, cells.sum(axis=1)])
    rate_hz = round(1e9 / float(np.median(np.diff(t_ns))))
    return evenly(t_ns, values, float(max(1, rate_hz)), force_columns(cells.shape[1]))


def force_columns(cells: int) -> tuple[str, ...]:
    """``cell1`` … and ``total``."""
    return (*(f"cell{index}" for index in range(1, cells + 1)), "total")


def write_physio(signal: Signal, path: Path) -> None:
    """Write the values as tab-separated text without a header, compressed.

    Raises
    ------
    RecordError
        When the file cannot be written.
    """
    whole = np.rint(signal.values * RESOLUTION)
    known = np.isfinite(whole)
    low, high = (int(whole[known].min()), int(whole[known].max())) if known.any() else (0, 0)
    # Every value that occurs is spelled once: a session has millions of samples, but few thousand values.
    texts = [f"{value / RESOLUTION:g}" for value in range(low, high + 1)] + ["n/a"]
    places = np.where(known, whole - low, len(texts) - 1).astype(int)
    rows = zip(*(map(texts.__getitem__, column) for column in places.T.tolist()), strict=True)
    try:
        # No name and no time in the header: they would tell of the machine that wrote it.
        with path.open("wb") as plain, gzip.GzipFile("", "wb", compresslevel=3, fileobj=plain, mtime=0) as file:
            file.write(("\n".join(map("\t".join, rows)) + "\n").encode())
    except OSError as error:
        raise RecordError(f"{path}: cannot be written ({error.strerror or error}); choose another folder") from error
