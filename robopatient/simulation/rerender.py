"""The sound of a recorded session again from its record, and how it differs from the file that was kept."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from firmware_bridge.outputs import check_outputs
from robopatient.config import SessionConfig
from robopatient.errors import RecordError, require
from robopatient.record.reader import Record
from robopatient.record.schema import FILE_NAME
from robopatient.voice.rerender import rerender_record
from robopatient.voice.wav import write_wav

__all__ = ["SoundCheck", "rerender_session"]


class SoundCheck(NamedTuple):
    """A session's sound rendered again, beside ``kept``, the file that was recorded.

    ``words``: how often it speaks. ``kept_frames`` is None where there is no file; ``first_s`` is where the first of
    ``differing`` samples lies, or where the shorter one ends.
    """

    kept: Path
    frames: int
    seconds: float
    words: int
    kept_frames: int | None = None
    differing: int = 0
    first_s: float = 0.0

    @property
    def is_equal(self) -> bool:
        """Whether every sample is the one that was played."""
        return not self.differing and self.frames == self.kept_frames


def rerender_session(folder: Path, out: Path | None = None, force: bool = False) -> SoundCheck:
    """Render, compare with ``voice.wav`` where it is there, write where asked.

    Raises
    ------
    RecordError, OutputError
        When the record does not hold what is needed, or ``out`` cannot be written.
    """
    kept = folder / "voice.wav"
    read = [kept, folder / FILE_NAME]
    if out is not None:
        check_outputs([out], read, force)
    with Record(folder) as record:
        start = record.start
        config = msgspec.json.decode(start.config_json, type=SessionConfig)
        heard = record.table("heard", "block", "command_t_ns", "fresh", "hush")
        commands, spoken, loudness = (record.messages(topic) for topic in ("voice", "spoken", "loudness"))
    if not len(heard["block"]):
        raise RecordError(f"{folder}: nothing was heard in this session")
    pieces = list(rerender_record(config.voice, start.seed, heard, commands, spoken, loudness))
    samples = np.zeros(max(first + len(piece) for first, piece in pieces), np.float32)
    for first, piece in pieces:
        samples[first : first + len(piece)] = piece
    rate_hz = config.voice.sample_rate_hz
    if out is not None:
        write_wav(out, samples, rate_hz, force, read)
    found = SoundCheck(kept, len(samples), len(samples) / rate_hz, len(spoken))
    if not kept.exists():
        return found
    played: npt.NDArray[np.float32]
    played, _ = require("soundfile", "audio").read(kept, dtype="float32")
    count = min(len(played), len(samples))
    differing = np.flatnonzero(played[:count] != samples[:count])
    first = int(differing[0]) if differing.size else count
    return found._replace(kept_frames=len(played), differing=int(differing.size), first_s=first / rate_hz)
