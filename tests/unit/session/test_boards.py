"""The board verbs, end to end against the virtual board."""

import json

import pytest

from robopatient.errors import ConfigError
from robopatient.sensing import load_calibration
from robopatient.session import boards


def calibrated(out, **changes):
    arguments = {
        "board": "virtual",
        "out": out,
        "phantom": "square-290",
        "range_newton": 40.0,
        "weights": "40",
        "places": 5,
        "exercises": 0,
        "creep_min": 0.0,
        "seconds": 0.1,
        "rate_hz": 1000.0,
        "author": "tester",
        "as_json": True,
    }
    return boards.calibrate(**arguments | changes)


def test_calibrating_the_virtual_board_finds_the_numbers_that_it_is_made_of(tmp_path, capsys):
    out = tmp_path / "virtual.toml"
    assert calibrated(out) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["failures"] == []
    assert told["creep_percent"] is None
    found = load_calibration(str(out), n_cells=4)
    true = load_calibration("virtual", n_cells=4)
    assert found.board_uid == true.board_uid
    assert found.counts_per_newton == pytest.approx(true.counts_per_newton, rel=5e-4)
    assert found.offset_counts == pytest.approx(true.offset_counts, abs=20)
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert len(out.with_suffix(".csv").read_text().splitlines()) == 1 + 1 + 6 * 3


@pytest.mark.parametrize(
    ("changes", "words"), [({"weights": "10,heavy"}, '"heavy" is no number'), ({"weights": "20,10"}, "ascending")]
)
def test_wrong_weights_are_refused_before_anything_is_opened(tmp_path, changes, words):
    with pytest.raises(ConfigError, match=words):
        calibrated(tmp_path / "x.toml", **changes)


def test_a_calibration_is_never_written_over(tmp_path):
    (tmp_path / "x.toml").touch()
    with pytest.raises(ConfigError, match="exists; calibrations are dated and kept"):
        calibrated(tmp_path / "x.toml")


def test_a_healthy_board_passes_its_self_test_and_a_sick_one_is_told_cell_by_cell(monkeypatch, capsys):
    assert boards.self_test("virtual", 1000.0, as_json=True) == 0
    sick = boards.open_named("virtual")
    sick.options.faults[:] = ["dead:2", "eeprom"]
    monkeypatch.setattr(boards, "open_named", lambda *_: sick)
    assert boards.self_test("virtual", 1000.0, as_json=False) == 1
    told = capsys.readouterr().out
    assert "not ready: check the data wire and the supply (cell 2)" in told
    assert "the note in the EEPROM is damaged" in told
