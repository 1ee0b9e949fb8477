"""Do people agree with themselves? Answers of one person to the same stimulus, compared with chance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from policies.errors import AnalysisError

__all__ = ["Retest", "repeat_pairs", "retest"]


class Retest(NamedTuple):
    """How alike two answers of one person to one stimulus are.

    Attributes
    ----------
    same, same_side
        Share of pairs with the same answer, and on the same side of the scale's middle.
    chance_same, chance_same_side
        The same for two answers drawn independently from all answers.
    difference
        Mean absolute difference, steps of the scale.
    pairs
        Pairs compared.
    """

    same: float
    chance_same: float
    same_side: float
    chance_same_side: float
    difference: float
    chance_difference: float
    pairs: int


def repeat_pairs(table: pd.DataFrame, factors: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Answers of one person to one stimulus twice: hidden repeats with what they repeat, and cells that occurred again.

    Returns
    -------
    tuple
        First and second answer of each pair (every pair of trials in a cell), both (pairs,).
    """
    group = table.groupby(["participant", *factors], sort=False).ngroup().to_numpy()
    order = np.argsort(group, kind="stable")
    group, answers = group[order], table["answer"].to_numpy(int)[order]
    first, second = [answers[:0]], [answers[:0]]
    for step in range(1, int(np.bincount(group).max()) if len(group) else 0):
        same = group[step:] == group[:-step]
        first.append(answers[:-step][same])
        second.append(answers[step:][same])
    return np.concatenate(first), np.concatenate(second)


def retest(first: np.ndarray, second: np.ndarray, answers: np.ndarray, levels: int) -> Retest:
    """Likeness of pairs of answers beside that of two answers drawn at random.

    Parameters
    ----------
    first, second
        Levels from 0, shape (pairs,).
    answers
        All answers, from which chance is computed, shape (n,).
    """
    if not len(first):
        raise AnalysisError("nobody answered to the same stimulus twice: there is nothing to compare")
    share = np.bincount(answers, minlength=levels) / len(answers)
    side = np.arange(levels) >= levels / 2
    apart = np.abs(np.subtract.outer(np.arange(levels), np.arange(levels)))
    upper = float(share[side].sum())
    return Retest(
        same=float(np.mean(first == second)),
        chance_same=float(np.sum(share**2)),
        same_side=float(np.mean(side[first] == side[second])),
        chance_same_side=upper**2 + (1 - upper) ** 2,
        difference=float(np.mean(np.abs(first - second))),
        chance_difference=float(share @ apart @ share),
        pairs=len(first),
    )
