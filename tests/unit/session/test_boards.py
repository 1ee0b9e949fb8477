"""The board verbs, end to end against the virtual board."""

import json

import pytest

from firmware_bridge.errors import BridgeError
from robopatient.errors import ConfigError, SessionError
from robopatient.sensing import calibration_files, load_calibration
from robopatient.sensing.calibration_files import Readings
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


def test_each_reading_is_on_the_disk_at_once_and_a_calibration_goes_on_after_it(tmp_path, monkeypatch, capsys):
    out = tmp_path / "x.toml"

    class Failing(Readings):
        def add(self, reading, board_uid):
            super().add(reading, board_uid)
            if self.count == 5:
                raise SessionError("the plug was pulled")

    monkeypatch.setattr(boards, "Readings", Failing)
    with pytest.raises(SessionError, match="the plug was pulled"):
        calibrated(out)
    monkeypatch.undo()
    assert "5 readings are kept" in capsys.readouterr().err
    before = out.with_suffix(".csv").read_text()
    assert len(before.splitlines()) == 1 + 5
    with pytest.raises(ConfigError, match="go on with its readings by --resume"):
        calibrated(out)
    with pytest.raises(ConfigError, match="not of this plan"):
        calibrated(out, resume=True, weights="20,40")
    assert calibrated(out, resume=True) == 0
    after = out.with_suffix(".csv").read_text()
    assert after.startswith(before)
    assert len(after.splitlines()) == 1 + 1 + 6 * 3
    assert load_calibration(str(out), n_cells=4).board_uid == load_calibration("virtual", n_cells=4).board_uid


def test_complete_readings_become_a_calibration_without_a_board(tmp_path, monkeypatch):
    out = tmp_path / "x.toml"
    monkeypatch.setattr(boards, "evaluate", lambda *_, **__: (_ for _ in ()).throw(SessionError("no power")))
    with pytest.raises(SessionError, match="no power"):
        calibrated(out)
    monkeypatch.undo()
    assert calibrated(out, resume=True, board="/dev/nowhere") == 0
    assert load_calibration(str(out), n_cells=4).board_uid == load_calibration("virtual", n_cells=4).board_uid


def test_a_folder_that_cannot_be_written_is_told_before_the_first_weight(tmp_path, capsys):
    (tmp_path / "file").touch()
    with pytest.raises(SessionError, match="cannot be written"):
        calibrated(tmp_path / "file" / "x.toml")
    assert "lay" not in capsys.readouterr().err


def test_a_board_that_is_not_there_leaves_nothing_so_that_the_command_can_be_typed_again(tmp_path):
    with pytest.raises(BridgeError):
        calibrated(tmp_path / "x.toml", board="/dev/nowhere")
    assert list(tmp_path.iterdir()) == []


def test_a_login_without_a_name_is_no_error(monkeypatch):
    monkeypatch.setattr(
        calibration_files.getpass, "getuser", lambda: (_ for _ in ()).throw(KeyError("getpwuid(): uid not found"))
    )
    assert calibration_files.login_name().startswith("user ")


def test_a_recording_is_not_touched_by_a_second_try(tmp_path):
    out = tmp_path / "rec"
    boards.record("virtual", out, 0.3, 1000.0)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(files) == ["rec.bytes", "rec.csv"]
    assert all(files.values())
    with pytest.raises(BridgeError, match="exists"):
        boards.record("virtual", out, 0.3, 1000.0)
    with pytest.raises(BridgeError, match="/dev/nowhere"):
        boards.record("/dev/nowhere", out, 0.3, 1000.0, force=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files
    boards.record("virtual", out, 0.3, 1000.0, force=True)
    assert out.with_suffix(".csv").read_bytes() != files["rec.csv"]


def test_a_healthy_board_passes_its_self_test_and_a_sick_one_is_told_cell_by_cell(monkeypatch, capsys):
    assert boards.self_test("virtual", 1000.0, as_json=True) == 0
    sick = boards.open_named("virtual")
    sick.options.faults[:] = ["dead:2", "eeprom"]
    monkeypatch.setattr(boards, "open_named", lambda *_: sick)
    assert boards.self_test("virtual", 1000.0, as_json=False) == 1
    told = capsys.readouterr().out
    assert "not ready: check the data wire and the supply (cell 2)" in told
    assert "the note in the EEPROM is damaged" in told
