"""Stimuli of the synchrony study: a cry or a grimace at a force, late by what the staircase asks for."""

from __future__ import annotations

import msgspec

from robopatient.errors import ConfigError
from robopatient.study.study import StudyFile, general_blocks
from robopatient.study.trials import FaceStimulus, Factors, Person, Stimulus, TrialBlock, VoiceStimulus

__all__ = ["blocks", "stimulus"]

CHANNELS = ("voice", "face")


def blocks(study: StudyFile, person: Person) -> list[TrialBlock]:
    """The interleaved staircases; each trial knows its channel."""
    return [
        TrialBlock(
            block.name,
            tuple(
                msgspec.structs.replace(trial, factors={"channel": trial.staircase}) if trial.staircase else trial
                for trial in block.trials
            ),
        )
        for block in general_blocks(study, person)
    ]


def stimulus(study: StudyFile, person: Person, factors: Factors) -> Stimulus:
    """One channel reacts when the force passes the trigger, after the delay."""
    del person
    channel, delay_ms = str(factors["channel"]), float(factors["delay_ms"])
    if channel not in CHANNELS:
        raise ConfigError(f"channel {channel}: is none of {', '.join(CHANNELS)}")
    low, high = study.constants["band"]
    heard = VoiceStimulus(mode="once", level_db=-6.0, f0_semitones=10.0, nrs=6.0, call="ow", duration_s=0.5)
    seen = FaceStimulus(mode="once", nrs=8.0, duration_s=0.8)
    return Stimulus(
        trigger_newton=study.constants["trigger_newton"],
        target_low_newton=low,
        target_high_newton=high,
        voice=heard if channel == "voice" else VoiceStimulus(),
        face=seen if channel == "face" else FaceStimulus(),
        voice_delay_ms=delay_ms if channel == "voice" else 0.0,
        face_delay_ms=delay_ms if channel == "face" else 0.0,
        react_s=1.2 + delay_ms * 1e-3,
    )
