"""Tables and text as people and other programs save them: read, or refused with file, line, column and value."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.errors import InputError, RecordingError
from firmware_bridge.inputs import is_missing, one_spelling, read_table, read_text, sample_gaps, visible_files
from firmware_bridge.recordings import load_recording

NAMES = st.lists(st.text("abcdefgh_", min_size=1, max_size=6), min_size=2, max_size=5, unique=True)
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 4))


def saved(folder: Path, data: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@given(
    names=NAMES,
    rows=st.lists(st.lists(NUMBERS, min_size=5, max_size=5), min_size=2, max_size=8),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    comma=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n"]),
    sep_line=st.booleans(),
    blank=st.integers(0, 2),
)
def test_the_same_numbers_are_read_however_a_program_saves_them(
    tmp_path_factory: pytest.TempPathFactory,
    names: list[str],
    rows: list[list[float]],
    separator: str,
    comma: bool,
    encoding: str,
    end: str,
    sep_line: bool,
    blank: int,
) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator=end)
    writer.writerow(names)
    for row in rows:
        cells = [f"{value:.4f}" for value in row[: len(names)]]
        writer.writerow([cell.replace(".", ",") for cell in cells] if comma else cells)
    text = (
        (f"sep={separator}{end}" if sep_line else "")
        + buffer.getvalue()
        + separator.join([""] * len(names))
        + end * blank
    )
    table = read_table(saved(tmp_path_factory.mktemp("t"), text.encode(encoding)))
    assert table.header == tuple(names)
    for i, name in enumerate(names):
        assert table.numbers(name) == pytest.approx([row[i] for row in rows])


@pytest.mark.parametrize("cell", ["", "NA", "n/a", "nan", "NaN", "-nan(ind)", "#N/A", " "])
def test_every_mark_of_a_missing_cell_is_a_missing_number(tmp_path: Path, cell: str) -> None:
    table = read_table(saved(tmp_path, f"t_s,x\n0,1\n1,{cell}\n"))
    assert np.isnan(table.numbers("x")).tolist() == [False, True]
    with pytest.raises(InputError, match=r"table\.csv, line 3: x is missing"):
        table.numbers("x", missing=False)


def test_a_number_that_is_none_is_no_missing_cell() -> None:
    assert is_missing(None)
    assert is_missing(float("nan"))
    assert not is_missing(0)
    assert not is_missing("none")  # a level that a study may have


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,x\n", "line 2: b is 'x', expected a number"),
        ("a,b\n\n\n1,inf\n", "line 4: b is 'inf', expected a number"),
        ("a,b\n1,1e999\n", "line 2: b is 1e999, expected a finite number"),
        ("a,b\n1,1_000\n", "line 2: b is '1_000', expected a number"),
        ('a,b\n1,"1,234"\n', "line 2: b is 1,234: write 1.234 or 1234"),
        ("a;b\n1;1.234,5\n", "line 2: b is '1.234,5', expected a number"),
    ],
)
def test_a_cell_that_cannot_be_understood_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_table(saved(tmp_path, text)).numbers("b")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n3\n", "line 3: 1 cells, the header has 2"),
        ("a,b\n1,2,3\n", "line 2: 3 cells, the header has 2"),
        ("a,b,a\n1,2,3\n", "two columns are called 'a'"),
        ('a,b\n1,"2\n3,4\n', "line 2: unexpected end of data; look at the quotation marks"),
        (b"a,b\n1,\xe4\n", "line 2: byte 0xe4 is no UTF-8"),
        (b"PK\x03\x04\x00\x00", "is no text"),
        ("version https://git-lfs\noid sha256:1\n", "is a Git LFS pointer"),
    ],
)
def test_a_table_that_is_none_is_refused_with_the_place(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_table(saved(tmp_path, text))
    assert said in str(caught.value)


def test_a_missing_column_and_an_absent_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no column y; it has a, b; a map"):
        read_table(saved(tmp_path, " a , b \n1,2\n")).need("a", "y", hint="a map")
    with pytest.raises(InputError, match=r"nowhere\.csv: cannot be read \(No such file"):
        read_text(tmp_path / "nowhere.csv")


def test_empty_rows_and_the_column_without_a_name_are_left_out_and_told(tmp_path: Path) -> None:
    table = read_table(saved(tmp_path, ",a,b\n0,1,2\n1,3,4\n,,\n"))
    assert table.header == ("a", "b")
    assert len(table.rows) == 2
    assert table.remarks == ("table.csv: 1 empty rows left out.", "table.csv: the column without a name left out.")


@given(st.lists(st.sampled_from(["P01", "p01", " P01 ", "P01\u00a0", "P02"]), min_size=1, max_size=8))
def test_spellings_of_one_person_are_one_and_every_change_is_told(names: list[str]) -> None:
    spelling, remarks = one_spelling(names)
    people = {name.strip().lower() for name in names}
    assert len({spelling[name] for name in names}) == len(people)
    ways = {person: {name for name in names if name.strip().lower() == person} for person in people}
    assert len(remarks) == sum(len(way) > 1 for way in ways.values())


@given(n=st.integers(30, 200), at=st.integers(5, 24), lost=st.integers(3, 500), jitter=st.floats(0.0, 0.2))
def test_lost_samples_are_a_gap_at_any_rate(n: int, at: int, lost: int, jitter: float) -> None:
    rng = np.random.default_rng(n)
    t_s = (np.arange(n) + jitter * rng.uniform(-1, 1, n)) / 50.0
    assert sample_gaps(t_s).tolist() == []
    assert sample_gaps(np.concatenate([t_s[:at], t_s[at:] + lost / 50.0])).tolist() == [at - 1]


def test_points_that_are_drawn_by_hand_have_no_gap() -> None:
    assert sample_gaps([0.0, 0.2, 5.0, 5.5]).tolist() == []


def test_no_press_is_made_of_a_gap(tmp_path: Path) -> None:
    t_s = np.concatenate([np.arange(0.0, 1.0, 0.02), np.arange(31.0, 32.0, 0.02)])
    rows = "\n".join(f"{t:.2f},20.0" for t in t_s)
    recording = load_recording(str(saved(tmp_path, "t_s,total_newton\n" + rows)), (0.0, 0.0))
    forces = recording.forces(np.array([0.5, 2.0, 16.0, 30.0, 31.5]), 0.001).sum(axis=1)
    assert forces == pytest.approx([20.0, 0.0, 0.0, 0.0, 20.0])


def test_time_in_milliseconds_is_refused(tmp_path: Path) -> None:
    rows = "\n".join(f"{20 * i},5" for i in range(40))
    with pytest.raises(RecordingError, match="rows are 20 s apart, too far for a recording; is t_s in milliseconds"):
        load_recording(str(saved(tmp_path, "t_s,total_newton\n" + rows)), (0.0, 0.0))


def test_a_rate_that_matlab_wrote_as_a_matrix_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", press=np.full((100, 7), 5.0), sample_rate_hz=np.array([[50.0]]))
    assert load_recording(str(tmp_path / "a.npz"), (0.0, 0.0)).duration_s == pytest.approx(2.0)


def test_hidden_and_temporary_files_are_not_the_users(tmp_path: Path) -> None:
    for name in ("b.wav", "a.wav", "._a.wav", "~$a.wav", "a.wav~", "a.part-12.wav", ".DS_Store", "#a.wav#"):
        (tmp_path / name).touch()
    assert [path.name for path in visible_files(tmp_path)] == ["a.wav", "b.wav"]
