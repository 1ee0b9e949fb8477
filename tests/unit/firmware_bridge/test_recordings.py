import numpy as np
import pytest

from firmware_bridge.errors import RecordingError
from firmware_bridge.phantom import spread
from firmware_bridge.recordings import load_recording

SITE = (100.0, 200.0)


def at_own_rate(recording, n: int) -> np.ndarray:
    period_s = 1.0 / recording.rate_hz
    return recording.forces((np.arange(n) + 1) * period_s, period_s)


def centre_mm(cells: np.ndarray) -> np.ndarray:
    total = cells.sum(axis=1)
    return np.stack([290 * (cells[:, 1] + cells[:, 3]) / total, 290 * (cells[:, 0] + cells[:, 3]) / total], axis=1)


@pytest.fixture
def four_cell(tmp_path):
    rng = np.random.default_rng(1)
    arrays = {name: rng.uniform(0, 20, (50, 7)).astype(np.float32) for name in ("A", "B")}
    np.savez(tmp_path / "four.npz", **arrays)
    return tmp_path / "four.npz", arrays


@pytest.fixture
def total_force(tmp_path):
    force = np.full((3, 100), 1.0, np.float32)
    force[:, 40:60] = [[10], [20], [30]]
    np.savez(
        tmp_path / "total.npz",
        force_n=force,
        participant=np.array(["P1", "P1", "P2"]),
        voice_sex=np.array(["male", "female", "male"]),
        trial=np.array([4, 4, 9]),
        sample_rate_hz=np.float32(1000),
    )
    return tmp_path / "total.npz"


def test_a_spread_force_has_its_centre_of_pressure_at_the_site():
    cells = spread(np.array([5.0, 40.0]), *SITE)
    assert cells.sum(axis=1) == pytest.approx([5.0, 40.0])
    assert centre_mm(cells) == pytest.approx(np.array([SITE, SITE]))


def test_a_named_four_cell_recording_comes_back_sample_for_sample(four_cell):
    path, arrays = four_cell
    assert at_own_rate(load_recording(f"{path}#B", SITE), 50) == pytest.approx(arrays["B"][:, :4], abs=1e-6)


def test_without_a_name_all_recordings_follow_one_another_with_a_second_untouched_between(four_cell):
    path, arrays = four_cell
    recording = load_recording(str(path), SITE)
    cells = at_own_rate(recording, 1100)
    assert recording.duration_s == pytest.approx(1.1)
    assert cells[50:1050] == pytest.approx(0.0, abs=1e-9)
    assert cells[1050:] == pytest.approx(arrays["B"][:, :4], abs=1e-6)


def test_before_and_after_a_recording_nobody_touches_and_a_loop_begins_again(four_cell):
    path, arrays = four_cell
    recording = load_recording(f"{path}#A", SITE)
    late = np.array([-0.01, 0.051, 5.0])
    assert recording.forces(late, 0.001) == pytest.approx(0.0)
    again = recording.forces(np.array([0.0505 + 0.0005, 0.101]), 0.001, loop=True)
    assert again == pytest.approx(arrays["A"][[0, 0], :4], abs=1e-6)


def test_a_slower_board_reports_the_mean_over_its_period(four_cell):
    path, arrays = four_cell
    slow = load_recording(f"{path}#A", SITE).forces(np.array([0.010, 0.020]), 0.010)
    assert slow == pytest.approx(arrays["A"][:20, :4].reshape(2, 10, 4).mean(axis=1), abs=1e-5)


@pytest.mark.parametrize(("name", "peak"), [("1", 20.0), ("P2/9", 30.0), ("P1/female/4", 20.0)])
def test_a_total_force_trial_is_found_by_index_or_key_and_presses_at_the_site(total_force, name, peak):
    cells = at_own_rate(load_recording(f"{total_force}#{name}", SITE), 100)
    assert cells[:40] == pytest.approx(0.0)
    assert cells[50].sum() == pytest.approx(peak)
    assert centre_mm(cells[45:55])[0] == pytest.approx(SITE)


def test_a_csv_of_cells_and_a_csv_of_total_force_give_newtons_at_their_times(tmp_path):
    cells = tmp_path / "cells.csv"
    cells.write_text("t_s,cell1_newton,cell2_newton,cell3_newton,cell4_newton\n0,0,0,0,0\n0.1,10,20,30,40\n")
    assert at_own_rate(load_recording(str(cells), SITE), 51)[50] == pytest.approx([5, 10, 15, 20])
    total = tmp_path / "total.csv"
    total.write_text("t_s,total_newton,x_mm,y_mm\n0,10,50,60\n0.1,10,50,60\n")
    assert centre_mm(at_own_rate(load_recording(str(total), SITE), 50))[7] == pytest.approx([50, 60])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.npz", None, ["no such file"]),
        ("text.npz", b"hello", ["cannot be read as .npz", "(samples, 7)"]),
        ("empty.npz", b"", ["cannot be read as .npz"]),
        ("x.txt", b"1", ["neither .npz nor .csv"]),
        ("a.csv", b"time,force\n1,2\n", ["time,force", "t_s,total_newton"]),
        ("b.csv", b"t_s,total_newton\n0,1\n0,2\n", ["b.csv, line 3", "does not increase"]),
        ("c.csv", b"t_s,total_newton\n0,1\n1,x\n", ["c.csv, line 3: total_newton", "'x'"]),
        ("d.csv", b"t_s,total_newton\n0,1\n1\n", ["d.csv, line 3", "1 cells, the header has 2"]),
        ("e.csv", b"t_s,total_newton\n0,1\n1,nan\n", ["e.csv, line 3: total_newton is missing"]),
        ("f.csv", b"t_s,total_newton\n0,1\n", ["1 samples"]),
        ("g.csv", b"t_s,total_newton\n0,\xff\n", ["g.csv, line 2", "no UTF-8"]),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_what_is_expected(tmp_path, name, content, words):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordingError) as refused:
        load_recording(str(path), SITE)
    for word in [str(path), *words]:
        assert word in str(refused.value)


def test_wrong_arrays_are_refused_with_what_was_found(tmp_path, total_force):
    np.savez(tmp_path / "shape.npz", A=np.zeros((10, 5)))
    np.savez(tmp_path / "nan.npz", A=np.full((10, 7), np.nan))
    np.savez(tmp_path / "object.npz", A=np.array([{}], dtype=object))
    np.savez(tmp_path / "nothing.npz")
    for name, words in {
        "shape.npz": "(10, 5)",
        "shape.npz#B": "it holds A",
        "nan.npz#A": "sample 0 is nan",
        "object.npz": "expected arrays",
        "nothing.npz": "no recording",
        "total.npz#7": "0 to 2",
        "total.npz#P1/4": "fits 2 trials",
        "total.npz#P9/4": "P1/male/4",
    }.items():
        with pytest.raises(RecordingError, match=words.replace("(", r"\(").replace(")", r"\)")):
            load_recording(str(tmp_path / name), SITE)


def test_the_real_recordings_play_as_recorded(shared_data):
    path = shared_data / "palpation_four_cell.npz"
    with np.load(path) as archive:
        recorded = archive["IP1_B1_T7"][:, :4]
    played = at_own_rate(load_recording(f"{path}#IP1_B1_T7", SITE), len(recorded))
    assert np.abs(played - recorded).max() < 1e-6
    assert load_recording(str(shared_data / "palpation_total_force.npz"), SITE).duration_s == pytest.approx(895.0)
