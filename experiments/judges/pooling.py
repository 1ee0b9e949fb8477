"""Judges that learn from one rating a session: multi-instance pooling over its palpations, by four rules.

Every palpation gets a belief for each of ten thresholds of pain; a rule makes of the palpations' beliefs the session's.
The pain of a single palpation is never given.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from experiments.judges.clip_sessions import ClipSession, sessions_of
from experiments.judges.clip_statistics import apex, statistics_of
from experiments.judges.clips import UNITS, Clip
from experiments.judges.networks import Trained, optimise, split_people
from robopatient.errors import SessionError

__all__ = ["AttentionPool", "MaxPool", "MeanPool", "NoisyOrPool", "Pool"]

THRESHOLDS = 10
"""Whether pain reaches 1, 2, ... 10."""
HIDDEN = 24
FIRST_BELIEF = -2.0
"""Of a noisy or, before the sigmoid: with even odds for six palpations the session would start as certain."""
FEATURES = 5 * len(UNITS)


class _PoolingNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(FEATURES, HIDDEN), nn.ReLU(), nn.Dropout(0.2))
        self.beliefs = nn.Linear(HIDDEN, THRESHOLDS)
        self.attention = nn.Sequential(nn.Linear(HIDDEN, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1))

    def forward(self, shown: Tensor) -> tuple[Tensor, Tensor]:
        """Beliefs (..., thresholds) and attention before softmax (...) of palpations (..., features)."""
        inner = self.inner(shown)
        return self.beliefs(inner).sigmoid(), self.attention(inner)[..., 0]


class Pool(Trained):
    """Base of the four rules; ``mil-max``: the worst palpation is the session."""

    kind = "mil-max"

    def _build(self) -> nn.Module:
        return _PoolingNetwork()

    def _input(self, clips: list[Clip]) -> Tensor:
        return torch.tensor(np.array([[*apex(clip), *statistics_of(clip)] for clip in clips]), dtype=torch.float32)

    def _logits(self, shown: Tensor, index: Tensor) -> Tensor:
        beliefs: Tensor = self._net(shown[index])[0]
        return beliefs

    def _pooled(self, beliefs: Tensor, attention: Tensor) -> Tensor:
        """Beliefs of sessions (sessions, thresholds) from those of palpations (sessions, palpations, thresholds)."""
        return beliefs.amax(1)

    def fit(self, clips: list[Clip], seed: int) -> None:
        """Learn from the ratings of whole sessions alone."""
        sessions = sessions_of(clips, seed)
        if not sessions:
            raise SessionError(f"judge {self.kind}: no person has enough clips for a session; give another source")
        self._reset(seed)
        shown = self._input(clips)
        members = torch.tensor([session.clips for session in sessions])
        steps = torch.arange(THRESHOLDS)
        reached = (torch.tensor([session.rating for session in sessions])[:, None] - steps).clamp(0.0, 1.0)

        def loss(batch: Tensor) -> Tensor:
            beliefs = self._pooled(*self._net(shown[members[batch]])).clamp(1e-6, 1.0 - 1e-6)
            return nn.functional.binary_cross_entropy(beliefs, reached[batch])

        optimise(self._net, loss, *split_people([session.person for session in sessions], seed))

    def predict(self, clips: list[Clip]) -> np.ndarray:
        """Pain of each palpation by itself, shape (clips,)."""
        with torch.no_grad():
            nrs: np.ndarray = self._net(self._input(clips))[0].sum(-1).numpy()
        return nrs

    def rate(self, clips: list[Clip], sessions: list[ClipSession], shuffle: int | None = None) -> np.ndarray:
        """Rating of each session, NRS, shape (sessions,).

        Parameters
        ----------
        shuffle
            Seed by which attention is dealt out anew among the palpations of each session: where it matters, ratings
            get worse.
        """
        members = torch.tensor([session.clips for session in sessions])
        with torch.no_grad():
            beliefs, attention = self._net(self._input(clips)[members])
            if shuffle is not None:
                order = np.random.default_rng(shuffle).permuted(np.indices(attention.shape)[1], axis=1)
                attention = attention.gather(1, torch.tensor(order))
            nrs: np.ndarray = self._pooled(beliefs, attention).sum(-1).numpy()
        return nrs


class MaxPool(Pool):
    """Session rating from the worst palpation, learnt from session ratings alone."""


class MeanPool(Pool):
    """Session rating from the mean palpation, learnt from session ratings alone."""

    kind = "mil-mean"

    def _pooled(self, beliefs: Tensor, attention: Tensor) -> Tensor:
        return beliefs.mean(1)


class AttentionPool(Pool):
    """Session rating by learnt attention to palpations (Ilse, Tomczak and Welling 2018)."""

    kind = "mil-attention"

    def _pooled(self, beliefs: Tensor, attention: Tensor) -> Tensor:
        return (attention.softmax(1)[..., None] * beliefs).sum(1)


class NoisyOrPool(Pool):
    """Session rating as if any palpation alone could bring it about: a noisy or at each threshold."""

    kind = "mil-noisy-or"

    def _build(self) -> nn.Module:
        network = _PoolingNetwork()
        nn.init.constant_(network.beliefs.bias, FIRST_BELIEF)
        return network

    def _pooled(self, beliefs: Tensor, attention: Tensor) -> Tensor:
        return 1.0 - (1.0 - beliefs).prod(1)
