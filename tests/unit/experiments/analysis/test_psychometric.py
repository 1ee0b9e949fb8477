"""Known places and widths come back."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from experiments.analysis.power_law import fit_power_law
from experiments.analysis.psychometric import JND_OF_SIGMA, fit_psychometric, match_point, psychometric_of_people
from policies.errors import AnalysisError

LEVELS = np.linspace(-3, 3, 7)


def counts(pse: float, sigma: float, n: int, seed: int, people: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    probability = 0.01 + 0.98 * ndtr((LEVELS - pse) / sigma)
    return random.binomial(n, np.tile(probability, (people, 1))).astype(float), np.full((people, len(LEVELS)), float(n))


@pytest.mark.parametrize(("pse", "sigma"), [(0.0, 1.0), (1.2, 0.6), (-0.7, 2.0)])
def test_pse_and_jnd_come_back(pse: float, sigma: float) -> None:
    yes, n = counts(pse, sigma, 2000, seed=1)
    fit = fit_psychometric(LEVELS, yes[0], n[0])
    assert fit.pse == pytest.approx(pse, abs=0.08)
    assert fit.jnd == pytest.approx(0.6745 * sigma, rel=0.1)


def test_a_falling_function_has_a_negative_jnd() -> None:
    yes, n = counts(0.5, 1.0, 2000, seed=1)
    fit = fit_psychometric(LEVELS, n[0] - yes[0], n[0])
    assert fit.pse == pytest.approx(0.5, abs=0.08)
    assert fit.jnd < 0


def test_two_alternatives_begin_at_a_half() -> None:
    random = np.random.default_rng(1)
    levels = np.linspace(0, 6, 7)
    yes = random.binomial(3000, 0.5 + 0.49 * ndtr((levels - 3) / 1.0)).astype(float)
    fit = fit_psychometric(levels, yes, np.full(7, 3000.0), guess=0.5)
    assert fit.pse == pytest.approx(3.0, abs=0.15)
    assert fit.probability(np.array([3.0]))[0] == pytest.approx(0.75, abs=0.02)


def test_the_interval_over_people_holds_the_truth() -> None:
    yes, n = counts(0.4, 1.0, 40, seed=2, people=12)
    fit = psychometric_of_people(LEVELS, yes, n)
    assert fit.pse_interval[0] < 0.4 < fit.pse_interval[1]
    assert fit.pse_interval[1] - fit.pse_interval[0] < 0.5


def test_the_peak_of_agreement_is_found() -> None:
    random = np.random.default_rng(1)
    levels = np.arange(4.0)
    probability = 1 / (1 + np.exp(-(1.0 - 0.8 * (levels - 2.1) ** 2)))
    totals = np.full((10, 4), 60.0)
    hits = random.binomial(60, np.tile(probability, (10, 1))).astype(float)
    found = match_point(levels, hits, totals)
    assert found.place == pytest.approx(2.1, abs=0.12)
    assert found.interval[0] < 2.1 < found.interval[1]


def test_agreement_without_a_peak_has_no_place() -> None:
    hits = np.array([[50.0, 20.0, 20.0, 50.0]])
    assert np.isnan(match_point(np.arange(4.0), hits, np.full((1, 4), 60.0)).place)


def test_two_levels_and_flat_answers_are_refused() -> None:
    with pytest.raises(AnalysisError, match="at least 3 levels"):
        fit_psychometric(np.array([1.0, 2.0]), np.array([1.0, 5.0]), np.array([6.0, 6.0]))
    with pytest.raises(AnalysisError, match="do not change"):
        fit_psychometric(LEVELS, np.full(7, 3.0), np.full(7, 6.0))


def magnitudes(exponent: float, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = []
    for person in range(12):
        own, scale = exponent * random.lognormal(0, 0.1), random.lognormal(2, 1)
        for force in (2.0, 5.0, 10.0, 20.0, 40.0):
            rows += [(f"P{person}", force, scale * force**own * random.lognormal(0, 0.2)) for _ in range(5)]
    return pd.DataFrame(rows, columns=["participant", "force_newton", "value"])


@pytest.mark.parametrize("exponent", [0.67, 1.1, 1.7])
def test_stevens_exponent_comes_back(exponent: float) -> None:
    law = fit_power_law(magnitudes(exponent), "force_newton")
    assert law.exponent == pytest.approx(exponent, rel=0.1)
    assert law.interval[0] < exponent < law.interval[1]
    slope = np.polyfit(np.log(law.points["intensity"]), np.log(law.points["magnitude"]), 1)[0]
    assert slope == pytest.approx(law.exponent, abs=0.02)


def test_magnitudes_of_zero_are_counted_and_left_out() -> None:
    table = magnitudes(1.0)
    table.loc[:3, "value"] = 0.0
    assert fit_power_law(table, "force_newton").left_out == 4


def test_an_intensity_of_zero_is_refused() -> None:
    table = magnitudes(1.0)
    table.loc[0, "force_newton"] = 0.0
    with pytest.raises(AnalysisError, match="positive"):
        fit_power_law(table, "force_newton")


@pytest.mark.parametrize("spread_ms", [0.0, 40.0, 80.0])
def test_the_jnd_is_that_of_the_typical_person_however_far_apart_people_are(spread_ms: float) -> None:
    levels = np.array([0.0, 50.0, 100.0, 150.0, 200.0, 250.0, 300.0, 400.0])
    jnds, held, places = [], 0, 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        place = random.normal(200.0, spread_ms, (12, 1))
        width = 40.0 / JND_OF_SIGMA * np.exp(random.normal(0.0, 0.2, (12, 1)))
        yes = random.binomial(12, 0.01 + 0.98 * ndtr((levels - place) / width)).astype(float)
        fit = psychometric_of_people(levels, yes, np.full((12, 8), 12.0))
        jnds.append(fit.jnd)
        held += fit.jnd_interval[0] <= 40.0 <= fit.jnd_interval[1]
        places += fit.pse_interval[0] <= 200.0 <= fit.pse_interval[1]
    assert np.mean(jnds) == pytest.approx(40.0, abs=2.5)  # one function of all answers: 38.9, 47.3, 66.3
    assert held >= 17
    assert places >= 17


def test_a_falling_function_has_its_jnd_within_its_interval() -> None:
    yes, n = counts(0.4, 1.0, 40, seed=2, people=12)
    fit = psychometric_of_people(LEVELS, n - yes, n)
    assert fit.jnd_interval[0] < fit.jnd < fit.jnd_interval[1] < 0


def test_a_peak_outside_the_levels_is_marked() -> None:
    levels = np.arange(4.0)
    probability = 1 / (1 + np.exp(-(1.0 - 0.4 * (levels - 4.0) ** 2)))
    totals = np.full((6, 4), 60.0)
    hits = np.round(60 * np.tile(probability, (6, 1)))
    assert match_point(levels, hits, totals).clipped
    assert not match_point(levels, hits[:, ::-1] * 0 + 30 + 20 * (levels == 2), totals).clipped
