import csv
import itertools
import math

import numpy as np
import pytest

from robopatient.record.presses import PressRow, peak_level_dbfs, press_rows, write_presses
from robopatient.record.reader import Record

COLUMNS = (
    "start_s,peak_newton,rise_newton_per_s,x_mm,y_mm,region,peak_nrs,peak_level_dbfs,peak_pspi,"
    "voice_latency_ms,face_latency_ms,face_shown"
)


def rows_of(folder):
    with Record(folder) as record:
        return press_rows(record)


def test_each_press_has_its_force_place_and_time(recorded):
    rows = rows_of(recorded())
    assert [row.start_s for row in rows] == pytest.approx([1.0, 3.0, 5.2, 7.6])
    assert [row.peak_newton for row in rows] == [9.0, 18.0, 27.0, 14.0]
    assert [row.region for row in rows] == ["left hypochondriac", "umbilical", "right iliac", "right iliac"]
    assert (rows[2].x_mm, rows[2].y_mm) == (199.0, 154.0)


def test_what_hurts_more_sounds_louder_and_shows_more(recorded):
    rows = rows_of(recorded())
    by_pain = sorted(rows, key=lambda row: row.peak_nrs)
    assert by_pain[-1].region == "right iliac"
    assert by_pain[-1].peak_nrs == pytest.approx(10 * (1 - math.exp(-27 / 12)), abs=0.05)
    for quieter, louder in itertools.pairwise(by_pain):
        assert louder.peak_level_dbfs > quieter.peak_level_dbfs
        assert louder.peak_pspi > quieter.peak_pspi


def test_answers_come_after_the_machine_s_own_delay(recorded):
    for row in rows_of(recorded()):
        assert 15 < row.voice_latency_ms < 250
        assert 61 < row.face_latency_ms < 400


def test_a_level_is_the_loudest_tenth_of_a_second_not_the_loudest_block():
    t_ns = np.arange(100) * 5_000_000
    level_dbfs = np.full(100, -60.0)
    level_dbfs[50] = 0.0
    assert peak_level_dbfs(t_ns, level_dbfs) == pytest.approx(10 * math.log10(1 / 20), abs=0.01)
    assert peak_level_dbfs(t_ns[:1], level_dbfs[:1]) == pytest.approx(-60.0)
    assert math.isnan(peak_level_dbfs(t_ns[:0], level_dbfs[:0]))


def test_the_csv_has_exactly_the_columns_agreed(recorded, tmp_path):
    write_presses(rows_of(recorded()), tmp_path / "presses.csv")
    lines = (tmp_path / "presses.csv").read_text().splitlines()
    assert lines[0] == COLUMNS
    assert len(lines) == 5
    (first, *_) = csv.DictReader(lines)
    assert float(first["start_s"]) == 1.0
    assert first["region"] == "left hypochondriac"


def test_what_was_not_measured_is_empty(recorded, tmp_path):
    write_presses(rows_of(recorded(voice=False, face=False)), tmp_path / "presses.csv")
    for row in csv.DictReader((tmp_path / "presses.csv").open()):
        assert row["peak_level_dbfs"] == row["peak_pspi"] == row["voice_latency_ms"] == row["face_latency_ms"] == ""
        assert float(row["peak_nrs"]) > 1


def test_no_press_is_a_header_alone(recorded, tmp_path):
    assert rows_of(recorded(presses=False)) == []
    write_presses([], tmp_path / "presses.csv")
    assert (tmp_path / "presses.csv").read_text().strip() == COLUMNS == ",".join(PressRow.__struct_fields__)
