"""The course of a reaction: onset latency, rise, hold, decay and peak of each episode of pain.

An episode lasts while the stimulus is painful; its reaction is what PSPI does from its begin until the next one's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from robopatient.face.generator.motion import MOTION_HZ

__all__ = ["COURSE", "VISIBLE_PSPI", "ReactionCourse", "courses", "episodes"]

PAINFUL_NRS = 2.0
"""Pain from which an episode counts (assumption: below it most faces stay still)."""

QUIET_NRS = 1.0
"""Pain below which it is over."""

SHORTEST_GAP_S = 1.0
"""Episodes closer than this are one."""

AFTERWARDS_S = 5.0
"""How long after the stimulus the face may still react; three decay constants of the slowest face."""

VISIBLE_PSPI = 1.0
"""Rise of PSPI from which somebody reacted at all: one unit at trace intensity (FACS A)."""

COURSE = ("latency_s", "rise_s", "hold_s", "decay_s", "peak")
"""What is measured of a reaction, in this order."""


class ReactionCourse(NamedTuple):
    """One episode's reaction; NaN where there was none, or where it was cut off.

    ``latency_s`` from the stimulus' 10 % to the face's 10 %; ``rise_s`` 10 to 90 %; ``hold_s`` above 80 %; ``decay_s``
    from 80 to 20 %; ``peak`` PSPI without eye closure (whose step of 1 would pass for an onset).
    """

    stimulus_peak: float
    reacted: bool
    latency_s: float
    rise_s: float
    hold_s: float
    decay_s: float
    peak: float


def episodes(
    stimulus: np.ndarray, painful: float = PAINFUL_NRS, quiet: float = QUIET_NRS, gap_s: float = SHORTEST_GAP_S
) -> list[tuple[int, int]]:
    """Begin and end (exclusive) of each painful episode of a stimulus 0-10, shape (n,)."""
    found: list[tuple[int, int]] = []
    begin: int | None = None
    for i, value in enumerate(stimulus):
        if begin is None and value >= painful:
            begin = i
        elif begin is not None and value < quiet:
            found.append((begin, i))
            begin = None
    if begin is not None:
        found.append((begin, len(stimulus)))
    merged: list[tuple[int, int]] = []
    for one in found:
        if merged and one[0] - merged[-1][1] < gap_s * MOTION_HZ:
            merged[-1] = (merged[-1][0], one[1])
        else:
            merged.append(one)
    return merged


def courses(stimulus: np.ndarray, shown: np.ndarray) -> list[ReactionCourse]:
    """Reaction to every episode; ``shown`` is PSPI without eye closure, shape (n,), PSPI units."""
    found = episodes(stimulus)
    result = []
    for i, (begin, end) in enumerate(found):
        until = found[i + 1][0] if i + 1 < len(found) else len(stimulus)
        until = min(until, end + round(AFTERWARDS_S * MOTION_HZ))
        result.append(_course(stimulus, shown, begin, end, until))
    return result


def _course(stimulus: np.ndarray, shown: np.ndarray, begin: int, end: int, until: int) -> ReactionCourse:
    nan = float("nan")
    strongest = float(stimulus[begin:end].max())
    first = begin
    while first > 0 and stimulus[first - 1] >= 0.1 * strongest:
        first -= 1
    window = np.asarray(shown[first:until], dtype=np.float64)
    before = np.asarray(shown[max(0, first - round(0.5 * MOTION_HZ)) : first + 1], dtype=np.float64)
    rest = float(before.mean())
    peak_at = int(window.argmax())
    height = float(window[peak_at]) - rest
    if height < VISIBLE_PSPI:
        return ReactionCourse(strongest, False, nan, nan, nan, nan, float(window[peak_at]))
    level = (window - rest) / height
    ten = _last_below(level[: peak_at + 1], 0.1)
    ninety = int(np.argmax(level >= 0.9))
    high_from = _last_below(level[: peak_at + 1], 0.8) + 1
    fallen = np.flatnonzero(level[peak_at:] < 0.8)
    hold = decay = nan
    if len(fallen):
        high_until = peak_at + int(fallen[0])
        hold = (high_until - high_from) / MOTION_HZ
        low = np.flatnonzero(level[high_until:] < 0.2)
        decay = int(low[0]) / MOTION_HZ if len(low) else nan
    begun = first > 0 and ten >= 0  # else the clip, or the face's last reaction, began before the stimulus did
    return ReactionCourse(
        strongest,
        True,
        (ten + 1) / MOTION_HZ if begun else nan,
        max(0, ninety - ten) / MOTION_HZ if begun else nan,
        hold,
        decay,
        float(window[peak_at]),
    )


def _last_below(level: np.ndarray, share: float) -> int:
    """Index of the last sample below a share, -1 when there is none."""
    below = np.flatnonzero(level < share)
    return int(below[-1]) if len(below) else -1
