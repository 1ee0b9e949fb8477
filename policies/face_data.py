"""A corpus as tensors: standardised motion, conditions, and windows of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Rows

import msgspec
import numpy as np
import torch
from torch import Tensor

from policies.corpus.store import Corpus, Sequence
from policies.errors import PolicyError
from robopatient.face.generator.motion import CHANNELS
from robopatient.face.generator.noise import count_stimuli

__all__ = ["MotionTable", "channel_statistics", "table_of", "usual_changes"]

TAIL_SHARE = 0.2
"""Least scale of a channel, as a share of its rare extremes: a unit that nearly always rests must not be blown up."""

PAINLESS_SHARE = 0.5
"""How often sequences without pain are taken next to the others (assumption): little happens in them. Who is asked and
what they are told is drawn differently this way, not what they answer: what is learned for each stays the same."""


class MotionTable(msgspec.Struct, frozen=True):
    """All sequences of a split, end to end.

    Attributes
    ----------
    motion, condition
        In physical units, shapes (rows, D) and (rows, C), float32.
    start, length
        Of every sequence, shapes (sequences,).
    share
        How often a window is taken from each, shape (sequences,), sum 1; every archetype as often as any other.
    """

    motion: Tensor
    condition: Tensor
    start: np.ndarray
    length: np.ndarray
    share: np.ndarray

    def windows(self, n: int, count: int, rng: np.random.Generator) -> Tensor:
        """Rows of ``count`` random windows of ``n`` frames, shape (count, n)."""
        chosen = rng.choice(len(self.start), size=count, p=self.share)
        first = self.start[chosen] + (rng.random(count) * (self.length[chosen] - n + 1)).astype(int)
        return torch.from_numpy(first[:, None] + np.arange(n)[None])

    def throws(self) -> Tensor:
        """How many stimuli have begun up to every row, counted anew in each sequence, shape (rows,)."""
        counted = np.empty(len(self.motion), np.int64)
        for length in np.unique(self.length):
            start = self.start[self.length == length]
            rows = start[:, None] + np.arange(length)[None]
            counted[rows] = count_stimuli(self.condition.numpy()[rows])
        return torch.from_numpy(counted)


def table_of(corpus: Corpus, split: str, shortest: int) -> MotionTable:
    """Sequences of a split that have at least ``shortest`` frames.

    Raises
    ------
    PolicyError
        When none is long enough.
    """
    chosen: Rows[Sequence] = [one for one in corpus.sequences if one.split == split and len(one.pain) >= shortest]
    if not chosen:
        raise PolicyError(f"{corpus.origin}: no {split} sequence has {shortest} frames; make trial_s longer")
    length = np.array([len(one.pain) for one in chosen])
    archetypes = [one.traits.archetype for one in chosen]
    common = Counter(archetypes)
    weight = np.array([1.0 if one.pain.any() else PAINLESS_SHARE for one in chosen])
    weight /= [common[archetype] for archetype in archetypes]
    return MotionTable(
        motion=torch.from_numpy(np.concatenate([one.motion for one in chosen])),
        condition=torch.from_numpy(np.concatenate([one.condition for one in chosen])),
        start=np.concatenate(([0], np.cumsum(length)[:-1])),
        length=length,
        share=weight / weight.sum(),
    )


def channel_statistics(table: MotionTable) -> tuple[list[float], list[float]]:
    """Mean and scale of every channel of the training people.

    Raises
    ------
    PolicyError
        Naming a channel that never moves: the corpus lacks it.
    """
    motion = table.motion.numpy().astype(float)
    mean = motion.mean(axis=0)
    spread = motion.std(axis=0)
    extremes = np.quantile(np.abs(motion - mean), 0.999, axis=0)
    still = [name for name, value in zip(CHANNELS, spread, strict=True) if value < 1e-6]
    if still:
        raise PolicyError(f"corpus: {', '.join(still)} never move; it cannot teach them: import these units too")
    return mean.tolist(), np.maximum(spread, TAIL_SHARE * extremes).tolist()


def usual_changes(table: MotionTable, scale: Rows[float], lag: int) -> list[float]:
    """How much every channel of standardised motion changes over ``lag`` frames, shape (D,)."""
    motion = table.motion.numpy()
    whole = np.ones(len(motion) - lag, bool)
    for start in table.start[1:]:
        whole[start - lag : start] = False  # these would reach into the next sequence
    changes = (motion[lag:] - motion[:-lag])[whole] / np.asarray(scale, np.float32)
    extremes = np.quantile(np.abs(changes), 0.999, axis=0)
    usual: list[float] = np.maximum(np.sqrt((changes**2).mean(axis=0)), TAIL_SHARE * extremes).tolist()
    return usual
