"""Training material of the fitted baselines: random windows of the training split, standardised, and their keeping.

Also the short training loop that they share; it sees the training split and the seed, and nothing of the evaluation.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from policies.corpus.store import Corpus
from policies.errors import PolicyError
from robopatient.face.generator.condition import CONDITIONS, MIDDLE, SPREAD
from robopatient.face.generator.motion import CHANNELS, settled

__all__ = ["Scaled", "Windows", "load", "optimise", "save"]

LEAST_SPREAD = 1e-3
"""Standard deviation below which a column counts as still, in its own unit."""

M = TypeVar("M", bound=nn.Module)


class Scaled(nn.Module):
    """Mean and spread of every motion column, kept with the weights."""

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(len(CHANNELS)))
        self.register_buffer("spread", torch.ones(len(CHANNELS)))

    def learn_scale(self, motion: np.ndarray) -> None:
        """Take mean and spread of training frames, shape (n, D)."""
        self.mean.copy_(torch.from_numpy(motion.mean(0, dtype=np.float64)))
        self.spread.copy_(torch.from_numpy(np.maximum(motion.std(0, dtype=np.float64), LEAST_SPREAD)))

    def standardised(self, motion: Tensor) -> Tensor:
        """Motion with mean 0 and spread 1, shape (..., D)."""
        return (motion - self.mean) / self.spread

    def physical(self, latent: Tensor) -> np.ndarray:
        """Motion in physical units, held within range, shape (..., D)."""
        return settled((latent * self.spread + self.mean).double().numpy())


class Windows:
    """Random windows of the training split.

    Parameters
    ----------
    length
        Frames of a window; shorter sequences are left out.
    """

    def __init__(self, corpus: Corpus, length: int, seed: int) -> None:
        chosen = [one for one in corpus.sequences if one.split == "train" and len(one.motion) >= length]
        if not chosen:
            raise PolicyError(
                f"the training split has no sequence of {length} frames or more; "
                "give a corpus with longer sequences (robopatient face import, or the simulator)"
            )
        self.length = length
        self._conditions = [scaled_conditions(one.condition) for one in chosen]
        self._motions = [torch.from_numpy(np.asarray(one.motion, np.float32)) for one in chosen]
        self._share = np.array([len(one.motion) - length + 1 for one in chosen], dtype=float)
        self._share /= self._share.sum()
        self._rng = np.random.default_rng([seed, 31])

    def frames(self) -> np.ndarray:
        """All frames, shape (n, D)."""
        return torch.cat(self._motions).numpy()

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Conditions as of ``scaled_conditions``, (count, length, C), and motions, physical, (count, length, D)."""
        which = self._rng.choice(len(self._motions), count, p=self._share)
        starts = [int(self._rng.integers(len(self._motions[i]) - self.length + 1)) for i in which]
        cut = [slice(start, start + self.length) for start in starts]
        conditions = torch.stack([self._conditions[i][c] for i, c in zip(which, cut, strict=True)])
        motions = torch.stack([self._motions[i][c] for i, c in zip(which, cut, strict=True)])
        return conditions, motions


def scaled_conditions(conditions: np.ndarray) -> Tensor:
    """Conditions in physical units as the networks take them; any shape (..., C)."""
    if conditions.shape[-1] != len(CONDITIONS):
        raise PolicyError(f"conditions have {conditions.shape[-1]} columns, expected {len(CONDITIONS)}")
    return torch.from_numpy(((np.asarray(conditions) - MIDDLE) / SPREAD).astype(np.float32))


def optimise(
    network: nn.Module,
    loss: Callable[[], Tensor],
    steps: int,
    rate: float = 2e-3,
    warm_up: int = 50,
    decay: bool = True,
) -> float:
    """AdamW with warm-up, a cosine to zero when ``decay``, gradients held to norm 1; returns the last tenth's loss."""
    optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=rate, weight_decay=1e-4)

    def factor(step: int) -> float:
        rise = min(1.0, (step + 1) / max(1, warm_up))
        return rise * (0.5 + 0.5 * float(np.cos(np.pi * step / steps)) if decay else 1.0)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
    network.train()
    values = []
    for _ in range(steps):
        optimiser.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        values.append(float(value.detach()))
    network.eval()
    return float(np.mean(values[-max(1, steps // 10) :]))


def save(path: Path, network: nn.Module, size: msgspec.Struct) -> None:
    """Write weights and size as one safetensors file."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(weights, path, metadata={"size": msgspec.json.encode(size).decode(), "kind": type(network).__name__})


def load(path: Path, make: Callable[[Any], M], size_type: type) -> M:
    """Network from ``save``; refused when it is of another kind or size."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            size: Any = msgspec.json.decode(file.metadata()["size"], type=size_type)
            network = make(size)
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, KeyError, RuntimeError, msgspec.MsgspecError) as error:
        raise PolicyError(f"{path}: no weights of this baseline ({error}); delete the file to fit it again") from error
    network.eval()
    return network
