"""A training session in a handful of figures: what ``debrief.json`` holds and sessions are compared by."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np

from robopatient.config import SessionConfig
from robopatient.messages import SessionStart, SessionStop
from robopatient.record.debrief_scales import Pair, own_numbers
from robopatient.record.osce import Examination

__all__ = ["FILE_NAME", "Figures", "figures_of", "read_figures", "replace", "write_figures"]

FILE_NAME = "debrief.json"


class Figures(msgspec.Struct, frozen=True):
    """One session; None where there was nothing to measure. The names are those of ``Examination``.

    ``face_unseen_s``: how long the face was not visible.
    """

    session_id: str
    wall_time_iso: str
    trainee: str
    instructor: str
    patient: str
    scenario: str
    duration_s: float
    ended: str
    presses: int = 0
    light_regions: int = 0
    deep_regions: int = 0
    light_before_deep: int = 0
    regions_before_pain: int = -1
    first_distance_mm: float | None = None
    peak_newton: float = 0.0
    worst_nrs: float = 0.0
    painful_presses: int = 0
    shown_touched_s: float = 0.0
    shown_median_newton: float | None = None
    eased_ms: float | None = None
    pressed_on: int = 0
    begun_while_shown: int = 0
    unseen_presses: int = 0
    face_unseen_s: float = 0.0
    ratings: tuple[Pair, ...] = ()

    @property
    def own_ratings(self) -> list[Pair]:
        """The trainee's own numbers: neither the instructor's, nor those of somebody else at the dial."""
        return own_numbers(self.ratings, self.trainee)

    @property
    def rating_error(self) -> float | None:
        """Mean of the trainee's NRS less the pain that was felt; None without a rating."""
        errors = [pair.given - pair.truth for pair in self.own_ratings]
        return float(np.mean(errors)) if errors else None


def figures_of(
    start: SessionStart,
    config: SessionConfig,
    examination: Examination,
    pairs: list[Pair],
    duration_s: float,
    stop: SessionStop | None,
    face_unseen_s: float,
) -> Figures:
    """The figures of an examined session."""
    return Figures(
        session_id=start.session_id,
        wall_time_iso=start.wall_time_iso,
        trainee=config.training.trainee,
        instructor=config.training.instructor,
        patient=config.patient,
        scenario=config.scenario,
        duration_s=duration_s,
        ended=stop.reason if stop else "not ended",
        presses=examination.presses,
        light_regions=examination.light_regions,
        deep_regions=examination.deep_regions,
        light_before_deep=examination.light_before_deep,
        regions_before_pain=examination.regions_before_pain,
        first_distance_mm=_known(examination.first_distance_mm),
        peak_newton=examination.peak_newton,
        worst_nrs=examination.worst_nrs,
        painful_presses=examination.painful_presses,
        shown_touched_s=examination.shown_touched_s,
        shown_median_newton=_known(examination.shown_median_newton),
        eased_ms=_known(examination.eased_ms),
        pressed_on=examination.pressed_on,
        begun_while_shown=examination.begun_while_shown,
        unseen_presses=examination.unseen_presses,
        face_unseen_s=face_unseen_s,
        ratings=tuple(pair for pair in pairs if math.isfinite(pair.truth)),
    )


def write_figures(figures: Figures, folder: Path) -> None:
    """Write ``debrief.json``."""
    replace(folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(figures), indent=1))


def replace(path: Path, data: bytes) -> None:
    """Write a small file so that it is either the old or the new one, whatever happens."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(data)
    beside.replace(path)


def read_figures(folder: Path) -> Figures | None:
    """Figures of a session's folder; None when there are none that this version can read."""
    try:
        return msgspec.json.decode((folder / FILE_NAME).read_bytes(), type=Figures)
    except (OSError, msgspec.DecodeError):
        return None


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
