"""What a recorded person felt, as pain 0-10 over time: from ratings, from a table, or from a thermode's temperature."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from firmware_bridge.inputs import read_table
from firmware_bridge.recordings import read_curve
from policies.errors import PolicyError
from robopatient.levels import MAX_NRS

__all__ = ["LEVEL_NRS", "pain_of_temperature", "read_pain"]

LEVEL_NRS = (1.5, 7.5)
"""Pain at a person's own threshold and tolerance (BioVid's first and fourth level), as in the simulated corpus
(assumption: what they hurt is not in the data)."""
PLATEAU_S, PLATEAU_ABOVE_C, PLATEAU_WITHIN_C = 2.0, 3.0, 0.5
"""What is a plateau: held so long, so far above rest, steady to so much (BioVid holds 4 s; the rest is assumption)."""


def read_pain(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Times and pain of a CSV with ``t_s,nrs``.

    Raises
    ------
    PolicyError
        When a column is missing, a value is not finite, or pain is outside 0-10.
    """
    t_s, nrs = read_curve(path, ("nrs",), PolicyError).T
    bad = np.flatnonzero((nrs < 0.0) | (nrs > MAX_NRS))
    if len(bad):
        raise PolicyError(f"{path}: nrs is {nrs[bad[0]]:g} at {t_s[bad[0]]:g} s; pain is a number 0 to {MAX_NRS:g}")
    return t_s, nrs


def pain_of_temperature(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Times and pain of a thermode's table with ``t_s,temperature_c`` and, where known, ``level`` (plateau 0-4).

    Without levels they are told from the plateaus: the coolest is level 1, the hottest level 4 (assumption: BioVid's
    protocol heats to four temperatures a person). A straight line through the person's own levels: the median
    temperature of level 1 is pain 1.5, that of level 4 is 7.5; colder than where it meets 0 does not hurt.

    Raises
    ------
    PolicyError
        When columns, numbers or one of the two levels are missing.
    """
    has_levels = "level" in read_table(path, PolicyError).header
    columns = read_curve(path, ("temperature_c", *(("level",) if has_levels else ())), PolicyError).T
    t_s, warmth = columns[:2]
    bad = np.flatnonzero((warmth <= 0.0) | (warmth >= 60.0))
    if len(bad):
        raise PolicyError(f"{path}: {warmth[bad[0]]:g} °C at {t_s[bad[0]]:g} s is no skin temperature")
    if has_levels:
        level = columns[2]
        if not ((level == 1).any() and (level == 4).any()):
            raise PolicyError(f"{path}: level 1 and level 4 must both occur: they say what this person's threshold is")
        first, last = float(np.median(warmth[level == 1])), float(np.median(warmth[level == 4]))
    else:
        plateaus = _plateaus_c(t_s, warmth)
        if not plateaus:
            raise PolicyError(f"{path}: no plateau of {PLATEAU_S:g} s above the rest; give a column level (0 to 4)")
        first, last = min(plateaus), max(plateaus)
    if last - first < 0.5:
        raise PolicyError(f"{path}: level 4 ({last:.1f} °C) is not hotter than level 1 ({first:.1f} °C)")
    low, high = LEVEL_NRS
    return t_s, np.clip(low + (high - low) * (warmth - first) / (last - first), 0.0, 10.0)


def _plateaus_c(t_s: np.ndarray, warmth_c: np.ndarray) -> list[float]:
    """Temperatures that were held for ``PLATEAU_S`` well above the resting one."""
    rest = float(np.percentile(warmth_c, 10.0))
    hot = warmth_c > rest + PLATEAU_ABOVE_C
    edges = np.flatnonzero(np.diff(np.concatenate(([False], hot, [False])).astype(int)))
    found = []
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        top = float(np.percentile(warmth_c[begin:end], 90.0))
        held = t_s[begin:end][warmth_c[begin:end] > top - PLATEAU_WITHIN_C]
        if len(held) and held[-1] - held[0] >= PLATEAU_S:
            found.append(top)
    return found
