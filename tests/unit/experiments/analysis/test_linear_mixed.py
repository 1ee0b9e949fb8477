"""The linear model with people's own effects: as statsmodels where that settles, and settled where it does not."""

import numpy as np
import pytest
from support.needs import module

from experiments.analysis.linear_mixed import fit_linear_mixed
from policies.errors import AnalysisError


def made(people: int, spreads: tuple[float, float], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(people), 60)
    design = np.column_stack([np.ones(len(groups)), random.normal(size=len(groups))])
    own = random.normal(size=(people, 2)) * spreads
    values = design @ [3.0, 0.2] + np.sum(design * own[groups], axis=1) + random.normal(size=len(groups))
    return design, values, groups


def test_weights_errors_and_spreads_are_those_of_statsmodels() -> None:
    mixed = module("statsmodels.regression.mixed_linear_model", "study")
    design, values, groups = made(12, (0.5, 0.3), seed=1)
    fit = fit_linear_mixed(design, values, groups, design)
    free = mixed.MixedLMParams.from_components(fe_params=np.ones(2), cov_re=np.eye(2))
    other = mixed.MixedLM(values, design, groups=groups, exog_re=design).fit(method="lbfgs", free=free)
    np.testing.assert_allclose(fit.beta, other.fe_params, rtol=1e-4)
    np.testing.assert_allclose(fit.error, other.bse_fe, rtol=1e-3)
    np.testing.assert_allclose(fit.spread, np.sqrt(np.diag(other.cov_re)), rtol=1e-3)
    assert not fit.boundary


@pytest.mark.parametrize("seed", range(8))
def test_a_spread_of_none_is_said_and_is_no_obstacle(seed: int) -> None:
    design, values, groups = made(6, (0.5, 0.0), seed)
    fit = fit_linear_mixed(design, values, groups, design)
    assert np.isfinite(fit.error).all()
    assert fit.boundary == (fit.spread[1] < 1e-4 * fit.residual)
    assert fit.spread[1] < 0.3


def test_columns_that_depend_on_each_other_are_refused() -> None:
    design, values, groups = made(4, (0.1, 0.1), seed=1)
    with pytest.raises(AnalysisError, match="depend on each other"):
        fit_linear_mixed(np.column_stack([design, design[:, 1] * 2]), values, groups, design)
