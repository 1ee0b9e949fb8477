"""What a user types as a name, a code, a board or an address: checked before it is used, and refused in plain words."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robopatient.cli import app
from robopatient.config import MEANT, checked_code, load_session
from robopatient.errors import ConfigError, SessionError
from robopatient.interop.osc import parse_address
from robopatient.session.run import board_overrides
from robopatient.session.study_run import other_spelling, run_study


@pytest.mark.parametrize("name", ["Jane Doe 3", "P01/a", "../P01", "P01\n", ""])
def test_a_name_in_place_of_a_code_leaves_nothing_on_the_disk(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "sessions"
    with pytest.raises(ConfigError, match=r"a code of letters, digits and hyphens, at most 32, never a name"):
        run_study("synchrony", name, 1, folder, None, True, "english", False, "age=34", [])
    assert not folder.exists()


@given(st.text(max_size=40))
@settings(max_examples=200)
def test_a_code_is_taken_or_refused_as_the_settings_take_or_refuse_it(text: str) -> None:
    allowed = set(string.ascii_letters + string.digits + "-")
    if text and len(text) <= 32 and set(text) <= allowed:
        assert checked_code(text, "participant") == text
    else:
        with pytest.raises(ConfigError, match="never a name"):
            checked_code(text, "participant")


def test_a_code_that_differs_in_capitals_alone_is_the_same_person(tmp_path: Path) -> None:
    (tmp_path / "synchrony_P01_s1").mkdir()
    assert other_spelling(tmp_path, "p01") == "P01"
    assert other_spelling(tmp_path, "P01") == ""
    assert other_spelling(tmp_path, "P011") == ""
    with pytest.raises(SessionError, match=r'participant p01: is "P01" in .*; write it so'):
        run_study("synchrony", "p01", 1, tmp_path, None, True, "english", False, "", [])


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("interop.osc=somewhere", "HOST:PORT, such as 127.0.0.1:9000"),
        ("training.trainee=Jane Doe", "never a name: for example T07"),
        ("study.participant=Jane Doe", "never a name: for example P01"),
    ],
)
def test_no_message_shows_a_regular_expression(setting: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        load_session(None, [setting])
    assert "regex" not in str(refused.value)
    assert not any(pattern in str(refused.value) for pattern in MEANT)


def test_an_address_may_be_of_either_kind() -> None:
    assert load_session(None, ["interop.osc=[::1]:9000"]).interop.osc == "[::1]:9000"
    assert parse_address("[::1]:9000") == ("::1", 9000)
    assert parse_address("127.0.0.1:9000") == ("127.0.0.1", 9000)


@pytest.mark.parametrize("name", ["auto", "usb:2341:0043", "usb:2341:0043:ABC"])
def test_a_board_is_named_on_the_command_line_as_in_the_session_file(name: str) -> None:
    config = load_session(None, board_overrides(name))
    assert (config.board.driver, config.board.port) == ("serial", name)


def test_whoever_has_read_enough_is_told_nothing(monkeypatch, capsys) -> None:
    def closed(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("robopatient.patient.cli.print", closed, raising=False)
    monkeypatch.setattr("rich.console.Console.print", closed)
    with pytest.raises(SystemExit) as ended:
        app(["patient", "list"])
    assert ended.value.code == 141
    assert capsys.readouterr().err == ""
