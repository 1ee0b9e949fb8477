from __future__ import annotations

import csv
import json
from pathlib import Path

import msgspec
import pytest
from support import xapi

from robopatient import messages as m
from robopatient.config import SessionConfig, TrainingConfig
from robopatient.errors import RecordError
from robopatient.record.cli import delete_session, export_sessions, list_sessions, show_session, tag_session
from robopatient.record.debrief_figures import Figures, write_figures
from robopatient.record.writer import RecordWriter


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    config = SessionConfig(scenario="murphy", patient="cholecystitis", training=TrainingConfig(trainee="T1"))
    with RecordWriter(tmp_path / "one", min_free_mb=1) as writer:
        writer.put(
            m.SessionStart(
                0, "2026-03-14T09:00:00+00:00", "id-1", "0.1.0", "", 1, msgspec.json.encode(config).decode(), "", {}
            )
        )
        writer.put(m.SessionStop(61_500_000_000, "done"))
    write_figures(
        Figures(
            "id-1",
            "2026-03-14T09:00:00+00:00",
            "T1",
            "",
            "cholecystitis",
            "murphy",
            60.0,
            "done",
            presses=7,
            peak_newton=31.234,
        ),
        tmp_path / "one",
    )
    return tmp_path


def test_list_shows_one_line_a_session_and_names_what_cannot_be_read(shelf, capsys):
    (shelf / "broken").mkdir()
    (shelf / "broken" / "record.sqlite").write_text("no")
    list_sessions(shelf)
    out, err = capsys.readouterr()
    assert "one" in out
    assert "7 presses" in out
    assert "1 session in" in out
    assert str(shelf / "broken") in err


def test_list_as_json_is_one_array(shelf, capsys):
    list_sessions(shelf, trainee="T1", json=True)
    [entry] = json.loads(capsys.readouterr().out)
    assert entry["figures"]["presses"] == 7


def test_show_and_tag_speak_of_the_session(shelf, capsys):
    tag_session("one", ["exam"], folder=shelf)
    show_session("id-1", shelf)
    out = capsys.readouterr().out
    assert "exam" in out
    assert "cholecystitis" in out


def test_the_table_has_one_line_a_session_with_its_figures(shelf):
    export_sessions(shelf / "out.csv", folder=shelf)
    [row] = list(csv.DictReader((shelf / "out.csv").open()))
    assert (row["trainee"], row["presses"], row["peak_newton"], row["duration_s"]) == ("T1", "7", "31.23", "61.5")


def test_statements_name_an_account_and_no_score(shelf):
    export_sessions(None, shelf / "out.json", "https://lms.example.org", shelf)
    [statement] = json.loads((shelf / "out.json").read_text())
    assert statement["actor"]["account"] == {"homePage": "https://lms.example.org", "name": "T1"}
    assert statement["result"]["duration"] == "PT61.5S"
    assert "score" not in statement["result"]
    assert statement["result"]["extensions"]["urn:robopatient:figure:presses"] == 7


def test_export_without_a_target_says_what_to_give(shelf):
    with pytest.raises(RecordError, match="--csv"):
        export_sessions(folder=shelf)


@pytest.mark.parametrize("home", ["", "lms.example.org", "https://"])
def test_a_home_that_is_no_address_is_refused_before_anything_is_written(shelf, home):
    with pytest.raises(RecordError, match="--home"):
        export_sessions(None, shelf / "out.json", home, shelf)
    assert not (shelf / "out.json").exists()


@pytest.mark.parametrize(
    ("scenario", "patient"),
    [("murphy", "cholecystitis"), ("", "healthy"), ("/home/Jane Doe/my scenario ü.toml", "their/own patient.toml")],
)
def test_every_statement_keeps_to_the_shape_of_the_specification(shelf, scenario, patient):
    folder = shelf / "two"
    config = SessionConfig(scenario=scenario, patient=patient, training=TrainingConfig(trainee="T-2_x.y"))
    with RecordWriter(folder, min_free_mb=1) as writer:
        text = msgspec.json.encode(config).decode()
        writer.put(m.SessionStart(0, "2026-03-15T09:00:00.123+00:00", "id-2", "0.1.0", "", 1, text, "", {}))
        writer.put(m.SessionStop(1_500_000_000, "interrupted"))
    export_sessions(None, shelf / "out.json", "https://lms.example.org/x", shelf)
    statements = json.loads((shelf / "out.json").read_text())
    assert len(statements) == 2
    for statement in statements:
        assert xapi.faults(statement) == []
    assert "Jane" not in (shelf / "out.json").read_text()
    assert len({statement["id"] for statement in statements}) == 2


def test_the_same_session_is_the_same_statement_so_that_it_can_be_sent_twice(shelf):
    for name in ("a.json", "b.json"):
        export_sessions(None, shelf / name, "https://lms.example.org", shelf)
    assert (shelf / "a.json").read_text() == (shelf / "b.json").read_text()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ({"id": "not-a-uuid"}, "id"),
        ({"actor": {"objectType": "Agent"}}, "actor"),
        ({"actor": {"account": {"homePage": "https://x.org", "name": "T"}, "mbox": "mailto:t@x.org"}}, "actor"),
        ({"actor": {"account": {"homePage": "x.org", "name": "T"}}}, "homePage"),
        ({"verb": {"display": {"en": "completed"}}}, "verb"),
        ({"verb": {"id": "http://x.org/v", "display": {"not a tag": "x"}}}, "verb"),
        ({"object": {"id": "with a space"}}, "object"),
        ({"object": {"id": "no-scheme"}}, "object"),
        ({"timestamp": "2026-03-15T09:00:00"}, "timestamp"),
        ({"score": 1}, "score"),
        ({"result": {"duration": "61 s"}}, "duration"),
        ({"result": {"extensions": {"presses": 3}}}, "extensions"),
        ({"context": {"registration": "7"}}, "registration"),
        ({"version": None}, "null"),
    ],
)
def test_the_validator_of_these_tests_finds_what_a_record_store_would_refuse(shelf, spoil, words):
    export_sessions(None, shelf / "out.json", "https://lms.example.org", shelf)
    [statement] = json.loads((shelf / "out.json").read_text())
    assert any(words in fault for fault in xapi.faults(statement | spoil))


def test_delete_asks_first(shelf, capsys):
    assert delete_session("one", shelf) == 1
    assert (shelf / "one").exists()
    assert "--yes" in capsys.readouterr().out
    assert delete_session("one", shelf, yes=True) == 0
    assert not (shelf / "one").exists()
