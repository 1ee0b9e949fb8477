"""What all torch judges share: one thread, one seed, Adam with early stopping on people who were held out."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from experiments.judges.clips import GRADES_NRS, Clip

__all__ = ["BINS", "Trained", "expected_nrs", "loss_of", "optimise", "split_people"]

BINS = torch.tensor(GRADES_NRS)
EPOCHS, PATIENCE, RATE, DECAY = 150, 20, 3e-3, 1e-3
HELD_OUT = 0.2


def expected_nrs(logits: Tensor) -> Tensor:
    """Mean grade, NRS, of beliefs (clips, 5)."""
    return logits.softmax(-1) @ BINS


def loss_of(logits: Tensor, nrs: Tensor) -> Tensor:
    """Cross-entropy with the two neighbouring grades, shared by distance, and the squared error of the mean."""
    right = torch.bucketize(nrs, BINS).clamp(1, len(BINS) - 1)
    low, high = BINS[right - 1], BINS[right]
    share = ((nrs - low) / (high - low)).clamp(0.0, 1.0)[:, None]
    soft = (1.0 - share) * nn.functional.one_hot(right - 1, len(BINS)) + share * nn.functional.one_hot(right, len(BINS))
    return -(soft * logits.log_softmax(-1)).sum(-1).mean() + 0.05 * ((expected_nrs(logits) - nrs) ** 2).mean()


def split_people(people: list[str], seed: int) -> tuple[Tensor, Tensor]:
    """Rows of the training people, and of those for early stopping."""
    names = sorted(set(people))
    held = set(np.random.default_rng(seed).permutation(names)[: max(1, round(HELD_OUT * len(names)))].tolist())
    others = torch.tensor([person in held for person in people])
    return torch.nonzero(~others)[:, 0], torch.nonzero(others)[:, 0]


def optimise(net: nn.Module, loss: Callable[[Tensor], Tensor], train: Tensor, check: Tensor) -> None:
    """Train in batches; keep the weights that did best on the rows of ``check``.

    Parameters
    ----------
    loss
        Mean loss of the rows that it is given, shape ().
    """
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    best, kept, since = float("inf"), copy.deepcopy(net.state_dict()), 0
    for _ in range(EPOCHS):
        net.train()
        for batch in train[torch.randperm(len(train))].split(64):
            optimiser.zero_grad()
            loss(batch).backward()
            optimiser.step()
        net.eval()
        with torch.no_grad():
            now = float(loss(check))
        since += 1
        if now < best:
            best, kept, since = now, copy.deepcopy(net.state_dict()), 0
        elif since >= PATIENCE:
            break
    net.load_state_dict(kept)
    net.eval()


class Trained(ABC):
    """A judge that is a network; subclasses say which, and what it is shown of a clip."""

    kind = ""
    sense = "face"
    task = "pain"

    def __init__(self) -> None:
        torch.manual_seed(0)
        self._net: nn.Module = self._build()

    @abstractmethod
    def _build(self) -> nn.Module: ...

    @abstractmethod
    def _input(self, clips: list[Clip]) -> Any: ...

    @abstractmethod
    def _logits(self, shown: Any, index: Tensor) -> Tensor: ...

    def _begin(self, clips: list[Clip], seed: int) -> None:  # noqa: B027  (most need to know nothing before)
        """Before training: what must be known of all clips."""

    def fit(self, clips: list[Clip], seed: int) -> None:
        """Train on most people, stop when the others are judged no better."""
        self._reset(seed)
        known, others = split_people([clip.person for clip in clips], seed)
        self._begin([clips[i] for i in known.tolist()], seed)
        shown = self._input(clips)
        nrs = torch.tensor([clip.nrs for clip in clips])
        optimise(self._net, lambda batch: loss_of(self._logits(shown, batch), nrs[batch]), known, others)

    def _reset(self, seed: int) -> None:
        """A network that knows nothing."""
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        self._net = self._build()

    def predict(self, clips: list[Clip]) -> np.ndarray:
        """Shape (clips,)."""
        self._net.eval()
        with torch.no_grad():
            nrs: np.ndarray = expected_nrs(self._logits(self._input(clips), torch.arange(len(clips)))).numpy()
        return nrs

    def weights(self) -> dict[str, np.ndarray]:
        """Parameters and buffers by name."""
        return {name: value.detach().numpy().copy() for name, value in self._net.state_dict().items()}

    def restore(self, weights: dict[str, np.ndarray]) -> None:
        """Parameters and buffers by name."""
        self._net.load_state_dict({name: torch.from_numpy(np.asarray(value)) for name, value in weights.items()})
        self._net.eval()
