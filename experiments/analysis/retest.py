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
    chance_same, chance_same_side, chance_difference
        The same for two answers drawn independently from all answers of the same person.
    difference
        Mean absolute difference, steps of the scale.
    pairs
        Pairs compared.
    pooled_chance_same, pooled_chance_same_side
        Drawn from all people's answers together, as in the published re-analysis.
    """

    same: float
    chance_same: float
    same_side: float
    chance_same_side: float
    difference: float
    chance_difference: float
    pairs: int
    pooled_chance_same: float
    pooled_chance_same_side: float


def repeat_pairs(table: pd.DataFrame, factors: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Answers of one person to one stimulus twice: hidden repeats with what they repeat, and cells that occurred again.

    Returns
    -------
    tuple
        First and second answer of each pair (every pair of trials in a cell), and whose they are, each (pairs,).
    """
    group = table.groupby(["participant", *factors], sort=False).ngroup().to_numpy()
    order = np.argsort(group, kind="stable")
    group, answers = group[order], table["answer"].to_numpy(int)[order]
    people = table["participant"].to_numpy()[order]
    first, second, whose = [answers[:0]], [answers[:0]], [people[:0]]
    for step in range(1, int(np.bincount(group).max()) if len(group) else 0):
        same = group[step:] == group[:-step]
        first.append(answers[:-step][same])
        second.append(answers[step:][same])
        whose.append(people[step:][same])
    return np.concatenate(first), np.concatenate(second), np.concatenate(whose)


def retest(
    first: np.ndarray, second: np.ndarray, whose: np.ndarray, answers: np.ndarray, people: np.ndarray, levels: int
) -> Retest:
    """Likeness of pairs of answers beside that of two answers drawn at random from the same person's.

    Chance of all people's answers together would be too low: whoever likes one answer repeats it without any stimulus.

    Parameters
    ----------
    first, second, whose
        Levels from 0 and the person, shape (pairs,).
    answers, people
        All answers, from which chance is computed, and whose they are, shape (n,).
    """
    if not len(first):
        raise AnalysisError("nobody answered to the same stimulus twice: there is nothing to compare")
    side = np.arange(levels) >= levels / 2
    pairs = pd.Series(whose).value_counts()
    own = [_chance(answers[people == person], levels, side) for person in pairs.index]
    same, same_side, difference = np.average(own, axis=0, weights=pairs.to_numpy())
    pooled = _chance(answers, levels, side)
    return Retest(
        same=float(np.mean(first == second)),
        chance_same=float(same),
        same_side=float(np.mean(side[first] == side[second])),
        chance_same_side=float(same_side),
        difference=float(np.mean(np.abs(first - second))),
        chance_difference=float(difference),
        pairs=len(first),
        pooled_chance_same=pooled[0],
        pooled_chance_same_side=pooled[1],
    )


def _chance(answers: np.ndarray, levels: int, side: np.ndarray) -> tuple[float, float, float]:
    """Same answer, same side and mean difference of two answers drawn at random."""
    share = np.bincount(answers, minlength=levels) / len(answers)
    apart = np.abs(np.subtract.outer(np.arange(levels), np.arange(levels)))
    upper = float(share[side].sum())
    return float(np.sum(share**2)), upper**2 + (1 - upper) ** 2, float(share @ apart @ share)
