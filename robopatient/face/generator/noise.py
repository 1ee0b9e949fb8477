"""Random inputs of the face generator: correlated noise in every frame, and random draws ("dice") once per stimulus.

How strongly, how soon and with which units a person reacts is drawn at the onset of a stimulus and kept until the
next one; noise averages out and cannot encode it. Held expressions waver, but slowly: noise that was new in
every frame made faces tremble. Both are standard normal in every frame (noise shared between frames: Ge et al. 2023,
arXiv 2305.10474).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from robopatient.face.generator.condition import index
from robopatient.face.generator.motion import CHANNELS, MOTION_HZ

__all__ = ["DICE", "SETTLE_FRAMES", "CorrelatedNoise", "GeneratorNoise", "StimulusOnsets", "count_stimuli"]

DICE = 32
"""Dice of a stimulus: a unit's occurrence, size and delay for each of a dozen and more units (assumption)."""
RISE_NRS, RISE_SHARE = 0.5, 0.15
"""Pain that is this far above its mean over a second, and by this share of it, is a new stimulus even where a hand or
thermode stays on the skin; the tremor of a pressing hand is smaller (6 % in the corpus)."""
SETTLE_FRAMES = 64
"""Frames that a face lives through before the first that is shown: twice what the shipped network's cache holds."""
WANDER_S = 0.15
"""Time constant of each of the two poles that noise goes through: an expression that is held wavers about once a
second (assumption)."""
AGAIN_S = 1.0
"""A stimulus is not followed by another within this time unless the hand has left: recorded presses rise in less."""

_PAIN, _MEAN, _CONTACT = index("pain"), index("pain_1s"), index("contact")


class CorrelatedNoise:
    """White noise, frame after frame, to noise that wanders; both standard normal, arrays or tensors of any shape."""

    def __init__(self) -> None:
        self._keep = float(np.exp(-1.0 / (MOTION_HZ * WANDER_S)))
        keep = self._keep
        self._gain = ((1.0 - keep**2) ** 3 / (1.0 + keep**2)) ** 0.5
        self._lead: Any = 0.0
        self._noise: Any = 0.0

    def __call__(self, white: Any) -> Any:
        """Noise of the next frame; it begins at 0 and is standard normal after a second."""
        self._lead = self._keep * self._lead + white
        self._noise = self._keep * self._noise + self._lead
        return self._gain * self._noise


class StimulusOnsets:
    """Detects the frames in which a stimulus begins, for ``faces`` faces in parallel."""

    def __init__(self, faces: int) -> None:
        self._touched = np.zeros(faces, bool)
        self._ready = np.ones(faces, bool)
        self._age_s = np.full(faces, np.inf)

    def __call__(self, condition: np.ndarray) -> np.ndarray:
        """Whether one begins in the next frame, bool, shape (faces,), of conditions (faces, C)."""
        touched = condition[:, _CONTACT] > 0.5
        ahead = condition[:, _PAIN] - condition[:, _MEAN]
        enough = RISE_NRS + RISE_SHARE * condition[:, _MEAN]
        self._age_s += 1.0 / MOTION_HZ
        self._ready |= (self._age_s > AGAIN_S) & (ahead < 0.5 * enough)
        begins = (touched & ~self._touched) | (self._ready & (ahead > enough))
        self._touched = touched
        self._ready &= ~begins
        self._age_s[begins] = 0.0
        return begins


def count_stimuli(condition: np.ndarray) -> np.ndarray:
    """How many stimuli have begun up to every frame, int, shape (faces, n), of conditions (faces, n, C)."""
    onsets = StimulusOnsets(len(condition))
    return np.cumsum(np.stack([onsets(condition[:, row]) for row in range(condition.shape[1])], axis=1), axis=1)


class GeneratorNoise:
    """Noise and dice of faces side by side, frame after frame; equal seeds give equal ones.

    Parameters
    ----------
    variety
        Factor on both: 1 answers like presses as variously as people do, 0 always in the same, typical way (the
        truncation of Brock et al. 2019, arXiv 1809.11096).
    """

    def __init__(self, seed: int | list[int], faces: int = 1, variety: float = 1.0) -> None:
        self._variety = np.float32(variety)
        self._noise, self._throws = np.random.default_rng(seed).spawn(2)  # stimuli do not change the noise
        self._onsets = StimulusOnsets(faces)
        self._wander = CorrelatedNoise()
        self._dice = self._throws.standard_normal((faces, DICE), dtype=np.float32)

    def draw(self, condition: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Noise (faces, D) and dice (faces, DICE) of the next frame, for its conditions (faces, C)."""
        begins = self._onsets(condition)
        if begins.any():
            fresh = self._throws.standard_normal(self._dice.shape, dtype=np.float32)
            self._dice = np.where(begins[:, None], fresh, self._dice)
        noise = self._wander(self._noise.standard_normal((len(condition), len(CHANNELS)), dtype=np.float32))
        return self._variety * noise, self._variety * self._dice
