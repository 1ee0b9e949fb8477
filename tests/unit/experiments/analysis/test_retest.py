"""Answers given twice are compared with what chance gives."""

import numpy as np
import pandas as pd
import pytest

from experiments.analysis.retest import repeat_pairs, retest
from policies.errors import AnalysisError


def test_every_pair_of_a_cell_is_compared_once() -> None:
    table = pd.DataFrame(
        {"participant": ["A"] * 4 + ["B"] * 2, "sound": [1, 1, 1, 2, 1, 1], "answer": [0, 1, 3, 2, 2, 2]}
    )
    one, two, whose = repeat_pairs(table, ["sound"])
    assert sorted(zip(one.tolist(), two.tolist(), strict=True)) == [(0, 1), (0, 3), (1, 3), (2, 2)]
    assert sorted(whose) == ["A", "A", "A", "B"]
    found = retest(one, two, whose, table["answer"].to_numpy(), table["participant"].to_numpy(), 4)
    assert found.pairs == 4
    assert found.same == 0.25
    assert found.difference == pytest.approx((1 + 3 + 2 + 0) / 4)


def test_chance_of_the_same_answer_is_the_sum_of_squares() -> None:
    answers = np.array([0] * 5 + [3] * 5)
    who = np.array(["A"] * 10)
    found = retest(answers, answers, who, answers, who, 4)
    assert (found.same, found.chance_same, found.chance_same_side) == (1.0, 0.5, 0.5)


def test_nothing_twice_is_said() -> None:
    with pytest.raises(AnalysisError, match="twice"):
        retest(np.array([], int), np.array([], int), np.array([]), np.array([1]), np.array(["A"]), 4)


def test_chance_is_that_of_a_persons_own_answers() -> None:
    answers = np.array([0] * 10 + [3] * 10)  # one always says 0, the other always 3: no stimulus is needed for that
    who = np.array(["A"] * 10 + ["B"] * 10)
    found = retest(answers, answers, who, answers, who, 4)
    assert (found.same, found.chance_same, found.chance_same_side) == (1.0, 1.0, 1.0)
    assert (found.pooled_chance_same, found.pooled_chance_same_side) == (0.5, 0.5)
