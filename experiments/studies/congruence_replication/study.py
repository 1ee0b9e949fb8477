"""Stimuli of the replication: one sound when the force first reaches its threshold, at a gain and a playback rate."""

from __future__ import annotations

from typing import Any

from experiments.studies.congruence_replication.sounds import SPEAKERS, sounds_of, voice_file
from experiments.studies.voices import blocks_with_voice as blocks
from experiments.studies.voices import voice_of
from robopatient.errors import ConfigError
from robopatient.levels import gain_to_db, hz_to_semitones
from robopatient.study.study import StudyFile
from robopatient.study.trials import Factors, Person, Stimulus, VoiceStimulus
from robopatient.voice.identity import load_identity
from robopatient.voice.samples import STUDY_RATES

__all__ = ["blocks", "session", "stimulus"]

TAIL_S = 0.02
"""After the sound's end, before the voice is silenced: shorter than the pause after which it would sound again."""


def session(study: StudyFile, person: Person) -> dict[str, Any]:
    """The session's voice, which plays recordings."""
    return {"voice": {"identity": str(voice_file(voice_of(study, person), study.constants["sounds"]))}}


def stimulus(study: StudyFile, person: Person, factors: Factors) -> Stimulus:
    """One shot: the recording, at a gain and a playback rate."""
    voice = voice_of(study, person)
    known = sounds_of(voice, study.constants["sounds"])
    number = int(float(factors["sound"]))
    if not 1 <= number <= len(known):
        raise ConfigError(f"sound {number}: there are sounds 1 to {len(known)}")
    sound = known[number - 1]
    rate = float(factors["pitch"])
    played = min(STUDY_RATES, key=lambda one: abs(one - rate))
    f0_hz = rate * sound.f0_hz
    habitual_hz = load_identity(SPEAKERS[voice]).habitual_f0_hz
    return Stimulus(
        trigger="threshold",
        trigger_newton=float(factors["force_newton"]),
        voice=VoiceStimulus(
            mode="once",
            level_db=gain_to_db(float(factors["amplitude"])),
            f0_semitones=hz_to_semitones(f0_hz, habitual_hz) if f0_hz > 0.0 else 0.0,
            nrs=sound.nrs,
            duration_s=sound.duration_s / played + TAIL_S,
        ),
    )
