"""How often people agreed, by level and by pair of levels, with intervals over people.

"Agreed" is what the question makes of it: the upper half of a scale of agreement or congruence, "fits" of a signed one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from experiments.analysis.trials import Trials
from policies.statistics.over_people import share_intervals

__all__ = ["agreed", "by_distance", "by_level", "by_pair", "by_person", "matched_minus_worst"]


def agreed(trials: Trials, table: pd.DataFrame) -> np.ndarray:
    """Whether each answer counts as agreement, shape (n,), bool: fits (0) of a signed scale, else its upper half."""
    low, high = trials.scale[0], trials.scale[-1]
    if low < 0 < high:
        return table["value"].to_numpy() == 0
    return table["value"].to_numpy() > (low + high) / 2


def by_level(trials: Trials, factor: str) -> pd.DataFrame:
    """Share agreed by level of a factor: columns level, share, low, high, n."""
    return _shares(trials, trials.main, [factor])


def by_pair(trials: Trials, first: str, second: str) -> pd.DataFrame:
    """Share agreed by pair of levels: columns of both factors, share, low, high, n."""
    return _shares(trials, trials.main, [first, second])


def by_distance(trials: Trials, first: str, second: str) -> pd.DataFrame:
    """Share agreed by how many levels two factors lie apart: columns distance, share, low, high, n."""
    table = trials.main
    apart = (table[f"level.{first}"] - table[f"level.{second}"]).abs().round().astype(int)
    return _shares(trials, table.assign(distance=apart), ["distance"])


def by_person(trials: Trials) -> pd.DataFrame:
    """Each person's share agreed, number of trials and median response time, in rising order of share."""
    table = trials.main.assign(agreed=agreed(trials, trials.main))
    grouped = table.groupby("participant", sort=False)
    rows = pd.DataFrame({"share": grouped["agreed"].mean(), "n": grouped.size()})
    if "response_time_s" in table:
        times = pd.to_numeric(table["response_time_s"], errors="coerce")
        rows["response_time_s"] = times.groupby(table["participant"], sort=False).median()
    return rows.sort_values("share", kind="stable").reset_index()


def matched_minus_worst(trials: Trials, first: str, second: str) -> pd.Series:
    """Share agreed with both factors on the same level minus that with them farthest apart, by person."""
    table = trials.main
    apart = (table[f"level.{first}"] - table[f"level.{second}"]).abs()
    shares = (
        table.assign(agreed=agreed(trials, table), apart=apart.round().astype(int))
        .groupby(["participant", "apart"], sort=False)["agreed"]
        .mean()
        .unstack()
    )
    return shares[shares.columns.min()] - shares[shares.columns.max()]


def _shares(trials: Trials, table: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Pooled share agreed in each cell with its interval over people."""
    table = table.assign(agreed=agreed(trials, table))
    keys = ["participant", *factors]
    counted = table.groupby(keys, sort=True)["agreed"].agg(["sum", "count"])
    hits = counted["sum"].unstack("participant", fill_value=0)
    totals = counted["count"].unstack("participant", fill_value=0)
    cells = hits.index.to_frame(index=False)
    limits = share_intervals(hits.to_numpy(float).T, totals.to_numpy(float).T)
    n = totals.sum(axis=1).to_numpy()
    return cells.assign(share=hits.sum(axis=1).to_numpy() / n, low=limits[:, 0], high=limits[:, 1], n=n)
