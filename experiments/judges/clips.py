"""What is judged: clips of action units or of sound with the pain behind them, and the lineage of what made them.

A lineage names a source and everything that it learnt from, so that no judge scores its own teacher.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from robopatient.face.generator.motion import MOTION_HZ
from robopatient.facs import AU43_CLOSED, PAIN_ACTION_UNITS

__all__ = ["GRADES_NRS", "NO_FACE", "NO_SOUND", "UNITS", "Clip", "course_of", "pspi_of"]

UNITS: tuple[str, ...] = (*PAIN_ACTION_UNITS, "AU1", "AU2")
"""Columns of every clip: the ten units seen in pain and the raised brows of the third archetype."""
NO_FACE = np.zeros((0, len(UNITS)), np.float32)
GRADES_NRS = (0.0, 2.0, 4.5, 6.5, 9.0)
"""Centres of the five grades of pain between which a judge divides its belief."""
SILENT_DBFS = -60.0
NO_SOUND = np.zeros(0, np.float32)


class Clip(msgspec.Struct, frozen=True):
    """One stretch of one face, of one voice, or of both.

    Attributes
    ----------
    lineage
        Source first, then everything that it learnt from.
    au
        Intensities 0 to 5 at 30 frames a second, shape (frames, 12), columns ``UNITS``, the stronger side
        as in FACS scoring; ``NO_FACE`` without one.
    pain
        Pain behind it, NRS 0 to 10, 30 a second, shape (frames,).
    sound, rate_hz
        Voice, mono, shape (samples,); ``NO_SOUND`` without one.
    session, rating
        Session that it belongs to and the one rating that the whole of it got, NRS; nan where none was given.
    """

    person: str
    name: str
    lineage: tuple[str, ...]
    au: np.ndarray
    pain: np.ndarray
    sound: np.ndarray = NO_SOUND
    rate_hz: int = 0
    session: str = ""
    rating: float = math.nan

    @property
    def nrs(self) -> float:
        """Label: the largest pain of the clip."""
        return float(self.pain.max())


def course_of(clip: Clip, sense: str) -> np.ndarray:
    """What is shown at every frame of ``pain``: PSPI of the face, or the level of the voice in dB over -60 dBFS."""
    if sense == "face":
        return pspi_of(clip.au)
    per = clip.rate_hz / MOTION_HZ
    power = np.add.reduceat(clip.sound.astype(float) ** 2, (np.arange(len(clip.pain)) * per).astype(int)) / per
    level_db: np.ndarray = 10.0 * np.log10(power + 1e-12) - SILENT_DBFS
    return np.maximum(level_db, 0.0)


def pspi_of(au: np.ndarray) -> np.ndarray:
    """PSPI of every frame (``facs.pspi``), shape (frames,)."""
    au4, au6, au7, au9, au10, au43 = (au[:, UNITS.index(unit)] for unit in ("AU4", "AU6", "AU7", "AU9", "AU10", "AU43"))
    found: np.ndarray = au4 + np.maximum(au6, au7) + np.maximum(au9, au10) + (au43 >= AU43_CLOSED)
    return found
