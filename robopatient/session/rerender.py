"""The verb ``voice rerender``: a session's sound again from its record, compared sample by sample with its file."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import numpy as np

from firmware_bridge.outputs import check_outputs, new_files
from robopatient.config import SessionConfig
from robopatient.errors import RecordError, require
from robopatient.record.reader import Record
from robopatient.record.schema import FILE_NAME
from robopatient.voice.rerender import rerender_record
from robopatient.voice.wav import WavWriter

__all__ = ["rerender"]


def rerender(folder: Path, out: Path | None, force: bool = False) -> int:
    """Render, compare with ``voice.wav`` where it is there, write where asked; return the exit status.

    Raises
    ------
    RecordError
        When the record does not hold what is needed, or ``out`` cannot be written.
    """
    read = [folder / "voice.wav", folder / FILE_NAME]
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
    if out is not None:
        with new_files(out, inputs=read, force=force) as (part,):
            file = WavWriter(part, config.voice.sample_rate_hz)
            file.append(samples)
            file.close()
    seconds = len(samples) / config.voice.sample_rate_hz
    words = f", {len(spoken)} times words" if spoken else ""
    kept = folder / "voice.wav"
    if not kept.exists():
        print(f"{seconds:.1f} s{words}; there is no {kept.name} to compare with", file=sys.stderr)
        return 0
    played, _ = require("soundfile", "audio").read(kept, dtype="float32")
    count = min(len(played), len(samples))
    differing = np.flatnonzero(played[:count] != samples[:count])
    if differing.size or len(played) != len(samples):
        first_s = (differing[0] if differing.size else count) / config.voice.sample_rate_hz
        print(
            f"{kept}: {differing.size} of {count} samples differ, the first at {first_s:.3f} s "
            f"(lengths {len(played)} and {len(samples)})",
            file=sys.stderr,
        )
        return 1
    print(f"{kept}: {seconds:.1f} s{words}, every sample as it was played", file=sys.stderr)
    return 0
