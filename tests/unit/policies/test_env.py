from __future__ import annotations

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as gymnasium_check
from stable_baselines3.common.env_checker import check_env as sb3_check

from policies.env import PalpationEnv, published_table
from policies.errors import PolicyError
from policies.spaces import ACTIONS, OBSERVATIONS, TASKS, Task, normalised, physical

NAMES = tuple(
    f"robopatient/{name}-v0" for name in ("PublishedTable", "PainToVoice", "PainToVoiceAndFace", "PainToExpression")
)


@pytest.mark.parametrize("name", NAMES)
def test_both_libraries_own_checkers_find_nothing_wrong(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gymnasium_check(gym.make(name).unwrapped, skip_render_check=True)
        sb3_check(gym.make(name).unwrapped)


@pytest.mark.parametrize("name", NAMES)
def test_one_press_is_one_episode_and_a_seed_repeats_it(name: str) -> None:
    episodes = []
    for _ in range(2):
        env = gym.make(name)
        observation, _ = env.reset(seed=4)
        env.action_space.seed(4)
        _, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert terminated
        assert not truncated
        assert 0.0 <= reward <= 1.0
        episodes.append((observation.tolist(), reward, info))
    assert episodes[0] == episodes[1]


def test_the_observation_is_in_the_units_of_the_data_sheet() -> None:
    env = PalpationEnv("force-to-voice")
    forces = np.array([env.reset(seed=s)[0][0] for s in range(200)])
    assert forces.min() >= 5.0
    assert forces.max() <= 20.0
    assert forces.mean() == pytest.approx(12.5, abs=1.0)
    for dimension in (*OBSERVATIONS.values(), *ACTIONS.values()):
        assert dimension.name in str(PalpationEnv.__doc__)


def test_the_table_holds_the_published_levels_and_pitches() -> None:
    table = physical((ACTIONS["level_db"], ACTIONS["f0_ratio"]), published_table())
    assert sorted(set(table[:, 0].round(1))) == [-28.6, -19.1, -9.5, 0.0]
    assert sorted(set(table[:, 1].round(3))) == [0.7, 0.9, 1.1, 1.3]
    env = PalpationEnv("force-to-voice", table=True)
    env.reset(seed=0)
    info = env.step(4 * 2 + 1)[4]
    assert info["action"] == pytest.approx({"level_db": -19.08, "f0_ratio": 1.1}, abs=0.01)


def test_a_better_sound_earns_more_on_average() -> None:
    env = PalpationEnv()
    env.reset(seed=3)
    env.action_space.seed(3)
    rewards, merits = [], []
    for _ in range(400):
        env.reset()
        _, reward, _, _, info = env.step(env.action_space.sample())
        rewards.append(reward)
        merits.append(info["merit"])
    assert np.corrcoef(rewards, merits)[0, 1] > 0.7


def test_units_survive_the_way_there_and_back() -> None:
    for task in TASKS.values():
        values = np.array([[d.low, (d.low + d.high) / 2, d.high] for d in task.action]).T
        assert physical(task.action, normalised(task.action, values)) == pytest.approx(values)


def test_what_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(PolicyError, match="no task 'smell'"):
        PalpationEnv("smell")
    with pytest.raises(PolicyError, match="two action dimensions"):
        PalpationEnv("pain-to-expression", table=True)
    with pytest.raises(PolicyError, match=r"no action dimension 'volume'; choose among level_db"):
        Task.of("mine", ("nrs",), ("volume",))
    with pytest.raises(PolicyError, match="at least one observation"):
        Task.of("mine", (), ("level_db",))
