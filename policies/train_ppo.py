"""PPO for one press, one sound, one reward: how the deployed policy is pre-trained and refitted. Read top to bottom.

A press is a whole episode (terminated at once, discount 0), so this is a contextual bandit. The agent never meets the
listener here: it trains against a reward function, the listener model that the ratings have taught so far, where
tens of thousands of presses cost a second. stable-baselines3 brings the update rule; the rest is in this file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.utils import FloatSchedule
from stable_baselines3.common.vec_env import VecEnv

from policies.plan import Schedule
from policies.spaces import Array

__all__ = ["Reward", "Weights", "build", "load_weights", "train", "warm_up", "weights_of"]

Reward = Callable[[Array, Array], Array]
"""Rewards, shape (n,), of states (n, n_state) and actions (n, n_action), all in [-1, 1]."""

Weights = dict[str, np.ndarray]
"""The network's parameters by their names in stable-baselines3."""

HIDDEN = (32, 32)
"""Units of the two tanh layers, actor and critic alike."""


class PressVecEnv(VecEnv):
    """Many presses at once: each step answers a batch of states and draws the next, uniform over the space."""

    def __init__(self, reward: Reward, n_state: int, n_action: int, n_presses: int, seed: int) -> None:
        super().__init__(
            n_presses,
            spaces.Box(-1.0, 1.0, (n_state,), np.float32),
            spaces.Box(-1.0, 1.0, (n_action,), np.float32),
        )
        self.reward = reward
        self.rng = np.random.default_rng(seed)
        self.state = np.empty((n_presses, n_state), np.float32)
        self.actions = np.empty((n_presses, n_action))

    def reset(self) -> np.ndarray:
        self.state = self.rng.uniform(-1.0, 1.0, self.state.shape).astype(np.float32)
        return self.state

    def step_async(self, actions: np.ndarray) -> None:
        self.actions = np.clip(actions.astype(float), -1.0, 1.0)

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        rewards = self.reward(self.state.astype(float), self.actions).astype(np.float32)
        return self.reset(), rewards, np.ones(self.num_envs, bool), [{} for _ in range(self.num_envs)]

    def close(self) -> None:
        pass

    # What follows VecEnv requires and a batch without separate environments has no use for.
    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise AttributeError(f"a press of a batch has no {attr_name!r}; set it on the Presses object")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        raise AttributeError(f"a press of a batch has no {method_name!r}; call it on the Presses object")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs


def build(reward: Reward, n_state: int, n_action: int, seed: int, schedule: Schedule) -> PPO:
    """A fresh agent before its batch of presses."""
    torch.set_num_threads(1)  # more threads sum in another order: other bits, and the voice needs the other core
    env = PressVecEnv(reward, n_state, n_action, schedule.presses_a_batch, seed)
    return PPO(
        "MlpPolicy",
        env,
        n_steps=1,
        batch_size=schedule.presses_a_batch,
        n_epochs=schedule.epochs,
        learning_rate=schedule.rate,
        gamma=0.0,
        gae_lambda=1.0,
        ent_coef=0.0,
        seed=seed,
        device="cpu",
        policy_kwargs={"net_arch": list(HIDDEN), "log_std_init": float(np.log(schedule.spread))},
    )


def train(
    reward: Reward,
    n_state: int,
    n_action: int,
    seed: int,
    schedule: Schedule,
    start: Weights | None = None,
    on_stage: Callable[[float], None] | None = None,
) -> PPO:
    """Agent trained against a reward, from given weights or from scratch.

    The optimiser starts afresh and all randomness comes from ``seed``, so the result is a function of the arguments.
    ``on_stage`` gets the share done.
    """
    agent = build(reward, n_state, n_action, seed, schedule)
    if start is not None:
        load_weights(agent, start)
    for stage in range(schedule.stages):
        share = stage / max(1, schedule.stages - 1)
        spread = schedule.spread * (schedule.spread_end / schedule.spread) ** share
        rate = schedule.rate * (schedule.rate_end / schedule.rate) ** share
        with torch.no_grad():
            agent.policy.log_std.fill_(float(np.log(spread)))
        agent.learning_rate, agent.lr_schedule = rate, FloatSchedule(rate)
        agent.learn(schedule.presses // schedule.stages, reset_num_timesteps=stage == 0)
        if on_stage:
            on_stage((stage + 1) / schedule.stages)
    return agent


def weights_of(agent: PPO) -> Weights:
    """Copies of all parameters."""
    return {name: value.detach().numpy().copy() for name, value in agent.policy.state_dict().items()}


def load_weights(agent: PPO, weights: Weights) -> None:
    """Set all parameters; shapes must fit."""
    agent.policy.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights.items()})


def warm_up() -> None:
    """Train a little on nothing: the first use of torch in a process costs a second that no rater should wait for."""
    schedule = Schedule(presses=64, rate=1e-3, rate_end=1e-3, spread=0.5, spread_end=0.5, presses_a_batch=64, stages=1)
    train(lambda state, action: np.zeros(len(state)), 1, 2, 0, schedule)
