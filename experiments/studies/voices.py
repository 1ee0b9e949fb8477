"""Studies whose sessions have one voice each: which one, and trials that say so."""

from __future__ import annotations

import msgspec

from robopatient.study.study import StudyFile, general_blocks
from robopatient.study.trials import Factors, Person, TrialBlock

__all__ = ["blocks_with_voice", "voice_of"]


def voice_of(study: StudyFile, person: Person) -> str:
    """Which of the study's voices this session has: odd participants begin with the first."""
    voices = list(study.constants["voices"])
    return str(voices[(person.number + person.session - 1) % len(voices)])


def blocks_with_voice(study: StudyFile, person: Person) -> list[TrialBlock]:
    """The general design, every trial with its voice."""
    voice: Factors = {"voice": voice_of(study, person)}
    return [
        TrialBlock(
            block.name,
            tuple(msgspec.structs.replace(trial, factors=voice | trial.factors) for trial in block.trials),
        )
        for block in general_blocks(study, person)
    ]
