"""How punctual the reactions of the recorded trials were: lag and spread from trigger to command, sound and picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

__all__ = ["Timing", "timings"]

NAMES = {
    "trigger_to_command_ms": "trigger to command",
    "trigger_to_sound_ms": "trigger to sound",
    "trigger_to_frame_ms": "trigger to picture",
}


class Timing(NamedTuple):
    """One latency over the trials, ms: ``lag_ms`` is its mean, ``sd_ms`` its SD, ``values_ms`` has shape (n,)."""

    name: str
    lag_ms: float
    sd_ms: float
    p50_ms: float
    p99_ms: float
    values_ms: np.ndarray


def timings(table: pd.DataFrame) -> list[Timing]:
    """Latencies that the table holds for at least two trials."""
    found = []
    for column, name in NAMES.items():
        if column not in table:
            continue
        values = pd.to_numeric(table[column], errors="coerce").dropna().to_numpy(float)
        if len(values) >= 2:
            p50, p99 = np.percentile(values, (50, 99))
            found.append(Timing(name, float(values.mean()), float(values.std(ddof=1)), float(p50), float(p99), values))
    return found
