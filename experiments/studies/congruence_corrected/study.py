"""Stimuli of the corrected congruence study: a voice that follows the force, level and f0 each by itself."""

from __future__ import annotations

from typing import Any

from experiments.studies.voices import blocks_with_voice as blocks
from experiments.studies.voices import voice_of
from robopatient.errors import ConfigError
from robopatient.levels import INAUDIBLE_DB, gain_to_db, hz_to_semitones
from robopatient.study.study import StudyFile
from robopatient.study.trials import Factors, Person, Stimulus, VoiceStimulus

__all__ = ["blocks", "session", "stimulus"]


def session(study: StudyFile, person: Person) -> dict[str, Any]:
    """The session's voice."""
    return {"voice": {"identity": study.constants["voices"][voice_of(study, person)]}}


def stimulus(study: StudyFile, person: Person, factors: Factors) -> Stimulus:
    """A call as loud as asked at the target force, softer below; its f0 is moved alone."""
    constants = study.constants
    sound, newton = str(factors["sound"]), float(factors["force_newton"])
    if sound not in study.factors["sound"]:
        raise ConfigError(f"sound {sound}: is none of {', '.join(map(str, study.factors['sound']))}")
    trim_db = constants.get("loudness_db", {}).get(voice_of(study, person), {}).get(sound, 0.0)
    low, high = constants["band"]
    return Stimulus(
        trigger="threshold",
        trigger_newton=constants["contact_newton"],
        target_low_newton=low * newton,
        target_high_newton=high * newton,
        voice=VoiceStimulus(
            mode="pressed",
            level_db=max(INAUDIBLE_DB, min(0.0, gain_to_db(float(factors["amplitude"])) + trim_db)),
            f0_semitones=constants["f0_semitones"] + hz_to_semitones(float(factors["pitch"]), 1.0),
            nrs=constants["nrs"],
            roughness=0.2,
            breathiness=0.1,
            call=sound,
            full_newton=newton,
        ),
        react_s=0.4,
    )
