"""Joins what was heard and seen with the force frames that caused it: pure functions over the record's tables.

Two different questions, two sets of functions. *How fast is the machine?* ``touch_to_sound`` and
``touch_to_face``: from the receipt of a force frame that changed what was asked to the first audio block (at the
DAC) or picture (at the swap) made from it or a newer one. *How fast does the patient react?* ``voice_answer_ms`` and
``face_answer_ms``: from the onset of a press to the first audible or visible answer; thresholds and delays of the
patient's own are part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from robopatient.facs import PAIN_ACTION_UNITS
from robopatient.record.visibility import row_gaps

__all__ = [
    "AUDIBLE_DBFS",
    "Answers",
    "action_units",
    "face_answer_ms",
    "summary",
    "touch_to_face",
    "touch_to_sound",
    "voice_answer_ms",
]

Table = Mapping[str, np.ndarray]

AUDIBLE_DBFS = -70.0
"""RMS from which a block counts as sound (assumption: below the room with any sensible volume)."""
LOUDER_DB = 3.0
"""Rise that counts as an audible answer (assumption: three times the 1 dB that a listener just notices)."""
BREATH_S = 4.0
"""Length of the rest before a press with which its answer is compared: about one idle breath."""
VISIBLE_AU = 0.2
"""Rise of an action unit that counts as a visible answer (assumption: a fifth of a FACS grade)."""
MOVED_AU = 0.01
"""Change of an action unit between two pictures from which they are different pictures."""
PAIN_AU_COLUMNS = tuple(f"au.{unit}{side}" for unit in PAIN_ACTION_UNITS if unit != "AU43" for side in ("", "L", "R"))
"""Units that answer pain; the lids also blink, so AU43 proves nothing."""


class Answers(msgspec.Struct, frozen=True):
    """Force frames that changed what was asked, and when what they asked for left this computer, ns. Shapes (n,)."""

    received_ns: np.ndarray
    answered_ns: np.ndarray

    @property
    def latency_ms(self) -> np.ndarray:
        """Time from the one to the other, ms, shape (n,)."""
        return (self.answered_ns - self.received_ns) * 1e-6


def touch_to_sound(voice: Table, heard: Table) -> Answers:
    """Every force frame that changed what the voice was asked for, with the first audible block made from it.

    Parameters
    ----------
    voice, heard
        ``Record.table`` of these topics.
    """
    changed_ns = _changes(voice, "ask_level_db", "ask_f0_semitones", "ask_roughness", "ask_breathiness")
    return _answered(changed_ns, heard, heard["level_dbfs"] >= AUDIBLE_DBFS)


def touch_to_face(face: Table, seen: Table) -> Answers:
    """Every force frame that changed what the face was asked for, with the first picture that moved because of it.

    Frames that a time without pictures kept from being answered are left out: that is told apart from latency.

    Parameters
    ----------
    face, seen
        ``Record.table`` of these topics; of ``seen`` the pictures that were shown, ``Visibility.table``.
    """
    units = _pain_units(seen)
    moved = np.zeros(len(seen["t_ns"]), dtype=bool)
    if len(units):
        moved[1:] = np.abs(np.diff(units, axis=0)).max(axis=1, initial=0.0) >= MOVED_AU
    answers = _answered(_changes(face, "ask_nrs", "ask_expressiveness"), seen, moved)
    shown = np.ones(len(answers.received_ns), dtype=bool)
    times_ns = seen["t_ns"]
    for begin_ns, end_ns in row_gaps(times_ns, int(times_ns[0]), int(times_ns[-1])) if len(times_ns) else ():
        shown &= (answers.answered_ns <= begin_ns) | (answers.received_ns >= end_ns)
    return Answers(answers.received_ns[shown], answers.answered_ns[shown])


def voice_answer_ms(onset_ns: int, end_ns: int, heard: Table) -> float:
    """From the onset of a press to the first block that audibly answers it, ms; NaN when there is none.

    Only blocks caused by force frames received since the onset count. One answers when it is voiced after an unvoiced
    rest or at least 3 dB louder than anything in the breath before; when the voice was still sounding at the onset,
    when it is 3 dB louder than its softest moment since.
    """
    t_ns, level, voiced = heard["t_ns"], heard["level_dbfs"], heard["f0_hz"] > 0
    before = (t_ns < onset_ns) & (t_ns >= onset_ns - round(BREATH_S * 1e9))
    during = (heard["cause_received_ns"] >= onset_ns) & (t_ns >= onset_ns) & (t_ns < end_ns)
    if not during.any():
        return float("nan")
    audible = level[during] >= AUDIBLE_DBFS
    if before.any() and voiced[before][-1]:
        floor = np.minimum.accumulate(np.minimum(level[during], level[before][-1]))
        answers = audible & (level[during] >= floor + LOUDER_DB)
    else:
        rest = level[before & ~voiced].max(initial=-np.inf)
        answers = audible & (voiced[during] | (level[during] >= rest + LOUDER_DB))
    return _first_ms(answers, t_ns[during], onset_ns)


def face_answer_ms(onset_ns: int, end_ns: int, seen: Table) -> float:
    """From the onset of a press to the first picture that visibly answers it, ms; NaN when there is none.

    Only pictures caused by force frames received since the onset count. One answers when an action unit of pain is
    0.2 above its lowest value since the onset.
    """
    t_ns, units = seen["t_ns"], _pain_units(seen)
    during = (seen["cause_received_ns"] >= onset_ns) & (t_ns >= onset_ns) & (t_ns < end_ns)
    if not during.any() or not units.shape[1]:
        return float("nan")
    shown = units[during]
    before = units[t_ns < onset_ns]
    floor = np.minimum.accumulate(np.vstack([before[-1:], shown]), axis=0)[-len(shown) :]
    return _first_ms((shown - floor).max(axis=1) >= VISIBLE_AU, t_ns[during], onset_ns)


def summary(values_ms: np.ndarray) -> dict[str, float]:
    """Percentiles p50, p95, p99, max and n of what is not NaN; only ``n`` when there is nothing."""
    values = values_ms[np.isfinite(values_ms)]
    if not len(values):
        return {"n": 0}
    p50, p95, p99 = np.percentile(values, (50, 95, 99))
    return {"p50": float(p50), "p95": float(p95), "p99": float(p99), "max": float(values.max()), "n": len(values)}


def _changes(commands: Table, *columns: str) -> np.ndarray:
    """``received_ns`` of the commands that ask for something new because of a new force frame."""
    received_ns = commands["received_ns"]
    if len(received_ns) < 2:
        return received_ns[:0]
    asked = np.column_stack([commands[column] for column in columns])
    new = (np.diff(asked, axis=0) != 0).any(axis=1) & (np.diff(received_ns) > 0)
    return received_ns[1:][new]


def _answered(received_ns: np.ndarray, happened: Table, counts: np.ndarray) -> Answers:
    """First thing that happened because of each frame or a newer one, where that one ``counts``."""
    cause_ns = np.maximum.accumulate(happened["cause_received_ns"])
    first = np.searchsorted(cause_ns, received_ns)
    answered = first < len(cause_ns)
    first, received_ns = first[answered], received_ns[answered]
    return Answers(received_ns[counts[first]], happened["t_ns"][first][counts[first]])


def action_units(seen: Table, row: int) -> dict[str, float]:
    """Intensities by name of one picture, from ``Record.table("seen")``."""
    cells = {name[3:]: float(column[row]) for name, column in seen.items() if name.startswith("au.")}
    return {name: value for name, value in cells.items() if np.isfinite(value)}


def _pain_units(seen: Table) -> np.ndarray:
    """Intensities of the units that answer pain, shape (n_frames, n_units)."""
    columns = list(_present(seen))
    if not columns:
        return np.zeros((len(seen["t_ns"]), 0))
    return np.nan_to_num(np.column_stack(columns))


def _present(seen: Table) -> Iterator[np.ndarray]:
    return (seen[column] for column in PAIN_AU_COLUMNS if column in seen)


def _first_ms(answers: np.ndarray, t_ns: np.ndarray, onset_ns: int) -> float:
    return float(t_ns[np.argmax(answers)] - onset_ns) * 1e-6 if answers.any() else float("nan")
