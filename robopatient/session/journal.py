"""The journal: all inputs of the loop in the order in which it took them: bytes, ticks and actions.

Feeding a journal through a fresh ``Pipeline`` gives the same pain and the same expression bit for bit, because
nothing else enters the computation: no clock, no network, no actor.
"""

from __future__ import annotations

import os
import queue
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from robopatient.errors import RecordError
from robopatient.messages import OperatorAction

__all__ = ["Action", "Entry", "JournalWriter", "Received", "Tick", "read_journal"]

FILE_NAME = "inputs.journal"
MAGIC = b"robopatient journal 1\n"
_HEAD = struct.Struct("<BqI")  # kind, t_ns, payload length
_BYTES, _TICK, _ACTION = 1, 2, 3
MAX_PAYLOAD = 1 << 20
"""A longer entry means a damaged file (assumption: a read from a serial port is at most a few kilobytes)."""
SYNC_INTERVAL_S = 1.0


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


Entry = Received | Tick | Action


class JournalWriter:
    """Append entries from the loop without ever waiting for the disk.

    A thread writes; ``error`` holds the first failure (disk full, folder gone). What was written before it stays.
    """

    def __init__(self, folder: Path) -> None:
        self.error: OSError | None = None
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        path = folder / FILE_NAME
        try:
            self._file = path.open("xb")
        except OSError as error:
            raise RecordError(f"{path}: cannot be created ({error.strerror}); choose another folder with --out") from (
                error
            )
        self._file.write(MAGIC)
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
            parts: list[bytes] = []
            try:
                first = self._queue.get(timeout=SYNC_INTERVAL_S)
                while first is not None:
                    parts.append(first)
                    first = self._queue.get_nowait()
                open_ended = False
            except queue.Empty:
                pass
            if self.error is None:
                try:
                    self._file.write(b"".join(parts))
                    self._file.flush()
                    os.fsync(self._file.fileno())
                except OSError as error:
                    self.error = error
            if open_ended:
                time.sleep(SYNC_INTERVAL_S / 4)
        self._file.close()


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
            else:
                raise RecordError(f"{path}: unknown entry kind {kind} before byte {file.tell()}; the file is damaged")
