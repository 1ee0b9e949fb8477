"""What is done with a board alone: stream, tare, record to files, self-test, a note kept on it."""

from __future__ import annotations

import csv
import math
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from firmware_bridge import wire
from firmware_bridge.board import Board, LinkHealth
from firmware_bridge.boards.serial import SerialBoard
from firmware_bridge.errors import BoardError, BridgeError
from firmware_bridge.frames import RawFrame
from firmware_bridge.outputs import new_files

__all__ = [
    "CHUNK",
    "FLASH_HELP",
    "SelfTestReport",
    "read_chunks",
    "record",
    "self_test",
    "stream",
    "tare",
    "write_note",
]

CHUNK = struct.Struct("<QI")
"""Head of each chunk of a .bytes file: host monotonic ns of its receipt, length; the bytes as received follow."""
FIRST_SAMPLE_S = 5.0
"""An Uno's boot loader takes up to 3 s after the port is opened."""
READ_TIMEOUT_S = 0.01
NOTE_S = 3.0
FIRMWARE = Path(__file__).resolve().parent / "firmware"
FLASH_HELP = f"""\
The tools (Debian, Ubuntu):  sudo apt install gcc-avr avr-libc avrdude make
Which port:                  robopatient board list
Arduino Uno or Nano with four HX711:
  make -C {FIRMWARE} flash PORT=/dev/ttyACM0
Arduino Mega with nine:
  make -C {FIRMWARE} flash PORT=/dev/ttyACM0 MCU=atmega2560 CELLS=9
Amplifiers or FSR on the analogue inputs: add SENSOR=amplifier or SENSOR=fsr; another baud rate: BAUD=115200
A rater (dial and buttons):
  make -C {FIRMWARE} flash PORT=/dev/ttyACM0 DEVICE=rater
The board gets a serial number of its own. Then:  robopatient board selftest --board /dev/ttyACM0
Wiring, parts and other boards: docs/howto/firmware.md"""
STEADY_FACTOR = 5.0
"""A tare is refused when the spread of its 80 or more samples exceeds 5 times the noise between neighbours."""
MIN_TARE_SAMPLES = 80
SELF_TEST_S = 5.0
"""It is asked for 2 s after the start."""


def stream(board: Board, duration_s: float) -> Iterator[tuple[int, bytes, list[RawFrame]]]:
    """Open a board, keep it alive, and hand out (received_ns, bytes, frames) until time is up; then close it.

    Parameters
    ----------
    duration_s
        From the first sample; 0: until interrupted.

    Raises
    ------
    BridgeError
        When it cannot be opened or no sample comes within 5 s.
    """
    board.open()
    try:
        first_ns: int | None = None
        opened_ns = time.monotonic_ns()
        while True:
            data = board.read(READ_TIMEOUT_S)
            now_ns = time.monotonic_ns()
            frames = board.frames(now_ns, data) if data else []
            board.poll(now_ns)
            if frames and first_ns is None:
                first_ns = now_ns
            yield now_ns, data, frames
            if first_ns is None and now_ns - opened_ns > FIRST_SAMPLE_S * 1e9:
                health = board.health()
                raise BoardError(f"{board.name}: no sample in {FIRST_SAMPLE_S:g} s ({health.state}: {health.detail})")
            if first_ns is not None and duration_s and now_ns - first_ns >= duration_s * 1e9:
                return
    finally:
        board.close()


class SelfTestReport(NamedTuple):
    """What a board found when it tested itself, and ``findings`` in words: none when it passed."""

    health: LinkHealth
    ident: wire.Ident
    test: wire.SelfTest
    findings: list[str]


def tare(board: Board, duration_s: float = 1.0) -> dict[str, Any]:
    """Measure the counts of the untouched cells.

    Returns
    -------
    dict
        ``offset_counts``, ``sd_counts`` (both per cell), ``samples``, ``uid``.

    Raises
    ------
    BoardError
        When a cell does not convert, too few samples came, or the plate was touched meanwhile.
    """
    rows: list[tuple[int, ...]] = []
    ready = -1
    for _, _, frames in stream(board, duration_s):
        rows.extend(frame.counts for frame in frames)
        for frame in frames:
            ready &= frame.ready_mask
    if len(rows) < MIN_TARE_SAMPLES:
        raise BoardError(
            f"{board.name}: {len(rows)} samples are too few for a tare; give --duration 2 or a higher rate"
        )
    counts = np.array(rows, dtype=np.float64)
    sd = counts.std(axis=0)
    # Neighbouring samples differ by noise alone, whatever slow force is on the plate.
    noise = np.diff(counts, axis=0).std(axis=0) / math.sqrt(2)
    for cell in range(counts.shape[1]):
        if not ready >> cell & 1:
            raise BoardError(f"{board.name}: cell {cell + 1} did not convert; check its wires, then tare again")
        if sd[cell] > STEADY_FACTOR * max(noise[cell], 1.0):
            raise BoardError(
                f"{board.name}: cell {cell + 1} moved (sd {sd[cell]:.0f} counts, noise {noise[cell]:.0f}); "
                "take the hands off the plate, then tare again"
            )
    return {
        "offset_counts": counts.mean(axis=0).round(1).tolist(),
        "sd_counts": sd.round(1).tolist(),
        "samples": len(rows),
        "uid": board.health().uid,
    }


def record(board: Board, out: Path, duration_s: float = 0.0, force: bool = False) -> LinkHealth:
    """Write the bytes as received to ``out``.bytes and the decoded counts to ``out``.csv.

    What was received before a failure is kept.

    Raises
    ------
    BridgeError
        When a file exists and ``force`` is not given, cannot be written, or as ``stream``.
    """
    bytes_path, csv_path = out.with_name(out.name + ".bytes"), out.with_name(out.name + ".csv")
    try:
        with (
            new_files(bytes_path, csv_path, force=force, keep_partial=True) as (raw_part, table_part),
            raw_part.open("wb") as raw,
            table_part.open("w", newline="", encoding="utf-8") as table,
        ):
            writer = csv.writer(table)
            columns = 0
            try:
                for now_ns, data, frames in stream(board, duration_s):
                    if data:
                        raw.write(CHUNK.pack(now_ns, len(data)) + data)
                    if frames and not columns:
                        columns = len(frames[0].counts)
                        writer.writerow(_header(columns))
                    writer.writerows(_row(frame) for frame in frames)
            except KeyboardInterrupt:
                pass
    except OSError as error:
        raise BridgeError(
            f"{error.filename or out}: cannot be written ({error.strerror}); choose another --out"
        ) from error
    return board.health()


def self_test(board: Board) -> SelfTestReport:
    """Let the board test itself.

    Raises
    ------
    BoardError
        When the driver has no self-test or the board does not answer.
    """
    if not isinstance(board, SerialBoard):
        raise BoardError(f"{board.name}: this driver has no self-test; type: robopatient board monitor")
    for _ in stream(board, SELF_TEST_S):
        if board.conversation.self_test is not None and board.conversation.note is not None:
            break
    test, ident = board.conversation.self_test, board.conversation.ident
    if test is None or ident is None:
        raise BoardError(f"{board.name}: no answer to the self-test; its firmware may be older than this program")
    findings = [f"{words}{_cells(mask, ident.n_channels)}" for words, mask in _findings(test, ident.n_channels)]
    return SelfTestReport(board.health(), ident, test, findings)


def write_note(board: Board, text: str) -> str:
    """Have a board keep a note on its calibration file; returns why it does not, "" when it does.

    Raises
    ------
    BridgeError
        When it cannot be opened or does not stream.
    """
    if not isinstance(board, SerialBoard):
        return "this driver keeps none"
    board.conversation.ask(wire.Command.CAL_SET, text.encode("ascii", "replace")[: wire.MAX_BLOB_BYTES])
    for _ in stream(board, NOTE_S):
        while board.conversation.answers:
            answer = board.conversation.answers.popleft()
            if answer.command == wire.Command.CAL_SET:
                known = {code.value: code.name for code in wire.AckCode}
                return "" if answer.code == wire.AckCode.OK else known.get(answer.code, "no answer")
    return "no answer"


def _findings(test: wire.SelfTest, n_channels: int) -> list[tuple[str, int]]:
    """What failed, and the mask of the cells concerned."""
    everything = (1 << n_channels) - 1
    told = (
        ("not ready: check the data wire and the supply", everything & ~test.ready_mask),
        ("saturated: overloaded, or a wire of the bridge is off", test.saturated_mask),
        ("stuck: 64 equal conversions", test.stuck_mask),
        ("conversions are off by more than 5 % of their rate", 0),
        ("the note in the EEPROM is damaged: type robopatient board calibrate", 0),
    )
    return [row for bit, row in enumerate(told) if test.failures >> bit & 1]


def _cells(mask: int, n_channels: int) -> str:
    numbers = [str(cell + 1) for cell in range(n_channels) if mask >> cell & 1]
    return f" (cell {', '.join(numbers)})" if numbers else ""


def read_chunks(path: Path) -> Iterator[tuple[int, bytes]]:
    """(received_ns, bytes) of a .bytes file; a last chunk that was cut short is left out."""
    data = path.read_bytes()
    at = 0
    while at + CHUNK.size <= len(data):
        received_ns, length = CHUNK.unpack_from(data, at)
        at += CHUNK.size
        if at + length > len(data):
            return
        yield received_ns, data[at : at + length]
        at += length


def _header(n_channels: int) -> list[str]:
    cells = [f"count{cell + 1}" for cell in range(n_channels)]
    return ["t_ns", "received_ns", "board_us", "seq", "epoch", "status", "ready_mask", "saturated_mask", *cells]


def _row(frame: RawFrame) -> list[int]:
    head = [frame.t_ns, frame.received_ns, frame.board_us, frame.seq, frame.epoch]
    return [*head, frame.status, frame.ready_mask, frame.saturated_mask, *frame.counts]
