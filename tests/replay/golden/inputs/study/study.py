"""Stimuli of the golden study, written as docs/studies.md of 0.1 says."""

from __future__ import annotations

from robopatient.study.study import StudyFile
from robopatient.study.trials import FaceStimulus, Factors, Person, Stimulus, VoiceStimulus


def stimulus(study: StudyFile, person: Person, factors: Factors) -> Stimulus:
    """A cry and a grimace that follow the force, loud or soft."""
    del person
    loud = float(factors["loud"])
    newton = float(factors["force_newton"])
    return Stimulus(
        trigger_newton=study.constants["contact_newton"],
        voice=VoiceStimulus(mode="pressed", level_db=-24.0 + 18.0 * loud, f0_semitones=10.0, full_newton=newton),
        face=FaceStimulus(mode="once", nrs=3.0 + 5.0 * loud, duration_s=0.4),
        react_s=0.5,
    )
