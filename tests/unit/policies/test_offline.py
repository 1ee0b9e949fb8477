from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from policies.env import published_table
from policies.errors import TrialsError
from policies.offline import offline_value
from policies.rated_trials import RatedTrials, read_rated_trials


def logged(n: int = 6000, seed: int = 1) -> RatedTrials:
    """Random published sounds; agreement is likely where the level suits the force."""
    rng = np.random.default_rng(seed)
    table = published_table()
    state, action = rng.choice([-1, -1 / 3, 1 / 3, 1], (n, 1)), table[rng.integers(0, 16, n)]
    chance = 0.9 - 0.35 * np.abs(state[:, 0] - action[:, 0])
    return RatedTrials(("Q",), np.zeros(n, int), state, action, (rng.random(n) < chance).astype(int), 2, "test")


def matched(state: np.ndarray) -> np.ndarray:
    return np.hstack([state, np.full_like(state, 1 / 3)])


def test_all_estimates_find_the_value_of_a_policy_never_run() -> None:
    found = offline_value(logged(), matched)
    for estimate in (found.ips, found.snips, found.doubly_robust):
        assert estimate.low < 0.9 < estimate.high
    assert found.logged.value < 0.7


def test_the_doubly_robust_interval_is_the_narrower_one() -> None:
    found = offline_value(logged(), matched)
    assert found.doubly_robust.high - found.doubly_robust.low < found.ips.high - found.ips.low


def test_unanswered_trials_do_not_count() -> None:
    trials = logged(800)
    answer = trials.answer.copy()
    answer[::5] = -1
    assert offline_value(msgspec.structs.replace(trials, answer=answer), matched).trials == 640


def test_a_log_that_is_not_uniform_is_refused() -> None:
    trials = logged(800)
    with pytest.raises(TrialsError, match="not drawn uniformly"):
        offline_value(msgspec.structs.replace(trials, action=np.tile(trials.action[:1], (800, 1))), matched)
    with pytest.raises(TrialsError, match="other than the published"):
        offline_value(msgspec.structs.replace(trials, action=trials.action * 0.8), matched)


def test_the_published_random_trials_can_be_replayed(shared_data: Path) -> None:
    found = offline_value(read_rated_trials(shared_data / "bandit_trials.csv"), matched)
    assert found.trials == 664
    assert found.logged.value == pytest.approx(0.587, abs=0.001)
    assert found.doubly_robust.low < found.doubly_robust.value < found.doubly_robust.high
