from __future__ import annotations

import errno
import os
import time

import pytest

from robopatient.errors import RecordError
from robopatient.messages import OperatorAction
from robopatient.session.journal import Action, JournalGap, JournalWriter, Received, Tick, read_journal

ENTRIES = [
    Received(10, b"\x00\x01\x02"),
    Tick(12),
    Action(13, OperatorAction(13, "note", "a remark: ß", source="keys")),
    Received(14, b""),
    Tick(-1),
]


def write(folder, entries=ENTRIES):
    writer = JournalWriter(folder)
    for entry in entries:
        match entry:
            case Received(t_ns, data):
                writer.received(t_ns, data)
            case Tick(t_ns):
                writer.tick(t_ns)
            case Action(t_ns, action):
                writer.action(t_ns, action)
    writer.close()
    assert writer.error is None
    return folder / "inputs.journal"


def test_entries_come_back_in_order(tmp_path):
    write(tmp_path)
    assert list(read_journal(tmp_path)) == ENTRIES


def test_a_tail_cut_off_at_any_byte_loses_only_the_last_entries(tmp_path):
    path = write(tmp_path)
    whole = path.read_bytes()
    for cut in range(len(whole) - 1, len(whole) - 40, -1):
        path.write_bytes(whole[:cut])
        entries = list(read_journal(tmp_path))
        assert entries == ENTRIES[: len(entries)]
        assert len(entries) >= 2


def test_a_foreign_file_is_refused(tmp_path):
    (tmp_path / "inputs.journal").write_bytes(b"something else entirely")
    with pytest.raises(RecordError, match="is not a journal"):
        list(read_journal(tmp_path))


def test_damage_is_named_with_its_place(tmp_path):
    path = write(tmp_path)
    path.write_bytes(path.read_bytes() + b"\x63" + bytes(12))
    with pytest.raises(RecordError, match="unknown entry kind 99"):
        list(read_journal(tmp_path))


def test_a_folder_without_a_journal_is_named(tmp_path):
    with pytest.raises(RecordError, match=r"inputs\.journal: cannot be read"):
        list(read_journal(tmp_path))


def test_a_journal_is_never_overwritten(tmp_path):
    write(tmp_path)
    with pytest.raises(RecordError, match="--out"):
        JournalWriter(tmp_path)


def refuse(writer, monkeypatch, written):
    """A disk that takes so many bytes more and then has no room, until the patch is undone."""
    real, left = writer._file.write, [written]

    class Full:
        def __getattr__(self, name):
            return getattr(file, name)

        def write(self, data):
            taken = real(data[: left[0]]) if left[0] else 0
            left[0] -= taken
            if taken < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return taken

    file = writer._file
    monkeypatch.setattr(writer, "_file", Full())


def wait_for(condition):
    end_s = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < end_s, "it never came"
        time.sleep(0.01)


@pytest.mark.parametrize("written", [0, 1, 13, 40])
def test_a_disk_that_is_full_for_a_while_costs_no_entry(tmp_path, monkeypatch, written):
    writer = JournalWriter(tmp_path)
    writer.tick(1)
    wait_for(lambda: writer._good_bytes > 30)
    refuse(writer, monkeypatch, written)
    for t_ns in range(2, 8):
        writer.received(t_ns, bytes(20))
    wait_for(lambda: writer.error is not None)
    assert [entry.t_ns for entry in read_journal(tmp_path)] == [1], "the file ends with its last whole entry"
    monkeypatch.undo()
    writer.tick(8)
    writer.close()
    assert writer.error is None
    assert list(read_journal(tmp_path)) == [Tick(1), *(Received(t_ns, bytes(20)) for t_ns in range(2, 8)), Tick(8)]


def test_what_could_not_be_held_leaves_a_gap_of_its_size(tmp_path, monkeypatch):
    writer = JournalWriter(tmp_path, capacity_bytes=70)
    writer.tick(1)
    wait_for(lambda: writer._good_bytes > 30)
    refuse(writer, monkeypatch, 0)
    for t_ns in range(2, 8):
        writer.received(t_ns, bytes(20))
    wait_for(lambda: writer.error is not None)
    monkeypatch.undo()
    writer.close()
    first, gap, *kept = read_journal(tmp_path)
    assert first == Tick(1)
    assert isinstance(gap, JournalGap)
    assert gap.bytes_lost == writer.lost_bytes == 4 * 33
    assert kept == [Received(6, bytes(20)), Received(7, bytes(20))]
