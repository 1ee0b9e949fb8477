"""Stimuli of the face study: a silent grimace that follows the force."""

from __future__ import annotations

from robopatient.study.study import StudyFile
from robopatient.study.trials import FaceStimulus, Factors, Person, Stimulus

__all__ = ["stimulus"]


def stimulus(study: StudyFile, person: Person, factors: Factors) -> Stimulus:
    """A face that shows its pain at the target force, and less below."""
    del person
    newton = float(factors["force_newton"])
    low, high = study.constants["band"]
    return Stimulus(
        trigger_newton=study.constants["contact_newton"],
        target_low_newton=low * newton,
        target_high_newton=high * newton,
        face=FaceStimulus(
            mode="pressed",
            nrs=float(factors["pain"]),
            expressiveness=float(factors["expressiveness"]),
            full_newton=newton,
        ),
        react_s=1.0,  # a face comes later and goes more slowly than a sound
    )
