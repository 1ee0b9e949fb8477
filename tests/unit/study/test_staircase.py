import numpy as np
import pytest

from robopatient.errors import ConfigError
from robopatient.study.staircase import Staircase, StaircaseConfig, psychometric

CONFIG = StaircaseConfig(factor="delay_ms", low=0.0, high=800.0, steps=41, slopes=(0.05, 0.1, 0.2))


def run(config, threshold, slope, seed, trials=40):
    staircase, rng = Staircase(config), np.random.default_rng(seed)
    for _ in range(trials):
        level = staircase.next()
        staircase.tell(level, float(rng.random() < psychometric(level, threshold, slope, config.guess, 0.02)))
    return staircase


def test_forty_answers_find_a_threshold_within_its_own_uncertainty():
    errors, sds = [], []
    for seed in range(12):
        mean, sd = run(CONFIG, 250.0, 60.0, seed).estimate()
        errors.append(mean - 250.0)
        sds.append(sd)
    assert abs(np.mean(errors)) < 20.0
    assert np.std(errors) < 1.5 * np.mean(sds) < 60.0


def test_it_beats_levels_drawn_at_random():
    def rmse(adaptive):
        errors = []
        for seed in range(12):
            staircase, rng = Staircase(CONFIG), np.random.default_rng(seed)
            for _ in range(25):
                level = staircase.next() if adaptive else float(rng.choice(staircase.levels))
                staircase.tell(level, float(rng.random() < psychometric(level, 250.0, 60.0, 0.0, 0.02)))
            errors.append(staircase.estimate()[0] - 250.0)
        return np.sqrt(np.mean(np.square(errors)))

    assert rmse(adaptive=True) < 0.8 * rmse(adaptive=False)


def test_a_logarithmic_staircase_with_a_forced_choice_works_in_its_own_unit():
    config = StaircaseConfig(factor="gain", low=0.01, high=1.0, steps=31, scale="log", guess=0.5)
    staircase, rng = Staircase(config), np.random.default_rng(3)
    for _ in range(120):
        level = staircase.next()
        chance = psychometric(np.log(level), np.log(0.1), 0.1 * np.log(100.0), 0.5, 0.02)
        staircase.tell(level, float(rng.random() < chance))
    mean, factor = staircase.estimate()
    assert 0.06 < mean < 0.17
    assert 1.0 < factor < 1.6


def test_a_range_that_is_none_is_refused():
    with pytest.raises(ConfigError, match=r"staircases\.voice: low 5 and high 5"):
        Staircase(StaircaseConfig(factor="x", low=5.0, high=5.0), "voice")
    with pytest.raises(ConfigError, match="make no log range"):
        Staircase(StaircaseConfig(factor="x", low=0.0, high=5.0, scale="log"), "voice")
