import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

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


WRITE_UNTIL_KILLED = """
import sys, pathlib, time
from robopatient import messages as m
from robopatient.record.writer import RecordWriter
writer = RecordWriter(pathlib.Path(sys.argv[1]), min_free_mb=1)
for index in range(10**9):
    writer.put(m.Note(index, "info", "test", f"note {index}"))
    time.sleep(0.0005)
"""


def test_after_kill_9_everything_committed_is_readable(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", WRITE_UNTIL_KILLED, str(tmp_path)])
    try:
        wait_for(lambda: (tmp_path / "record.sqlite-wal").exists() and readable(tmp_path))
        with Record(tmp_path) as record:
            wait_for(lambda: len(record.messages("note")) > 200)
            committed = len(record.messages("note"))
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    with Record(tmp_path) as record:
        notes = record.messages("note")
        assert len(notes) >= committed
        assert notes == [note(index) for index in range(len(notes))]
        assert record.stop is None
        assert record._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


FILL_THE_DISK = """
import pathlib, resource, sys, time
from robopatient import messages as m
from robopatient.record.writer import RecordWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
writer = RecordWriter(pathlib.Path(sys.argv[1]), min_free_mb=1)
index = 0
while writer.error is None:
    writer.put(m.Note(index, "info", "test", f"note {index}"))
    index += 1
    time.sleep(0.00002)
print(index, writer.error, flush=True)
time.sleep(0.2)
if sys.argv[2] == "and free it":
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.close()
print(writer.error)
"""


def fill_the_disk(folder: Path, then: str) -> tuple[int, str, str]:
    """How many were put, the error while the disk was full, the error after closing; Linux only."""
    done = subprocess.run(
        [sys.executable, "-c", FILL_THE_DISK, str(folder), then], capture_output=True, text=True, check=True, timeout=60
    )
    first, after = done.stdout.splitlines()
    count, _, error = first.partition(" ")
    return int(count), error, after


@pytest.mark.skipif(os.name != "posix", reason="a file size limit stands for the full disk")
def test_a_full_disk_is_told_and_what_was_written_stays_readable(tmp_path):
    count, error, after = fill_the_disk(tmp_path, "and leave it so")
    assert "record.sqlite: cannot be written" in error
    assert "free space there" in error
    assert "cannot be written" in after
    with Record(tmp_path) as record:
        notes = record.messages("note")
    assert 0 < len(notes) < count
    assert notes == [note(index) for index in range(len(notes))]


@pytest.mark.skipif(os.name != "posix", reason="a file size limit stands for the full disk")
def test_when_the_disk_has_room_again_nothing_is_lost(tmp_path):
    count, _, after = fill_the_disk(tmp_path, "and free it")
    assert after == "None"
    with Record(tmp_path) as record:
        notes = record.messages("note")
    assert [n for n in notes if n.source == "test"] == [note(index) for index in range(count)]
    assert any("could not be written" in n.text for n in notes)


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
