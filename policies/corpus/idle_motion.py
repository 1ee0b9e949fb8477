"""What simulated faces do besides showing pain: blink, look, breathe, sway; many side by side."""

from __future__ import annotations

import numpy as np

from policies.corpus.recipe import CorpusRecipe
from robopatient.breathing import breaths_per_min, excursion, held_share, next_cycle
from robopatient.face.generator.motion import MOTION_HZ, column

__all__ = ["IdleMotion"]

DT_S = 1.0 / MOTION_HZ
BLINK = np.array([0.0, 0.45, 1.0, 0.9, 0.55, 0.25, 0.08, 0.0])
"""Way of the lids at each frame of a blink: shut after 80 ms, open again after 200 ms (assumption)."""
SHUTTING = 1.0
"""AU43 from which no blink begins."""
WAVERS = 20


class IdleMotion:
    """Blinks, glances, breath and wavering of ``rows`` faces."""

    def __init__(self, recipe: CorpusRecipe, rows: int, rng: np.random.Generator) -> None:
        self._recipe, self._rng, self._rows = recipe, rng, rows
        self._blink_age = np.full(rows, 100)
        self._gaze = np.zeros((rows, 2))
        self._goal = np.zeros((rows, 2))
        self._averted = np.zeros(rows)
        self._cycle = rng.random(rows)
        self._caught = np.zeros(rows)
        self._held_s = np.zeros(rows)
        self._waver = rng.standard_normal((rows, WAVERS, 2))

    def waver(self, n: int) -> np.ndarray:
        """Slow noise of unit variance, shape (rows, n)."""
        return self._waver[:, :n, 1] / 0.7

    def show(self, frame: np.ndarray) -> None:
        """Fill gaze, blink and breath of a frame, shape (rows, D), in place."""
        at = column("gaze_pitch_deg")
        head = column("head_pitch_deg")
        fixed = (1.0 - self._averted)[:, None]  # eyes on the examiner stay there while the head turns
        frame[:, at : at + 2] = self._gaze - fixed * frame[:, head : head + 2]
        closing = BLINK[np.minimum(self._blink_age, len(BLINK) - 1)]
        frame[:, column("blink")] = np.maximum(0.0, closing - frame[:, column("AU43")] / 5.0)
        frame[:, column("breath")] = excursion(self._cycle, self._caught)

    def step(self, frame: np.ndarray, pain: np.ndarray, contact: np.ndarray, withdrawal: np.ndarray) -> None:
        """On to the next frame; ``withdrawal`` is how much the head shows, 0 to 5."""
        recipe, rng = self._recipe, self._rng
        mean_s = 60.0 / recipe("living.blinks_per_min") - recipe("living.blink_refractory_s")
        ready = (self._blink_age * DT_S > recipe("living.blink_refractory_s")) & (frame[:, column("AU43")] < SHUTTING)
        begins = ready & (rng.random(self._rows) < DT_S / mean_s)
        self._blink_age = np.where(begins, 0, self._blink_age + 1)
        self._look(pain, withdrawal)
        self._breathe(pain, contact)
        keep_fast, keep_slow = np.exp(-DT_S / 0.35), np.exp(-DT_S / 0.35)
        kick = np.sqrt(1.0 - keep_fast**2)
        self._waver[..., 0] = keep_fast * self._waver[..., 0] + kick * rng.standard_normal((self._rows, WAVERS))
        self._waver[..., 1] += (1.0 - keep_slow) * (self._waver[..., 0] - self._waver[..., 1])

    def _look(self, pain: np.ndarray, withdrawal: np.ndarray) -> None:
        recipe, rng, rows = self._recipe, self._rng, self._rows
        shown = np.clip(withdrawal / 4.0, 0.0, 1.0)
        rate = (1.0 + 1.5 * shown) / recipe("living.fixation_s")
        glances = rng.random(rows) < rate * DT_S
        away = rng.random(rows) < shown
        beside = rng.random(rows) < 0.4
        side = rng.choice([-1.0, 1.0], rows)
        size = rng.uniform(0.5, 1.0, rows)
        aversion, glance = recipe.pair("living.aversion_deg"), recipe.pair("living.glance_deg")
        offset = rng.standard_normal((rows, 2)) * glance * beside[:, None]
        averse = np.stack([aversion[0] * size, aversion[1] * size * side], axis=1)
        goal = np.where(away[:, None], averse, offset)
        self._goal = np.where(glances[:, None], goal, self._goal)
        self._averted = np.where(glances, away, self._averted)
        self._gaze = self._gaze + 0.75 * (self._goal - self._gaze)  # a saccade takes one or two frames

    def _breathe(self, pain: np.ndarray, contact: np.ndarray) -> None:
        recipe = self._recipe
        pressed = (contact > 0.5) & (pain >= recipe("living.breath_hold_nrs"))
        self._held_s = np.where(pressed, self._held_s + DT_S, 0.0)
        wanted = np.where(pressed, held_share(self._held_s), 0.0)
        share = np.where(wanted > self._caught, 0.3, 0.1)  # at 30 frames a second; as in the corpora of 0.1
        self._caught = self._caught + (wanted - self._caught) * share
        rate = breaths_per_min(pain, *recipe.pair("living.breaths_per_min"))
        self._cycle = next_cycle(self._cycle, DT_S, rate, self._caught)
