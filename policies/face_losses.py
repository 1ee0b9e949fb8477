"""What a face generator is taught by: velocities towards the data, and how far its own roll-outs are from the data.

The second is the energy score, a strictly proper scoring rule (Gneiting and Raftery 2007): its mean over two
independent samples is least when samples and data have the same distribution. It needs no critic, and none of the
measures by which generators are judged.
"""

from __future__ import annotations

import torch
from torch import Tensor

from robopatient.face.generator.denoiser import CONTEXT_LEVEL

__all__ = ["energy", "levels", "noised", "velocity_loss"]

SOFT = 1e-4
CLEAN_SHARE = 0.35
CHANGES = ((1, 4.0), (4, 1.5))
"""Frames over which changes are scored, and the weight that makes them count about half as much as the motion itself:
standardised motion of the corpus spreads 0.5, its changes over 1 and 4 frames 0.044 and 0.12 (measured)."""


def levels(batch: int, n: int, generator: torch.Generator) -> Tensor:
    """Noise level of every frame, 0 to 1, shape (batch, n).

    Half of the rows are independent and random (diffusion forcing), a third of their frames finished; the other half
    rises from finished frames to noise over 1 to 8 frames (lower triangular), as in streaming.
    """
    draw = torch.rand(batch, n, generator=generator)
    finished = torch.rand(batch, n, generator=generator) < CLEAN_SHARE
    independent = torch.where(finished, torch.full_like(draw, CONTEXT_LEVEL), draw.clamp_min(CONTEXT_LEVEL))
    cut = torch.rand(batch, 1, generator=generator) * n
    width = 1.0 + 7.0 * torch.rand(batch, 1, generator=generator)
    triangular = ((torch.arange(n)[None] - cut) / width).clamp(CONTEXT_LEVEL, 1.0)
    return torch.where(torch.rand(batch, 1, generator=generator) < 0.5, independent, triangular)


def noised(clean: Tensor, level: Tensor, noise: Tensor) -> Tensor:
    """Frames on the straight way from clean (0) to noise (1), shape (batch, n, D)."""
    return (1.0 - level[..., None]) * clean + level[..., None] * noise


def velocity_loss(guess: Tensor, clean: Tensor, level: Tensor) -> Tensor:
    """Squared error of the velocity, which is that of the clean frame over the level (kept finite below 0.2)."""
    weight = 1.0 / level.clamp_min(0.2) ** 2
    counts = level > 2.0 * CONTEXT_LEVEL
    error = ((guess - clean) ** 2).mean(-1)
    return (weight * error * counts).sum() / counts.sum().clamp_min(1)


def energy(data: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Energy score of two independent roll-outs, shapes (batch, n, D).

    Summed are: every channel by itself, all channels of a frame, the whole piece, and the changes over 1 and 4 frames.
    """
    total = _score(data, first, second)
    for lag, weight in CHANGES:
        if data.shape[1] > lag:
            changes = [one[:, lag:] - one[:, :-lag] for one in (data, first, second)]
            total = total + weight * _score(changes[0], changes[1], changes[2])
    return total


def _score(data: Tensor, first: Tensor, second: Tensor) -> Tensor:
    def channels(difference: Tensor) -> Tensor:
        return difference.abs().mean()

    def frames(difference: Tensor) -> Tensor:
        return torch.sqrt((difference**2).mean(-1) + SOFT).mean()

    def piece(difference: Tensor) -> Tensor:
        return torch.sqrt((difference**2).mean((-1, -2)) + SOFT).mean()

    score = torch.zeros((), device=data.device)
    for norm in (channels, frames, piece):
        score = score + 0.5 * (norm(data - first) + norm(data - second) - norm(first - second))
    return score
