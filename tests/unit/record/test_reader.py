import math
import sqlite3

import numpy as np
import pytest

from robopatient import messages as m
from robopatient.errors import RecordError
from robopatient.record.reader import Record
from robopatient.record.schema import FILE_NAME, SCHEMA_VERSION, TABLES
from robopatient.record.writer import RecordWriter
from robopatient.topics import TOPICS

ODD = 0.1 + 0.2  # has no short decimal form
EXAMPLES = [
    m.ForceFrame(2**62, 2**62 + 1, 7, (ODD, -1e-300, math.inf, 4.0), (ODD, 1 / 3), -3.5, ("stale", "spike")),
    m.ForceFrame(1, 2, 8, ()),
    m.Press(1, 2, 3, 4, 5, ODD, 2.0, 3.0, 4.0, 'épigastre "upper"', ("overload",)),
    m.PainState(1, 2, ODD, "appendix", "onset", {"nociception": ODD, "release": -0.5}),
    m.PainState(1, 2, 0.0, "", "rest"),
    m.PainState(1, 2, 6.0, "appendix", "hold", {}, 5.0, 6.5, 3.0, "rebound"),
    m.Said(1, 2, "nrs", "Seven.", 7, False, ODD, ("sharp", "stabbing")),
    m.Expression(1, 2, "prior", m.VoiceAsk(-60.0, ODD, 0.25, 1.0), m.FaceAsk(ODD, 2.0)),
    m.VoiceCommand(1, 2, 3, ODD, "hold", m.VoiceAsk(-60.0, ODD, 0.25, 1.0, "gasp"), True),
    m.FaceCommand(1, 2, 3, ODD, "release", m.FaceAsk(ODD), True, False),
    m.Heard(1, 2, 3, 4, ODD, -math.inf, 0.5, "moan", 9),
    m.Spoken(1, 2, 3, "ow, stop", "interjection", ODD, 0.75, "ab" * 32),
    m.Loudness(1, 2, -3.0, -1.0, 94.5, ODD, 0.25),
    m.Seen(1, 2, 3, 4, m.FacePose({"AU4": ODD}, (1.0, ODD, -2.0), (ODD, 0.0), 0.5, -0.5, ODD, 1.0, -9.0), ODD, 3),
    m.OperatorAction(1, "note", "line one\nline two"),
    m.ActorState(1, "voice", "degraded", "no audio device", 17),
    m.Health(1, "streaming", "SIM", ODD, 2, 3, 4, ODD, 5, ODD, True, False, ("a", "b")),
    m.Note(1, "error", "face", "fell over"),
    m.SessionStart(1, "2026-03-14", "id", "0.1.0", "", 1, "{}", "{}", {"cores": "2"}),
    m.SessionStop(1, "failed", "why"),
    m.Rating(1, "trainee", "PAINAD.vocalisation", ODD),
    m.ScenarioChange(1, 2, "deep", "guarding", "pain above 4", "The abdomen hardens."),
    m.TrialRecord(
        1, "synchrony", "5e" * 32, "P01", 1, 2, 3, 4, "repeat", 2, {"delay_ms": ODD, "voice": "ann"}, "done", "agree",
        "agree", 3.0, ODD, 5, 6, 7, 8, 9, ODD, 30.0, ODD, -20.0, {"AU4": ODD}, 3.5, 1, ("spike",), 11, 3,
    ),
    m.TrialStart(1, 2, 3, "catch", {"delay_ms": ODD, "voice": "ann"}),
    m.StudyState(1, "synchrony", "P01", "press", 0, 2, 3, 4, True, "agree", 4.0, ODD, 5.0, 2.5, "t", ("a",), ("b",)),
]  # fmt: skip


@pytest.fixture
def examples(tmp_path):
    with RecordWriter(tmp_path, min_free_mb=1) as writer:
        for message in EXAMPLES:
            writer.put(message)
    return tmp_path


def test_there_is_an_example_of_every_recorded_topic():
    assert {type(example) for example in EXAMPLES} == {row.message for row in TOPICS.values() if row.recorded}


@pytest.mark.parametrize("topic", [name for name, row in TOPICS.items() if row.recorded])
def test_messages_come_back_equal_to_the_last_bit(examples, topic):
    with Record(examples) as record:
        assert record.messages(topic) == [example for example in EXAMPLES if type(example) is TOPICS[topic].message]


def test_not_a_number_comes_back_as_not_a_number(tmp_path):
    with RecordWriter(tmp_path, min_free_mb=1) as writer:
        writer.put(m.ForceFrame(1, 2, 3, (math.nan, 1.0), None, math.nan))
    with Record(tmp_path) as record:
        (frame,) = record.messages("force")
    assert math.isnan(frame.cells_newton[0])
    assert frame.cells_newton[1] == 1.0
    assert math.isnan(frame.rate_newton_per_s)
    assert frame.contact_mm is None


def test_start_and_stop_are_those_of_the_session(examples):
    with Record(examples) as record:
        assert record.start.session_id == "id"
        assert record.stop == m.SessionStop(1, "failed", "why")


def test_a_table_is_columns_of_numbers(recorded):
    with Record(recorded()) as record:
        force, seen, heard = record.table("force"), record.table("seen"), record.table("heard")
    assert force["t_ns"].dtype == np.int64
    assert force["cells_newton"].shape == (2500, 4)
    assert force["total_newton"] == pytest.approx(force["cells_newton"].sum(axis=1), abs=1e-12)
    assert np.isnan(force["contact_x_mm"][0])
    assert force["flags"][0] == []
    assert seen["au.AU4"].max() > 2
    assert seen["head_pitch_deg"].shape == (300,)
    assert heard["call"][0] == "breath"


def test_a_table_without_rows_has_its_columns_all_the_same(examples, tmp_path_factory):
    empty = tmp_path_factory.mktemp("empty")
    RecordWriter(empty, min_free_mb=1).close()
    with Record(empty) as record:
        assert record.messages("seen") == []
        assert record.table("force")["total_newton"].shape == (0,)
        assert record.stop is None
        with pytest.raises(RecordError, match="holds no start"):
            _ = record.start


def test_a_column_younger_than_the_record_takes_its_default(examples):
    with sqlite3.connect(examples / FILE_NAME) as connection:
        connection.execute("ALTER TABLE heard RENAME COLUMN roughness TO grit")
        connection.execute("ALTER TABLE actor DROP COLUMN pid")
        connection.execute("DROP TABLE note")
    with Record(examples) as record:
        assert record.messages("actor") == [m.ActorState(1, "voice", "degraded", "no audio device", 0)]
        assert record.messages("note") == []
        with pytest.raises(RecordError, match="table heard has no column roughness"):
            record.messages("heard")


SEEN_OF_0_1 = (
    "t_ns", "frame", "cause_seq", "cause_received_ns", "au", "pspi", "head_pitch_deg", "head_yaw_deg", "head_roll_deg",
    "gaze_pitch_deg", "gaze_yaw_deg", "breath", "dropped", "flush", "sweat", "tears", "forward_mm", "patch",
)  # fmt: skip


def test_a_face_recorded_by_0_1_is_read_from_the_same_columns(examples):
    row = (7, 1, 2, 3, '{"AU4":2.0}', 2.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.5, 6, -0.25, 0.5, 0.75, -9.0, 1)
    assert set(SEEN_OF_0_1) == {column.name for column in TABLES["seen"].columns}
    with sqlite3.connect(examples / FILE_NAME) as connection:
        connection.execute("DROP TABLE seen")
        connection.execute(f"CREATE TABLE seen ({', '.join(SEEN_OF_0_1)})")
        connection.execute(f"INSERT INTO seen VALUES ({', '.join('?' * len(row))})", row)
    pose = m.FacePose({"AU4": 2.0}, (1.0, 2.0, 3.0), (4.0, 5.0), 0.5, -0.25, 0.5, 0.75, -9.0)
    with Record(examples) as record:
        assert record.messages("seen") == [m.Seen(7, 1, 2, 3, pose, 2.0, 6, True)]


def test_reading_a_finished_record_leaves_nothing_beside_it(examples):
    with Record(examples) as record:
        assert record.messages("note")
        assert [path.name for path in examples.iterdir()] == [FILE_NAME]


def test_a_folder_without_a_record_is_named(tmp_path):
    with pytest.raises(RecordError, match=r"holds no record\.sqlite; give the folder that `robopatient run --out`"):
        Record(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to be looked at" * 50])
def test_a_file_that_is_no_record_is_refused(tmp_path, content):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(RecordError, match="record of robopatient"):
        Record(tmp_path)


def test_a_newer_record_asks_for_the_newer_program(examples):
    with sqlite3.connect(examples / FILE_NAME) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(RecordError, match=r"schema 2, this version reads up to 1; type: pip install"):
        Record(examples)


def test_a_damaged_file_is_told_as_such(recorded, tmp_path):
    path = tmp_path / FILE_NAME
    data = bytearray((recorded() / FILE_NAME).read_bytes())
    data[8192 : len(data) - 4096] = bytes(len(data) - 12288)
    path.write_bytes(data)
    with Record(path) as record, pytest.raises(RecordError, match=r"record\.sqlite: table force cannot be read"):
        record.messages("force")


def test_an_unknown_topic_is_answered_with_the_known_ones(examples):
    with Record(examples) as record, pytest.raises(RecordError, match='"smell" is not recorded; topics are force, '):
        record.messages("smell")
