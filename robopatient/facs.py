"""The Facial Action Coding System as this project uses it: names, intensities 0-5, PSPI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = [
    "ACTION_UNITS",
    "AU43_CLOSED",
    "PAIN_ACTION_UNITS",
    "by_side",
    "intensity",
    "pspi",
    "pspi_no_au43",
    "sides",
    "unit_of_name",
    "units_in",
]

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


def unit_of_name(name: str) -> str:
    """Action unit that a name means, with or without its side: "AU6" of "AU6", "AU6L" and "AU6R"."""
    return name[:-1] if name[-1:] in ("L", "R") else name


def units_in(au: Mapping[str, float]) -> list[str]:
    """Action units that are named, each once, sides left out, in the order of ``ACTION_UNITS``; others come last."""
    order = list(ACTION_UNITS)
    found = dict.fromkeys(map(unit_of_name, au))
    return sorted(found, key=lambda unit: order.index(unit) if unit in ACTION_UNITS else len(order))


def sides(au: Mapping[str, float], unit: str) -> tuple[float, float]:
    """Intensity 0-5 of a unit on the patient's left and right, as it is drawn; 0 where it is absent.

    "AU6" means both sides; "AU6L" or "AU6R" takes its place on one side, also when it is weaker.
    """
    both = au.get(unit, 0.0)
    return au.get(f"{unit}L", both), au.get(f"{unit}R", both)


def intensity(au: Mapping[str, float], unit: str) -> float:
    """Intensity 0-5 of a unit as one number: that of its stronger side.

    Assumption: FACS scores each side of an asymmetric action (Ekman, Friesen and Hager 2002), PSPI wants one number.
    """
    return max(sides(au, unit))


def by_side(au: Mapping[str, float], units: Iterable[str]) -> dict[str, float]:
    """Three columns a unit, as every table has them: "AU6" is its stronger side, "AU6L" and "AU6R" are its sides."""
    columns: dict[str, float] = {}
    for unit in units:
        columns[unit] = intensity(au, unit)
        columns[f"{unit}L"], columns[f"{unit}R"] = sides(au, unit)
    return columns


def pspi(au: Mapping[str, float]) -> float:
    """Pain intensity shown by a face, 0 to 16 (Prkachin and Solomon 2008; AU43 counts as 0 or 1).

    Parameters
    ----------
    au
        Intensities 0-5 by name; absent units are 0, of a one-sided one the stronger side counts (``intensity``).
    """
    return pspi_no_au43(au) + (1.0 if intensity(au, "AU43") >= AU43_CLOSED else 0.0)


def pspi_no_au43(au: Mapping[str, float]) -> float:
    """PSPI without eye closure, 0 to 15: a different quantity, as older code bases report it."""
    orbit = max(intensity(au, "AU6"), intensity(au, "AU7"))
    levator = max(intensity(au, "AU9"), intensity(au, "AU10"))
    return intensity(au, "AU4") + orbit + levator
