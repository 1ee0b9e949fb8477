"""PSPI itself as a judge: nothing is learnt. On this project's own units it checks the specification, no more."""

from __future__ import annotations

import numpy as np

from experiments.judges.clips import UNITS, Clip, pspi_of
from robopatient.face.generator.motion import MOTION_HZ
from robopatient.levels import MAX_NRS, MAX_PSPI

__all__ = ["ClosedForm", "dynamics"]

VISIBLE = 0.5
"""Intensity from which a unit counts as begun: half of FACS' trace."""


class ClosedForm:
    """Peak PSPI over the clip's first instant, stretched to 0 to 10."""

    kind = "closed-form"
    sense = "face"
    task = "pain"

    def fit(self, clips: list[Clip], seed: int) -> None:
        """Nothing to learn."""

    def predict(self, clips: list[Clip]) -> np.ndarray:
        """Shape (clips,)."""
        return np.array([pspi_of(clip.au).max() for clip in clips]) * (MAX_NRS / MAX_PSPI)

    def weights(self) -> dict[str, np.ndarray]:
        """None."""
        return {}

    def restore(self, weights: dict[str, np.ndarray]) -> None:
        """Nothing to restore."""


def dynamics(clip: Clip) -> dict[str, float]:
    """Onset of each unit after the pain's (s); of PSPI the largest velocity (1/s) and the root mean square jerk."""
    begun = np.flatnonzero(clip.pain > 0.0)
    start = begun[0] if begun.size else 0
    found = {}
    for index, unit in enumerate(UNITS):
        shown = np.flatnonzero(clip.au[start:, index] - clip.au[start, index] >= VISIBLE)
        found[f"{unit}_onset_s"] = float(shown[0] / MOTION_HZ) if shown.size else float("nan")
    course = pspi_of(clip.au)
    found["peak_velocity_per_s"] = float(np.max(np.diff(course), initial=0.0) * MOTION_HZ)
    found["jerk_rms_per_s3"] = float(np.sqrt(np.mean(np.diff(course, 3) ** 2)) * MOTION_HZ**3)
    return found
