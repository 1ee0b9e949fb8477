"""Stevens's power law, magnitude = k * intensity ^ exponent, from free magnitude estimates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from policies.errors import AnalysisError
from policies.statistics.over_people import mean_interval

__all__ = ["PUBLISHED_EXPONENTS", "PowerLaw", "fit_power_law"]

PUBLISHED_EXPONENTS = {"loudness, 3 kHz": 0.67, "pressure on the palm": 1.1, "muscle force": 1.7, "thermal pain": 1.0}
"""Stevens's exponents by continuum, as encyclopaedias list them (facts sheet policies_and_studies, 4)."""


class PowerLaw(NamedTuple):
    """A fitted law.

    Attributes
    ----------
    exponent, interval
        Mean over people and its 95 % interval over people.
    by_person
        Everybody's exponent, by participant.
    points
        Intensity and geometric mean of the magnitudes, each person's own scale taken out: columns intensity, magnitude.
    left_out
        Answers of zero or below, which have no logarithm.
    """

    exponent: float
    interval: tuple[float, float]
    by_person: pd.Series
    points: pd.DataFrame
    left_out: int


def fit_power_law(table: pd.DataFrame, intensity: str) -> PowerLaw:
    """Regress log magnitude on log intensity within each person.

    Parameters
    ----------
    table
        Columns participant, ``intensity`` and value (the magnitude).

    Raises
    ------
    AnalysisError
        When the intensities are not positive, or nobody used two levels of them.
    """
    if (table[intensity] <= 0).any():
        raise AnalysisError(f"{intensity} has levels of zero or below: a power law needs positive intensities")
    used = table[table["value"] > 0]
    x, y = np.log(used[intensity].to_numpy(float)), np.log(used["value"].to_numpy(float))
    exponents = {}
    centred = np.full(len(used), np.nan)
    for name, rows in used.groupby("participant", sort=False).indices.items():
        if np.ptp(x[rows]) > 0:
            exponents[str(name)] = float(np.polyfit(x[rows], y[rows], 1)[0])
            centred[rows] = y[rows] - y[rows].mean()
    if not exponents:
        raise AnalysisError(f"nobody judged two levels of {intensity}: no exponent can be fitted")
    by_person = pd.Series(exponents)
    points = (
        pd.DataFrame({"intensity": used[intensity].to_numpy(float), "log": centred})
        .dropna()
        .groupby("intensity")["log"]
        .mean()
    )
    grand = float(np.exp(y.mean()))
    return PowerLaw(
        float(by_person.mean()),
        mean_interval(by_person.to_numpy()),
        by_person,
        pd.DataFrame({"intensity": points.index, "magnitude": grand * np.exp(points.to_numpy())}),
        int(len(table) - len(used)),
    )
