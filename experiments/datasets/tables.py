"""Tables of labels as Parquet, and lists of hashes: the same rows give the same bytes, and nothing is read whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from robopatient.errors import RecordError, require

__all__ = [
    "DIGESTS",
    "ROWS",
    "ParquetTable",
    "checksum_of",
    "is_whole",
    "read_digests",
    "rows_in",
    "write_digests",
    "write_rows",
]

ROWS, DIGESTS = "rows.parquet", "files.sha256"
"""A drawn person's labels, and the hashes of all other files, as they were before they reached the disk."""
GROUP_ROWS = 2000
"""Of a row group: some 40 MB in memory with its maps."""


class ParquetTable:
    """A Parquet file that grows by tables; it gets its name when it is closed.

    Use it as a context manager; an exception leaves no file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._part = path, path.with_name(path.name + ".part")
        self._waiting: list[Any] = []
        self._rows = 0
        self._writer: Any = None

    def __enter__(self) -> ParquetTable:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *said: object) -> None:
        if kind is None:
            self._flush()
        if self._writer is not None:
            self._writer.close()
        if kind is None and self._part.is_file():
            self._part.replace(self._path)
        else:
            self._part.unlink(missing_ok=True)

    def add(self, table: Any) -> None:
        """Rows of a ``pyarrow.Table``; all have the same columns."""
        self._waiting.append(table)
        self._rows += table.num_rows
        if self._rows >= GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        table = require("pyarrow", "study").concat_tables(self._waiting).combine_chunks()
        if self._writer is None:
            parquet = require("pyarrow.parquet", "study")
            self._writer = parquet.ParquetWriter(self._part, table.schema, compression="zstd", store_schema=False)
        self._writer.write_table(table)
        self._waiting, self._rows = [], 0


def write_rows(rows: list[dict[str, Any]], path: Path) -> None:
    """Rows as one Parquet file."""
    with ParquetTable(path) as table:
        table.add(require("pyarrow", "study").Table.from_pylist(rows))


def rows_in(path: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Rows of a Parquet file, one after the other.

    Raises
    ------
    RecordError
        When it cannot be read, naming it.
    """
    try:
        file = require("pyarrow.parquet", "study").ParquetFile(path)
        for batch in file.iter_batches(GROUP_ROWS, columns=columns):
            yield from batch.to_pylist()
    except (OSError, ValueError) as error:
        raise RecordError(f"{path}: cannot be read ({error}); see what else is damaged: robopatient dataset verify"
                          ) from error  # fmt: skip


def is_whole(folder: Path, rows: int) -> bool:
    """Whether a drawn person is all there: labels of so many frames and the hashes, which are written last."""
    try:
        found = require("pyarrow.parquet", "study").read_metadata(folder / ROWS).num_rows
        return found == rows and all((folder / name).is_file() for name in read_digests(folder / DIGESTS))
    except (OSError, ValueError):
        return False


def checksum_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_digests(digests: dict[str, str], path: Path) -> None:
    """Hashes by file name, as ``sha256sum`` writes them."""
    path.write_text("".join(f"{digest}  {name}\n" for name, digest in digests.items()), encoding="utf-8")


def read_digests(path: Path) -> dict[str, str]:
    """Hashes by file name."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
