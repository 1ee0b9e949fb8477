"""The sound of a session as a WAV file that is whole at any moment, also after a kill -9.

32-bit float mono, so that the file holds the very samples that the engine made. The header is brought up to date
once a second; a file that is already there is continued, because a restarted voice must not wipe what was played.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from firmware_bridge.outputs import new_files
from robopatient.errors import RecordError

__all__ = ["WavWriter", "read_samples", "write_wav"]

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sII4sI")
_SIZE_LIMIT = 0xFFFFFFFF - 4096
"""A RIFF chunk's size field ends here, after six hours; the samples go on and readers find them by the file's size."""
_BYTES = 4
_FLOAT_FORMAT = 3


class WavWriter:
    """Appends samples to a WAV file.

    Attributes
    ----------
    frames
        Samples in the file, those of an earlier process included.

    Raises
    ------
    RecordError
        When the file cannot be opened or written, or is not one of ours.
    """

    def __init__(self, path: Path, sample_rate_hz: int) -> None:
        self.path = path
        self._sample_rate_hz = sample_rate_hz
        self.frames = 0
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            size = os.fstat(self._file).st_size
        except OSError as error:
            raise RecordError(
                f"{path}: cannot be written ({error.strerror}); choose another folder with --out"
            ) from error
        if size >= _HEADER.size:
            if os.pread(self._file, _HEADER.size, 0)[20:28] != self._header()[20:28]:
                os.close(self._file)
                raise RecordError(f"{path}: is not a 32-bit float WAV of {sample_rate_hz} Hz; move it away")
            self.frames = (size - _HEADER.size) // _BYTES
        self.flush()

    def append(self, samples: npt.NDArray[np.float32]) -> None:
        """Write samples of any shape behind what is there."""
        data = np.ascontiguousarray(samples, np.float32).tobytes()
        offset = _HEADER.size + self.frames * _BYTES
        try:
            while data:
                written = os.pwrite(self._file, data, offset)
                data, offset = data[written:], offset + written
        except OSError as error:
            raise RecordError(f"{self.path}: sound is no longer recorded ({error.strerror})") from error
        self.frames = (offset - _HEADER.size) // _BYTES

    def flush(self) -> None:
        """Bring the header up to date."""
        try:
            os.pwrite(self._file, self._header(), 0)
        except OSError as error:
            raise RecordError(f"{self.path}: cannot be written ({error.strerror})") from error

    def close(self) -> None:
        """Leave a whole file behind."""
        try:
            self.flush()
        finally:
            os.close(self._file)

    def _header(self) -> bytes:
        size = min(self.frames * _BYTES, _SIZE_LIMIT)
        return _HEADER.pack(
            *(b"RIFF", size + _HEADER.size - 8, b"WAVE"),
            *(b"fmt ", 16, _FLOAT_FORMAT, 1, self._sample_rate_hz, self._sample_rate_hz * _BYTES, _BYTES, 32),
            *(b"fact", 4, size // _BYTES, b"data", size),
        )


def read_samples(path: Path, sample_rate_hz: int) -> npt.NDArray[np.float32]:
    """Samples of a file that ``WavWriter`` wrote, shape (n,), read from the disk as they are looked at.

    Raises
    ------
    RecordError
        When it cannot be read or is not one of ours.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER.size)
        count = (path.stat().st_size - _HEADER.size) // _BYTES
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror})") from error
    fields = _HEADER.unpack(head) if len(head) == _HEADER.size else ()
    if len(fields) < 8 or fields[5] != _FLOAT_FORMAT or fields[7] != sample_rate_hz:
        raise RecordError(f"{path}: is not a 32-bit float WAV of {sample_rate_hz} Hz, as sessions write them")
    if not count:
        return np.zeros(0, np.float32)
    return np.memmap(path, np.dtype("<f4"), "r", offset=_HEADER.size, shape=(count,))


def write_wav(
    out: Path,
    samples: npt.NDArray[np.float32],
    sample_rate_hz: int,
    force: bool = False,
    inputs: Iterable[Path | str] = (),
) -> None:
    """Write a WAV file, whole or not at all.

    Raises
    ------
    OutputError
        As ``firmware_bridge.outputs.new_files``.
    """
    with new_files(out, inputs=inputs, force=force) as (part,):
        file = WavWriter(part, sample_rate_hz)
        file.append(samples)
        file.close()
