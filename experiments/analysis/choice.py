"""Which of two things was chosen, when they were shown one after the other: the answer names a place, not the thing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.analysis.trials import Trials
from policies.statistics.over_people import share_intervals

__all__ = ["GENERATED_PREFERRED", "Choice", "forced_choice"]

SHOWN_FIRST = "first"
"""Factor that says which of the two came first; with both orders of every pair, a liking for a place cancels."""
GENERATED_PREFERRED = 0.312
"""Clinicians took PainDiffusion's faces for the more real ones in 31.2 +- 4.8 % of comparisons (arXiv 2409.11635)."""


class Choice(NamedTuple):
    """How often an option was chosen.

    Attributes
    ----------
    option, other
        What was compared.
    share, interval
        Of trials in which ``option`` was chosen, and its 95 % interval over people.
    by_person
        Share by participant.
    first_share
        How often whatever came first was chosen: 0.5 without a liking for a place.
    """

    option: str
    other: str
    share: float
    interval: tuple[float, float]
    by_person: pd.Series
    first_share: float


def forced_choice(trials: Trials) -> Choice | None:
    """The share of the first option in the alphabet; None where the question is no choice between two things shown."""
    factor = trials.factor(SHOWN_FIRST)
    if factor is None or len(factor.levels) != 2 or len(trials.scale) != 2:
        return None
    option, other = (str(level) for level in factor.levels)
    table = trials.main
    took_first = table["answer"].to_numpy() == 0
    chosen = took_first == (table[SHOWN_FIRST].to_numpy() == option)
    counted = pd.Series(chosen).groupby(table["participant"].to_numpy(), sort=False).agg(["sum", "count"])
    [[low, high]] = share_intervals(counted[["sum"]].to_numpy(float), counted[["count"]].to_numpy(float))
    return Choice(
        option,
        other,
        float(chosen.mean()),
        (float(low), float(high)),
        counted["sum"] / counted["count"],
        float(np.mean(took_first)),
    )
