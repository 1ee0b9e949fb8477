"""Baselines that play what was recorded: the mean face, a random reaction, the reaction to the most similar pain.

They need no training and set the floor of every metric: what cannot beat them has learned nothing.
"""

from __future__ import annotations

import numpy as np

from policies.corpus.store import Corpus
from robopatient.face.generator.condition import index
from robopatient.face.generator.motion import MOTION_HZ

__all__ = ["MeanFace", "NearestNeighbour", "RandomSequence", "fit_mean", "fit_nearest", "fit_random"]

STRIDE = 15
"""Frames between the windows that are searched: half a second."""

LONGEST_S = 10.0
"""Longer clips are answered in parts of this length, each by its own neighbour."""

FADE_S = 0.3
"""Over which one part becomes the next."""

NEIGHBOURS = 3
"""The seed chooses among so many, so that tries differ."""

_PAIN = index("pain")


class MeanFace:
    """The mean of all training frames, standing still."""

    name = "mean face"

    def __init__(self, mean: np.ndarray) -> None:
        self._mean = mean

    def generate(self, condition: np.ndarray, seed: int) -> np.ndarray:
        """Motion, shape (n, D)."""
        del seed
        return np.tile(self._mean, (len(condition), 1))


class RandomSequence:
    """The reaction of a random person to a random pain."""

    name = "random sequence"

    def __init__(self, motions: list[np.ndarray]) -> None:
        self._motions = motions

    def generate(self, condition: np.ndarray, seed: int) -> np.ndarray:
        """Motion, shape (n, D)."""
        rng = np.random.default_rng([seed, 17])
        parts: list[np.ndarray] = []
        missing = len(condition)
        while missing > 0:
            motion = self._motions[rng.integers(len(self._motions))]
            start = int(rng.integers(max(1, len(motion) - missing + 1)))
            parts.append(motion[start : start + missing])
            missing -= len(parts[-1])
        return _joined(parts)


class NearestNeighbour:
    """The reaction to the training stimulus with the least squared distance in pain over time."""

    name = "nearest neighbour"

    def __init__(self, pains: list[np.ndarray], motions: list[np.ndarray]) -> None:
        longest = max(len(pain) for pain in pains)
        self._length = min(round(LONGEST_S * MOTION_HZ), longest)
        kept = [(pain, motion) for pain, motion in zip(pains, motions, strict=True) if len(pain) >= self._length]
        self._motions = [motion for _, motion in kept]
        self._starts = [
            (i, start) for i, (pain, _) in enumerate(kept) for start in range(0, len(pain) - self._length + 1, STRIDE)
        ]
        self._windows = np.stack([kept[i][0][s : s + self._length] for i, s in self._starts]).astype(np.float32)

    def generate(self, condition: np.ndarray, seed: int) -> np.ndarray:
        """Motion, shape (n, D)."""
        pain = condition[:, _PAIN].astype(np.float32)
        rng = np.random.default_rng([seed, 18])
        parts = []
        for begin in range(0, len(pain), self._length):
            wanted = pain[begin : begin + self._length]
            apart = ((self._windows[:, : len(wanted)] - wanted) ** 2).sum(1)
            nearest = np.argsort(apart, kind="stable")[:NEIGHBOURS]
            i, start = self._starts[int(rng.choice(nearest))]
            parts.append(self._motions[i][start : start + len(wanted)])
        return _joined(parts)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Parts one after the other; each begins where the last one ended and finds its own way within ``FADE_S``."""
    result = [parts[0].astype(np.float64)]
    for part in parts[1:]:
        fade = np.linspace(1.0, 0.0, min(len(part), round(FADE_S * MOTION_HZ)))
        moved = part.astype(np.float64)
        moved[: len(fade)] += fade[:, None] * (result[-1][-1] - part[0])
        result.append(moved)
    return np.concatenate(result)


def fit_mean(corpus: Corpus, seed: int, effort: str = "full") -> MeanFace:
    """Mean over the training split."""
    del seed, effort
    return MeanFace(np.concatenate([one.motion for one in _training(corpus)]).mean(0, dtype=np.float64))


def fit_random(corpus: Corpus, seed: int, effort: str = "full") -> RandomSequence:
    """Keep the training split."""
    del seed, effort
    return RandomSequence([one.motion for one in _training(corpus)])


def fit_nearest(corpus: Corpus, seed: int, effort: str = "full") -> NearestNeighbour:
    """Index the training split."""
    del seed, effort
    rows = _training(corpus)
    return NearestNeighbour([one.pain for one in rows], [one.motion for one in rows])


def _training(corpus: Corpus) -> list:
    return [one for one in corpus.sequences if one.split == "train"]
