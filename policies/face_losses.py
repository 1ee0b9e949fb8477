"""What a face generator is taught by: velocities towards the data, and how far its own roll-outs are from the data.

The second is the energy score, a strictly proper scoring rule (Gneiting and Raftery 2007): its mean over two
independent samples is least when samples and data have the same distribution. It needs no critic, and none of the
measures by which generators are judged.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from robopatient.face.generator.prior import CONTEXT_LEVEL

__all__ = ["LAGS", "energy", "flow_loss", "jump_energy", "levels", "noised"]

SOFT = 1e-4
CLEAN_SHARE = 0.35
LAGS = {1: 0.25, 4: 0.25}
"""Frames over which changes are scored, and the weight of each next to the motion itself, in units of what is usual
for the channel. With 0.06 and 0.12 levels came right sooner, but motion grew rough and blinks went (measured)."""


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
    """Squared error of the clean frames in units of ``Prior.error_scale``, shape (batch, n, D).

    That of the velocity is the same but for the weight of each level.
    """
    counts = level > 2.0 * CONTEXT_LEVEL
    return ((error**2).mean(-1) * counts).sum() / counts.sum().clamp_min(1)


def jump_energy(data: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Energy score of single frames, each made twice from the true past, shapes (batch, n, D): channels and frames."""
    return _score(data, first, second, pieces=False)


def energy(data: Tensor, first: Tensor, second: Tensor, usual: Mapping[int, Tensor]) -> Tensor:
    """Energy score of two independent roll-outs, shapes (batch, n, D).

    Summed are: every channel by itself, all channels of a frame, the whole piece, and the same of the changes over
    each of ``LAGS`` frames in units of ``usual``, shape (D,) each.
    """
    total = _score(data, first, second)
    for lag, weight in LAGS.items():
        if data.shape[1] > lag:
            changes = [(one[:, lag:] - one[:, :-lag]) / usual[lag] for one in (data, first, second)]
            total = total + weight * _score(changes[0], changes[1], changes[2])
    return total


def _score(data: Tensor, first: Tensor, second: Tensor, *, pieces: bool = True) -> Tensor:
    def channels(difference: Tensor) -> Tensor:
        return difference.abs().mean()

    def frames(difference: Tensor) -> Tensor:
        return torch.sqrt((difference**2).mean(-1) + SOFT).mean()

    def piece(difference: Tensor) -> Tensor:
        return torch.sqrt((difference**2).mean((-1, -2)) + SOFT).mean()

    score = torch.zeros((), device=data.device)
    for norm in (channels, frames, piece) if pieces else (channels, frames):
        score = score + 0.5 * (norm(data - first) + norm(data - second) - norm(first - second))
    return score
