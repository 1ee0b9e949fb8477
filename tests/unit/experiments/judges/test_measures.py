from __future__ import annotations

import numpy as np
import pytest

from experiments.judges.coupling import couple
from experiments.judges.measures import MEASURES, agreement, macro_f1, majority_rate, permutation_p

T_S = np.arange(240) / 30.0
PRESS = np.clip(np.minimum(T_S - 2.0, 5.0 - T_S), 0.0, 1.0)


def test_icc_is_that_of_shrout_and_fleiss():
    icc31 = MEASURES["icc31"]
    # Judges 1 and 2 of the six targets of Shrout and Fleiss 1979, table 2; by hand: BMS 3.88, EMS 0.68.
    one, two = np.array([9.0, 6.0, 8.0, 7.0, 10.0, 6.0]), np.array([2.0, 1.0, 4.0, 1.0, 5.0, 2.0])
    table = np.stack([one, two], axis=1)
    rows, columns = table.mean(1), table.mean(0)
    between = 2 * ((rows - table.mean()) ** 2).sum() / 5
    error = ((table - rows[:, None] - columns + table.mean()) ** 2).sum() / 5
    assert icc31(one, two) == pytest.approx((between - error) / (between + error))
    assert icc31(one, one) == pytest.approx(1.0)
    assert icc31(one, one + 3.0) == pytest.approx(1.0)  # consistency: a constant shift is forgiven


def test_macro_f1_counts_every_grade_alike():
    true = np.array([0.0, 0.0, 0.0, 0.0, 3.0, 8.0])
    assert macro_f1(true, true) == 1.0
    # always "none": F1 of none 2*4/(4+6) = 0.8, of the other two 0
    assert macro_f1(true, np.zeros(6)) == pytest.approx(0.8 / 3)


def test_intervals_hold_the_value_and_chance_is_found_out():
    rng = np.random.default_rng(0)
    true = rng.uniform(0.0, 10.0, 80)
    people = [f"p{k % 10}" for k in range(80)]
    told = np.clip(true + rng.normal(0.0, 1.0, 80), 0, 10)
    good = agreement(true, told, people)
    assert good["spearman"].low < good["spearman"].value < good["spearman"].high
    assert good["spearman"].value > 0.9
    assert permutation_p(true, told) < 0.01
    assert permutation_p(np.sort(true), np.tile([0.0, 10.0], 40)) > 0.05
    assert 0.3 < majority_rate(true) < 0.8


def test_the_lag_of_a_face_that_follows_is_found():
    late = np.interp(T_S - 0.4, T_S, PRESS)
    found = couple(PRESS, late)
    assert found.lag_s == pytest.approx(0.4, abs=0.04)
    assert found.correlation > 0.99
    assert found.information_bits > 0.5


def test_a_shuffled_or_still_face_is_not_coupled():
    rng = np.random.default_rng(1)
    shuffled = couple(PRESS, rng.permutation(PRESS))
    assert shuffled.correlation < 0.4
    assert shuffled.information_bits < 0.1
    assert couple(PRESS, np.ones(240)).correlation == 0.0
