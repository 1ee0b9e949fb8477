"""Clinical scales read off what the patient showed, item by item, and the trainee's ratings beside them.

Where a threshold turns a face or a voice into a grade it is an assumption of ours, named here; no total is ever made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from robopatient.calls import STRENGTHS
from robopatient.facs import AU43_CLOSED, intensity
from robopatient.messages import Rating
from robopatient.record.latency import AUDIBLE_DBFS, Table, action_units
from robopatient.record.visibility import row_gaps
from robopatient.scales import SCALES

__all__ = ["Graded", "Pair", "grade_items", "own_numbers", "pair_ratings"]

NOT_GRADED = "not graded: robopatient has no rule for this item (FACES, VOICES in record/debrief_scales.py)"
WINDOW_S = 10.0
"""A rating is compared with the worst moment of so long before it (assumption: what a rater has in mind)."""
FROWN_PSPI, GRIMACE_PSPI = 2.0, 8.0
"""PSPI from which the face is tense, and from which it grimaces (assumption: an eighth and half of the scale)."""


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
    worst_call = max(calls, key=lambda call: STRENGTHS.get(call, 0), default="")
    strength = STRENGTHS.get(worst_call, 0)
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
            elif item.name == "face" and name in FACES:
                value = float(FACES[name](strongest, closed)) if math.isfinite(strongest) else math.nan
                grades.append(Graded(name, "face", value, face_why))
            elif item.name == "vocalisation" and name in VOICES:
                if len(heard["t_ns"]):
                    grades.append(Graded(name, item.name, float(VOICES[name](strength, often)), voice_why))
                else:
                    grades.append(Graded(name, item.name, math.nan, "the record holds no sound"))
            else:
                grades.append(Graded(name, item.name, math.nan, NOT_GRADED))
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


def _bps_face(pspi: float, closed: bool) -> int:
    if pspi >= GRIMACE_PSPI:
        return 4 if closed else 3
    return 3 if closed else 2 if pspi >= FROWN_PSPI else 1


def _cpot_face(pspi: float, closed: bool) -> int:
    return 2 if pspi >= GRIMACE_PSPI and closed else int(pspi >= FROWN_PSPI)


def _painad_face(pspi: float, _: bool) -> int:
    return int(pspi >= FROWN_PSPI) + int(pspi >= GRIMACE_PSPI)


def _abbey_face(pspi: float, closed: bool) -> int:
    return 3 if pspi >= 1.5 * GRIMACE_PSPI else _painad_face(pspi, closed)


FACES: dict[str, Callable[[float, bool], int]] = {
    "BPS": _bps_face, "CPOT": _cpot_face, "PAINAD": _painad_face, "Abbey": _abbey_face,
}  # fmt: skip
"""Grade of a face by scale: of the strongest PSPI, and whether the eyes were shut then."""
VOICES: dict[str, Callable[[int, bool], int]] = {
    "CPOT": lambda strength, _: 2 if strength == 3 else min(1, strength),
    "PAINAD": lambda strength, often: 2 if strength == 3 and often else min(1, strength),
    "Abbey": lambda strength, _: strength,
}
"""Grade of a voice by scale: of its strongest call, and whether it cried out more than once."""


def _most(table: Table, column: str, begin_ns: int, end_ns: int) -> float:
    within = (table["t_ns"] >= begin_ns) & (table["t_ns"] < end_ns)
    return float(table[column][within].max()) if within.any() else math.nan
