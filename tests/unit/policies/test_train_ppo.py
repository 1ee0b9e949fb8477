from __future__ import annotations

import numpy as np
import pytest

from policies.plan import Schedule
from policies.train_ppo import PressVecEnv, Weights, train, weights_of
from robopatient.expression.ppo import Network

SCHEDULE = Schedule(presses=12_288, rate=5e-3, rate_end=5e-4, spread=0.5, spread_end=0.1, presses_a_batch=256, stages=4)
STATES = np.linspace(-0.9, 0.9, 19)[:, None]


def reward(state: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Best where the first action follows the press and the second opposes it."""
    return np.exp(-4 * ((action[:, 0] - 0.7 * state[:, 0]) ** 2 + (action[:, 1] + 0.5 * state[:, 0]) ** 2))


@pytest.fixture(scope="module")
def trained() -> Weights:
    return weights_of(train(reward, 1, 2, 4, SCHEDULE))


def test_the_policy_finds_the_best_action_for_every_press(trained: Weights) -> None:
    assert reward(STATES, Network.of(trained)(STATES)).min() > 0.9


def test_the_same_seed_gives_the_same_weights_bit_for_bit(trained: Weights) -> None:
    again = weights_of(train(reward, 1, 2, 4, SCHEDULE))
    assert all(np.array_equal(again[name], trained[name]) for name in trained)


def test_numpy_acts_as_stable_baselines3_does_to_one_millionth() -> None:
    agent = train(reward, 1, 2, 5, Schedule(512, 3e-3, 3e-3, 0.4, 0.4, presses_a_batch=256, stages=1))
    states = np.random.default_rng(0).uniform(-1, 1, (500, 1)).astype(np.float32)
    theirs = np.clip(agent.predict(states, deterministic=True)[0], -1.0, 1.0)
    assert np.abs(Network.of(weights_of(agent))(states) - theirs).max() < 1e-6


def test_a_batch_of_presses_has_no_separate_environments_to_reach_into() -> None:
    presses = PressVecEnv(reward, 1, 2, 8, seed=1)
    with pytest.raises(AttributeError, match="set it on the Presses object"):
        presses.set_attr("difficulty", 2)
    with pytest.raises(AttributeError, match="call it on the Presses object"):
        presses.env_method("pause")
