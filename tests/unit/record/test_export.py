import csv

import pytest

from firmware_bridge.errors import OutputError
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
    with Record(recorded()) as record, pytest.raises(OutputError, match="file: is a file; name a folder"):
        export_csv(record, tmp_path / "file")


def test_tables_that_are_there_are_only_written_over_when_asked(recorded, tmp_path):
    (tmp_path / "pain.csv").write_text("mine")
    with Record(recorded()) as record:
        with pytest.raises(OutputError, match="holds files already"):
            export_csv(record, tmp_path)
        assert [path.read_text() for path in tmp_path.glob("*.csv")] == ["mine"]
        export_csv(record, tmp_path, force=True)
    assert (tmp_path / "pain.csv").read_text() != "mine"
