"""Known weights come back, and the fit is that of an independent program."""

import numpy as np
import pytest
from statsmodels.miscmodels.ordinal_model import OrderedModel

from experiments.analysis.ordinal_mixed import fit_ordinal_mixed
from policies.errors import AnalysisError
from policies.statistics.ordinal import (
    answer_probabilities,
    cell_counts,
    fit_counts,
    log_likelihood,
    weights_without_each,
)
from policies.statistics.over_people import jackknife_interval

CUTS = np.array([-1.0, 0.0, 1.5])


def simulated(people: int, trials: int, spread: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Design (n, 2), answers and persons; true weights 0.5 and -0.3, own intercepts and own first weights."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(people), trials)
    design = random.choice([-1.5, -0.5, 0.5, 1.5], (len(groups), 2))
    own = random.normal(0.0, [2 * spread, spread], (people, 2))
    eta = design @ [0.5, -0.3] + own[groups, 0] + own[groups, 1] * design[:, 0]
    answers = np.searchsorted(CUTS, eta + random.logistic(size=len(groups)))
    return design, answers, groups


def pooled(design: np.ndarray, answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cells, counts = cell_counts(design, answers, np.zeros(len(answers), dtype=int))
    return cells, counts[0]


def test_weights_cuts_and_z_are_those_of_statsmodels() -> None:
    design, answers, _ = simulated(10, 120, 0.0, seed=3)
    fit = fit_counts(*pooled(design, answers))
    other = OrderedModel(answers, design, distr="logit").fit(method="bfgs", disp=False)
    cuts = other.model.transform_threshold_params(other.params)[1:-1]
    np.testing.assert_allclose(fit.weights, other.params[:2], atol=2e-4)
    np.testing.assert_allclose(fit.cuts, cuts, atol=2e-4)
    np.testing.assert_allclose(fit.z, other.params[:2] / other.bse[:2], rtol=2e-2)
    assert log_likelihood(fit.mode, design, answers).sum() == pytest.approx(other.llf, abs=1e-3)


def test_known_weights_come_back_within_three_errors() -> None:
    design, answers, _ = simulated(20, 300, 0.0, seed=1)
    fit = fit_counts(*pooled(design, answers))
    error = np.sqrt(np.diag(fit.covariance))
    assert np.all(np.abs(fit.mode - [0.5, -0.3, *CUTS]) < 3 * error)


def test_probabilities_of_the_levels_sum_to_one() -> None:
    probability = answer_probabilities(np.array([-2.0, 0.0, 3.0]), CUTS)
    assert probability.shape == (3, 4)
    np.testing.assert_allclose(probability.sum(axis=1), 1.0)
    assert (np.diff(probability @ np.arange(4)) > 0).all()


def test_leaving_out_people_gives_wider_intervals_when_people_differ() -> None:
    design, answers, groups = simulated(16, 100, 0.6, seed=2)
    cells, counts = cell_counts(design, answers, groups)
    whole = fit_counts(cells, counts.sum(axis=0))
    without = weights_without_each(cells, counts, whole)
    naive = np.sqrt(np.diag(whole.covariance))[:2]
    halves = [np.ptp(jackknife_interval(*pair)) / 2 for pair in zip(whole.weights, without.T, strict=True)]
    assert halves[0] > 2 * 2.13 * naive[0]  # own first weights differ; 2.13: t of 15
    assert halves[1] < 2 * 2.13 * naive[1]  # nobody's second weight does


def test_own_effects_and_their_spread_come_back() -> None:
    found = []
    for seed in range(6):
        design, answers, groups = simulated(20, 250, 0.4, seed=seed)
        fit = fit_ordinal_mixed(design, answers, groups, np.column_stack([np.ones(len(groups)), design[:, 0]]))
        assert fit.converged
        found.append([*fit.beta, *fit.spread])
    np.testing.assert_allclose(np.mean(found, axis=0), [0.5, -0.3, 0.8, 0.4], atol=0.1)


def test_without_differences_the_mixed_model_is_the_pooled_one() -> None:
    design, answers, groups = simulated(20, 200, 0.0, seed=5)
    mixed = fit_ordinal_mixed(design, answers, groups, np.ones((len(groups), 1)))
    plain = fit_counts(*pooled(design, answers))
    assert mixed.spread[0] < 0.1
    np.testing.assert_allclose(mixed.beta, plain.weights, atol=0.01)


def test_own_slopes_take_the_certainty_out_of_a_mean_slope() -> None:
    design, answers, groups = simulated(14, 300, 0.5, seed=4)
    one = np.ones((len(groups), 1))
    intercepts = fit_ordinal_mixed(design, answers, groups, one)
    slopes = fit_ordinal_mixed(design, answers, groups, np.column_stack([one, design[:, 0]]))
    assert slopes.error[0] > 2 * intercepts.error[0]
    assert slopes.error[1] == pytest.approx(intercepts.error[1], rel=0.2)


def test_answers_all_alike_are_refused() -> None:
    with pytest.raises(AnalysisError, match="every level"):
        fit_counts(np.eye(2), np.array([[5.0, 0.0], [7.0, 0.0]]))


def test_factors_that_always_change_together_are_refused() -> None:
    design, answers, _ = simulated(4, 100, 0.0, seed=1)
    twice = np.column_stack([design[:, 0], design[:, 0]])
    with pytest.raises(AnalysisError, match="cannot be distinguished"):
        fit_counts(*pooled(twice, answers))


def test_a_factor_that_separates_the_answers_is_refused() -> None:
    with pytest.raises(AnalysisError, match="separates"):
        fit_counts(np.array([[-1.0], [1.0]]), np.array([[50.0, 0.0], [0.0, 50.0]]))


def test_two_people_have_no_spread() -> None:
    design, answers, groups = simulated(2, 100, 0.0, seed=1)
    with pytest.raises(AnalysisError, match="at least 3 people"):
        fit_ordinal_mixed(design, answers, groups, np.ones((len(groups), 1)))


def test_weights_without_each_person_are_those_of_fits_without_them() -> None:
    design, answers, groups = simulated(8, 250, 0.4, seed=3)
    own = np.column_stack([np.ones(len(groups)), design[:, 0]])
    fit = fit_ordinal_mixed(design, answers, groups, own)
    for person in range(8):
        rest = groups != person
        again = fit_ordinal_mixed(
            design[rest], answers[rest], np.unique(groups[rest], return_inverse=True)[1], own[rest]
        )
        np.testing.assert_allclose(fit.without[person], again.beta, atol=0.35 * fit.error.max())


def test_leaving_out_people_widens_an_interval_whose_term_has_no_weights_of_their_own() -> None:
    design, answers, groups = simulated(12, 250, 0.6, seed=6)
    fit = fit_ordinal_mixed(design, answers, groups, np.ones((len(groups), 1)))
    error = np.sqrt(11 / 12 * np.sum((fit.without - fit.beta) ** 2, axis=0))
    assert error[0] > 2 * fit.error[0]  # people differ in it
    assert error[1] < 2 * fit.error[1]  # not in this one


@pytest.mark.parametrize("seed", range(6))
def test_a_spread_of_none_is_reached_and_said(seed: int) -> None:
    design, answers, groups = simulated(6, 200, 0.0, seed=seed)
    fit = fit_ordinal_mixed(design, answers, groups, np.column_stack([np.ones(len(groups)), design]))
    assert fit.converged
    assert fit.rounds < 60
    assert np.array_equal(fit.edge, fit.spread == 0)
