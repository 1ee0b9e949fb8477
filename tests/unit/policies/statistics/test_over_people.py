"""Intervals over few people hold what they promise."""

import numpy as np
import pytest
from scipy import stats

from policies.statistics.over_people import detectable, jackknife, jackknife_interval, mean_interval, share_intervals


def test_the_interval_of_a_mean_is_students() -> None:
    values = np.array([3.0, 5.0, 4.0, 8.0])
    expected = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert mean_interval(values) == pytest.approx(expected)
    np.testing.assert_allclose(jackknife(lambda weights: np.array([weights @ values / weights.sum()]), 4), [expected])


@pytest.mark.parametrize("people", [4, 6, 10, 20])
def test_intervals_of_a_share_of_unlike_people_hold_it(people: int) -> None:
    random = np.random.default_rng(people)
    held = 0
    for _ in range(400):
        own = random.beta(4, 4, (people, 1))
        limits = share_intervals(random.binomial(40, own).astype(float), np.full((people, 1), 40.0))
        held += limits[0, 0] <= 0.5 <= limits[0, 1]
    assert 0.92 <= held / 400 <= 0.98


def test_the_smallest_difference_found_is_exact() -> None:
    # statsmodels.stats.power.TTestPower().solve_power(None, n, 0.05, 0.8), and how far above 2.93 SD / sqrt(n) that is
    assert detectable(1.0, 14) == pytest.approx(0.8094, abs=1e-3)
    assert detectable(1.0, 3) * np.sqrt(3) / 2.93 == pytest.approx(1.93, abs=0.01)
    assert detectable(1.0, 6) * np.sqrt(6) / 2.93 == pytest.approx(1.20, abs=0.01)


def test_of_two_people_and_of_what_hangs_on_one_nothing_is_said() -> None:
    assert np.isnan(mean_interval(np.array([1.0, 2.0]))).all()
    assert np.isnan(detectable(1.0, 2))
    assert np.isnan(jackknife_interval(1.0, np.array([1.0, 1.1, np.nan, 0.9]))).all()
