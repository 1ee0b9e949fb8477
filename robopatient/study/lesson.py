"""Training by ratings as a study: as many trials as ratings are wanted, each of them chosen by the learner.

This module is the study's own, as ``study.py`` is of a study in a folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

from robopatient.config import LessonConfig
from robopatient.study.chooser import LEARNER
from robopatient.study.study import DesignConfig, PressConfig, Study, StudyFile, TrialRules
from robopatient.study.trials import FaceStimulus, Factors, Person, Stimulus, Trial, TrialBlock, VoiceStimulus

__all__ = ["NAME", "blocks", "lesson_study", "stimulus"]

NAME = "lesson"
READY_S = 0.6
"""Hand off the abdomen so long before the window opens (assumption)."""
TOLD_S = 0.9
"""How long a word of thanks is shown at least (assumption)."""
BAND_SHARE = 0.12
"""Half width of the band over its middle: wide enough for an untrained hand (assumption)."""
RULES = TrialRules(band="advice", again="at once", undo="press", question="waits", between="patient")
"""What is learnt from is what a press came to, so none is lost that hurts; the patient is the session's own."""


def lesson_study(lesson: LessonConfig) -> Study:
    """The study of a training session; neither press nor answer has a time limit."""
    file = StudyFile(
        title="Training by ratings",
        version="1",
        question="signed",
        instructions="lesson",
        constants={"ratings": lesson.ratings},
        design=DesignConfig(break_every=lesson.break_every, break_s=lesson.break_s),
        press=PressConfig(ready_s=READY_S, window_s=0.0, early_s=0.0, pause_s=TOLD_S),
    )
    return Study(NAME, NAME, Path(lesson.folder), file, sys.modules[__name__], RULES)


def blocks(study: StudyFile, person: Person) -> list[TrialBlock]:
    """One block; a trial's number is that of its rating."""
    del person
    return [TrialBlock(NAME, (Trial({}, staircase=LEARNER),) * study.constants["ratings"])]


def stimulus(study: StudyFile, person: Person, factors: Factors) -> Stimulus:
    """A press of the force asked for, to which the session's own patient reacts."""
    del person
    middle = float(factors.get("force_newton", 0.0))
    return Stimulus(
        trigger_newton=study.press.hand_newton,
        target_low_newton=middle * (1.0 - BAND_SHARE),
        target_high_newton=middle * (1.0 + BAND_SHARE),
        voice=VoiceStimulus(mode="patient"),
        face=FaceStimulus(mode="patient"),
        question=str(factors.get("question", "")),
    )
