"""What a recorded person felt, as pain 0-10 over time: from ratings, from a table, or from a thermode's temperature."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from policies.errors import PolicyError
from policies.face_import.tables import read_csv

__all__ = ["LEVEL_NRS", "pain_of_temperature", "read_pain"]

LEVEL_NRS = (1.5, 7.5)
"""Pain at a person's own threshold and tolerance (BioVid's first and fourth level), as in the simulated corpus
(assumption: what they hurt is not in the data)."""


def read_pain(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Times and pain of a CSV with ``t_s,nrs``.

    Raises
    ------
    PolicyError
        When a column is missing, a value is not finite, or pain is outside 0-10.
    """
    columns = read_csv(path)
    missing = [name for name in ("t_s", "nrs") if name not in columns]
    if missing:
        raise PolicyError(f"{path}: no column {' and '.join(missing)}; the stimulus is a CSV with t_s,nrs")
    t_s, nrs = columns["t_s"], columns["nrs"]
    bad = np.flatnonzero(~(np.isfinite(t_s) & np.isfinite(nrs) & (nrs >= 0.0) & (nrs <= 10.0)))
    if len(bad):
        raise PolicyError(f"{path}: row {bad[0]}: t_s {t_s[bad[0]]:g}, nrs {nrs[bad[0]]:g}; pain is a number 0 to 10")
    if (np.diff(t_s) <= 0.0).any():
        raise PolicyError(f"{path}: t_s does not grow at row {int(np.argmax(np.diff(t_s) <= 0.0)) + 1}")
    return t_s, nrs


def pain_of_temperature(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Times and pain of a thermode's CSV with ``t_s,temperature_c,level`` (level 0-4, the plateau's number).

    A straight line through the person's own levels: the median temperature of level 1 is pain 1.5, that of level 4 is
    7.5; colder than where it meets 0 does not hurt.

    Raises
    ------
    PolicyError
        When columns, numbers or one of the two levels are missing.
    """
    columns = read_csv(path)
    missing = [name for name in ("t_s", "temperature_c", "level") if name not in columns]
    if missing:
        raise PolicyError(f"{path}: no column {', '.join(missing)}; needs t_s,temperature_c,level")
    t_s, warmth, level = (columns[name] for name in ("t_s", "temperature_c", "level"))
    bad = np.flatnonzero(~(np.isfinite(t_s) & np.isfinite(warmth) & (warmth > 0.0) & (warmth < 60.0)))
    if len(bad):
        raise PolicyError(f"{path}: row {bad[0]}: {warmth[bad[0]]:g} °C at {t_s[bad[0]]:g} s is no skin temperature")
    if not ((level == 1).any() and (level == 4).any()):
        raise PolicyError(f"{path}: level 1 and level 4 must both occur: they say what this person's threshold is")
    first, last = float(np.median(warmth[level == 1])), float(np.median(warmth[level == 4]))
    if last - first < 0.5:
        raise PolicyError(f"{path}: level 4 ({last:.1f} °C) is not hotter than level 1 ({first:.1f} °C)")
    low, high = LEVEL_NRS
    return t_s, np.clip(low + (high - low) * (warmth - first) / (last - first), 0.0, 10.0)
