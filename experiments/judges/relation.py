"""Judges of the course of a clip: a relation network after PainNet (Bishay, Page and Mavadati 2024), and an LSTM.

The relation network compares a clip with a few known ones of every grade of pain; the LSTM, after the transfer protocol
of Prajod et al. 2024, reads it from beginning to end.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from experiments.judges.clips import UNITS, Clip
from experiments.judges.networks import BINS, Trained

__all__ = ["Lstm", "Relation"]

SEGMENT = 16
"""Frames a segment, as published."""
HIDDEN = 32
SHOTS = 6
"""Known clips of every grade."""
EVERY = 3
"""The LSTM reads every third frame: ten a second."""


class _RelationNetwork(nn.Module):
    """GRU over segments; mean, median, SD and log-sum-exp of its last states; an MLP on pairs."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(len(UNITS), HIDDEN, batch_first=True)
        self.compare = nn.Sequential(nn.Linear(3 * 4 * HIDDEN, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 1))
        self.support = nn.Parameter(torch.zeros(len(BINS), SHOTS, 0, len(UNITS)), requires_grad=False)

    def describe(self, au: Tensor) -> Tensor:
        """Statistics (clips, 4 * hidden) of mean-centred clips (clips, frames, units)."""
        n, frames, units = au.shape
        whole = frames // SEGMENT * SEGMENT
        parts = au[:, :whole].reshape(n * (whole // SEGMENT), SEGMENT, units)
        state = self.gru(parts)[1][0].view(n, -1, HIDDEN)
        spread = state.std(1, correction=0)
        return torch.cat([state.mean(1), state.median(1).values, spread, state.logsumexp(1)], dim=-1)

    def forward(self, au: Tensor) -> Tensor:
        """Beliefs (clips, 5): mean score against the known clips of each grade."""
        mine = self.describe(au)
        grades, shots = self.support.shape[:2]
        known = self.describe(self.support.flatten(0, 1))
        pairs = torch.cat(
            [
                mine[:, None].expand(-1, len(known), -1),
                known[None].expand(len(mine), -1, -1),
                (mine[:, None] - known[None]).abs(),
            ],
            dim=-1,
        )
        scores: Tensor = self.compare(pairs)[..., 0].view(len(mine), grades, shots).mean(-1)
        return scores


class Relation(Trained):
    """Compares with known clips, five grades of pain."""

    kind = "relation"

    def _build(self) -> nn.Module:
        return _RelationNetwork()

    def _begin(self, clips: list[Clip], seed: int) -> None:
        """Choose the known clips: of every grade those nearest to its centre, of different people first."""
        rng = np.random.default_rng(seed)
        nrs = np.array([clip.nrs for clip in clips])
        chosen = []
        for centre in BINS.tolist():
            order = rng.permutation(len(clips))
            order = order[np.argsort(np.abs(nrs[order] - centre), kind="stable")]
            chosen.append([_centred(clips[i]) for i in order[:SHOTS]])
        assert isinstance(self._net, _RelationNetwork)
        self._net.support = nn.Parameter(torch.tensor(np.array(chosen)), requires_grad=False)

    def _input(self, clips: list[Clip]) -> Tensor:
        return torch.tensor(np.array([_centred(clip) for clip in clips]))

    def _logits(self, shown: Tensor, index: Tensor) -> Tensor:
        logits: Tensor = self._net(shown[index])
        return logits

    def restore(self, weights: dict[str, np.ndarray]) -> None:
        """The number of frames of the known clips is theirs."""
        assert isinstance(self._net, _RelationNetwork)
        self._net.support = nn.Parameter(torch.from_numpy(np.asarray(weights["support"])), requires_grad=False)
        super().restore(weights)


class _LstmNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(len(UNITS), HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, len(BINS))

    def forward(self, au: Tensor) -> Tensor:
        beliefs: Tensor = self.head(self.lstm(au)[0].mean(1))
        return beliefs


class Lstm(Trained):
    """Reads every third frame; the mean of its states is judged."""

    kind = "lstm"

    def _build(self) -> nn.Module:
        return _LstmNetwork()

    def _input(self, clips: list[Clip]) -> Tensor:
        return torch.tensor(np.array([_fixed(clip)[::EVERY] for clip in clips]))

    def _logits(self, shown: Tensor, index: Tensor) -> Tensor:
        logits: Tensor = self._net(shown[index])
        return logits


FRAMES = 240
"""Eight seconds at 30 frames a second: clips are cut or held to this."""


def _fixed(clip: Clip) -> np.ndarray:
    au = clip.au[:FRAMES]
    held: np.ndarray = np.concatenate([au, np.repeat(au[-1:], FRAMES - len(au), axis=0)]).astype(np.float32)
    return held


def _centred(clip: Clip) -> np.ndarray:
    au = _fixed(clip)
    centred: np.ndarray = au - au.mean(axis=0)
    return centred
