"""A study's trials as files that every program reads: trials.csv, trials.parquet, and a dictionary of their columns."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from robopatient.errors import RecordError, require
from robopatient.record.trials import Explained, Row, TrialTable, explain

__all__ = ["write_tables"]


def write_tables(table: TrialTable, folder: Path) -> list[Path]:
    """Write ``trials.csv``, ``trials.parquet`` and ``dictionary.csv``.

    Numbers keep every digit, what did not happen is empty. The Parquet file carries unit and meaning of each column in
    its schema's metadata.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    RecordError
        When the folder cannot be written.
    """
    columns = explain(table.rows)
    names = [column.name for column in columns]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "trials.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.DictWriter(file, names, restval="")
            rows.writeheader()
            rows.writerows(table.rows)
        with (folder / "dictionary.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(Explained._fields)
            writer.writerows(columns)
        _write_parquet(table.rows, columns, folder / "trials.parquet")
    except OSError as error:
        raise RecordError(f"{folder}: cannot be written ({error.strerror or error}); choose another folder") from error
    return [folder / name for name in ("trials.csv", "dictionary.csv", "trials.parquet")]


def _write_parquet(rows: list[Row], columns: list[Explained], path: Path) -> None:
    pa = require("pyarrow", "study")
    parquet = require("pyarrow.parquet", "study")
    fields, arrays = [], []
    for column in columns:
        values = [row.get(column.name) for row in rows]
        if {type(value) for value in values} - {type(None)} > {str}:  # a factor with numbers and words among its levels
            values = [None if value is None else str(value) for value in values]
        array = pa.array(values)
        if pa.types.is_null(array.type):
            array = array.cast(pa.float64())
        arrays.append(array)
        told = {"unit": column.unit, "meaning": column.meaning}
        fields.append(pa.field(column.name, array.type, metadata={key: value for key, value in told.items() if value}))
    schema = pa.schema(fields, metadata={"columns": json.dumps([column._asdict() for column in columns])})
    parquet.write_table(pa.Table.from_arrays(arrays, schema=schema), path, compression="zstd")
