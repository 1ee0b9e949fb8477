"""What a face generator is taught by: velocities towards the data, and how far what it makes is from the data.

The second is the energy score, a strictly proper scoring rule (Gneiting and Raftery 2007): its mean over two
independent samples is least when samples and data have the same distribution. It needs no critic, and none of the
measures by which generators are judged.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from robopatient.face.generator.denoiser import CONTEXT_LEVEL, error_scale

__all__ = ["LAGS", "energy", "flow_loss", "levels", "noised"]

SOFT = 1e-4
CLEAN_SHARE = 0.35
LAGS = {1: 0.25, 4: 0.25}
"""Frames over which changes are scored, and the weight of each next to the motion itself (assumption), in units of
what is usual for the channel."""


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


def flow_loss(error: Tensor, level: Tensor) -> Tensor:
    """Squared error of the clean frames in units of ``error_scale``, shape (batch, n, D).

    That of the velocity is the same but for the weight of each level.
    """
    counts = level > 2.0 * CONTEXT_LEVEL
    return (((error / error_scale(level)[..., None]) ** 2).mean(-1) * counts).sum() / counts.sum().clamp_min(1)


def energy(data: Tensor, first: Tensor, second: Tensor, usual: Mapping[int, Tensor]) -> Tensor:
    """Energy score of two independent takes, shapes (batch, n, D).

    Summed are: every channel of every frame by itself, all channels of a frame, the course of every channel, the whole
    window, and the same of the changes over each of ``LAGS`` frames in units of ``usual``, shape (D,) each.
    """
    total = _score(data, first, second)
    for lag, weight in LAGS.items():
        changes = [(one[:, lag:] - one[:, :-lag]) / usual[lag] for one in (data, first, second)]
        total = total + weight * _score(changes[0], changes[1], changes[2])
    return total


def _score(data: Tensor, first: Tensor, second: Tensor) -> Tensor:
    score = torch.zeros((), device=data.device)
    for dims in ((), (-1,), (-2,), (-2, -1)):
        score = score + 0.5 * (_apart(data - first, dims) + _apart(data - second, dims) - _apart(first - second, dims))
    return score


def _apart(difference: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Mean distance of what is taken together over ``dims`` of (batch, n, D)."""
    if not dims:
        return difference.abs().mean()
    return torch.sqrt((difference**2).mean(dims) + SOFT).mean()
