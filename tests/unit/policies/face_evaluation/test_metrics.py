"""The three blocks of metrics on pairs of sequences whose values are worked out by hand."""

import numpy as np
import pytest

from policies.face_metrics.cases import Case
from policies.face_metrics.compat import compat_of, diversity, temperature_c, variance
from policies.face_metrics.corrected import corrected_of, error_growth
from policies.face_metrics.react import GROUPS, apart, lag_s, react_of
from robopatient.face.generator.condition import CONDITIONS
from robopatient.face.generator.motion import CHANNELS, column

ONE = np.ones(len(CHANNELS))


def motion(values, name="AU4"):
    """Motion of one channel."""
    result = np.zeros((len(values), len(CHANNELS)))
    result[:, column(name)] = values
    return result


def case(stimulus, *appropriate):
    return Case(
        "p1",
        "1",
        "palpation",
        np.asarray(stimulus, float),
        np.zeros((len(stimulus), len(CONDITIONS))),
        np.stack(appropriate),
    )


def test_compat_block_by_hand():
    truth, tries = motion([0, 1, 2, 0]), np.stack([motion([0, 1, 2, 0]), motion([0, 2, 4, 0])])
    found = compat_of(case([0, 5, 10, 0], truth), tries, ONE)
    # second try against truth: 0-0, 2-2 (or 1), 4-2 (4), 0-0; the 1 of the truth goes to 0 or 2 (1)
    assert found["PainSim"] == pytest.approx((0 + np.sqrt(5)) / 2)
    assert found["PainCorr"] == pytest.approx(1.0)
    assert found["PainDist"] == pytest.approx((0 + (1 + 4) / 4) / 2 / len(CHANNELS))
    # squared distance of the tries is 5, both orders; 2 tries, 4 frames
    assert found["PainDivrs"] == pytest.approx(2 * 5 / (2 * 1) / (4 * len(CHANNELS)))
    assert found["PainVar"] == pytest.approx((np.var([0, 1, 2, 0]) + np.var([0, 2, 4, 0])) / 2 / len(CHANNELS))


def test_the_published_accuracy_is_ruled_by_the_offset_between_units():
    stimulus = np.array([0.0, 5.0, 10.0, 0.0])
    assert temperature_c(stimulus).tolist() == [32.0, 41.0, 50.0, 32.0]
    good, still = (compat_of(case(stimulus, motion(v)), motion(v)[None], ONE) for v in ([0, 2, 4, 0], [5, 5, 5, 5]))
    assert still["PainAcc"] < good["PainAcc"]  # the defect: a frozen grimace scores better than one that follows
    mended = [corrected_of(case(stimulus, motion(v)), motion(v)[None], ONE) for v in ([0, 2, 4, 0], [5, 5, 5, 5])]
    assert mended[0]["pain_acc"] == pytest.approx(0.0, abs=1e-9)
    assert mended[1]["pain_acc"] > 0.5


def test_the_corrected_correlation_is_the_mean_and_counts_a_still_face_as_zero():
    truth = motion([0, 1, 2, 0])
    found = corrected_of(case([0, 5, 10, 0], truth), np.stack([truth, motion([1, 1, 1, 1])]), ONE)
    assert found["pain_corr"] == pytest.approx(0.5)


def test_any_appropriate_reaction_is_right():
    a, b = motion([0, 3, 0, 0]), motion([0, 0, 0, 0])
    assert corrected_of(case([0, 9, 0, 0], a, b), b[None], ONE)["pain_sim"] == 0.0
    assert corrected_of(case([0, 9, 0, 0], a), b[None], ONE)["pain_sim"] == pytest.approx(3.0 / 2.0)


def test_clinical_pspi_counts_closed_eyes():
    truth, shut = motion([0, 0, 0, 0]), motion([5, 5, 5, 5], "AU43")
    assert corrected_of(case([0, 5, 5, 0], truth), shut[None], ONE)["pain_sim"] == pytest.approx(1.0)
    assert compat_of(case([0, 5, 5, 0], truth), shut[None], ONE)["PainSim"] == 0.0


def test_the_same_distribution_is_at_no_distance_and_has_ratio_one():
    rng = np.random.default_rng(3)
    draws = rng.standard_normal((40, 6, len(CHANNELS)))
    found = corrected_of(case(np.arange(6.0), *draws[:20]), draws[20:], ONE)
    assert abs(found["pain_dist"]) < 0.05
    assert found["divrs"] / found["divrs_right"] == pytest.approx(1.0, abs=0.1)
    assert found["var"] / found["var_right"] == pytest.approx(1.0, abs=0.1)


def test_an_error_that_grows_with_time_is_seen():
    truth = np.zeros((10, len(CHANNELS)))
    assert error_growth(motion(np.arange(10.0))[None], truth) == pytest.approx(1.0)
    assert error_growth(truth[None], truth) == 0.0


def test_diversity_of_one_try_is_zero_and_variance_is_over_time():
    assert diversity(np.ones((1, 5, 2))) == 0.0
    assert variance(np.array([[[0.0], [2.0]], [[5.0], [5.0]]])) == pytest.approx(0.5)


def test_groups_cover_every_column_once():
    assert sorted(i for columns in GROUPS.values() for i in columns) == list(range(len(CHANNELS)))


def test_react_block_by_hand():
    truth, other = motion([0, 1, 2, 0]), motion([0, 0, 0, 0])
    found = react_of(case([0, 1, 2, 0], truth), np.stack([truth, other]), ONE)
    still = len(CHANNELS) - 1
    assert found["FRCorr"] == pytest.approx((1.0 + (still + 0.0) / len(CHANNELS)) / 2)
    assert found["FRDist"] == pytest.approx((0.0 + np.sqrt(5.0) / len(GROUPS["action units"])) / 2)
    assert found["lag_error_s"] == 0.0  # of the try that reacts


def test_a_generator_that_never_reacts_has_the_largest_lag_error_and_a_clip_without_reactions_none():
    still, moving = motion([0, 0, 0, 0]), motion([0, 3, 3, 0])
    assert react_of(case([0, 5, 5, 0], moving), still[None], ONE)["lag_error_s"] == 2.0
    assert np.isnan(react_of(case([0, 5, 5, 0], still), moving[None], ONE)["lag_error_s"])


def test_the_right_lag_is_that_of_the_appropriate_reactions():
    t = np.arange(240)
    wave = 8 * np.exp(-(((t - 100) / 12.0) ** 2))
    late = motion(np.roll(wave, 12) / 2)
    assert lag_s(wave, np.roll(wave, 12)) == pytest.approx(0.4)
    assert react_of(case(wave, late), late[None], ONE)["lag_error_s"] == 0.0
    assert react_of(case(wave, late), motion(wave / 2)[None], ONE)["lag_error_s"] == pytest.approx(0.4)


def test_distance_between_clips_compares_equal_seeds():
    a, b = np.zeros((2, 5, 1)), np.full((2, 7, 1), 2.0)
    assert apart([a, b]) == pytest.approx(2 * 4.0 / 2)
