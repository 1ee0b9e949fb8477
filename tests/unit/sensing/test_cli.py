"""The board verbs, end to end against the virtual board."""

import json

import pytest

from firmware_bridge import discovery
from firmware_bridge.discovery import Port
from firmware_bridge.errors import BridgeError
from robopatient.errors import ConfigError, SessionError
from robopatient.sensing import calibration_files, cli, guide, load_calibration
from robopatient.sensing.calibration_files import Readings
from robopatient.session.run import open_named


def calibrated(out, **changes):
    arguments = {
        "board": "virtual",
        "out": out,
        "phantom": "square-290",
        "range_": 40.0,
        "newton": "40",
        "places": 5,
        "exercises": 0,
        "creep": 0.0,
        "seconds": 0.1,
        "rate": 1000.0,
        "author": "tester",
        "json": True,
    }
    return cli.calibrate_board(**arguments | changes)


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
    ("changes", "words"), [({"newton": "10,heavy"}, '"heavy" is no number'), ({"newton": "20,10"}, "ascending")]
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

    monkeypatch.setattr(guide, "Readings", Failing)
    with pytest.raises(SessionError, match="the plug was pulled"):
        calibrated(out)
    monkeypatch.undo()
    assert "5 readings are kept" in capsys.readouterr().err
    before = out.with_suffix(".csv").read_text()
    assert len(before.splitlines()) == 1 + 5
    with pytest.raises(ConfigError, match="go on with its readings by --resume"):
        calibrated(out)
    with pytest.raises(ConfigError, match="not of this plan"):
        calibrated(out, resume=True, newton="20,40")
    assert calibrated(out, resume=True) == 0
    after = out.with_suffix(".csv").read_text()
    assert after.startswith(before)
    assert len(after.splitlines()) == 1 + 1 + 6 * 3
    assert load_calibration(str(out), n_cells=4).board_uid == load_calibration("virtual", n_cells=4).board_uid


def test_complete_readings_become_a_calibration_without_a_board(tmp_path, monkeypatch):
    out = tmp_path / "x.toml"
    monkeypatch.setattr(guide, "evaluate", lambda *_, **__: (_ for _ in ()).throw(SessionError("no power")))
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
    cli.record_board(out, "virtual", 0.3, 1000.0)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(files) == ["rec.bytes", "rec.csv"]
    assert all(files.values())
    with pytest.raises(BridgeError, match="exists"):
        cli.record_board(out, "virtual", 0.3, 1000.0)
    with pytest.raises(BridgeError, match="/dev/nowhere"):
        cli.record_board(out, "/dev/nowhere", 0.3, 1000.0, force=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files
    cli.record_board(out, "virtual", 0.3, 1000.0, force=True)
    assert out.with_suffix(".csv").read_bytes() != files["rec.csv"]


def test_a_healthy_board_passes_its_self_test_and_a_sick_one_is_told_cell_by_cell(monkeypatch, capsys):
    assert cli.self_test_board("virtual", 1000.0, json=True) == 0
    sick = open_named("virtual")
    sick.options.faults[:] = ["dead:2", "eeprom"]
    monkeypatch.setattr("robopatient.session.run.open_named", lambda *_: sick)
    assert cli.self_test_board("virtual", 1000.0) == 1
    told = capsys.readouterr().out
    assert "not ready: check the data wire and the supply (cell 2)" in told
    assert "the note in the EEPROM is damaged" in told


def test_the_list_of_boards_is_lines_or_one_json_object(monkeypatch, capsys):
    uno = Port(path="/dev/ttyACM0", vid="2341", pid="0043", serial="75", description="Arduino Uno")
    old = Port(path="/dev/ttyS0", vid="", pid="", serial="", description="n/a")
    monkeypatch.setattr(discovery, "ports", lambda: [uno, old])
    cli.list_boards()
    assert capsys.readouterr().out.splitlines()[:2] == [
        "/dev/ttyACM0  usb:2341:0043:75  Arduino Uno  *",
        "/dev/ttyS0  -  n/a",
    ]
    cli.list_boards(json=True)
    listed = json.loads(capsys.readouterr().out)["ports"]
    assert [(port["path"], port["allowed"]) for port in listed] == [("/dev/ttyACM0", True), ("/dev/ttyS0", False)]
    monkeypatch.setattr(discovery, "ports", list)
    cli.list_boards()
    assert "--board virtual" in capsys.readouterr().out


def test_what_is_asked_as_json_is_one_object_without_nan(capsys):
    cli.monitor(duration=0.2, json=True)
    health = json.loads(capsys.readouterr().out)
    assert (health["samples"] > 100, health["lost"]) == (True, 0)
