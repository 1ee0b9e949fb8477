"""The temporal U-Net of the PainDiffusion recipe, written anew from its description: frames stacked as channels.

Each stack of four frames is one item in time; the latent's dimensions are the axis of its convolutions. Within a level
come two residual blocks, cross-attention to the stack's conditions and attention over all stacks, forth and back.
"""

from __future__ import annotations

import itertools
import math

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["PUBLISHED", "REDUCED", "RecipeSize", "StackUnet"]

SIGNALS = 3
"""Emotion, expressiveness, stimulus: in this order everywhere, which is what the published demos get wrong."""


class RecipeSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Size of network, noise grid and windows.

    Attributes
    ----------
    latent
        Numbers a frame, the motion padded with zeros to it; a multiple of ``2 ** (len(mults) - 1)``.
    window, context
        Stacks sampled at a time, and how many of them are already decided.
    sigmas
        Noise levels of the sampling grid.
    uncertainty
        How many levels later than its neighbour before it each stack becomes clean (the pyramid's slope).
    """

    dim: int = 32
    mults: tuple[int, ...] = (1, 2, 4, 8)
    heads: int = 4
    head_dim: int = 32
    signal_dim: int = 128
    stack: int = 4
    latent: int = 128
    window: int = 8
    context: int = 2
    sigmas: int = 35
    uncertainty: float = 4.0


PUBLISHED = RecipeSize()
"""As released: 5.3 M parameters, 103 numbers padded to 128, 54 steps of 4 network evaluations for 24 frames."""

REDUCED = RecipeSize(
    dim=16,
    mults=(1, 2, 4),
    heads=2,
    head_dim=16,
    signal_dim=32,
    latent=48,
    window=16,
    context=4,
    sigmas=12,
    uncertainty=1.0,
)
"""What two processor cores can train and sample in minutes; everything else is as published."""


class StackUnet(nn.Module):
    """Denoiser F of (batch, stacks, stack, latent) at a noise level per stack, given conditions per frame."""

    def __init__(self, size: RecipeSize) -> None:
        super().__init__()
        if size.latent % 2 ** (len(size.mults) - 1):
            raise ValueError(f"latent {size.latent} does not halve {len(size.mults) - 1} times")
        self.size = size
        dims = [size.dim, *(size.dim * m for m in size.mults)]
        noise_dim = 4 * size.dim
        self.noise = nn.Sequential(
            _Waves(size.dim), nn.Linear(size.dim, noise_dim), nn.GELU(), nn.Linear(noise_dim, noise_dim)
        )
        self.signals = nn.ModuleList(
            nn.Sequential(
                nn.Linear(1, size.signal_dim),
                nn.ReLU(),
                nn.Linear(size.signal_dim, size.signal_dim),
                nn.Linear(size.signal_dim, size.signal_dim),
            )
            for _ in range(SIGNALS)
        )
        self.first = nn.Conv1d(size.stack, size.dim, 7, padding=3)
        levels = list(itertools.pairwise(dims))
        self.down = nn.ModuleList()
        for i, (a, b) in enumerate(levels):
            last = i == len(levels) - 1
            change: nn.Module = nn.Conv1d(a, b, 3, padding=1) if last else nn.Conv1d(a, b, 4, 2, 1)
            self.down.append(_Level(a, a, noise_dim, size, change))
        self.middle = _Level(dims[-1], dims[-1], noise_dim, size, nn.Identity())
        self.up = nn.ModuleList()
        for i, (a, b) in enumerate(reversed(levels)):
            change = nn.Conv1d(b, a, 3, padding=1)
            if i < len(levels) - 1:
                change = nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), change)
            self.up.append(_Level(b, b, noise_dim, size, change, skip=a))
        self.final = _Residual(2 * size.dim, size.dim, noise_dim)
        self.out = nn.Conv1d(size.dim, size.stack, 1)

    def forward(self, x: Tensor, noise: Tensor, signals: Tensor, keep: Tensor) -> Tensor:
        """Prediction of the shape of ``x``.

        Parameters
        ----------
        x
            Shape (batch, stacks, stack, latent).
        noise
            Noise embedding input c_noise, shape (batch, stacks).
        signals
            Standardised conditions, shape (batch, stacks, stack, 3).
        keep
            Which signals each item sees, shape (batch, 3): a dropped one is a zero before its embedding.
        """
        batch, stacks = x.shape[:2]
        shown = signals * keep[:, None, None, :]
        tokens = torch.cat([net(shown[..., i : i + 1]) for i, net in enumerate(self.signals)], dim=2)
        tokens = tokens.reshape(batch * stacks, -1, self.size.signal_dim)
        level = self.noise(noise.reshape(-1))
        h = self.first(x.reshape(batch * stacks, *x.shape[2:]))
        start, kept = h, []
        for step in self.down:
            h, inner = step(h, level, tokens, batch)
            kept += inner
        h, _ = self.middle(h, level, tokens, batch)
        for step in self.up:
            h, _ = step(h, level, tokens, batch, (kept.pop(), kept.pop()))
        h = self.final(torch.cat((h, start), dim=1), level)
        result: Tensor = self.out(h).reshape(x.shape)
        return result


class _Level(nn.Module):
    """Two residual blocks, conditions, time, and the change of resolution after them."""

    def __init__(self, a: int, b: int, noise_dim: int, size: RecipeSize, change: nn.Module, skip: int = 0) -> None:
        super().__init__()
        self.blocks = nn.ModuleList((_Residual(a + skip, b, noise_dim), _Residual(b + skip, b, noise_dim)))
        self.conditions = _Attention(b, size.heads, size.head_dim, size.signal_dim)
        self.time = _Attention(b, size.heads, size.head_dim)
        self.change = change

    def forward(
        self, h: Tensor, noise: Tensor, tokens: Tensor, batch: int, skips: tuple[Tensor, ...] = ()
    ) -> tuple[Tensor, list[Tensor]]:
        inner = []
        for i, block in enumerate(self.blocks):
            h = block(torch.cat((h, skips[i]), dim=1) if skips else h, noise)
            inner.append(h)
        h = h + self.conditions(h.transpose(1, 2), tokens).transpose(1, 2)
        rows, channels, length = h.shape
        stacks = rows // batch
        over_time = h.reshape(batch, stacks, channels, length).permute(0, 3, 1, 2).reshape(-1, stacks, channels)
        moved = self.time(over_time + _positions(stacks, channels, h)).reshape(batch, length, stacks, channels)
        h = h + moved.permute(0, 2, 3, 1).reshape(rows, channels, length)
        inner[-1] = h
        return self.change(h), inner


class _Residual(nn.Module):
    """Two convolutions, the first scaled and shifted by the noise level."""

    def __init__(self, a: int, b: int, noise_dim: int) -> None:
        super().__init__()
        self.modulate = nn.Linear(noise_dim, 2 * b)
        self.first, self.second = nn.Conv1d(a, b, 3, padding=1), nn.Conv1d(b, b, 3, padding=1)
        self.norm_first, self.norm_second = nn.GroupNorm(8, b), nn.GroupNorm(8, b)
        self.skip: nn.Module = nn.Conv1d(a, b, 1) if a != b else nn.Identity()

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        scale, shift = self.modulate(functional.silu(noise))[..., None].chunk(2, dim=1)
        h = functional.silu(self.norm_first(self.first(x)) * (1.0 + scale) + shift)
        h = functional.silu(self.norm_second(self.second(h)))
        result: Tensor = h + self.skip(x)
        return result


class _Attention(nn.Module):
    """Multi-head attention of (rows, length, dim), to itself or to other tokens."""

    def __init__(self, dim: int, heads: int, head_dim: int, other_dim: int | None = None) -> None:
        super().__init__()
        inner = heads * head_dim
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.query = nn.Linear(dim, inner, bias=False)
        self.key_value = nn.Linear(other_dim or dim, 2 * inner, bias=False)
        self.out = nn.Linear(inner, dim)

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        x = self.norm(x)
        q, (k, v) = self.query(x), self.key_value(x if other is None else other).chunk(2, dim=-1)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (q, k, v))
        h = functional.scaled_dot_product_attention(q, k, v)
        result: Tensor = self.out(h.transpose(1, 2).flatten(-2))
        return result


class _Waves(nn.Module):
    """Sinusoidal embedding of the noise level, (n,) to (n, dim)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, t: Tensor) -> Tensor:
        return _waves(t, self.dim)


def _waves(t: Tensor, dim: int) -> Tensor:
    half = dim // 2
    rates = torch.exp(torch.arange(half, device=t.device) * (-math.log(10_000.0) / max(1, half - 1)))
    angles = t[:, None] * rates[None]
    return torch.cat((angles.sin(), angles.cos()), dim=-1)


def _positions(stacks: int, channels: int, like: Tensor) -> Tensor:
    """Where in time each stack is, shape (stacks, channels)."""
    return _waves(torch.arange(stacks, device=like.device, dtype=like.dtype), channels)
