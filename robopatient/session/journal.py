"""The journal: all inputs of the loop in the order in which it took them: bytes, ticks and actions.

Feeding a journal through a fresh ``Pipeline`` gives the same pain and the same expression bit for bit, because
nothing else enters the computation: no clock, no network, no actor.
"""

from __future__ import annotations

import contextlib
import os
import queue
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import msgspec

from robopatient.errors import RecordError
from robopatient.messages import OperatorAction

__all__ = ["Action", "Entry", "JournalGap", "JournalWriter", "Received", "Tick", "read_journal"]

FILE_NAME = "inputs.journal"
MAGIC = b"robopatient journal 1\n"
_HEAD = struct.Struct("<BqI")  # kind, t_ns, payload length
_BYTES, _TICK, _ACTION, _GAP = 1, 2, 3, 4
MAX_PAYLOAD = 1 << 20
"""A longer entry means a damaged file (assumption: a read from a serial port is at most a few kilobytes)."""
SYNC_INTERVAL_S = 1.0
CAPACITY_BYTES = 64_000_000
"""Held in memory while the disk refuses: about 25 minutes of a board at 1000 frames/s (40 kB/s, measured)."""


class Received(msgspec.Struct, frozen=True):
    """Bytes as they arrived from the board, at ``t_ns``."""

    t_ns: int
    data: bytes


class Tick(msgspec.Struct, frozen=True):
    """The loop looked at its inputs and acted, at ``t_ns``."""

    t_ns: int


class Action(msgspec.Struct, frozen=True):
    """The loop took an operator's action."""

    t_ns: int
    action: OperatorAction


class JournalGap(msgspec.Struct, frozen=True):
    """Here entries are missing: the disk refused for longer than they could be held; written at ``t_ns``."""

    t_ns: int
    bytes_lost: int


Entry = Received | Tick | Action | JournalGap


class JournalWriter:
    """Append entries from the loop without ever waiting for the disk.

    A thread writes. While the disk refuses (full, folder gone), what was written stays, the rest is held in memory and
    tried again every second. What could not be held is counted and leaves a ``JournalGap`` in its place.

    Parameters
    ----------
    capacity_bytes
        Held at most while the disk refuses.
    """

    def __init__(self, folder: Path, *, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self.error: OSError | None = None
        """Why nothing reaches the disk at the moment; None when all is well."""
        self.lost_bytes = 0
        """What could not be held, in all."""
        self._capacity_bytes = capacity_bytes
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._gap_bytes = 0
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        path = folder / FILE_NAME
        try:
            self._file = path.open("xb", buffering=0)
            self._file.write(MAGIC)
        except OSError as error:
            raise RecordError(f"{path}: cannot be created ({error.strerror}); choose another folder with --out") from (
                error
            )
        self._good_bytes = len(MAGIC)
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def received(self, t_ns: int, data: bytes) -> None:
        """Bytes from the board."""
        self._queue.put(_HEAD.pack(_BYTES, t_ns, len(data)) + data)

    def tick(self, t_ns: int) -> None:
        """One turn of the loop."""
        self._queue.put(_HEAD.pack(_TICK, t_ns, 0))

    def action(self, t_ns: int, action: OperatorAction) -> None:
        """What an operator did."""
        body = msgspec.msgpack.encode(action)
        self._queue.put(_HEAD.pack(_ACTION, t_ns, len(body)) + body)

    def close(self) -> None:
        """Write what is queued and close the file."""
        self._queue.put(None)
        self._thread.join(timeout=10.0)

    def _write(self) -> None:
        open_ended = True
        while open_ended:
            try:
                first = self._queue.get(timeout=SYNC_INTERVAL_S)
                while first is not None:
                    self._hold(first)
                    first = self._queue.get_nowait()
                open_ended = False
            except queue.Empty:
                pass
            self._flush()
            if open_ended:
                time.sleep(SYNC_INTERVAL_S / 4)
        self._file.close()

    def _hold(self, entry: bytes) -> None:
        """Keep an entry until it is on the disk; the oldest make room when there is too much."""
        self._held.append(entry)
        self._held_bytes += len(entry)
        while self._held_bytes > self._capacity_bytes:
            lost = len(self._held.popleft())
            self._held_bytes -= lost
            self._gap_bytes += lost
            self.lost_bytes += lost

    def _flush(self) -> None:
        """Write what is held and sync it; after a failure the file ends again where its last whole entry ended."""
        if not self._held:
            return
        mark = b""
        if self._gap_bytes:
            body = msgspec.msgpack.encode(self._gap_bytes)
            mark = _HEAD.pack(_GAP, time.monotonic_ns(), len(body)) + body
        data = memoryview(mark + b"".join(self._held))
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:]) or 0
            os.fsync(self._file.fileno())
        except OSError as error:
            self.error = error
            with contextlib.suppress(OSError):  # the folder is gone: there is nothing to cut
                self._file.truncate(self._good_bytes)
                self._file.seek(self._good_bytes)
            return
        self._good_bytes += len(data)
        self._held.clear()
        self._held_bytes = self._gap_bytes = 0
        self.error = None


def read_journal(folder: Path) -> Iterator[Entry]:
    """Entries in order; a tail cut off by a crash is left out.

    Raises
    ------
    RecordError
        When the file is absent or is no journal.
    """
    path = folder / FILE_NAME
    try:
        file = path.open("rb")
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}); is this the folder of a session?") from error
    with file:
        if file.read(len(MAGIC)) != MAGIC:
            raise RecordError(f"{path}: is not a journal of this version (it should begin with {MAGIC!r})")
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            kind, t_ns, length = _HEAD.unpack(head)
            if length > MAX_PAYLOAD:
                raise RecordError(f"{path}: entry at byte {file.tell()} claims {length} bytes; the file is damaged")
            body = file.read(length)
            if len(body) < length:
                return
            if kind == _BYTES:
                yield Received(t_ns, body)
            elif kind == _TICK:
                yield Tick(t_ns)
            elif kind == _ACTION:
                yield Action(t_ns, msgspec.msgpack.decode(body, type=OperatorAction))
            elif kind == _GAP:
                yield JournalGap(t_ns, msgspec.msgpack.decode(body, type=int))
            else:
                raise RecordError(f"{path}: unknown entry kind {kind} before byte {file.tell()}; the file is damaged")
