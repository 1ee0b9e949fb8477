"""The Facial Action Coding System as this project uses it: names, intensities 0-5, PSPI."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ACTION_UNITS", "AU43_CLOSED", "PAIN_ACTION_UNITS", "pspi", "pspi_no_au43"]

ACTION_UNITS: dict[str, str] = {
    "AU1": "inner brow raiser",
    "AU2": "outer brow raiser",
    "AU4": "brow lowerer",
    "AU5": "upper lid raiser",
    "AU6": "cheek raiser",
    "AU7": "lid tightener",
    "AU9": "nose wrinkler",
    "AU10": "upper lip raiser",
    "AU11": "nasolabial deepener",
    "AU12": "lip corner puller",
    "AU14": "dimpler",
    "AU15": "lip corner depressor",
    "AU16": "lower lip depressor",
    "AU17": "chin raiser",
    "AU18": "lip pucker",
    "AU20": "lip stretcher",
    "AU21": "neck tightener",
    "AU22": "lip funneler",
    "AU23": "lip tightener",
    "AU24": "lip pressor",
    "AU25": "lips part",
    "AU26": "jaw drop",
    "AU27": "mouth stretch",
    "AU28": "lip suck",
    "AU43": "eyes closed",
    "AU45": "blink",
}
"""Facial action units of the rig. Head (AU51-58) and gaze (AU61-64) travel as degrees, see ``FacePose``."""

PAIN_ACTION_UNITS = ("AU4", "AU6", "AU7", "AU9", "AU10", "AU12", "AU20", "AU25", "AU26", "AU43")
"""Units seen in pain: PSPI's own and those of Prkachin 1992 and PainChek (facts sheet face_rendering, 7)."""

AU43_CLOSED = 2.5
"""AU43 intensity from which the lids count as closed in PSPI (assumption: the middle of the 0-5 scale)."""


def pspi(au: Mapping[str, float]) -> float:
    """Pain intensity shown by a face, 0 to 16 (Prkachin and Solomon 2008; AU43 counts as 0 or 1).

    Parameters
    ----------
    au
        Intensities 0-5 by name; absent units are 0.
    """
    return pspi_no_au43(au) + (1.0 if au.get("AU43", 0.0) >= AU43_CLOSED else 0.0)


def pspi_no_au43(au: Mapping[str, float]) -> float:
    """PSPI without eye closure, 0 to 15: a different quantity, as older code bases report it."""
    return (
        au.get("AU4", 0.0) + max(au.get("AU6", 0.0), au.get("AU7", 0.0)) + max(au.get("AU9", 0.0), au.get("AU10", 0.0))
    )
