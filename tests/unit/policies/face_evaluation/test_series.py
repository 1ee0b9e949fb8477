"""Distances of two series against values worked out by hand."""

import math

import numpy as np
import pytest

from policies.face_metrics.series import best_lag, ccc, dtw, kernel_distance, pearson, zscored


def test_warping_two_short_series_gives_the_hand_computed_path():
    # 0 1 2 against 0 2: 0-0 (0), 1-0 or 1-2 (1), 2-2 (0): root of 1
    assert dtw(np.array([0.0, 1.0, 2.0]), np.array([0.0, 2.0])) == pytest.approx(1.0)


def test_warping_ignores_a_delay_but_not_an_offset():
    a = np.array([0.0, 0.0, 1.0, 0.0])
    assert dtw(a, np.array([0.0, 1.0, 0.0, 0.0])) == 0.0
    assert dtw(a, a + 2.0) == 4.0  # each 0 is 2 from the nearest, and 3 is 2 from 1


def test_warping_vectors_adds_up_their_columns():
    a, b = np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([[0.0, 0.0], [4.0, 6.0]])
    assert dtw(a, b) == pytest.approx(5.0)


def test_correlation_of_a_still_series_is_zero_and_of_two_undefined():
    moving, still = np.array([1.0, 2.0, 3.0]), np.ones(3)
    assert pearson(moving, 2 * moving) == pytest.approx(1.0)
    assert pearson(moving, still) == 0.0
    assert math.isnan(pearson(still, still))


def test_concordance_punishes_an_offset_that_correlation_forgives():
    a = np.array([0.0, 1.0, 2.0])  # variance 2/3
    assert ccc(a, a + 1.0)[0] == pytest.approx(2 * (2 / 3) / (2 / 3 + 2 / 3 + 1))
    assert ccc(np.ones(3), np.ones(3))[0] == 1.0


@pytest.mark.parametrize("delay", [-7, 0, 12])
def test_the_lag_put_in_is_the_lag_found(delay):
    t = np.arange(200)
    wave = np.exp(-(((t - 80) / 9.0) ** 2))
    assert best_lag(wave, np.roll(wave, delay), 30) == delay


def test_no_lag_of_a_face_that_never_moves():
    assert best_lag(np.arange(50.0), np.zeros(50), 10) is None


def test_kernel_distance_of_points_is_the_hand_computed_one():
    x, y = np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]])
    # width 4 (the one pair of y): across exp of -1, -9, -1, -1 over 8; within x and y exp(-4 / 8)
    across = (3 * math.exp(-1 / 8) + math.exp(-9 / 8)) / 4
    assert kernel_distance(x, y) == pytest.approx(2 * math.exp(-0.5) - 2 * across)


def test_kernel_distance_prefers_the_right_spread_to_the_mean_and_to_strangers():
    rng = np.random.default_rng(0)
    truth, same = rng.standard_normal((60, 8)), rng.standard_normal((60, 8))
    assert abs(kernel_distance(same, truth)) < 0.02
    assert kernel_distance(np.zeros((60, 8)), truth) > 0.03
    assert kernel_distance(same + 1.0, truth) > 0.1


def test_kernel_distance_of_single_draws_is_that_of_two_points():
    assert kernel_distance(np.zeros((1, 4)), np.zeros((1, 4))) == pytest.approx(0.0)
    assert kernel_distance(np.zeros((1, 4)), np.ones((1, 4))) == pytest.approx(2 - 2 * math.exp(-0.5))


def test_a_still_series_is_standardised_to_zero():
    assert zscored(np.full(4, 3.0)).tolist() == [0.0] * 4
    assert zscored(np.array([1.0, 3.0])).tolist() == [-1.0, 1.0]
