"""A record as tables: the presses, force, pain, voice, face, trials and events that lie in it, on one clock."""

import sqlite3
import sys

import numpy as np
import pytest
from support.needs import module

import robopatient as rp
from experiments.benchmarks.simulated_study import write_session
from robopatient.errors import RecordError
from robopatient.record.schema import FILE_NAME
from robopatient.record.writer import RecordWriter

module("pandas", "study")


def test_presses_are_the_rows_of_presses_csv(recorded):
    presses = rp.read_session(recorded()).presses()
    assert list(presses["start_s"]) == pytest.approx([1.0, 3.0, 5.2, 7.6])
    assert list(presses["peak_newton"]) == [9.0, 18.0, 27.0, 14.0]
    assert list(rp.read_session(recorded(presses=False)).presses()) == list(presses)


def test_force_pain_voice_and_face_have_one_time_and_a_column_a_number(recorded):
    session = rp.read_session(recorded())
    force, pain, voice, face = session.force(), session.pain(), session.voice(), session.face()
    for table, rows in ((force, 2500), (pain, 2500), (voice, 1875), (face, 300)):
        assert next(iter(table)) == "t_s"
        assert len(table) == rows
        assert table["t_s"].iloc[0] == 0.0
        assert table["t_s"].iloc[-1] == pytest.approx(10.0, abs=0.04)
    assert force.loc[force["total_newton"].idxmax(), "t_s"] == pytest.approx(5.6, abs=0.01)
    assert force["cells_newton_3"].max() == pytest.approx(2.7)
    assert pain["components.nociception"].max() == pytest.approx(pain["nrs"].max())
    assert voice["level_dbfs"].max() > -30
    assert {"pspi", "au.AU4", "head_pitch_deg", "breath"} <= set(face)
    assert list(session.table("health")["frames"]) == [1000 * second for second in range(10)]


def test_a_span_in_which_nobody_saw_the_face_is_one_row_of_nan(unseen):
    face = rp.read_session(unseen).face()
    [gap] = np.flatnonzero(face["pspi"].isna())
    assert 3.1 < face["t_s"][gap] < 7.0
    assert face["t_s"].is_monotonic_increasing
    assert face["t_s"][gap + 1] - face["t_s"][gap - 1] == pytest.approx(3.9, abs=0.07)
    assert face.drop(index=gap)["au.AU4"].notna().all()


def test_events_tell_who_did_and_said_what_in_the_order_of_time(recorded):
    events = rp.read_session(recorded()).events()
    assert list(events["t_s"]) == pytest.approx([6.5, 6.5, 8.2])
    assert list(events["topic"]) == ["action", "note", "note"]
    assert events["text"][0] == "note patient asked to breathe out"
    assert list(events["source"]) == ["console", "operator", "face"]


def test_start_settings_and_length(recorded):
    session = rp.read_session(str(recorded()))
    assert session.duration_s == pytest.approx(10.0)
    assert session.start.session_id == "2026-03-14-092653-appendicitis"
    assert session.settings["patient"] == "appendicitis"
    assert session.settings["voice"]["block_frames"] == 256
    assert rp.read_session(recorded(stop=False)).duration_s == pytest.approx(9.996)
    assert "appendicitis, 10.0 s" in repr(session)


def test_trials_have_a_column_a_factor(tmp_path, recorded):
    write_session(tmp_path / "study", "P1", 1, 20, seed=3, force_s=0.0)
    trials = rp.read_session(tmp_path / "study").trials()
    assert trials["counts"].sum() == 20
    assert any(name.startswith("factor.") for name in trials)
    none = rp.read_session(recorded()).trials()
    assert len(none) == 0
    assert "response_value" in none


def test_what_is_no_record_or_a_damaged_one_is_named(tmp_path, recorded):
    with pytest.raises(RecordError, match=r"holds no record\.sqlite"):
        rp.read_session(tmp_path)
    text = tmp_path / "text" / FILE_NAME
    text.parent.mkdir()
    text.write_text("not a data base " * 100)
    with pytest.raises(RecordError, match="cannot be read"):
        rp.read_session(text)
    empty = tmp_path / "empty"
    empty.mkdir()
    with RecordWriter(empty, min_free_mb=1):
        pass
    with pytest.raises(RecordError, match="killed before its first commit"):
        rp.read_session(empty)
    whole = (recorded() / FILE_NAME).read_bytes()
    cut = tmp_path / "cut" / FILE_NAME
    cut.parent.mkdir()
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RecordError, match=str(cut)):
        rp.read_session(cut.parent).pain()
    with pytest.raises(RecordError, match="topics are"):
        rp.read_session(recorded()).table("weather")


def test_a_configuration_that_cannot_be_read_is_named(tmp_path, recorded):
    path = tmp_path / FILE_NAME
    path.write_bytes((recorded() / FILE_NAME).read_bytes())
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE start SET config_json = '{'")
    with pytest.raises(RecordError, match="no configuration"):
        _ = rp.read_session(tmp_path).settings


def test_without_pandas_the_command_that_brings_it_is_told(recorded, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    session = rp.read_session(recorded())
    assert session.duration_s > 9
    for table in (session.presses, session.pain, session.face, session.trials, session.events):
        with pytest.raises(rp.RobopatientError, match=r"pip install 'robopatient\[study\]'$"):
            table()
