"""What the gesture machine reads and keeps, laid out for compiled code: a command, a person, a body.

A command is checked where it is written: no voice is asked for what it cannot follow.
"""

from __future__ import annotations

import math
import typing
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from robopatient.messages import Limits, VoiceCommand
from robopatient.voice.calls import CALLS

__all__ = ["BODY", "COMMAND", "PERSON", "PHASES", "empty_command", "write_command"]

PHASES = {"rest": 0, "onset": 1, "hold": 2, "release": 3}
"""Codes of ``VoiceCommand.phase``."""


class _Cell(NamedTuple):
    """One value of a command: its name and type in the layout, and how it is read from a ``VoiceCommand``."""

    name: str
    kind: str
    read: Callable[[Any], Any]


def _cells(kind: type[msgspec.Struct], path: str = "") -> Iterator[_Cell]:
    """The fields of a message in their order; those of a message in it follow in its place, under their own names."""
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        read, hint = attrgetter(path + field.name), hints[field.name]
        limits = next((extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Limits)), None)
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            yield from _cells(hint, f"{path}{field.name}.")
        elif field.name in CODES:
            yield _Cell(field.name, "i8", _code(read, *CODES[field.name]))
        elif hint in (int, bool):
            yield _Cell(field.name, "i8", read)
        elif limits is not None:
            yield _Cell(field.name, "f8", _limited(read, limits))
        else:
            raise TypeError(f"{kind.__name__}.{field.name}: is {hint}; write Annotated[float, Limits(low, high)]")


def _code(read: Callable[[Any], Any], codes: Mapping[str, int], other: int) -> Callable[[Any], int]:
    return lambda command: codes.get(read(command), other)


def _limited(read: Callable[[Any], Any], limits: Limits) -> Callable[[Any], float]:
    return lambda command: _finite(read(command), *limits)


CODES = {"phase": (PHASES, PHASES["rest"]), "call": (CALLS, CALLS["auto"])}
"""Fields that are words: the codes of the words, and that of an unknown one."""
_CELLS = tuple(_cells(VoiceCommand))
COMMAND = np.dtype([(cell.name, cell.kind) for cell in _CELLS])
"""A ``VoiceCommand`` with its ``VoiceAsk``, field by field."""
PERSON = np.dtype(
    [
        (name, "f8")
        for name in (
            "full_scale",
            "habitual_f0_hz",
            "tract_scale",
            "roughness",
            "breathiness",
            "tremor",
            "intonation",
            "temperature",
            "gasps",
            "breath",
            "breath_s",
            "full_flow_per_s",
            "stoicism",
            "refractory_s",
            "habituation",
            "subharmonics",
            "chaos",
            "modulation",
            "biphonation",
            "jumps",
        )
    ]
)
BODY = np.dtype(
    [
        ("state", "i8"),
        ("commanded", "i8"),  # whether any command has come yet
        ("age_s", "f8"),  # of the command
        ("t", "f8"),  # in the state
        ("length", "f8"),  # of the state
        ("nrs", "f8"),
        ("nrs_rate", "f8"),
        ("start_nrs", "f8"),  # at the start of the state
        ("top_nrs", "f8"),  # highest of this call
        ("peak", "f8"),  # highest pain since rest, 0 to 1
        ("level_db", "f8"),
        ("top_db", "f8"),  # highest since rest
        ("semitones", "f8"),
        ("rough", "f8"),
        ("breathy", "f8"),
        ("mouth", "f8"),
        ("formants", "f8"),  # over the person's own
        ("air", "f8"),
        ("attack", "f8"),
        ("burst", "f8"),
        ("whimper", "f8"),  # 1 while releasing with a whimper
        ("progress", "f8"),  # of the call, 0 to 1; a fall keeps it
        ("tremble", "f8"),  # its depth, smoothed
        ("released", "f8"),  # 1 when the fall is a release, 0 when it is only the end of a breath
        ("syllable", "f8"),
        ("refractory", "f8"),
        ("arousal", "f8"),
        ("lungs", "f8"),  # phase of idle breathing where no patient breathes
        ("chest", "f8"),  # of the patient, as told in the newest command
        ("chest_ns", "i8"),  # when
        ("flow_per_s", "f8"),  # how fast it rises, negative: falls
        ("air_flow", "f8"),  # that sounds: inward 0 to 1, outward to -1
        ("drift", "f8"),
        ("drift_to", "f8"),
        ("swell", "f8"),
        ("swell_to", "f8"),
        ("until_drift", "f8"),
        ("am_hz", "f8"),
        ("f0_hz", "f8"),
        ("roughness", "f8"),
        ("call", "i8"),
        ("kind", "i8"),  # of the call that sounds
        ("last", "i8"),  # of the call before
        ("held", "f8"),  # seconds that a suppressed call still holds its breath
        ("ch", "f8"),  # level of the "ch" of "ouch"
        ("habit", "f8"),  # 0 fresh, toward 1 with every press
        ("armed", "f8"),  # 1 while f0 is clear of F1
        ("jump", "f8"),  # of f0, semitones
        ("jump_s", "f8"),  # how long it lasts yet
        ("episodes", "f8", 3),  # subharmonics, chaos, biphonation: 0 off to 1 on
        ("episodes_to", "f8", 3),
        ("episodes_s", "f8", 3),  # until the next change
        ("ratio", "f8"),
        ("second_ratio", "f8"),
        ("master_to", "f8"),
        ("fade_s", "f8"),
        ("random", "u8"),
    ]
)


def empty_command() -> npt.NDArray[Any]:
    """Room for one command, shape (1,)."""
    return np.zeros(1, COMMAND)


def write_command(slot: npt.NDArray[Any], command: VoiceCommand) -> None:
    """Copy a command into a slot of ``empty_command`` shape, values that no voice can follow limited to what it can."""
    slot[0] = tuple([cell.read(command) for cell in _CELLS])


def _finite(value: float, low: float, high: float) -> float:
    """The value within its limits; what is no number is the lowest."""
    return min(max(value, low), high) if math.isfinite(value) else low
