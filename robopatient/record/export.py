"""The record as plain text files, for programs that read no SQLite."""

from __future__ import annotations

import csv
from pathlib import Path

from firmware_bridge.outputs import new_folder
from robopatient.errors import RecordError
from robopatient.record.reader import Record
from robopatient.record.schema import TABLES

__all__ = ["export_csv"]


def export_csv(record: Record, folder: Path, force: bool = False) -> list[Path]:
    """Write one CSV file a topic, and ``dictionary.csv`` and ``topics.csv`` that explain them.

    Cells are those of the tables: numbers to the last digit, NULL empty, lists and dicts as JSON.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    RecordError
        When the record cannot be read, or a file not be written.
    OutputError
        When the folder cannot be made, or holds files and ``force`` is not given.
    """
    names = ("topics", "dictionary", *TABLES)
    try:
        with new_folder(folder, force=force) as part:
            for name in names:
                header, rows = record.cells(name)
                with (part / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                    writer = csv.writer(file)
                    writer.writerow(header)
                    writer.writerows(rows)
    except OSError as error:
        raise RecordError(f"{folder}: cannot be written ({error}); choose another folder") from error
    return [folder / f"{name}.csv" for name in names]
