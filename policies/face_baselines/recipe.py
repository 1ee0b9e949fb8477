"""The PainDiffusion recipe on this corpus: frame stacking, EDM, pyramid, three-signal guidance, chunk after chunk.

Followed where it is known; what differs is said here: the controls reach their own slots, expressiveness is the trait
(the truth's own mean would leak), the latent is standardised to sigma_data, and the schedule is what two cores allow.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor

from policies.corpus.store import Corpus
from policies.face_baselines.recipe_diffusion import SIGMA_DATA, sample_window, training_loss
from policies.face_baselines.recipe_network import REDUCED, SIGNALS, RecipeSize, StackUnet
from policies.face_baselines.windows import Scaled, Windows, load, optimise, save
from robopatient.face.generator.condition import MIDDLE, SPREAD, index
from robopatient.face.generator.motion import CHANNELS

__all__ = ["EMOTION_CLASSES", "RecipeGenerator", "fit", "signals_of"]

EMOTION_CLASSES: dict[str, tuple[float, float]] = {
    "anger": (-0.6, 0.7),
    "contempt": (-0.5, 0.2),
    "disgust": (-0.7, 0.3),
    "fear": (-0.7, 0.8),
    "happiness": (0.8, 0.5),
    "neutral": (0.0, 0.0),
    "sadness": (-0.7, -0.4),
    "surprise": (0.2, 0.8),
}
"""The recipe's eight classes in its order, placed on valence and arousal (assumption: the usual circumplex)."""

RATE, WARM_UP_SHARE, EMA_DECAY = 4e-4, 0.1, 0.99
"""AdamW's published rate; warm-up and EMA shortened with the schedule (published: 1000 steps, 0.9999)."""

DROP, CROP = 0.1, 0.3
"""Probability that a signal is dropped, and that the stimulus is cut at a random place and padded with zeros before."""

BATCH, FULL_STEPS, QUICK_STEPS = 10, 1200, 20

QUICK = msgspec.structs.replace(
    REDUCED, dim=8, mults=(1, 2), heads=1, head_dim=8, signal_dim=16, latent=28, sigmas=5, uncertainty=0.25
)

_VALENCE, _EXPRESSIVENESS, _PAIN = index("valence"), index("expressiveness"), index("pain")


def signals_of(conditions: np.ndarray) -> np.ndarray:
    """Emotion (mean class index over the clip), expressiveness, stimulus: (b, n, C) to (b, n, 3)."""
    places = np.array(list(EMOTION_CLASSES.values()))
    felt = conditions[..., _VALENCE : _VALENCE + 2]
    nearest = ((felt[..., None, :] - places) ** 2).sum(-1).argmin(-1)
    mean = np.broadcast_to(nearest.mean(1, keepdims=True), nearest.shape)
    return np.stack((mean, conditions[..., _EXPRESSIVENESS], conditions[..., _PAIN]), axis=-1).astype(np.float32)


class RecipeNetwork(Scaled):
    """The U-Net with the scales of motion and signals."""

    signal_mean: Tensor
    signal_spread: Tensor

    def __init__(self, size: RecipeSize) -> None:
        super().__init__()
        self.size = size
        self.unet = StackUnet(size)
        self.register_buffer("signal_mean", torch.zeros(SIGNALS))
        self.register_buffer("signal_spread", torch.ones(SIGNALS))

    def stacked(self, motion: Tensor) -> Tensor:
        """Physical motion (b, n, D) as stacks of padded latents (b, n / stack, stack, latent)."""
        latent = SIGMA_DATA * self.standardised(motion)
        padded = torch.nn.functional.pad(latent, (0, self.size.latent - latent.shape[-1]))
        return padded.unflatten(1, (-1, self.size.stack))

    def unstacked(self, stacks: Tensor) -> np.ndarray:
        """Physical motion of stacks."""
        return self.physical(stacks.flatten(1, 2)[..., : len(CHANNELS)] / SIGMA_DATA)

    def signals(self, conditions: np.ndarray) -> Tensor:
        """Standardised signals by stack, (b, n, C) to (b, n / stack, stack, 3)."""
        raw = torch.from_numpy(signals_of(conditions))
        return ((raw - self.signal_mean) / self.signal_spread).unflatten(1, (-1, self.size.stack))


class RecipeGenerator:
    """The trained network as a generator; like the offline code it knows the stimulus of the whole chunk."""

    name = "PainDiffusion recipe"

    def __init__(self, network: RecipeNetwork) -> None:
        self.network = network

    @torch.inference_mode()
    def generate_batch(self, conditions: np.ndarray, seeds: list[int]) -> np.ndarray:
        """Motions (b, n, D) for conditions (b, n, C), a seed each."""
        network, size = self.network, self.network.size
        n, new = conditions.shape[1], size.window - size.context
        chunk = new * size.stack
        padded = np.pad(conditions, ((0, 0), (0, -n % chunk), (0, 0)), mode="edge")
        signals = network.signals(padded)
        rngs = [torch.Generator().manual_seed(seed) for seed in seeds]
        past = torch.zeros(len(conditions), 0, size.stack, size.latent)
        done: list[Tensor] = []
        for begin in range(0, signals.shape[1], new):
            known = past.shape[1]
            shape = (new, size.stack, size.latent)
            noise = torch.stack([torch.randn(shape, generator=rng) for rng in rngs])
            made = sample_window(network.unet, past, signals[:, begin - known : begin + new], noise, size)
            done.append(made)
            past = torch.cat((past, made), dim=1)[:, -size.context :]
        return network.unstacked(torch.cat(done, dim=1))[:, :n]

    def generate(self, condition: np.ndarray, seed: int) -> np.ndarray:
        """Motion, shape (n, D)."""
        return self.generate_batch(condition[None], [seed])[0]

    def save(self, path: Path) -> None:
        """Write the weights."""
        save(path, self.network, self.network.size)


def fit(corpus: Corpus, seed: int, effort: str = "full") -> RecipeGenerator:
    """Train at the reduced schedule; the weights are the exponential moving average."""
    size, steps = (QUICK, QUICK_STEPS) if effort == "quick" else (REDUCED, FULL_STEPS)
    windows = Windows(corpus, size.window * size.stack, seed)
    torch.manual_seed(seed)
    network = RecipeNetwork(size)
    network.learn_scale(windows.frames())
    raw = signals_of(_unscaled(windows.batch(256)[0]))
    network.signal_mean.copy_(torch.from_numpy(raw.mean((0, 1))))
    network.signal_spread.copy_(torch.from_numpy(np.maximum(raw.std((0, 1)), 1e-3)))
    average = deepcopy(network)
    rng = torch.Generator().manual_seed(seed)

    def loss() -> Tensor:
        with torch.no_grad():
            for kept, now in zip(average.unet.parameters(), network.unet.parameters(), strict=True):
                kept.lerp_(now, 1.0 - EMA_DECAY)
        conditions, motions = windows.batch(BATCH)
        signals = network.signals(_unscaled(conditions))
        if float(torch.rand((), generator=rng)) < CROP:
            cut = int(torch.randint(1, signals.shape[1] * size.stack, (), generator=rng))
            signals.flatten(1, 2)[:, :cut, -1] = 0.0
        keep = (torch.rand(BATCH, SIGNALS, generator=rng) >= DROP).float()
        return training_loss(network.unet, network.stacked(motions), signals, keep, rng)

    optimise(network, loss, steps, rate=RATE, warm_up=round(WARM_UP_SHARE * steps), decay=False)
    average.eval()
    return RecipeGenerator(average)


def _unscaled(conditions: Tensor) -> np.ndarray:
    """Conditions in physical units again."""
    result: np.ndarray = conditions.double().numpy() * SPREAD + MIDDLE
    return result


def read(path: Path) -> RecipeGenerator:
    """Weights that ``save`` wrote."""
    return RecipeGenerator(load(path, RecipeNetwork, RecipeSize))
