"""One press, one reaction, one rating: the task as gymnasium environments, for any learner to be tried on."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from policies.answer_scales import question
from policies.errors import PolicyError
from policies.listeners import Habits, Listener, SimulatedRater, draw_listener
from policies.spaces import ACTIONS, PUBLISHED_AMPLITUDES, PUBLISHED_RATIOS, TASKS, Array, normalised, physical

__all__ = ["PalpationEnv", "published_table"]


def published_table() -> Array:
    """The 16 published actions, normalised (level, pitch), shape (16, 2): index 4 * pitch + amplitude."""
    rows = [[20.0 * np.log10(a), ratio] for ratio in PUBLISHED_RATIOS for a in PUBLISHED_AMPLITUDES]
    return normalised((ACTIONS["level_db"], ACTIONS["f0_ratio"]), np.array(rows))


class PalpationEnv(gym.Env[np.ndarray, Any]):
    """A rater presses a patient, hears (and sees) the reaction, and says how well it fitted.

    ## Observation
    One `Box` row a dimension of the task, in the unit named (float32). A task has some of:

    | name | unit | min | max | meaning |
    | --- | --- | --- | --- | --- |
    | threshold_newton | N | 5 | 20 | force at which the published rigs sound |
    | peak_newton | N | 0 | 40 | largest total force of the press |
    | rise_newton_per_s | N/s | 0 | 350 | steepest rise |
    | x_mm, y_mm | mm | 0 | 290 | site: centre of pressure |
    | nrs | NRS | 2.5 | 10 | pain the patient feels |
    | nrs_per_s | NRS/s | -20 | 20 | how fast it rises |

    ## Action
    `Box(-1, 1)`, one number a dimension of the task, or `Discrete(16)` for the published table (4 pitch x 4 amplitude,
    index 4 * pitch + amplitude).

    | name | unit | at -1 | at +1 |
    | --- | --- | --- | --- |
    | level_db | dB | -28.6 | 0 |
    | f0_ratio | 1 | 0.7 | 1.3 |
    | roughness_offset, breathiness_offset | 1 | -0.3 | 0.3 |
    | face_gain | 1 | 0.5 | 1.5 |
    | expressiveness | 1 | 0 | 2 |

    ## Reward
    The rating as 0 (worst) to 1 (best): `index / (levels - 1)`, or `1 - |rating| / 3` for the signed question.

    ## Start, end
    A press drawn uniformly over the observation space. One press is one episode: every step terminates.

    ## Info
    `rating` (value on the question's scale), `merit` (what a noiseless listener would think, 0 to 1), `action`
    (physical units by name).

    ## Arguments
    `task`: name in `policies.spaces.TASKS`. `question`: "congruence7" (default), "signed", "agree", "congruence5",
    "naturalness". `listener`: who listens; None draws a parametric listener at each seeded reset. `habits`: lapses,
    drift, sign errors. `table`: the published 16 actions instead of a `Box`.

    ## Versions
    v0: first.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - as gymnasium declares it

    def __init__(
        self,
        task: str = "pain-to-voice",
        question_name: str = "congruence7",
        listener: Listener | None = None,
        habits: Habits | None = None,
        table: bool = False,
    ) -> None:
        if task not in TASKS:
            raise PolicyError(f"no task {task!r}; choose one of {', '.join(TASKS)}")
        self.task, self.question = TASKS[task], question(question_name)
        if table and self.task.n_action != 2:
            raise PolicyError(
                f"the published table has two action dimensions, the task {task} has {self.task.n_action}"
            )
        self._given, self._habits = listener, habits
        self._table = published_table() if table else None
        low = np.array([d.low for d in self.task.observation], np.float32)
        high = np.array([d.high for d in self.task.observation], np.float32)
        self.observation_space = spaces.Box(low, high, dtype=np.float32)
        self.action_space = spaces.Discrete(16) if table else spaces.Box(-1.0, 1.0, (self.task.n_action,), np.float32)
        self._rater: SimulatedRater | None = None
        self._state = np.zeros(self.task.n_observation)
        self._trial = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Draw a press, and with a seed (or at first) also the rater."""
        super().reset(seed=seed)
        if self._rater is None or seed is not None:
            drawn = self._given or draw_listener(self.np_random, self.task.n_observation, self.task.n_action)
            self._rater, self._trial = SimulatedRater(drawn, self._habits), 0
        self._state = self.np_random.uniform(-1.0, 1.0, self.task.n_observation)
        return self._observation(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Play the reaction and ask the question."""
        assert self._rater is not None, "reset() comes before step()"
        chosen = self._table[int(action)] if self._table is not None else np.clip(np.asarray(action, float), -1.0, 1.0)
        state, sound = self._state[None], chosen[None]
        rating = int(self._rater.answer(self.question, state, sound, self.np_random, self._trial)[0])
        self._trial += 1
        values = physical(self.task.action, chosen)
        info = {
            "rating": rating,
            "merit": float(self._rater.listener.merit(state, sound)[0]),
            "action": {d.name: float(v) for d, v in zip(self.task.action, values, strict=True)},
        }
        reward = float(self.question.reward(self.question.index(rating)))
        return self._observation(), reward, True, False, info

    def _observation(self) -> np.ndarray:
        return physical(self.task.observation, self._state).astype(np.float32)


gym.register(
    "robopatient/PublishedTable-v0", "policies.env:PalpationEnv", kwargs={"task": "force-to-voice", "table": True}
)
gym.register("robopatient/PainToVoice-v0", "policies.env:PalpationEnv", kwargs={"task": "pain-to-voice"})
gym.register(
    "robopatient/PainToVoiceAndFace-v0", "policies.env:PalpationEnv", kwargs={"task": "pain-to-voice-and-face"}
)
gym.register("robopatient/PainToExpression-v0", "policies.env:PalpationEnv", kwargs={"task": "pain-to-expression"})
