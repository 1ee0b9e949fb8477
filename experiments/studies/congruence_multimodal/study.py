"""Stimuli of the multimodal study: one expression, parted into voice and face by gain and delay (``split.py``)."""

from __future__ import annotations

from robopatient.levels import MAX_NRS
from robopatient.study.study import StudyFile
from robopatient.study.trials import FaceStimulus, Factors, Person, Stimulus, VoiceStimulus

__all__ = ["stimulus"]


def stimulus(study: StudyFile, person: Person, factors: Factors) -> Stimulus:
    """Voice and face as strong as the force asks for, each with its own gain, one of them late."""
    del person
    constants = study.constants
    newton, lag_ms = float(factors["force_newton"]), float(factors["lag_ms"])
    low, high = constants["band"]
    full_newton = constants["full_newton"]
    return Stimulus(
        trigger_newton=constants["contact_newton"],
        target_low_newton=low * newton,
        target_high_newton=high * newton,
        voice=VoiceStimulus(
            mode="pressed",
            level_db=constants["level_db"],
            f0_semitones=constants["f0_semitones"],
            nrs=MAX_NRS,
            roughness=0.2,
            breathiness=0.1,
            full_newton=full_newton,
        ),
        face=FaceStimulus(mode="pressed", nrs=MAX_NRS, full_newton=full_newton),
        voice_gain=float(factors["voice_gain"]),
        face_gain=float(factors["face_gain"]),
        voice_delay_ms=max(0.0, lag_ms),
        face_delay_ms=max(0.0, -lag_ms),
        react_s=1.0 + abs(lag_ms) * 1e-3,
    )
