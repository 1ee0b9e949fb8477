"""The words of the data dictionary: unit and meaning of every column, from field names, docstrings and two tables."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache

import msgspec

from robopatient.levels import FLAGS

__all__ = ["meaning_of", "summary_of", "unit_of"]

UNITS = {
    "newton_per_s": "N/s",
    "newton": "N",
    "semitones": "semitones",
    "dbfs": "dBFS",
    "hz": "Hz",
    "ns": "ns",
    "us": "us",
    "ms": "ms",
    "mm": "mm",
    "db": "dB",
    "deg": "degrees",
    "nrs": "NRS 0-10",
    "pspi": "PSPI 0-16",
    "components": "NRS 0-10",
    "au": "FACS 0-5",
    "roughness": "0-1",
    "breathiness": "0-1",
    "breath": "0-1",
    "flush": "-1 to 1",
    "sweat": "0-1",
    "tears": "0-1",
    "expressiveness": "0-2",
    "s": "s",
}
"""Unit by the last words of a field's name, longest match first."""

MEANINGS = {
    "t_ns": "host monotonic time of the moment it happened",
    "received_ns": "host monotonic time at which the force frame's bytes reached this computer",
    "seq": "sequence number of the force frame",
    "cause_seq": "sequence number of the force frame behind it",
    "cause_received_ns": "when the force frame behind it was received, host monotonic time",
    "rate_newton_per_s": "slope of the total force",
    "phase": "where in a press the patient is: rest, onset, hold, release",
    "peak_t_ns": "host monotonic time of the largest force",
    "peak_seq": "sequence number of the force frame at the peak",
    "release_t_ns": "host monotonic time at which the press ended",
    "peak_newton": "largest total force of the press",
    "rise_newton_per_s": "slope of the rise of the press",
    "x_mm": "centre of pressure, to the patient's left, mean over the frames above half the peak",
    "y_mm": "centre of pressure, towards the head, mean over the frames above half the peak",
    "region": "which of the nine regions of the abdomen was pressed",
    "flags": "words about the quality of the force: " + ", ".join(FLAGS),
    "policy": "mapper from pain to expression (with checkpoint hash)",
    "hush": "1: silence and a neutral face were ordered",
    "contact": "1: something touches the abdomen",
    "nrs": "pain on the numeric rating scale",
    "expressiveness": "0 stoic, 1 typical, 2 expressive",
    "f0_semitones": "offset from the voice's habitual speaking f0",
    "roughness": "irregularity of the voice",
    "breathiness": "share of breath noise in the voice",
    "call": "gesture of the voice",
    "underruns": "audio blocks that came too late, since the stream began",
    "frame": "index of the picture since the face began",
    "pspi": "pain intensity shown by the face (Prkachin and Solomon 2008); the stronger side of each unit counts",
    "action": "command from the operator: start, stop, tare, hush, unhush, note, quit, cue, ask, trigger, rating, …",
    "argument": "text of the command, for example of a note",
    "source": "who said it",
    "actor": "which process",
    "state": "starting, ready, degraded, stopped or failed",
    "detail": "why, in words",
    "pid": "process id on the host",
    "link": "disconnected, identifying, streaming, degraded, stale or safe",
    "board": "name of the sensor board",
    "frame_rate_hz": "force frames that arrive each second",
    "frames": "force frames received since the link was opened",
    "frames_lost": "force frames missing by sequence number",
    "frames_bad": "frames refused by checksum or shape",
    "clock_residual_ms": "error of the mapping from the board's clock to the host's",
    "loop_missed": "ticks that the control loop skipped",
    "loop_late_p99_us": "99th percentile of how late the control loop woke",
    "running": "1: the patient expresses",
    "hushed": "1: hush is on",
    "warnings": "what the session warns about now",
    "level": "info, warning or error",
    "text": "the note itself",
    "wall_time_iso": "date and time of day at the start, ISO 8601",
    "session_id": "name of the session",
    "version": "version of robopatient",
    "commit": "commit of the source, where it is known",
    "seed": "seed of all that is drawn at random",
    "config_json": "the resolved configuration: enough to run the session again",
    "calibration_json": "calibration of the cells in use",
    "machine": "the computer: cores, system, Python",
    "reason": "how it ended: done, operator, interrupted, failed",
    "total_newton": "sum over the cells",
}
"""Meanings of the fields whose messages do not explain them under ``Attributes``."""


def summary_of(kind: type[msgspec.Struct]) -> str:
    """First paragraph of a message's docstring, as plain text."""
    return _plain((inspect.getdoc(kind) or "").partition("\n\n")[0])


def unit_of(name: str) -> str:
    """Unit by the last words of a column's name; "" for words and counts."""
    for suffix, unit in UNITS.items():
        if name == suffix or name.endswith(f"_{suffix}"):
            return unit
    return ""


def meaning_of(owner: type[msgspec.Struct], name: str) -> str:
    """What the docstring's ``Attributes`` say, else the common meaning; a nested field's name carries its prefix."""
    said = _attributes(owner)
    for candidate in _without_prefixes(name):
        if candidate in said:
            return said[candidate]
    return next((MEANINGS[candidate] for candidate in _without_prefixes(name) if candidate in MEANINGS), "")


def _without_prefixes(name: str) -> Iterator[str]:
    """The name, then the name less its first word, and so on: ``ask_level_db``, ``level_db``, ``db``."""
    words = name.split("_")
    return ("_".join(words[start:]) for start in range(len(words)))


@cache
def _attributes(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Meanings by field from the ``Attributes`` section of a numpy docstring."""
    _, _, section = (inspect.getdoc(kind) or "").partition("Attributes\n----------\n")
    meanings: dict[str, str] = {}
    for block in re.split(r"\n(?=\S)", section):
        heading, _, body = block.partition("\n")
        for name in heading.split(","):
            meanings[name.strip()] = _plain(body)
    return meanings


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "").split())
