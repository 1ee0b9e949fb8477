"""The doctor and a session look at the board's own note on its calibration; a virtual board plays the patient."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from robopatient.config import load_session
from robopatient.sensing.calibration import load_calibration, note_of
from robopatient.session import doctor
from robopatient.session.control import open_board


@pytest.fixture
def board_that_notes(monkeypatch):
    """The virtual board, with a note in its EEPROM."""

    def plug_in(note: str) -> None:
        options = ['board.driver="virtual"', f"board.options.note={json.dumps(note)}"]
        board = open_board(load_session(None, options))
        monkeypatch.setattr("robopatient.session.run.open_named", lambda *_: board)

    return plug_in


def findings(calibration: str = "virtual") -> dict[str, doctor.Check]:
    return {each.name: each for each in doctor.check_board("virtual", calibration)}


def test_a_board_that_notes_this_calibration_is_well(board_that_notes):
    board_that_notes(note_of("virtual", load_calibration("virtual")))
    found = findings()
    assert (found["board"].state, found["calibration"].state) == ("ok", "ok")
    assert "as the board notes" in found["calibration"].found


def test_a_board_that_notes_another_one_is_worth_a_look(board_that_notes):
    board_that_notes("plate-b 2026-04-01 1234abcd")
    found = findings()["calibration"]
    assert found.state == "warn"
    assert "plate-b of 2026-04-01" in found.found
    assert found.fix.startswith("robopatient board calibrate")


def test_a_calibration_of_another_board_is_refused(tmp_path, board_that_notes):
    board_that_notes("")
    path = tmp_path / "other.toml"
    text = (Path(doctor.__file__).parents[2] / "assets/calibration/virtual.toml").read_text()
    path.write_text(text.replace(load_calibration("virtual").board_uid, "0x1234"))
    found = findings(str(path))["calibration"]
    assert found.state == "fail"
    assert "0x1234" in found.found


def test_a_board_that_is_not_there_is_named_with_the_next_command():
    found = {each.name: each for each in doctor.check_board("/dev/no-board", "virtual")}
    assert found["board"].state == "fail"
    assert "/dev/no-board" in found["board"].found
