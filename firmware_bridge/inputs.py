"""Files that people write or other programs export: the one reader of text, of tables and of folders.

People save tables with Excel, R, pandas, MATLAB and PsychoPy, on machines of every language. So a byte-order mark, the
separator, a decimal comma, spaces around a cell, empty last rows and the marks of a missing cell are recognised here;
what was changed or left out is said in ``InputTable.remarks``; what cannot be understood is refused with file, line,
column and value.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import InputError

__all__ = [
    "MISSING",
    "RECORDING_ROWS",
    "InputRow",
    "InputTable",
    "is_lfs_pointer",
    "is_missing",
    "one_spelling",
    "read_table",
    "read_text",
    "sample_gaps",
    "visible_files",
]

MISSING = frozenset(
    ("", "na", "n/a", "#n/a", "#nv", "nan", "-nan", "nan(ind)", "-nan(ind)", "1.#qnan", "-1.#ind", "<na>", "null")
)
"""Cells, in lower case, that say that there is no value: of BIDS, R, pandas, Excel, MATLAB and of OpenFace."""
SEPARATORS = (",", ";", "\t", "|")
LOOKED_AT_LINES = 100
"""From which the separator is told."""
TEMPORARY = re.compile(r"^[.~]|^#.*#$|~$|\.(tmp|part|crdownload|swp)$|\.part-\d+")
"""Names that systems and editors give to files that are not the user's: ``._a.wav``, ``~$a.csv``, ``a.csv~``."""
GAP_STEPS = 2.5
"""A step of time that is longer than so many usual ones is a gap in a recording."""
RECORDING_ROWS, REGULAR_SHARE = 20, 0.9
"""A table with fewer rows, or with a smaller share of usual steps, is drawn by hand: its points are joined by lines."""

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_COMMA_NUMBER = re.compile(r"[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
_SEP_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


class InputRow(NamedTuple):
    """One row of a table: the line in the file where it begins (from 1), and its cells by column name."""

    line: int
    cells: dict[str, str]


class InputTable(NamedTuple):
    """A table of text.

    Attributes
    ----------
    header
        Names of the columns, without spaces around them, each once.
    rows
        Rows that are not empty; cells without spaces around them.
    remarks
        Sentences about what was changed or left out.
    joins_decimals
        Whether ``1,234`` is 1.234 for sure: another cell or the separator shows that commas are decimal.
    error
        Class of the errors that the methods raise.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[InputRow, ...]
    remarks: tuple[str, ...]
    joins_decimals: bool
    error: type[Exception]

    def need(self, *names: str, hint: str = "") -> None:
        """Refuse a table without one of these columns; ``hint`` says what the table is for."""
        missing = [name for name in names if name not in self.header]
        if missing:
            raise self.error(
                f"{self.path}: no column {', '.join(missing)}; it has {', '.join(self.header) or 'no header'}"
                + (f"; {hint}" if hint else "")
            )

    def column(self, name: str) -> list[str]:
        """Cells of a column as they are, stripped."""
        return [row.cells[name] for row in self.rows]

    def number(self, row: InputRow, name: str) -> float | None:
        """The finite number in a cell, None where the cell is missing.

        Raises
        ------
        InputError
            (or the table's own class) naming file, line, column and value.
        """
        return self.number_of(row.cells[name], f"{self.path}, line {row.line}: {name}")

    def with_point(self, cell: str, where: str) -> str:
        """A cell as it is, a number with a point in place of its decimal comma; ``where`` begins errors."""
        text = cell.replace("\N{MINUS SIGN}", "-")
        if not _COMMA_NUMBER.fullmatch(text):
            return cell
        if not self.joins_decimals and _THOUSANDS.fullmatch(text):
            point, plain = text.replace(",", "."), text.replace(",", "")
            raise self.error(f"{where} is {cell}: write {point} or {plain}, so that the comma cannot be misread")
        return text.replace(",", ".")

    def number_of(self, cell: str, where: str) -> float | None:
        """The finite number that a text of this table stands for, None for a missing one; ``where`` begins errors."""
        if is_missing(cell):
            return None
        text = self.with_point(cell, where).replace("\N{MINUS SIGN}", "-")
        if not _NUMBER.fullmatch(text):
            raise self.error(f"{where} is {cell!r}, expected a number")
        value = float(text)
        if not np.isfinite(value):
            raise self.error(f"{where} is {cell}, expected a finite number")
        return value

    def numbers(self, name: str, missing: bool = True) -> NDArray[np.float64]:
        """Numbers of a column, shape (rows,), NaN where a cell is missing.

        Raises
        ------
        InputError
            (or the table's own class) naming file, line, column and value; also for a missing cell unless ``missing``.
        """
        values = np.empty(len(self.rows))
        for i, row in enumerate(self.rows):
            value = self.number(row, name)
            if value is None and not missing:
                raise self.error(f"{self.path}, line {row.line}: {name} is missing, expected a number")
            values[i] = np.nan if value is None else value
        return values


def read_text(path: Path, error: type[Exception] = InputError) -> str:
    """Text of a file, in UTF-8 with or without a byte-order mark, or in UTF-16 with one.

    Parameters
    ----------
    error
        Class of the error to raise.

    Raises
    ------
    InputError
        (or ``error``) when it cannot be read or is in another encoding, naming the line.
    """
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise error(f"{path}: cannot be read ({problem.strerror})") from problem
    if is_lfs_pointer(path):
        raise error(f"{path}: is a Git LFS pointer, not the file itself; fetch it with: git lfs pull")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as problem:
            raise error(f"{path}: cannot be read (begins as UTF-16 and is none); save the file as UTF-8") from problem
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise error(
            f"{path}, line {line}: byte 0x{data[problem.start]:02x} is no UTF-8; save the file as UTF-8 "
            '(in Excel: "CSV UTF-8")'
        ) from problem
    if "\0" in text:
        raise error(f"{path}: is no text (it holds zero bytes)")
    return text


def read_table(path: Path, error: type[Exception] = InputError) -> InputTable:
    """A table with a line of column names, separated by commas, semicolons, tabs or bars.

    Parameters
    ----------
    error
        Class of the errors to raise, here and by the table's methods.

    Raises
    ------
    InputError
        (or ``error``) when it cannot be read, a column name occurs twice, or a row has more or fewer cells than names.
    """
    lines = list(io.StringIO(read_text(path, error), newline=""))
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    separator = _SEP_LINE.fullmatch(lines[first].strip("\r\n")) if lines else None
    skipped = first + 1 if separator else first
    lines = lines[skipped:]
    split_at = separator[1] if separator else _separator(lines)
    cells = _cells(path, lines, split_at, skipped, error)
    _, names = next(cells, (0, []))
    header = [unicodedata.normalize("NFC", name) for name in names]
    twice = next((name for i, name in enumerate(header) if name and name in header[:i]), None)
    if twice:
        raise error(f"{path}: two columns are called {twice!r}; rename one of them")
    rows, n_empty = [], 0
    for line, row in cells:
        if not any(row):
            n_empty += bool(row)
            continue
        if len(row) != len(header):
            raise error(
                f"{path}, line {line}: {len(row)} cells, the header has {len(header)}: cut off, a separator inside a "
                "cell, or mixed up"
            )
        rows.append(InputRow(line, dict(zip(header, row, strict=True))))
    remarks = [f"{path.name}: {n_empty} empty rows left out."] if n_empty else []
    if "" in header:
        if any(row.cells[""] for row in rows):
            remarks.append(f"{path.name}: the column without a name left out.")
        rows = [InputRow(line, {name: cell for name, cell in row.items() if name}) for line, row in rows]
    commas = [cell for _, row in rows for cell in row.values() if _COMMA_NUMBER.fullmatch(cell)]
    joins = split_at in ";|" or any(not _THOUSANDS.fullmatch(cell) for cell in commas)
    if commas:
        remarks.append(f"{path.name}: commas in numbers read as decimal points.")
    return InputTable(path, tuple(filter(None, header)), tuple(rows), tuple(remarks), joins, error)


def is_missing(cell: object) -> bool:
    """Whether a cell says that there is no value: nothing, NaN, or a word of ``MISSING``."""
    return cell is None or cell != cell or str(cell).strip().lower() in MISSING  # NaN alone differs from itself


def one_spelling(names: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """One spelling for identifiers that differ by spaces, capitals or composed letters alone.

    Returns
    -------
    spelling
        By name as given, the first spelling of it without needless spaces.
    remarks
        A sentence for every identifier that was written in more than one way.
    """
    first: dict[str, str] = {}
    spelling: dict[str, str] = {}
    written: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        plain = " ".join(unicodedata.normalize("NFC", name).split())
        spelling[name] = first.setdefault(plain.casefold(), plain)
        written.setdefault(spelling[name], []).append(name)
    remarks = [
        f"{', '.join(map(repr, ways))} are taken for one, {kept!r}." for kept, ways in written.items() if len(ways) > 1
    ]
    return spelling, remarks


def sample_gaps(t_s: Sequence[float] | NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices i of a recording's times (s, rising) after which samples are lost until i + 1; none in a drawn table."""
    steps = np.diff(np.asarray(t_s, float))
    if len(steps) < RECORDING_ROWS - 1:
        return np.empty(0, np.intp)
    usual = GAP_STEPS * float(np.median(steps))
    gaps = np.flatnonzero(steps > usual)
    return gaps if len(gaps) <= (1.0 - REGULAR_SHARE) * len(steps) else np.empty(0, np.intp)


def visible_files(folder: Path, pattern: str = "*") -> list[Path]:
    """Files of a folder (or, with ``*/``, below it) in order, without hidden and temporary ones."""
    return sorted(
        path
        for path in folder.glob(pattern)
        if not any(TEMPORARY.search(part) for part in path.relative_to(folder).parts)
    )


def is_lfs_pointer(path: Path) -> bool:
    """Whether Git left a pointer in place of a large file."""
    try:
        with path.open("rb") as file:
            return file.read(40).startswith(b"version https://git-lfs")
    except OSError:
        return False


def _separator(lines: list[str]) -> str:
    """The character (or tab and comma together) that gives the most columns of equal number."""
    sample = [line for line in lines if line.strip()][:LOOKED_AT_LINES]
    best, best_score = ",", (0.0, 0)
    mixed = () if '"' in "".join(sample) else ("\t,",)
    for candidate in (*SEPARATORS, *mixed):
        try:
            widths = [len(row) for _, row in _split(sample, candidate)] or [0]
        except InputError:
            continue
        score = (widths.count(widths[0]) / len(widths), widths[0])
        if widths[0] > 1 and score > best_score:
            best, best_score = candidate, score
    return best


def _split(lines: Iterable[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of their first line, from 1."""
    if len(separator) > 1:  # the published study's own table mixes tabs and commas
        for number, line in enumerate(lines, start=1):
            yield number, [cell.strip() for cell in re.split(f"[{separator}]", line)] if line.strip() else []
        return
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    before = 0
    try:
        for row in reader:
            yield before + 1, [cell.strip() for cell in row] if row else []
            before = reader.line_num
    except csv.Error as problem:
        raise InputError(f"line {before + 1}: {problem}") from problem


def _cells(
    path: Path, lines: list[str], separator: str, skipped: int, error: type[Exception]
) -> Iterator[tuple[int, list[str]]]:
    try:
        for line, row in _split(lines, separator):
            yield line + skipped, row
    except InputError as problem:
        raise error(f"{path}, {problem}; look at the quotation marks there") from problem
