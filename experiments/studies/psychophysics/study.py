"""Stimuli of the magnitude estimation: a sound, a grimace, or nothing but the press itself."""

from __future__ import annotations

from robopatient.errors import ConfigError
from robopatient.levels import gain_to_db
from robopatient.study.designs import factorial, insert_repeats, williams_row
from robopatient.study.study import StudyFile
from robopatient.study.trials import FaceStimulus, Factors, Person, Stimulus, Trial, TrialBlock, VoiceStimulus

__all__ = ["blocks", "stimulus"]


def blocks(study: StudyFile, person: Person) -> list[TrialBlock]:
    """A block for each modality, in the order that a Williams square gives this person; each has levels of its own."""
    rng = person.rng()
    modalities = study.factors["modality"]
    design = study.design
    made = []
    for place in williams_row(len(modalities), person.number):
        modality = str(modalities[place])
        levels = tuple(float(level) for level in study.constants["intensity"][modality])
        trials = [
            Trial({"modality": modality, **trial.factors}, trial.kind)
            for trial in factorial({"intensity": levels}, rng, study.constants["replications"], design.max_run)
        ]
        count = round(design.repeats_share * len(trials))
        made.append(TrialBlock(modality, tuple(insert_repeats(trials, rng, count, design.repeat_gap, design.max_run))))
    return made


def stimulus(study: StudyFile, person: Person, factors: Factors) -> Stimulus:
    """A reaction of one strength to a press that is always the same, or a press whose strength is what is asked."""
    del person
    modality, intensity = str(factors["modality"]), float(factors["intensity"])
    press = study.constants["press"]
    low, high = press["band"]
    if modality == "force":
        low, high = (share * intensity for share in press["force_band"])
        return Stimulus(trigger_newton=2.0, target_low_newton=low, target_high_newton=high)
    if modality == "voice":
        return Stimulus(
            trigger_newton=press["trigger_newton"],
            target_low_newton=low,
            target_high_newton=high,
            voice=VoiceStimulus(
                mode="once", level_db=gain_to_db(intensity), f0_semitones=10.0, nrs=6.0, call="ah", duration_s=0.8
            ),
            react_s=1.0,
        )
    if modality == "face":
        return Stimulus(
            trigger_newton=press["trigger_newton"],
            target_low_newton=low,
            target_high_newton=high,
            face=FaceStimulus(mode="once", nrs=intensity, duration_s=1.0),
            react_s=1.3,
        )
    raise ConfigError(f"modality {modality}: is none of voice, face, force")
