"""``dataset audit``: are a picture judge's hit and false-alarm rates equal across groups?

One threshold for all; rates in every group; the widest gap with a bootstrap interval over people; and the same gap with
attributes dealt out at random, which is what chance alone leaves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from experiments.datasets.design import SPLITS
from experiments.datasets.layout import table_of
from experiments.datasets.tables import rows_in
from experiments.datasets.verify import open_dataset
from experiments.judges.pictures import PictureJudge
from policies.statistics.resampling import draw_people, percentile_interval
from robopatient.errors import SessionError

__all__ = ["audit", "gaps"]

COLUMNS = (
    "file_name", "neutral", "person", "split", "kind", "stimulus_nrs", "age_band", "sex", "ancestry", "skin_band",
)  # fmt: skip
ATTRIBUTES = ("age_band", "sex", "ancestry", "skin_band")
FALSE_POSITIVES = 0.1
"""The threshold lets this share of painless training pictures through."""
RESAMPLES, SHUFFLES = 300, 300


def audit(folder: Path, judge: PictureJudge, seed: int = 1) -> dict[str, Any]:
    """Rates and gaps of a judge over the groups of a data set.

    Raises
    ------
    SessionError
        When the set holds no stills, or no split to learn from and another to judge.
    """
    _, design = open_dataset(folder)
    rows = [row for split in SPLITS if getattr(design.split, split)
            for row in rows_in(table_of(folder, design, split), COLUMNS)]  # fmt: skip
    learn = [row for row in rows if row["split"] == "train"]
    judged = [row for row in rows if row["split"] != "train"]
    if design.picture.form != "stills" or not learn or not judged:
        raise SessionError(
            f"{folder}: an audit needs stills, people to learn from (split.train) and others to judge (split.test)"
        )
    judge.fit(folder, learn)
    calm = judge.predict(folder, [row for row in learn if row["kind"] != "pain"])
    threshold = float(np.nanquantile(calm, 1.0 - FALSE_POSITIVES))
    predicted = judge.predict(folder, judged)
    positive = np.nan_to_num(predicted, nan=-np.inf) > threshold  # a face that is not found counts as no pain
    pain = np.array([row["kind"] == "pain" for row in judged])
    people = np.array([row["person"] for row in judged])
    rng = np.random.default_rng(seed)
    attributes = {}
    for attribute in ATTRIBUTES:
        group = np.array([row[attribute] for row in judged])
        if len(np.unique(group)) > 1:
            attributes[attribute] = gaps(positive, pain, group, people, rng)
    return {
        "judge": judge.name,
        "threshold": threshold,
        "found_face": float(np.isfinite(predicted).mean()),
        "tpr": float(positive[pain].mean()),
        "fpr": float(positive[~pain].mean()),
        "pictures": len(judged),
        "attributes": attributes,
    }


def gaps(
    positive: np.ndarray, pain: np.ndarray, group: np.ndarray, people: np.ndarray, rng: np.random.Generator
) -> dict[str, Any]:
    """Rates of every group, and the widest gap with its interval and its null.

    Parameters
    ----------
    positive, pain
        What was predicted and what is true, shape (pictures,) bool.
    group, people
        Attribute and person of every picture, shape (pictures,).
    """
    names, person = np.unique(people, return_inverse=True)
    groups, place = np.unique(group, return_inverse=True)
    of_person = np.zeros(len(names), int)
    of_person[person] = place
    counts = np.zeros((len(names), 4))  # hits, pains, false alarms, calms of each person
    for column, mask in enumerate((positive & pain, pain, positive & ~pain, ~pain)):
        np.add.at(counts[:, column], person[mask], 1.0)

    def rates(chosen: np.ndarray, at: np.ndarray) -> np.ndarray:
        total = np.zeros((len(groups), 4))
        np.add.at(total, at, counts[chosen])
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.stack([total[:, 0] / total[:, 1], total[:, 2] / total[:, 3]])

    everybody = np.arange(len(names))
    found = rates(everybody, of_person)
    gap = np.nanmax(found, axis=1) - np.nanmin(found, axis=1)
    drawn = np.array([_spread(rates(pick, of_person[pick])) for pick in draw_people(len(names), RESAMPLES, rng)])
    limits = [percentile_interval(column) for column in drawn.T]
    null = np.array([_spread(rates(everybody, rng.permutation(of_person))) for _ in range(SHUFFLES)])
    return {
        "groups": {
            str(name): {"tpr": float(found[0, k]), "fpr": float(found[1, k]), "people": int((of_person == k).sum())}
            for k, name in enumerate(groups)
        },
        "gaps": {
            rate: {
                "gap": float(gap[k]),
                "low": limits[k][0],
                "high": limits[k][1],
                "null_95": float(np.percentile(null[:, k], 95.0)),
                "p": float(((null[:, k] >= gap[k]).sum() + 1.0) / (SHUFFLES + 1.0)),
            }
            for k, rate in enumerate(("tpr", "fpr"))
        },
    }


def _spread(rates: np.ndarray) -> np.ndarray:
    """Widest difference between groups of each rate."""
    spread: np.ndarray = np.nanmax(rates, axis=1) - np.nanmin(rates, axis=1)
    return spread
