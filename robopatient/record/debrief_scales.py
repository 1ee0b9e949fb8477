"""Clinical scales read off what the patient showed, item by item, and the trainee's ratings beside them.

Where a threshold turns a face or a voice into a grade it is an assumption of ours, named here; no total is ever made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from robopatient.facs import AU43_CLOSED, intensity
from robopatient.messages import Rating
from robopatient.record.latency import AUDIBLE_DBFS, Table, action_units
from robopatient.record.visibility import row_gaps
from robopatient.scales import SCALES

__all__ = ["Graded", "Pair", "grade_items", "own_numbers", "pair_ratings"]

WINDOW_S = 10.0
"""A rating is compared with the worst moment of so long before it (assumption: what a rater has in mind)."""
FROWN_PSPI, GRIMACE_PSPI = 2.0, 8.0
"""PSPI from which the face is tense, and from which it grimaces (assumption: an eighth and half of the scale)."""
CALLS = {"sigh": 1, "gasp": 1, "mm": 1, "suppressed": 1, "grunt": 2, "moan": 2, "groan": 2, "whimper": 2}
CALLS |= dict.fromkeys(("ah", "ow", "ouch", "cry", "scream"), 3)
"""Gestures of the voice from slight to severe; breathing is none."""


class Graded(msgspec.Struct, frozen=True):
    """An item's grade and what it rests on; NaN where the patient cannot show it, and ``why`` says so."""

    scale: str
    item: str
    value: float
    why: str


class Pair(msgspec.Struct, frozen=True):
    """A rating and the truth beside it."""

    t_s: float
    rater: str
    scale: str
    given: float
    truth: float


def grade_items(seen: Table, heard: Table, begin_ns: int, end_ns: int) -> list[Graded]:
    """Every item of the observational scales over a stretch of time, at its worst moment.

    Parameters
    ----------
    seen
        The pictures that were shown: the face is graded at the worst of them, and left open without any.
    """
    shown = (seen["t_ns"] >= begin_ns) & (seen["t_ns"] < end_ns)
    sounded = (heard["t_ns"] >= begin_ns) & (heard["t_ns"] < end_ns) & (heard["level_dbfs"] > AUDIBLE_DBFS)
    pspi = seen["pspi"][shown]
    most = int(np.argmax(pspi)) if len(pspi) else -1
    strongest = float(pspi[most]) if len(pspi) else math.nan
    closed = len(pspi) > 0 and intensity(action_units(seen, np.flatnonzero(shown)[most]), "AU43") >= AU43_CLOSED
    calls = set(heard["call"][sounded])
    worst_call = max(calls, key=lambda call: CALLS.get(call, 0), default="")
    strength = CALLS.get(worst_call, 0)
    cries = np.isin(heard["call"].astype(str), ("cry", "scream")) & sounded
    often = int((np.diff(cries.astype(np.int8), prepend=0) == 1).sum()) > 1
    unseen_s = sum(last_ns - first_ns for first_ns, last_ns in row_gaps(seen["t_ns"], begin_ns, end_ns)) * 1e-9
    face_why = "the face was not shown"
    if len(pspi):
        missing = f"; not shown for {unseen_s:.0f} s" if unseen_s else ""
        face_why = f"PSPI up to {strongest:.1f}{', eyes shut' if closed else ''}{missing}"
    voice_why = f"strongest sound: {worst_call}" if strength else "no sound of pain"
    grades: list[Graded] = []
    for name, scale in SCALES.items():
        if name in ("NRS", "PSPI"):
            continue
        for item in scale.items:
            if item.missing:
                grades.append(Graded(name, item.name, math.nan, item.missing))
            elif item.name == "face":
                grades.append(Graded(name, "face", _face(name, strongest, closed), face_why))
            elif not len(heard["t_ns"]):
                grades.append(Graded(name, item.name, math.nan, "the record holds no sound"))
            else:
                cried = strength == 3 and (often or name == "CPOT")
                value = float(strength if name == "Abbey" else 2 if cried else min(1, strength))
                grades.append(Graded(name, item.name, value, voice_why))
    return grades


def pair_ratings(ratings: Sequence[Rating], pain: Table, seen: Table, heard: Table, start_ns: int) -> list[Pair]:
    """Each rating of pain with the worst moment of the ten seconds before it; marks of the examination are left out.

    A rating of the face has no truth when the face was not visible for a part of that time.
    """
    pairs = []
    for rating in sorted(ratings, key=lambda rating: rating.t_ns):
        scale, _, item = rating.scale.partition(".")
        begin_ns = rating.t_ns - round(WINDOW_S * 1e9)
        if scale == "OSCE":
            continue
        unseen = bool(row_gaps(seen["t_ns"], max(begin_ns, start_ns), rating.t_ns))
        if scale == "NRS":
            truth = _most(pain, "nrs", begin_ns, rating.t_ns)
        elif unseen and (scale == "PSPI" or item == "face"):
            truth = math.nan
        elif scale == "PSPI":
            truth = _most(seen, "pspi", begin_ns, rating.t_ns)
        else:
            grades = grade_items(seen, heard, begin_ns, rating.t_ns)
            truth = next((each.value for each in grades if (each.scale, each.item) == (scale, item)), math.nan)
        pairs.append(Pair((rating.t_ns - start_ns) * 1e-9, rating.rater, rating.scale, rating.value, truth))
    return pairs


def own_numbers(pairs: Sequence[Pair], trainee: str) -> list[Pair]:
    """The NRS that the trainee gave, by the console's key or at a dial that says so (``rater.who``)."""
    return [pair for pair in pairs if pair.scale == "NRS" and pair.rater in ("trainee", trainee)]


def _face(scale: str, pspi: float, closed: bool) -> float:
    if not math.isfinite(pspi):
        return math.nan
    tense, grimace = pspi >= FROWN_PSPI, pspi >= GRIMACE_PSPI
    match scale:
        case "BPS":
            return 4.0 if grimace and closed else 3.0 if grimace or closed else 2.0 if tense else 1.0
        case "CPOT":
            return 2.0 if grimace and closed else 1.0 if tense else 0.0
        case "Abbey":
            return 3.0 if pspi >= 1.5 * GRIMACE_PSPI else 2.0 if grimace else 1.0 if tense else 0.0
    return 2.0 if grimace else 1.0 if tense else 0.0


def _most(table: Table, column: str, begin_ns: int, end_ns: int) -> float:
    within = (table["t_ns"] >= begin_ns) & (table["t_ns"] < end_ns)
    return float(table[column][within].max()) if within.any() else math.nan
