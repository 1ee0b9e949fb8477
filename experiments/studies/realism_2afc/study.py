"""Stimuli of the realism study: two films of the same pain, one after the other, and a forced choice."""

from __future__ import annotations

from pathlib import Path

from robopatient.errors import AssetError, ConfigError
from robopatient.folders import user_cache, user_path
from robopatient.study.study import StudyFile
from robopatient.study.trials import Factors, Person, Stimulus

__all__ = ["KINDS", "films_folder", "ready", "stimulus"]

KINDS = ("generated", "reference")


def films_folder(study: StudyFile) -> Path:
    """Where the films lie; without a folder of one's own, where ``films.py`` puts them."""
    own = str(study.constants["films"])
    return user_path(own).resolve() if own else user_cache() / "realism-films-1"


def ready(study: StudyFile, person: Person) -> None:
    """Every film must be there before a participant is."""
    del person
    folder = films_folder(study)
    missing = [
        str(path)
        for clip in study.factors["clip"]
        for kind in KINDS
        if not (path := folder / kind / f"{clip}.mp4").is_file()
    ]
    if missing:
        raise AssetError(
            f"{missing[0]}: no such film ({len(missing)} are missing); make them: python -m "
            "experiments.studies.realism_2afc.films, or name a folder of your own under constants.films"
        )


def stimulus(study: StudyFile, person: Person, factors: Factors) -> Stimulus:
    """Both films of a clip in the order of the trial; nobody presses."""
    del person
    first, clip = str(factors["first"]), str(factors["clip"])
    if first not in KINDS:
        raise ConfigError(f"first {first}: is none of {', '.join(KINDS)}")
    order = KINDS if first == KINDS[0] else KINDS[::-1]
    folder = films_folder(study)
    return Stimulus(
        trigger="begin",
        media=tuple(str(folder / kind / f"{clip}.mp4") for kind in order),
        react_s=2.0 * study.constants["clip_s"] + study.constants["gap_s"],
    )
