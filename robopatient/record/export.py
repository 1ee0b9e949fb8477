"""The record as plain text files, for programs that read no SQLite."""

from __future__ import annotations

import csv
from pathlib import Path

from robopatient.errors import RecordError
from robopatient.record.reader import Record
from robopatient.record.schema import TABLES

__all__ = ["export_csv"]


def export_csv(record: Record, folder: Path) -> list[Path]:
    """Write one CSV file a topic, and ``dictionary.csv`` and ``topics.csv`` that explain them.

    Cells are those of the tables: numbers to the last digit, NULL empty, lists and dicts as JSON.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    RecordError
        When the record cannot be read or the folder not be written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("topics", "dictionary", *TABLES):
            path = folder / f"{name}.csv"
            header, rows = record.cells(name)
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(header)
                writer.writerows(rows)
            written.append(path)
    except OSError as error:
        raise RecordError(f"{folder}: cannot be written ({error}); choose another folder") from error
    return written
