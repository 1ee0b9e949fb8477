import sqlite3

import pytest

from robopatient.record.dictionary import unit_of
from robopatient.record.schema import TABLES
from robopatient.record.writer import RecordWriter


@pytest.fixture
def connection(tmp_path):
    RecordWriter(tmp_path, min_free_mb=1).close()
    with sqlite3.connect(tmp_path / "record.sqlite") as connection:
        yield connection


def test_every_column_of_the_file_is_in_its_dictionary_with_a_meaning(connection):
    for name, table in TABLES.items():
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')]
        explained = connection.execute("SELECT column, meaning FROM dictionary WHERE topic = ?", (name,)).fetchall()
        assert columns == [column.name for column in table.columns] == [column for column, _ in explained]
        for column, meaning in explained:
            assert len(meaning) > 3, f"{name}.{column}: explain it under Attributes in messages/"


def test_every_table_is_explained(connection):
    rows = connection.execute("SELECT topic, meaning FROM topics").fetchall()
    assert [topic for topic, _ in rows] == list(TABLES)
    assert all(meaning.endswith(".") for _, meaning in rows)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("peak_newton", "N"),
        ("rate_newton_per_s", "N/s"),
        ("cause_received_ns", "ns"),
        ("contact_x_mm", "mm"),
        ("ask_level_db", "dB"),
        ("level_dbfs", "dBFS"),
        ("f0_hz", "Hz"),
        ("head_yaw_deg", "degrees"),
        ("voice_f0_semitones", "semitones"),
        ("region", ""),
        ("frames", ""),
    ],
)
def test_the_unit_is_read_from_the_name(name, unit):
    assert unit_of(name) == unit


def test_nested_messages_and_pairs_become_plain_columns():
    assert [column.name for column in TABLES["voice"].columns][5:10] == [
        "ask_level_db",
        "ask_f0_semitones",
        "ask_roughness",
        "ask_breathiness",
        "ask_call",
    ]
    assert {"contact_x_mm", "contact_y_mm", "total_newton"} <= {column.name for column in TABLES["force"].columns}
