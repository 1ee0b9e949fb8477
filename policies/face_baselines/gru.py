"""GRU regression: the most likely next face by squared error, one pass, no noise.

What a deterministic network of the usual size makes of the corpus: squared error makes it the mean of what may come.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from policies.corpus.store import Corpus
from policies.face_baselines.windows import Scaled, Windows, load, optimise, save, scaled_conditions
from robopatient.face.generator.condition import CONDITIONS
from robopatient.face.generator.motion import CHANNELS

__all__ = ["GruRegression", "fit"]


class GruSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Width and depth; training windows of 4 s."""

    hidden: int = 128
    layers: int = 1
    window: int = 120
    batch: int = 24
    steps: int = 1000


QUICK = GruSize(hidden=48, layers=1, window=60, batch=16, steps=120)


class GruNetwork(Scaled):
    """Conditions to standardised motion."""

    def __init__(self, size: GruSize) -> None:
        super().__init__()
        self.gru = nn.GRU(len(CONDITIONS), size.hidden, size.layers, batch_first=True)
        self.out = nn.Linear(size.hidden, len(CHANNELS))

    def forward(self, conditions: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Latents (batch, n, D) and the state after them."""
        hidden, state = self.gru(conditions, state)
        return self.out(hidden), state


class GruRegression:
    """The trained network as a generator; the seed changes nothing."""

    name = "GRU regression"

    def __init__(self, network: GruNetwork, size: GruSize) -> None:
        self.network, self.size = network, size

    @torch.inference_mode()
    def generate_batch(self, conditions: np.ndarray, seeds: list[int]) -> np.ndarray:
        """Motions (b, n, D) for conditions (b, n, C)."""
        del seeds
        latent, _ = self.network(scaled_conditions(conditions))
        return self.network.physical(latent)

    def generate(self, condition: np.ndarray, seed: int) -> np.ndarray:
        """Motion, shape (n, D)."""
        return self.generate_batch(condition[None], [seed])[0]

    def stream(self, seed: int) -> _GruFace:
        """A new face at rest."""
        del seed
        return _GruFace(self.network)

    def save(self, path: Path) -> None:
        """Write the weights."""
        save(path, self.network, self.size)


class _GruFace:
    def __init__(self, network: GruNetwork) -> None:
        self._network = network
        self._state: Tensor | None = None

    @torch.inference_mode()
    def step(self, condition: np.ndarray) -> np.ndarray:
        """Next frame, shape (D,)."""
        latent, self._state = self._network(scaled_conditions(condition[None, None]), self._state)
        motion: np.ndarray = self._network.physical(latent)[0, 0]
        return motion


def fit(corpus: Corpus, seed: int, effort: str = "full") -> GruRegression:
    """Train on windows of the training split."""
    size = QUICK if effort == "quick" else GruSize()
    windows = Windows(corpus, size.window, seed)
    torch.manual_seed(seed)
    network = GruNetwork(size)
    network.learn_scale(windows.frames())

    def loss() -> Tensor:
        conditions, motions = windows.batch(size.batch)
        return nn.functional.mse_loss(network(conditions)[0], network.standardised(motions))

    optimise(network, loss, size.steps)
    return GruRegression(network, size)


def read(path: Path) -> GruRegression:
    """Weights that ``save`` wrote."""
    sizes: list[GruSize] = []

    def make(size: GruSize) -> GruNetwork:
        sizes.append(size)
        return GruNetwork(size)

    return GruRegression(load(path, make, GruSize), sizes[0])
