from __future__ import annotations

import numpy as np
import pytest

from policies.statistics.ordinal import Gaussian, answer_probabilities, fit_map, log_likelihood, quadratic

WEIGHTS = np.array([0.2, 0.1, 0.0, 0.1, 0.5, -0.2, -0.4, 0.1, -0.1])
CUTS = np.array([-0.8, -0.2, 1.9])
WEAK = Gaussian(np.r_[np.zeros(9), -1.0, 0.0, 1.0], np.eye(12) * 1e-2)


def answers(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = quadratic(rng.uniform(-1, 1, (n, 1)), rng.uniform(-1, 1, (n, 2)))
    chances = answer_probabilities(features @ WEIGHTS, CUTS)
    return features, (rng.random((n, 1)) > np.cumsum(chances, 1)[:, :-1]).sum(1)


def test_weights_and_cuts_of_a_large_sample_are_recovered() -> None:
    fit = fit_map(*answers(20_000), WEAK)
    assert fit.converged
    sd = np.sqrt(np.diag(np.linalg.inv(fit.precision)))
    assert np.all(np.abs(fit.mode - np.r_[WEIGHTS, CUTS]) < 4 * sd)


def test_the_mode_is_higher_than_its_neighbourhood() -> None:
    features, given = answers(60)

    def density(z: np.ndarray) -> float:
        offset = z - WEAK.mean
        gaps = np.log(np.diff(z[9:])).sum()
        return float(log_likelihood(z, features, given).sum() - offset @ WEAK.precision @ offset / 2 + gaps)

    mode = fit_map(features, given, WEAK).mode
    rng = np.random.default_rng(1)
    assert all(density(mode + rng.normal(0, 0.05, 12)) < density(mode) for _ in range(50))


def test_cuts_of_an_answer_never_given_stay_apart_and_the_precision_definite() -> None:
    features, given = answers(80)
    given = np.where(given == 1, 0, given)
    fit = fit_map(features, given, WEAK)
    assert np.diff(fit.mode[9:]).min() > 1e-3
    assert np.linalg.eigvalsh(fit.precision).min() > 0


def test_without_trials_the_prior_speaks() -> None:
    prior = Gaussian(np.r_[np.zeros(9), -1.0, 0.0, 1.0], np.eye(12) * 1e6)
    fit = fit_map(np.empty((0, 9)), np.empty(0, int), prior)
    assert fit.mode == pytest.approx(prior.mean, abs=1e-4)
