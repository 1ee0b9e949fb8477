"""Against the worked examples that the coefficients were published with."""

import numpy as np
import pytest

from policies.errors import AnalysisError
from policies.statistics.reliability import icc_one_way, icc_two_way, krippendorff_alpha

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)
"""Six targets, four judges (Shrout and Fleiss 1979, table 2)."""
KRIPPENDORFF = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3),
    (0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0),
)
"""Four observers, twelve units, 0 for a missing value (Krippendorff 2011, section C)."""


def counted() -> np.ndarray:
    return np.array([[row.count(level) for level in range(1, 6)] for row in map(list, zip(*KRIPPENDORFF, strict=True))])


def test_icc_of_shrout_and_fleiss() -> None:
    found = icc_two_way(SHROUT_FLEISS)
    assert icc_one_way(SHROUT_FLEISS) == pytest.approx(0.17, abs=0.005)
    assert found.agreement_one == pytest.approx(0.29, abs=0.005)
    assert found.consistency_one == pytest.approx(0.71, abs=0.006)
    assert found.agreement_mean == pytest.approx(0.62, abs=0.005)
    assert found.consistency_mean == pytest.approx(0.91, abs=0.005)


@pytest.mark.parametrize(("metric", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_krippendorffs_example(metric: str, alpha: float) -> None:
    assert krippendorff_alpha(counted(), metric) == pytest.approx(alpha, abs=0.0006)


def test_alpha_is_one_without_fault_and_zero_by_chance() -> None:
    assert krippendorff_alpha(np.array([[4, 0, 0], [0, 4, 0], [0, 0, 4]])) == 1.0
    random = np.random.default_rng(1)
    assert abs(krippendorff_alpha(random.multinomial(6, [0.3, 0.4, 0.3], 800))) < 0.02


def test_alpha_of_constant_raters_is_undefined() -> None:
    assert np.isnan(krippendorff_alpha(np.array([[4, 0], [4, 0]])))


def test_gaps_are_counted_in_the_error() -> None:
    table = SHROUT_FLEISS.copy()
    table[0, 0] = np.nan
    with pytest.raises(AnalysisError, match="1 gaps"):
        icc_two_way(table)
    assert icc_one_way(table) < 0.5
