"""Studies drawn from known truth: what is counted of their intervals."""

import numpy as np

from experiments.analysis.coverage import SETTINGS, Held, check_design, repeat_setting, summary
from experiments.analysis.trials import trials_of


def test_every_setting_gives_an_interval_for_each_truth_and_the_same_again_for_its_seed() -> None:
    for setting in (SETTINGS[0], SETTINGS[-1]):
        held = repeat_setting(setting, seed=3)
        assert all(one.low is not None and one.high is not None and one.low < one.high for one in held)
        assert held == repeat_setting(setting, seed=3)
        assert held != repeat_setting(setting, seed=4)


def test_a_summary_counts_what_was_quoted_and_what_was_held() -> None:
    held = [Held("m", "t", 1.0, 0.5, 1.5), Held("m", "t", 1.0, -0.5, 0.5), Held("m", "t", 1.0)]
    [row] = summary(held)
    assert (row["sets"], row["quoted"], row["holds_truth"], row["leaves_out_zero"]) == (3, 2, 0.5, 0.5)


def test_the_design_at_hand_is_drawn_again_from_what_was_found() -> None:
    rng = np.random.default_rng(1)
    rows = [
        {"participant": f"P{person}", "force_newton": newton, "loud": loud, "response_value": float(rng.integers(1, 5))}
        for person in range(5)
        for newton in (5.0, 10.0, 15.0)
        for loud in (0.1, 0.2, 0.4)
        for _ in range(4)
    ]
    [trials] = trials_of(rows, "table")
    sets = list(check_design(trials, 3, seed=1))
    assert len(sets) == 3
    assert {one.term for one in sets[0]} == {"force_newton x loud"}
    assert {one.model for one in sets[0]} == {"own products", "all trials"}
