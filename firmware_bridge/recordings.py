"""Recorded forces from .npz and .csv files, as the virtual board plays them.

Four-cell .npz, total-force .npz, or .csv with a header of units; shapes and units are in docs/reference/boards.md. A
wrong file is refused with its name, what was found and what is expected.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import RecordingError
from firmware_bridge.inputs import RECORDING_ROWS, read_table, sample_gaps
from firmware_bridge.phantom import spread

__all__ = ["ForceRecording", "load_recording", "read_curve"]

RATE_HZ = 1000.0
"""Of .npz files without ``sample_rate_hz``, and the grid that .csv files are brought to."""
GAP_S = 1.0
"""Untouched pause between recordings that are played one after another."""
FLOOR_NEWTON = 1.0
"""The published rigs floor the total force at 1.00 N: at or below it the plate is untouched."""
MAX_NEWTON = 1000.0
"""Beyond this a value cannot be a press in newtons. Assumption."""
MAX_SAMPLES = 20_000_000
FOUR_CELL_COLUMNS = 7
FORCE_COLUMNS = (
    ("cell1_newton", "cell2_newton", "cell3_newton", "cell4_newton"),
    ("total_newton", "x_mm", "y_mm"),
    ("total_newton",),
)
"""Of a table of forces, beside ``t_s``; others are not read."""
SLOWEST_STEP_S = 2.0
"""No force, rating or face is recorded with rows so far apart (assumption)."""
EXPECTED_NPZ = (
    "expected arrays of shape (samples, 7) with cell 1 to 4 (N), total (N), x (mm), y (mm), "
    "or force_n of shape (trials, samples)"
)


class ForceRecording:
    """Forces of the four cells over time; untouched before its start and after its end.

    Parameters
    ----------
    name
        For messages and the board's name.
    cells_newton
        Shape (n, 4), N.
    rate_hz
        Of the samples.
    """

    def __init__(self, name: str, cells_newton: NDArray[np.float64], rate_hz: float) -> None:
        self.name = name
        self.rate_hz = rate_hz
        self.duration_s = len(cells_newton) / rate_hz
        # Impulse from the start, N s at each sample edge: its difference over a period is the mean force in it.
        self._impulse = np.vstack([np.zeros((1, 4)), np.cumsum(cells_newton, axis=0) / rate_hz])
        self._edges_s = np.arange(len(cells_newton) + 1) / rate_hz

    def forces(self, t_s: NDArray[np.float64], period_s: float, *, loop: bool = False) -> NDArray[np.float64]:
        """Mean forces (n, 4), N, over the ``period_s`` that ends at each time of ``t_s`` (n,), as a converter gives.

        At the recording's own rate these are its samples; with ``loop`` the recording begins again when it ends.
        """
        return (self._impulse_at(t_s, loop=loop) - self._impulse_at(t_s - period_s, loop=loop)) / period_s

    def _impulse_at(self, t_s: NDArray[np.float64], *, loop: bool) -> NDArray[np.float64]:
        turns = np.zeros_like(t_s)
        if loop:
            turns = np.floor(np.maximum(t_s, 0.0) / self.duration_s)
            t_s = np.where(t_s < 0.0, t_s, t_s - turns * self.duration_s)
        within = np.stack([np.interp(t_s, self._edges_s, self._impulse[:, cell]) for cell in range(4)], axis=1)
        return within + turns[:, None] * self._impulse[-1]


def load_recording(file: str, site_mm: tuple[float, float]) -> ForceRecording:
    """Read ``PATH`` or ``PATH#NAME``.

    Parameters
    ----------
    file
        NAME is the name of a four-cell array, or, for a file of total forces, an index (from 0) or PARTICIPANT/TRIAL
        or PARTICIPANT/VOICE_SEX/TRIAL. Without NAME all recordings are played one after another, 1 s untouched between.
    site_mm
        Where a total force without a site of its own presses (x, y), mm.

    Raises
    ------
    RecordingError
        Naming file, what was found, and what is expected.
    """
    path_text, _, name = file.partition("#")
    path = Path(path_text).expanduser()
    if not path_text:
        raise RecordingError("no recording is named: give replay:FILE or replay:FILE#NAME (.npz or .csv)")
    if not path.is_file():
        raise RecordingError(f"{path}: no such file; give a recording as PATH or PATH#NAME (.npz or .csv)")
    if path.suffix == ".npz":
        return _load_npz(path, name, site_mm)
    if path.suffix in (".csv", ".tsv"):
        return _load_csv(path, name, site_mm)
    raise RecordingError(f"{path}: is neither .npz nor .csv nor .tsv")


def _load_npz(path: Path, name: str, site_mm: tuple[float, float]) -> ForceRecording:
    try:
        with np.load(path, allow_pickle=False) as archive:
            rate_hz = _rate_hz(path, archive["sample_rate_hz"]) if "sample_rate_hz" in archive else RATE_HZ
            if not 1.0 <= rate_hz <= 1e6:
                raise RecordingError(f"{path}: sample_rate_hz is {rate_hz:g} (expected 1 to 1000000)")
            parts = (
                _total_force(path, archive, name, site_mm) if "force_n" in archive else _four_cell(path, archive, name)
            )
    except (OSError, ValueError, TypeError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise RecordingError(f"{path}: cannot be read as .npz ({error}); {EXPECTED_NPZ}") from error
    gap = np.zeros((round(GAP_S * rate_hz), 4))
    joined = [piece for part in parts for piece in (part, gap)][:-1]
    if sum(map(len, joined)) > MAX_SAMPLES:
        raise RecordingError(f"{path}: more than {MAX_SAMPLES} samples; pick one with {path}#NAME")
    return ForceRecording(f"{path.name}#{name}" if name else path.name, np.concatenate(joined), rate_hz)


def _rate_hz(path: Path, rate: NDArray[Any]) -> float:
    """A single number of any shape: MATLAB writes it as a matrix of one row and one column."""
    if rate.size != 1:
        raise RecordingError(f"{path}: sample_rate_hz holds {rate.size} numbers; expected one")
    return float(rate.reshape(()))


def _four_cell(path: Path, archive: Any, name: str) -> list[NDArray[np.float64]]:
    """Cell columns of one or all arrays, as recorded (their 0.5 N dead band included)."""
    names = [key for key in archive.files if key != "sample_rate_hz"]
    if name and name not in names:
        raise RecordingError(f"{path}#{name}: no such recording; it holds {_listed(names)}")
    if not names:
        raise RecordingError(f"{path}: holds no recording; {EXPECTED_NPZ}")
    parts = []
    for key in [name] if name else names:
        array = archive[key]
        if array.ndim != 2 or array.shape[1] != FOUR_CELL_COLUMNS or len(array) == 0 or array.dtype.kind not in "fiu":
            raise RecordingError(f"{path}#{key}: is {array.dtype} of shape {array.shape}; {EXPECTED_NPZ}")
        parts.append(_checked(f"{path}#{key}", array[:, :4]))
    return parts


def _total_force(path: Path, archive: Any, name: str, site_mm: tuple[float, float]) -> list[NDArray[np.float64]]:
    """Single-press trials of total force, spread over the cells so that the centre of pressure is at the site."""
    force = archive["force_n"]
    if force.ndim != 2 or force.size == 0 or force.dtype.kind not in "fiu":
        raise RecordingError(f"{path}: force_n is {force.dtype} of shape {force.shape}; {EXPECTED_NPZ}")
    rows = range(len(force)) if not name else [_trial_index(path, archive, name, len(force))]
    parts = []
    for row in rows:
        total = _checked(f"{path}#{row}", force[row])
        parts.append(spread(np.where(total <= FLOOR_NEWTON, 0.0, total), *site_mm))
    return parts


def _trial_index(path: Path, archive: Any, name: str, n_trials: int) -> int:
    if name.isdecimal():
        if int(name) >= n_trials:
            raise RecordingError(f"{path}#{name}: no such trial; it holds trials 0 to {n_trials - 1}")
        return int(name)
    columns = [archive[key] for key in ("participant", "voice_sex", "trial") if key in archive]
    if any(column.shape != (n_trials,) for column in columns):
        raise RecordingError(f"{path}: participant, voice_sex and trial must have {n_trials} entries as force_n has")
    wanted = name.split("/")
    keys = [tuple(str(column[row]) for column in columns) for row in range(n_trials)]
    found = [row for row, key in enumerate(keys) if wanted in (list(key), [key[0], key[-1]] if key else [])]
    if len(found) == 1:
        return found[0]
    if found:
        same = ", ".join("/".join(keys[row]) for row in found)
        raise RecordingError(f"{path}#{name}: fits {len(found)} trials; write one of {same}, or an index")
    example = "/".join(keys[0]) if keys and keys[0] else "0"
    raise RecordingError(f"{path}#{name}: no such trial; write an index 0 to {n_trials - 1} or a key such as {example}")


def read_curve(path: Path, columns: Sequence[str], error: type[Exception] = RecordingError) -> NDArray[np.float64]:
    """A table of numbers over time, shape (rows, 1 + columns), with ``t_s`` (s) first.

    Raises
    ------
    RecordingError
        (or ``error``) when a column or a number is missing, time does not rise, or is in milliseconds.
    """
    table = read_table(path, error)
    table.need("t_s", *columns)
    rows = np.stack([table.numbers(name, missing=False) for name in ("t_s", *columns)], axis=1)
    if len(rows) < 2:
        raise error(f"{path}: holds {len(rows)} samples; expected at least 2")
    steps_s = np.diff(rows[:, 0])
    if not (steps_s > 0).all():
        i = int(np.argmin(steps_s > 0)) + 1
        raise error(
            f"{path}, line {table.rows[i].line}: t_s does not increase ({rows[i, 0]:g} after {rows[i - 1, 0]:g})"
        )
    if len(rows) >= RECORDING_ROWS and np.median(steps_s) >= SLOWEST_STEP_S:
        raise error(
            f"{path}: rows are {np.median(steps_s):g} s apart, too far for a recording; is t_s in milliseconds? "
            "divide it by 1000"
        )
    return rows


def _load_csv(path: Path, name: str, site_mm: tuple[float, float]) -> ForceRecording:
    if name:
        raise RecordingError(f"{path}#{name}: a table holds one recording; leave out #{name}")
    header = read_table(path, RecordingError).header
    columns = next((columns for columns in FORCE_COLUMNS if set(columns) <= set(header)), None)
    if columns is None:
        allowed = " or ".join(",".join(("t_s", *columns)) for columns in FORCE_COLUMNS)
        raise RecordingError(f"{path}: the header is {','.join(header)!r}; expected {allowed}")
    table = read_curve(path, columns)
    t_s = table[:, 0]
    if (t_s[-1] - t_s[0]) * RATE_HZ > MAX_SAMPLES:
        raise RecordingError(f"{path}: lasts {t_s[-1] - t_s[0]:g} s; at most {MAX_SAMPLES / RATE_HZ:g} s")
    grid_s = np.arange(t_s[0], t_s[-1], 1.0 / RATE_HZ)
    values = np.stack([np.interp(grid_s, t_s, column) for column in table[:, 1:].T], axis=1)
    forces = values[:, :4] if columns == FORCE_COLUMNS[0] else values[:, :1]
    for gap in sample_gaps(t_s):
        forces[(grid_s > t_s[gap]) & (grid_s < t_s[gap + 1])] = 0.0  # no press is made up of lost samples
    if columns == FORCE_COLUMNS[0]:
        cells = _checked(str(path), forces)
    else:
        x_mm, y_mm = (values[:, 1], values[:, 2]) if len(columns) == 3 else site_mm
        cells = spread(_checked(str(path), forces[:, 0]), x_mm, y_mm)
    return ForceRecording(path.name, cells, RATE_HZ)


def _checked(where: str, values: NDArray[Any]) -> NDArray[np.float64]:
    """The values as float64 when all are finite and could be newtons."""
    wide = np.asarray(values, dtype=np.float64)
    bad = ~np.isfinite(wide) | (np.abs(wide) > MAX_NEWTON)
    if bad.any():
        first = tuple(int(index) for index in np.argwhere(bad)[0])
        raise RecordingError(
            f"{where}: sample {first[0]} is {wide[first]:g}; expected finite newtons within ±{MAX_NEWTON:g}"
        )
    return wide


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:20])
    return f"{shown}, and {len(names) - 20} more" if len(names) > 20 else shown
