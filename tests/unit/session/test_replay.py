"""A session is computed again from its journal; what an older version did not keep is not compared."""

from __future__ import annotations

import contextlib
import sqlite3

import msgspec
import pytest

from robopatient.config import FaceConfig, SensingConfig, SessionConfig, VoiceConfig
from robopatient.messages import OperatorAction, SessionStart
from robopatient.patient import load_patient
from robopatient.record.writer import RecordWriter
from robopatient.session.control import open_board
from robopatient.session.journal import JournalWriter
from robopatient.session.pipeline import Pipeline
from robopatient.session.replay import GOLDEN, compare, replay

CONFIG = SessionConfig(
    voice=VoiceConfig(enabled=False), face=FaceConfig(enabled=False), sensing=SensingConfig(tare_at_start=False)
)
TURNS = 200


@pytest.fixture
def session(tmp_path):
    """A session without a board: a patient who breathes, and is told to breathe in."""
    folder = tmp_path / "session"
    pipeline = Pipeline(CONFIG, open_board(CONFIG), load_patient(CONFIG.patient))
    with RecordWriter(folder, min_free_mb=1) as record:
        record.put(SessionStart(0, "", "s", "", "", 1, msgspec.json.encode(CONFIG).decode(), "", {}))
        journal = JournalWriter(folder)
        for turn in range(1, TURNS + 1):
            t_ns = turn * 4_000_000
            if turn == 50:
                action = OperatorAction(t_ns, "cue", "breathe in")
                journal.action(t_ns, action)
                pipeline.act(action)
            journal.tick(t_ns)
            outputs = pipeline.tick(t_ns)
            for message in (outputs.voice, outputs.face, outputs.force, outputs.pain, outputs.expression):
                record.put(message)
        journal.close()
    return folder


def alter(folder, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(folder / "record.sqlite")) as base:
        base.execute(statement)
        base.commit()


def test_a_session_is_computed_again_bit_for_bit_with_its_breath(session) -> None:
    assert compare(session).difference == ""
    alter(session, "UPDATE pain SET breath = 0.5 WHERE rowid = 100")
    assert "pain row 99" in compare(session).difference


@pytest.mark.parametrize("topic", ["pain", "voice", "face"])
def test_a_record_without_the_column_replays_and_its_other_columns_still_count(session, topic) -> None:
    alter(session, f"ALTER TABLE {topic} DROP COLUMN breath")
    result = compare(session)
    assert result.difference == ""
    assert result.rows[topic] == TURNS
    alter(session, f"UPDATE {topic} SET cause_seq = 7 WHERE rowid = 11")
    assert f"{topic} row 10" in compare(session).difference


def test_an_accepted_result_of_an_older_version_replays_too(session) -> None:
    assert replay(session, update=True) == 0
    rows = msgspec.msgpack.decode((session / GOLDEN).read_bytes())
    for topic in ("pain", "voice", "face"):
        for row in rows[topic]:
            del row["breath"]
    for row in rows["voice"]:
        del row["ask"]["formant_ratio"]
    (session / GOLDEN).write_bytes(msgspec.msgpack.encode(rows))
    assert compare(session).difference == ""
    rows["pain"][20]["components"] = {"nociception": 3.0}
    (session / GOLDEN).write_bytes(msgspec.msgpack.encode(rows))
    assert "pain row 20" in compare(session).difference
