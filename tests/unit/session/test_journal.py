from __future__ import annotations

import pytest

from robopatient.errors import RecordError
from robopatient.messages import OperatorAction
from robopatient.session.journal import Action, JournalWriter, Received, Tick, read_journal

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
