import os
import sqlite3
import time

import numpy as np
import pytest

from robopatient import messages as m
from robopatient.clock import FakeClock
from robopatient.errors import RecordError
from robopatient.record.reader import Record
from robopatient.record.writer import RecordWriter


def note(index: int) -> m.Note:
    return m.Note(index, "info", "test", f"note {index}")


def wait_for(condition, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def test_the_file_is_in_wal_mode_and_synced_fully_and_readable_while_written(tmp_path):
    with RecordWriter(tmp_path, min_free_mb=1) as writer:
        writer.put(note(1))
        with Record(tmp_path) as record:
            wait_for(lambda: record.messages("note"))
            assert record.messages("note") == [note(1)]
            assert record.stop is None
        with sqlite3.connect(tmp_path / "record.sqlite") as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert writer._connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_closing_writes_all_that_was_put(tmp_path):
    writer = RecordWriter(tmp_path, min_free_mb=1)
    for index in range(5000):
        writer.put(note(index))
    writer.close()
    writer.close()
    with Record(tmp_path) as record:
        assert record.messages("note") == [note(index) for index in range(5000)]


def test_an_overflow_is_counted_and_noted(tmp_path):
    writer = RecordWriter(tmp_path, min_free_mb=1, clock=FakeClock(7), capacity=10)
    for index in range(1000):
        writer.put(note(index))
    writer.close()
    with Record(tmp_path) as record:
        notes = record.messages("note")
    said = [n for n in notes if n.source == "record"]
    kept = [n for n in notes if n.source == "test"]
    assert writer.lost == 1000 - len(kept) > 0
    assert all(n.level == "error" and n.t_ns == 7 and "messages lost" in n.text for n in said)
    assert sum(int(n.text.split()[0]) for n in said) == writer.lost


def test_a_message_that_cannot_be_recorded_is_noted_and_loses_no_other(tmp_path):
    with RecordWriter(tmp_path, min_free_mb=1) as writer:
        writer.put(note(1))
        writer.put("no message at all")
        writer.put(m.ForceFrame(0, 0, 0, ("much",)))
        writer.put(m.PainState(0, 0, "much", "", "rest"))
        writer.put(note(2**63))
        writer.put(note(2))
    with Record(tmp_path) as record:
        notes = record.messages("note")
    assert [n.t_ns for n in notes if n.source == "test"] == [1, 2]
    assert writer.lost == 4
    assert sum("could not be recorded" in n.text for n in notes) == 4


def test_a_file_name_that_is_not_utf8_does_not_stop_the_record(tmp_path):
    with RecordWriter(tmp_path, min_free_mb=1) as writer:
        writer.put(m.Note(1, "info", "test", "caf\udce9.npz"))
    with Record(tmp_path) as record:
        assert [n.text for n in record.messages("note")] == [r"caf\udce9.npz"]


def test_numbers_of_numpy_are_recorded_as_numbers(tmp_path):
    frame = m.ForceFrame(np.int64(5), 5, np.int32(1), tuple(np.array([1.5, 2.5])), (np.float64(1), np.float32(2)))
    with RecordWriter(tmp_path, min_free_mb=1) as writer:
        writer.put(frame)
    with Record(tmp_path) as record:
        assert record.messages("force") == [m.ForceFrame(5, 5, 1, (1.5, 2.5), (1.0, 2.0))]


def test_a_record_is_never_overwritten(tmp_path):
    RecordWriter(tmp_path, min_free_mb=1).close()
    with pytest.raises(RecordError, match=r"record\.sqlite: is there already and is never overwritten; .*--out"):
        RecordWriter(tmp_path, min_free_mb=1)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RecordError, match=r"file/session: no record can be written there .*--out"):
        RecordWriter(tmp_path / "file" / "session")


def test_too_little_free_space_is_refused_with_the_numbers(tmp_path):
    with pytest.raises(RecordError, match=r"MB free, 999999999 asked for; .*min_free_mb"):
        RecordWriter(tmp_path, min_free_mb=999_999_999)


def readable(folder):
    """Whether the writer has laid out its tables."""
    try:
        Record(folder).close()
    except RecordError:
        return False
    return True


def test_a_file_that_somebody_removed_is_told(tmp_path):
    writer = RecordWriter(tmp_path, min_free_mb=1)
    (tmp_path / "record.sqlite").unlink()
    writer.put(note(1))
    wait_for(lambda: writer.error is not None)
    writer.close()
    assert "the file was removed" in str(writer.error)


def test_an_urgent_message_is_on_the_disk_when_its_event_is_set_and_all_before_it_too(tmp_path):
    with RecordWriter(tmp_path, min_free_mb=1) as writer:
        writer.put(note(0))
        safe = writer.put_now(note(1))
        assert safe.wait(10.0)
        with Record(tmp_path) as record:
            assert record.messages("note") == [note(0), note(1)]


@pytest.mark.skipif(os.name != "posix", reason="a file size limit stands for the full disk")
def test_an_urgent_message_that_the_disk_refuses_is_not_called_safe(tmp_path):
    with RecordWriter(tmp_path, min_free_mb=1) as writer:
        (tmp_path / "record.sqlite").unlink()
        safe = writer.put_now(note(1))
        wait_for(lambda: writer.error is not None)
        assert not safe.is_set()
