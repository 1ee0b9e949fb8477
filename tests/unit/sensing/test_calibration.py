from __future__ import annotations

import datetime
from pathlib import Path

import msgspec
import pytest

from robopatient.errors import AssetError, ConfigError
from robopatient.sensing import load_calibration
from robopatient.sensing.calibration import note_of, note_trouble

GOOD = """
date = 2026-11-22
author = "A. Tester"
board_uid = "0x1A2B"
method = "0, 10 and 20 N above each cell"
offset_counts = [100.0, 200.0]
counts_per_newton = [40000.0, -41000.0]
residual_newton = [0.02, 0.03]
"""
MATRIX = GOOD.replace("counts_per_newton = [40000.0, -41000.0]", "newton_per_count = [[2.5e-5, 1e-7], [0.0, 2.5e-5]]")


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_virtual_board_has_its_calibration() -> None:
    calibration = load_calibration("virtual", n_cells=4)
    assert calibration.counts_per_newton == (42_000.0,) * 4
    assert calibration.offset_counts == (84_000.0, -31_000.0, 12_500.0, 150_200.0)
    assert calibration.is_for("0x53494D0000000001")
    assert calibration.is_for("53494d0000000001")
    assert not calibration.is_for("0x1")


def test_gains_become_a_diagonal_matrix(tmp_path: Path) -> None:
    calibration = load_calibration(write(tmp_path, GOOD))
    assert calibration.matrix == ((1 / 40000.0, 0.0), (0.0, -1 / 41000.0))
    assert calibration.date == datetime.date(2026, 11, 22)


def test_a_full_matrix_is_taken_as_it_is(tmp_path: Path) -> None:
    assert load_calibration(write(tmp_path, MATRIX)).matrix == ((2.5e-5, 1e-7), (0.0, 2.5e-5))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (GOOD.replace("-41000.0", "0.0"), "cell 2 gain is 0 counts/N"),
        (GOOD.replace("-41000.0", "nan"), "cell 2 gain is nan"),
        (GOOD.replace("200.0]", "9e9]"), "cell 2 offset is 9e\\+09 counts"),
        (GOOD.replace("0.03]", "-0.03]"), "cell 2 residual is -0.03 N"),
        (GOOD.replace("[100.0, 200.0]", "[100.0]"), "1 cells|has 2 values"),
        (GOOD.replace('"0x1A2B"', '"bench"'), 'board_uid is "bench"'),
        (GOOD + "newton_per_count = [[1.0]]", "either counts_per_newton or newton_per_count"),
        (GOOD.replace("counts_per_newton = [40000.0, -41000.0]", ""), "either counts_per_newton or newton_per_count"),
        (GOOD + "range_counts = [5, 5]", "range_counts is \\[5, 5\\]"),
        (GOOD + "gain = 3", "gain"),
        (GOOD.replace("date = 2026-11-22", 'date = "yesterday"'), "date"),
        (MATRIX.replace("[0.0, 2.5e-5]", "[2.5e-5]"), "row of cell 2, has 1 values"),
        (MATRIX.replace("1e-7", "inf"), "row of cell 1"),
        (MATRIX.replace("[0.0, 2.5e-5]", "[0.0, 0.0]"), "cell 2 gain is 0 N/count"),
    ],
)
def test_a_wrong_file_is_refused_by_cell_and_value(tmp_path: Path, text: str, complaint: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError, match=complaint) as error:
        load_calibration(path)
    assert path in str(error.value)


def test_the_number_of_cells_must_be_the_phantoms(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has 2 values, the phantom has 4 cells"):
        load_calibration(write(tmp_path, GOOD), n_cells=4)


def test_an_unknown_name_lists_those_that_exist() -> None:
    with pytest.raises(AssetError, match="virtual"):
        load_calibration("bench-7")


def test_a_board_notes_name_date_and_checksum_in_48_bytes():
    calibration = load_calibration("virtual")
    note = note_of("calibration/a plate with a very long name of its own.toml", calibration)
    assert len(note) <= 48
    assert note.split(" ")[1] == str(calibration.date)
    assert note == note_of("a plate with a very long name of its own", calibration)


@pytest.mark.parametrize(
    ("noted", "words"),
    [
        ("", ""),
        ("{mine}", ""),
        ("virtual {date}", ""),
        ("virtual {date} 00000000", "changed since the board was calibrated"),
        (
            "plate-b 2026-04-01 12345678",
            "the board notes calibration plate-b of 2026-04-01, this session uses virtual of",
        ),
        ("virtual 1999-01-01 12345678", "the board notes calibration virtual of 1999-01-01"),
        ("\ufffd\ufffd garbage", "the board notes calibration"),
    ],
)
def test_a_note_that_is_not_of_this_calibration_is_told_with_what_to_do(noted, words):
    calibration = load_calibration("virtual")
    note = noted.format(mine=note_of("virtual", calibration), date=calibration.date)
    told = note_trouble(note, "virtual", calibration)
    assert words in told
    assert bool(told) == bool(words)
    assert not told or "board calibrate" in told


def test_the_checksum_is_of_the_numbers_and_not_of_who_measured_them():
    calibration = load_calibration("virtual")
    other = msgspec.structs.replace(calibration, author="somebody else")
    moved = msgspec.structs.replace(calibration, offset_counts=(84_001.0, *calibration.offset_counts[1:]))
    assert note_of("virtual", other) == note_of("virtual", calibration) != note_of("virtual", moved)
