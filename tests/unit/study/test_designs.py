from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from robopatient.errors import ConfigError
from robopatient.study.designs import factorial, independent, insert_catch, insert_repeats, replications, williams
from robopatient.study.order import arrange, longest_run
from robopatient.study.trials import Trial

PUBLISHED = {
    "sound": [1.0, 2.0, 3.0],
    "amplitude": [1 / 27, 1 / 9, 1 / 3, 1.0],
    "pitch": [0.7, 0.9, 1.1, 1.3],
    "force_newton": [5.0, 10.0, 15.0, 20.0],
}
NO_THREE = dict.fromkeys(PUBLISHED, 2)


def rng(seed=0):
    return np.random.default_rng(seed)


def cells(trials):
    return Counter(tuple(trial.factors.values()) for trial in trials if trial.kind == "main")


def runs(trials):
    return [longest_run([trial.factors.get(name) for trial in trials]) for name in PUBLISHED]


@pytest.mark.parametrize("seed", range(3))
def test_the_full_crossing_holds_every_cell_once_and_no_three_equal_levels_in_a_row(seed):
    trials = factorial(PUBLISHED, rng(seed), max_run=NO_THREE)
    assert len(cells(trials)) == len(trials) == 192
    assert max(runs(trials)) <= 2


def test_four_independent_permutations_hold_the_published_number_of_cells():
    counts = [len(cells(independent(PUBLISHED, rng(seed), 192))) for seed in range(200)]
    assert 123 < np.mean(counts) < 126  # published blocks: mean 124, 118 to 132
    assert np.mean([118 <= count <= 132 for count in counts]) > 0.85
    for name, levels in PUBLISHED.items():
        per_level = Counter(trial.factors[name] for trial in independent(PUBLISHED, rng(), 192))
        assert set(per_level.values()) == {192 // len(levels)}


def test_hidden_repeats_are_copies_far_enough_away_that_break_no_run():
    trials = insert_repeats(factorial(PUBLISHED, rng(), max_run=NO_THREE), rng(1), 19, 20, NO_THREE)
    repeats = [(place, trial) for place, trial in enumerate(trials) if trial.kind == "repeat"]
    assert len(repeats) == 19
    assert all(trials[trial.repeat_of].factors == trial.factors for _, trial in repeats)
    assert min(place - trial.repeat_of for place, trial in repeats) >= 20
    assert len({trial.repeat_of for _, trial in repeats}) == 19
    assert max(runs(trials)) <= 2


def test_catch_trials_are_spread_over_the_list():
    trials = insert_catch([Trial({"force_newton": 5.0})] * 100, rng(), [{"force_newton": 20.0}] * 4)
    places = [place for place, trial in enumerate(trials) if trial.kind == "catch"]
    assert [place // 26 for place in places] == [0, 1, 2, 3]


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 7, 8])
def test_a_williams_square_has_every_condition_at_every_place_and_after_every_other_equally_often(n):
    rows = williams(n)
    assert len(rows) == (n if n % 2 == 0 else 2 * n)
    places = Counter((place, name) for row in rows for place, name in enumerate(row))
    carried = Counter(pair for row in rows for pair in pairwise(row))
    assert set(places.values()) == {len(rows) // n}
    assert len(carried) == n * (n - 1)
    assert len(set(carried.values())) == 1


def test_a_level_that_no_order_can_spread_is_named_without_trying():
    lonely = [{"a": 1.0}] * 8 + [{"a": 2.0}] * 2
    with pytest.raises(ConfigError, match=r"max_run.a = 2: 8 of 10 trials have a 1.0, more than any order can spread"):
        arrange(lonely, rng(), {"a": 2})
    assert longest_run([lonely[index]["a"] for index in arrange(lonely, rng(), {"a": 3})]) <= 3


def test_numbers_of_trials_that_cannot_be_balanced_are_refused_with_those_that_can():
    with pytest.raises(ConfigError, match=r"200 trials cannot hold the 192 cells of .* equally often; use 192 or 384"):
        replications(200, PUBLISHED)
    with pytest.raises(ConfigError, match="4 levels cannot come equally often in 190 trials"):
        independent({"pitch": PUBLISHED["pitch"]}, rng(), 190)
    with pytest.raises(ConfigError, match="hidden repeats at least 200 trials"):
        insert_repeats(factorial(PUBLISHED, rng()), rng(), 5, 200)


def test_the_same_seed_gives_the_same_list_and_another_one_another():
    def made(seed):
        return insert_repeats(factorial(PUBLISHED, rng(seed), max_run=NO_THREE), rng(seed), 10, 20, NO_THREE)

    assert made(5) == made(5)
    assert made(5) != made(6)
