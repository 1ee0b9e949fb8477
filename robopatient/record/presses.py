"""One row per press: force, place, pain, and the level, PSPI and latency of the reaction."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import msgspec
import numpy as np

from robopatient import messages as m
from robopatient.levels import gain_to_db
from robopatient.record import latency
from robopatient.record.reader import Record
from robopatient.record.visibility import load_visibility

__all__ = ["PressRow", "peak_level_dbfs", "press_rows", "write_presses"]

VOICE_TAIL_S = 0.5
"""How long after the release its sound still belongs to a press."""
FACE_TAIL_S = 1.0
"""How long after the release its look still belongs to a press: faces relax more slowly than voices."""
LEFT_OVER_S = 0.3
"""How long after its strongest moment a press may still let the answer to the one before fade (assumption)."""
LOUDNESS_S = 0.1
"""Window of the level (assumption: of the order of the ear's integration time, 100 to 200 ms)."""


class PressRow(msgspec.Struct, frozen=True):
    """A press and its answers; NaN where there was nothing to measure.

    Attributes
    ----------
    start_s
        Onset, from the start of the session.
    peak_nrs, peak_level_dbfs, peak_pspi
        Largest pain, level (RMS over 100 ms) and PSPI from the onset to a moment after the release (0.5 s, 0.5 s
        and 1 s), never beyond the next onset. What the press before has left over does not count: pain and PSPI are
        taken from their lowest point between the onset and 0.3 s after the strongest moment.
    voice_latency_ms, face_latency_ms
        From the onset to the first audible and visible answer, see ``robopatient.record.latency``.
    face_shown
        Whether the face was visible all that time; where it was not, ``peak_pspi`` and ``face_latency_ms`` are NaN.
    """

    start_s: float
    peak_newton: float
    rise_newton_per_s: float
    x_mm: float
    y_mm: float
    region: str
    peak_nrs: float
    peak_level_dbfs: float
    peak_pspi: float
    voice_latency_ms: float
    face_latency_ms: float
    face_shown: bool


def press_rows(record: Record) -> list[PressRow]:
    """The presses of a session in the order of time."""
    presses: list[m.Press] = sorted(record.messages("press"), key=lambda press: press.t_ns)
    if not presses:
        return []
    zero_ns = record.start.t_ns
    pain, heard = record.table("pain"), record.table("heard")
    visible = load_visibility(record)
    seen = visible.table()
    onsets_ns = [press.t_ns for press in presses]
    rows = []
    for press, next_ns in zip(presses, [*onsets_ns[1:], 2**63 - 1], strict=True):
        voice_ns = min(press.release_t_ns + round(VOICE_TAIL_S * 1e9), next_ns)
        face_ns = min(press.release_t_ns + round(FACE_TAIL_S * 1e9), next_ns)
        fresh_ns = press.peak_t_ns + round(LEFT_OVER_S * 1e9)
        felt = _between(pain["t_ns"], press.t_ns, voice_ns)
        sounds = _between(heard["t_ns"], press.t_ns, voice_ns)
        looks = _between(seen["t_ns"], press.t_ns, face_ns)
        shown = bool(looks.any()) and not visible.lacks(press.t_ns, face_ns)
        rows.append(
            PressRow(
                start_s=(press.t_ns - zero_ns) * 1e-9,
                peak_newton=press.peak_newton,
                rise_newton_per_s=press.rise_newton_per_s,
                x_mm=press.x_mm,
                y_mm=press.y_mm,
                region=press.region,
                peak_nrs=_peak(pain["t_ns"][felt], pain["nrs"][felt], fresh_ns),
                peak_level_dbfs=peak_level_dbfs(heard["t_ns"][sounds], heard["level_dbfs"][sounds]),
                peak_pspi=_peak(seen["t_ns"][looks], seen["pspi"][looks], fresh_ns) if shown else math.nan,
                voice_latency_ms=latency.voice_answer_ms(press.t_ns, voice_ns, heard),
                face_latency_ms=latency.face_answer_ms(press.t_ns, face_ns, seen) if shown else math.nan,
                face_shown=shown,
            )
        )
    return rows


def write_presses(rows: list[PressRow], path: Path) -> None:
    """Write ``presses.csv``: one column a field of ``PressRow``; what could not be measured is empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(PressRow.__struct_fields__)
        writer.writerows([_cell(value) for value in msgspec.structs.astuple(row)] for row in rows)


def peak_level_dbfs(t_ns: np.ndarray, level_dbfs: np.ndarray) -> float:
    """Largest RMS over 100 ms, dBFS; NaN without a block.

    Parameters
    ----------
    t_ns, level_dbfs
        Time and RMS level of successive audio blocks, shape (n,).
    """
    if not len(t_ns):
        return math.nan
    block_s = np.median(np.diff(t_ns)) * 1e-9 if len(t_ns) > 1 else LOUDNESS_S
    blocks = int(np.clip(np.rint(LOUDNESS_S / block_s), 1, len(t_ns)))
    power = np.convolve(10.0 ** (level_dbfs / 10.0), np.full(blocks, 1.0 / blocks), "valid")
    return float(gain_to_db(math.sqrt(power.max())))


def _peak(t_ns: np.ndarray, values: np.ndarray, fresh_ns: int) -> float:
    """Largest value from the lowest one before ``fresh_ns`` on."""
    if not len(values):
        return math.nan
    early = values[t_ns <= fresh_ns]
    return float(values[int(np.argmin(early)) if len(early) else 0 :].max())


def _between(t_ns: np.ndarray, start_ns: int, end_ns: int) -> np.ndarray:
    return (t_ns >= start_ns) & (t_ns < end_ns)


def _cell(value: float | str | bool) -> str:
    """Text of a cell: four decimals are a tenth of a millisecond and far below the noise of every other column."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.4f}" if math.isfinite(value) else ""
