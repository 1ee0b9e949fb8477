"""What the gesture machine reads and keeps, laid out for compiled code: a command, a person, a body.

A command is checked where it is written: no voice is asked for what it cannot follow.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from robopatient.messages import VoiceCommand
from robopatient.voice.calls import CALLS

__all__ = ["BODY", "COMMAND", "PERSON", "PHASES", "empty_command", "write_command"]

PHASES = {"rest": 0, "onset": 1, "hold": 2, "release": 3}
"""Codes of ``VoiceCommand.phase``."""

COMMAND = np.dtype(
    [
        ("t_ns", "i8"),
        ("cause_seq", "i8"),
        ("received_ns", "i8"),
        ("nrs", "f8"),
        ("level_db", "f8"),
        ("f0_semitones", "f8"),
        ("roughness", "f8"),
        ("breathiness", "f8"),
        ("phase", "i8"),
        ("call", "i8"),
        ("hush", "i8"),
        ("duration_ratio", "f8"),
        ("formant_ratio", "f8"),
    ]
)
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
        ("lungs", "f8"),  # phase of idle breathing
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
    ask = command.ask
    slot[0] = (
        command.t_ns,
        command.cause_seq,
        command.received_ns,
        _finite(command.nrs, 0.0, 10.0),
        _finite(ask.level_db, -120.0, 0.0),
        _finite(ask.f0_semitones, -24.0, 48.0),
        _finite(ask.roughness, 0.0, 1.0),
        _finite(ask.breathiness, 0.0, 1.0),
        PHASES[command.phase],
        CALLS.get(ask.call, CALLS["auto"]),
        command.hush,
        _finite(ask.duration_ratio, 0.5, 2.0),
        _finite(ask.formant_ratio, 0.7, 1.4),
    )


def _finite(value: float, low: float, high: float) -> float:
    """The value within its limits; what is no number is the lowest."""
    return min(max(value, low), high) if math.isfinite(value) else low
