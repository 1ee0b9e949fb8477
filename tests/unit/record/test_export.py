import csv

import pytest

from robopatient.errors import RecordError
from robopatient.record.export import export_csv
from robopatient.record.reader import Record
from robopatient.record.schema import TABLES


def test_every_table_becomes_a_file_with_its_numbers_to_the_last_digit(recorded, tmp_path):
    with Record(recorded()) as record:
        files = export_csv(record, tmp_path / "csv")
        pain = record.messages("pain")
    assert {path.stem for path in files} == {"topics", "dictionary", *TABLES}
    rows = list(csv.DictReader((tmp_path / "csv" / "pain.csv").open()))
    assert [float(row["nrs"]) for row in rows] == [state.nrs for state in pain]


def test_a_folder_that_cannot_be_written_is_named(recorded, tmp_path):
    (tmp_path / "file").write_text("")
    with Record(recorded()) as record, pytest.raises(RecordError, match="file: cannot be written"):
        export_csv(record, tmp_path / "file")
