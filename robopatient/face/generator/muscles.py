"""The outputs of the network: for every channel a target and the rate of approach, through two poles.

A face has mass and muscles: two poles dampen what trembles in that which drives it. Each frame lies between the one
before and an aim within range, so a face cannot leave its range, whatever the network says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from robopatient.face.generator.motion import HIGH, LOW

__all__ = ["Muscles"]

SLOWEST = 0.03
"""Least share of the way in a frame: a time constant of 1.1 s, so that no channel can fall asleep for good."""
AT_FIRST = -1.0
"""Both shares before training, as a logit: most of the way in a third of a second."""


class Muscles(nn.Module):
    """Gates from the network's tokens; all motion here is standardised.

    Parameters
    ----------
    width
        Of the tokens.
    mean, scale
        Of each channel in physical units, shape (D,).
    """

    low: Tensor
    high: Tensor

    def __init__(self, width: int, mean: Sequence[float], scale: Sequence[float]) -> None:
        super().__init__()
        middle, spread = (torch.tensor(one, dtype=torch.float32) for one in (mean, scale))
        low, high = ((torch.from_numpy(limit).float() - middle) / spread for limit in (LOW, HIGH))
        self.register_buffer("low", low, persistent=False)
        self.register_buffer("high", high, persistent=False)
        self.speed = nn.Linear(width, 2 * len(mean))
        nn.init.normal_(self.speed.weight, std=0.02)
        nn.init.constant_(self.speed.bias, AT_FIRST)

    def shares(self, tokens: Tensor) -> Tensor:
        """Shares of the way that are gone in a frame, ``SLOWEST`` to 1, shape (..., 2, D)."""
        return SLOWEST + (1.0 - SLOWEST) * torch.sigmoid(self.speed(tokens)).unflatten(-1, (2, -1))

    def reach(self, aim: Tensor) -> Tensor:
        """Aims within range, of any shape (..., D); those beyond it are taught to come back, never to go further."""
        if aim.requires_grad:
            held: Tensor = _Within.apply(aim, self.low, self.high)
            return held
        return torch.minimum(torch.maximum(aim, self.low), self.high)

    def beyond(self, aim: Tensor) -> Tensor:
        """How far aims lie out of range, any shape (..., D)."""
        return torch.relu(self.low - aim) + torch.relu(aim - self.high)

    def move(self, face: Tensor, aim: Tensor, shares: Tensor) -> Tensor:
        """Where the lead and the face behind it are a frame later, shape (batch, 2, D).

        Parameters
        ----------
        face
            Lead and face, shape (batch, 2, D).
        aim, shares
            Of this frame, shapes (batch, D) and (batch, 2, D).
        """
        lead = torch.lerp(face[:, 0], aim, shares[:, 0])
        return torch.stack((lead, torch.lerp(face[:, 1], lead, shares[:, 1])), dim=1)

    def course(self, face: Tensor, aim: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
        """Frames (batch, n, D) on the way along aims (batch, n, D) and shares (batch, n, 2, D), and the last state."""
        lead, shown = face.unbind(1)
        made = []
        for towards, first, second in zip(aim.unbind(1), *(one.unbind(1) for one in shares.unbind(2)), strict=True):
            lead = torch.lerp(lead, towards, first)
            shown = torch.lerp(shown, lead, second)
            made.append(shown)
        return torch.stack(made, dim=1), torch.stack((lead, shown), dim=1)


class _Within(torch.autograd.Function):
    """Clamps. Slopes that lead further out are dropped: followed, they changed nothing that was shown, and aims went
    hundreds of standard deviations astray (measured).
    """

    @staticmethod
    def forward(ctx: Any, aim: Tensor, low: Tensor, high: Tensor) -> Tensor:
        ctx.save_for_backward(aim, low, high)
        return torch.minimum(torch.maximum(aim, low), high)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        aim, low, high = ctx.saved_tensors
        (slope,) = slopes
        counts = ((aim >= low) | (slope < 0.0)) & ((aim <= high) | (slope > 0.0))
        return slope * counts, None, None
