"""The calibration file: how one board's counts become newtons, when and by whom that was measured.

See docs/reference/calibration.md for the format and how to make one.
"""

from __future__ import annotations

import datetime
import math
import zlib
from pathlib import Path

import msgspec

from robopatient.config import asset_path, decode_toml
from robopatient.errors import ConfigError

__all__ = ["ForceCalibration", "load_calibration", "note_of", "note_trouble"]

NOTE_STEM = 28
"""Of 48 bytes in the board's EEPROM, the date takes 11 and the checksum 9."""

MAX_NEWTON_PER_COUNT = 1.0
"""A coarser cell could not detect a touch (assumption; a 16-bit rig of 0.25 N/count is the worst known)."""


class ForceCalibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Counts to newtons, either per cell or by a full matrix that undoes the plate's cross-talk.

    Attributes
    ----------
    board_uid
        Serial number of the board that it was measured with, "0x…" or "" for any board.
    offset_counts
        Reading of each unloaded cell, shape (n_cells,).
    counts_per_newton
        Gain of each cell, shape (n_cells,); or leave it out and give the matrix.
    newton_per_count
        F = A (counts - offset), shape (n_cells, n_cells).
    residual_newton
        Largest error of the fit at each cell, shape (n_cells,).
    range_counts
        Lowest and highest count that the converter can output.
    """

    date: datetime.date
    author: str
    board_uid: str
    method: str
    offset_counts: tuple[float, ...]
    residual_newton: tuple[float, ...]
    counts_per_newton: tuple[float, ...] = ()
    newton_per_count: tuple[tuple[float, ...], ...] = ()
    range_counts: tuple[int, int] = (-(2**23), 2**23 - 1)

    @property
    def matrix(self) -> tuple[tuple[float, ...], ...]:
        """Newtons per count, shape (n_cells, n_cells)."""
        if self.newton_per_count:
            return self.newton_per_count
        cells = range(len(self.counts_per_newton))
        return tuple(tuple(1.0 / self.counts_per_newton[i] if i == j else 0.0 for j in cells) for i in cells)

    def is_for(self, board_uid: str) -> bool:
        """Whether it was measured with this board."""
        return not self.board_uid or int(self.board_uid, 16) == int(board_uid, 16)


def load_calibration(name: str, *, n_cells: int | None = None) -> ForceCalibration:
    """Calibration of ``assets/calibration`` or of a user's file, checked.

    Raises
    ------
    AssetError, ConfigError
        Naming the file, the cell and the value that is wrong.
    """
    path = asset_path("calibration", name)
    calibration = decode_toml(path, ForceCalibration)
    _check(path, calibration, n_cells)
    return calibration


def note_of(name: str, calibration: ForceCalibration) -> str:
    """What a board notes of its calibration: the name of its file, its date, a checksum of its numbers; 48 bytes."""
    numbers = msgspec.structs.replace(calibration, method="", author="")
    stem = Path(name).stem[:NOTE_STEM].replace(" ", "_").encode("ascii", "replace").decode()
    return f"{stem} {calibration.date} {zlib.crc32(msgspec.json.encode(numbers)):08x}"


def note_trouble(note: str, name: str, calibration: ForceCalibration) -> str:
    """Why the board's own note does not fit the calibration in use, with what to do; "" when it does, or says nothing.

    Boards without a note, and those calibrated before notes held a checksum, are taken as they are.
    """
    mine = note_of(name, calibration)
    noted, used = note.split(" "), mine.split(" ")
    if not note or noted == used or (len(noted) < len(used) and noted == used[: len(noted)]):
        return ""
    if noted[:2] == used[:2]:
        return (
            f"calibration {name} has been changed since the board was calibrated (its note {noted[-1]}, the file "
            f"{used[-1]}): take the file as it was measured, or calibrate again: robopatient board calibrate"
        )
    return (
        f"the board notes calibration {' of '.join(noted[:2])}, this session uses {' of '.join(used[:2])}: name the "
        "board's own with --set sensing.calibration=PATH.toml, or calibrate again: robopatient board calibrate"
    )


def _check(path: Path, calibration: ForceCalibration, n_cells: int | None) -> None:
    if bool(calibration.counts_per_newton) == bool(calibration.newton_per_count):
        raise ConfigError(f"{path}: give either counts_per_newton or newton_per_count, not both and not neither")
    count = len(calibration.offset_counts) if n_cells is None else n_cells
    lists = (
        "offset_counts",
        "residual_newton",
        "newton_per_count" if calibration.newton_per_count else "counts_per_newton",
    )
    for key in lists:
        if len(getattr(calibration, key)) != count:
            raise ConfigError(
                f"{path}: {key} has {len(getattr(calibration, key))} values, the phantom has {count} cells"
            )
    low, high = calibration.range_counts
    if low >= high:
        raise ConfigError(f"{path}: range_counts is [{low}, {high}]; write the lowest count first")
    try:
        int(calibration.board_uid or "0", 16)
    except ValueError as error:
        raise ConfigError(f'{path}: board_uid is "{calibration.board_uid}"; write it as "0x…" or ""') from error
    for cell, row in enumerate(calibration.newton_per_count, start=1):
        if len(row) != count:
            raise ConfigError(f"{path}: newton_per_count, row of cell {cell}, has {len(row)} values, expected {count}")
        if not all(math.isfinite(value) for value in row):
            raise ConfigError(f"{path}: newton_per_count, row of cell {cell}, is {list(row)} (expected finite numbers)")
    again = "; see docs/reference/calibration.md for how to measure it"
    for cell in range(1, count + 1):
        offset = calibration.offset_counts[cell - 1]
        if not low < offset < high:
            raise ConfigError(f"{path}: cell {cell} offset is {offset:g} counts (expected inside range_counts){again}")
        residual = calibration.residual_newton[cell - 1]
        if not 0.0 <= residual < math.inf:
            raise ConfigError(f"{path}: cell {cell} residual is {residual:g} N (expected 0 or more){again}")
        if calibration.counts_per_newton:
            gain = calibration.counts_per_newton[cell - 1]
            if not 1.0 / MAX_NEWTON_PER_COUNT <= abs(gain) < math.inf:
                raise ConfigError(f"{path}: cell {cell} gain is {gain:g} counts/N (expected at least 1 in size){again}")
        else:
            gain = calibration.newton_per_count[cell - 1][cell - 1]
            if not 0.0 < abs(gain) <= MAX_NEWTON_PER_COUNT:
                raise ConfigError(f"{path}: cell {cell} gain is {gain:g} N/count (expected above 0, at most 1){again}")
