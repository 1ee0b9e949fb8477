"""People are drawn again, not frames."""

import numpy as np
import pytest

from policies.statistics.resampling import SubjectBootstrap, better, sign_flip_p


def test_every_subject_counts_once_however_many_clips():
    boot = SubjectBootstrap(["a"] * 9 + ["b"], draws=50)
    found = boot.mean(np.array([0.0] * 9 + [1.0]))
    assert found.value == 0.5
    assert (found.low, found.high, found.n) == (0.0, 1.0, 2)


def test_missing_values_are_left_out():
    boot = SubjectBootstrap(["a", "a", "b"], draws=50)
    assert boot.mean(np.array([np.nan, 2.0, np.nan])) == (2.0, 2.0, 2.0, 1)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(200):
        people = rng.standard_normal(30)
        found = SubjectBootstrap([str(i) for i in range(30)], draws=300).mean(people)
        hits += found.low <= 0.0 <= found.high
    assert 175 <= hits <= 199


def test_better_takes_the_direction_of_the_metric_into_account():
    boot = SubjectBootstrap(list("abcd"), draws=200)
    ours, theirs = np.array([1.0, 1.1, 0.9, 1.0]), np.array([2.0, 2.1, 2.0, 1.9])
    assert better(ours, theirs, boot, lower=True).low > 0
    assert better(ours, theirs, boot, lower=False).high < 0


def test_a_statistic_of_drawn_cases_counts_a_person_drawn_twice_twice():
    boot = SubjectBootstrap(["a", "b", "b"], draws=20)
    sizes = []
    boot.of(lambda rows: float(sizes.append(len(rows)) or 0.0))
    assert set(sizes) <= {2, 3, 4}


def test_sign_flips_by_hand():
    assert sign_flip_p(np.array([1.0, 1.0, 1.0])) == pytest.approx(1 / 8)
    assert sign_flip_p(np.array([1.0, -1.0])) == pytest.approx(3 / 4)
    assert sign_flip_p(np.full(40, 1.0)) < 1e-3
    assert sign_flip_p(-np.full(40, 1.0)) == pytest.approx(1.0)
