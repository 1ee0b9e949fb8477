"""A tiny made-up corpus: two or three people a split, faces that follow pain by a few frames."""

from __future__ import annotations

import numpy as np
import pytest

from policies.corpus.store import Corpus, Sequence
from robopatient.face.generator.condition import Traits, condition_of
from robopatient.face.generator.motion import CHANNELS, clamp, column

SPLITS = {"train": 3, "validation": 1, "test": 3}


def bump(n: int, start: int, peak: float, width: int) -> np.ndarray:
    """One press: pain 0-10 rising over 10 frames, held, falling over 15."""
    t = np.arange(n)
    rise, fall = np.clip((t - start) / 10, 0, 1), np.clip((t - start - 10 - width) / 15, 0, 1)
    return peak * np.clip(rise - fall, 0, 1)


def face_of(pain: np.ndarray, gain: float, rng: np.random.Generator, delay: int = 6) -> np.ndarray:
    """Motion (n, D): brow, lids and lip follow pain after ``delay`` frames."""
    shown = np.concatenate([np.zeros(delay), pain])[: len(pain)] * gain
    motion = np.zeros((len(pain), len(CHANNELS)))
    for name, weight in (("AU4", 0.3), ("AU6L", 0.35), ("AU6R", 0.35), ("AU7L", 0.4), ("AU7R", 0.4), ("AU10L", 0.2)):
        motion[:, column(name)] = weight * shown
    motion[:, column("jaw_mm")] = 0.5 * shown
    motion += 0.02 * rng.standard_normal(motion.shape)
    return clamp(motion)


def toy_corpus(seed: int = 0, trials: int = 4, n: int = 180, subjects: dict[str, int] | None = None) -> Corpus:
    """Corpus with the given number of people in each split."""
    rng = np.random.default_rng(seed)
    sequences = []
    for split, people in (subjects or SPLITS).items():
        for person in range(people):
            gain = float(rng.uniform(0.6, 1.4))
            traits = Traits(expressiveness=gain, sex=float(person % 2))
            for trial in range(trials):
                pain = bump(n, int(rng.integers(20, 40)), 2.5 + 1.8 * trial, int(rng.integers(20, 60)))
                sequences.append(
                    Sequence(
                        subject=f"{split}-{person}",
                        trial=str(trial),
                        split=split,
                        kind="palpation",
                        pain=pain.astype(np.float32),
                        motion=face_of(pain, gain, rng).astype(np.float32),
                        condition=condition_of(pain, 30.0, traits).astype(np.float32),
                        traits=traits,
                    )
                )
    return Corpus(sequences, "made up for tests")


@pytest.fixture
def make_corpus():
    """The function that makes it."""
    return toy_corpus


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """One for all tests that only read it."""
    return toy_corpus()
