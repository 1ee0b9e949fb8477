"""The network: a causal transformer over frames, each with its own noise level, conditioned on pain at every frame.

``forward`` cleans frames that are noisy each at its own level (the flow); ``jump`` makes whole sequences from noise,
and ``step`` the same sequences one frame after the other, with a cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional

from robopatient.face.generator.condition import CONDITIONS, GROUPS, MIDDLE, SPREAD, group_of
from robopatient.face.generator.motion import CHANNELS, MOTION_HZ
from robopatient.face.generator.muscles import Muscles
from robopatient.face.generator.noise import DICE

__all__ = ["CONTEXT_LEVEL", "FORMAT", "Cache", "FaceDenoiser", "error_scale"]

FORMAT = 4
"""Of the checkpoint: raised when columns or their meaning change."""

CONTEXT_LEVEL = 0.01
"""Noise level that finished frames are declared to have, so that small errors of the past are not believed (context
stabilisation: Chen et al. 2024, arXiv 2407.01392)."""


class Cache(NamedTuple):
    """What ``step`` must remember.

    Attributes
    ----------
    keys, values
        Of the frames made before, oldest first, shape (layers, batch, heads, window, head width).
    face
        Lead and face of the newest frame, standardised, shape (batch, 2, D).
    """

    keys: Tensor
    values: Tensor
    face: Tensor


def error_scale(level: Tensor) -> Tensor:
    """How far a clean frame usually is from what its noisy one says of it, in standard deviations; any shape."""
    return level * torch.rsqrt((1.0 - level) ** 2 + level**2)


class _Block(nn.Module):
    """Attention with a bias per distance, then two dense layers; both modulated by the level of noise."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width, elementwise_affine=False, eps=1e-5)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.between = nn.LayerNorm(width, elementwise_affine=False, eps=1e-5)
        self.wide = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.modulate = nn.Parameter(torch.zeros(6, width))
        distance = torch.arange(window + 1, dtype=torch.float32)
        slopes = torch.tensor([2.0 ** (1 - at) for at in range(heads)])
        self.distance = nn.Parameter(-slopes[:, None] * torch.log1p(distance)[None])
        for layer in (self.out, self.narrow):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def split(self, tokens: Tensor, shift: Tensor, scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (batch, heads, tokens, head width)."""
        batch, n, width = tokens.shape
        mixed = self.qkv(self.before(tokens) * (1.0 + scale) + shift)
        q, k, v = mixed.view(batch, n, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        return q, k, v

    def finish(self, tokens: Tensor, seen: Tensor, parts: Sequence[Tensor]) -> Tensor:
        """Tokens after attention's result ``seen`` (batch, heads, tokens, head width) and the dense layers."""
        _, _, gate, shift, scale, gate_wide = parts
        batch, _, n, _ = seen.shape
        tokens = tokens + (1.0 + gate) * self.out(seen.transpose(1, 2).reshape(batch, n, -1))
        inner = self.wide(self.between(tokens) * (1.0 + scale) + shift)
        return tokens + (1.0 + gate_wide) * self.narrow(functional.gelu(inner, approximate="tanh"))


class FaceDenoiser(ModelMixin, ConfigMixin):
    """Denoiser of face motion.

    Parameters
    ----------
    width, layers, heads
        Size of the transformer.
    window
        Frames before its own that a frame sees directly.
    mean, scale, condition_mean, condition_scale
        Of each channel and condition: all is standardised inside, and everything outside is in physical units.
    channels, conditions, hz, format
        What this network was trained for; they are checked on loading.
    """

    config_name = "config.json"

    @register_to_config
    def __init__(
        self,
        width: int = 96,
        layers: int = 4,
        heads: int = 4,
        window: int = 32,
        mean: Sequence[float] = (0.0,) * len(CHANNELS),
        scale: Sequence[float] = (1.0,) * len(CHANNELS),
        channels: Sequence[str] = CHANNELS,
        conditions: Sequence[str] = CONDITIONS,
        condition_mean: Sequence[float] = tuple(MIDDLE.tolist()),
        condition_scale: Sequence[float] = tuple(SPREAD.tolist()),
        hz: float = MOTION_HZ,
        format: int = FORMAT,  # noqa: A002
    ) -> None:
        super().__init__()
        self.window = window
        self.width = width
        self.heads = heads
        dims, groups = len(channels), len(GROUPS)
        self.register_buffer("_mean", torch.tensor(mean, dtype=torch.float32), persistent=False)
        self.register_buffer("_scale", torch.tensor(scale, dtype=torch.float32), persistent=False)
        self.register_buffer("_condition_mean", torch.tensor(condition_mean, dtype=torch.float32), persistent=False)
        self.register_buffer("_condition_scale", torch.tensor(condition_scale, dtype=torch.float32), persistent=False)
        self.register_buffer("_group", torch.from_numpy(group_of()), persistent=False)
        self.embed_motion = nn.Linear(dims, width)
        self.embed_condition = nn.Sequential(
            nn.Linear(len(conditions) + groups + DICE, 2 * width), nn.SiLU(), nn.Linear(2 * width, width)
        )
        self.embed_level = nn.Sequential(nn.Linear(34, width), nn.SiLU(), nn.Linear(width, width))
        spread = nn.Linear(width, 6 * width)
        self.modulate = nn.Sequential(nn.SiLU(), spread)
        self.blocks = nn.ModuleList(_Block(width, heads, window) for _ in range(layers))
        self.last = nn.LayerNorm(width, eps=1e-5)
        self.read = nn.Linear(width, dims)
        self.push = nn.Linear(width, groups * dims, bias=False)
        self.muscles = Muscles(width, mean, scale)
        nn.init.zeros_(self.push.weight)
        nn.init.zeros_(self.read.weight)
        nn.init.zeros_(self.read.bias)
        nn.init.normal_(spread.weight, std=0.01)
        self.register_buffer("_rates", torch.exp(torch.linspace(0.0, math.log(50.0), 8)), persistent=False)

    @property
    def _stack(self) -> list[_Block]:
        return cast("list[_Block]", list(self.blocks))

    # -- units ---------------------------------------------------------------------------------------------------

    def standardise(self, motion: Tensor) -> Tensor:
        """Motion in physical units as the network sees it."""
        return (motion - self._mean) / self._scale

    def physical(self, inside: Tensor) -> Tensor:
        """Inverse of ``standardise``."""
        return inside * self._scale + self._mean

    def masked(self, condition: Tensor, keep: Tensor | None = None) -> Tensor:
        """Condition rows in network units with what is dropped set to 0 and told, shape (..., C + groups).

        Parameters
        ----------
        keep
            1 for the groups that are told, 0 for those dropped, shape (..., groups) or broadcastable; None keeps all.
        """
        if keep is None:
            keep = torch.ones((*condition.shape[:-1], len(GROUPS)), dtype=condition.dtype, device=condition.device)
        keep = keep.expand(*condition.shape[:-1], len(GROUPS))
        inside = (condition - self._condition_mean) / self._condition_scale
        return torch.cat((inside * keep[..., self._group], keep - 1.0), dim=-1)

    # -- whole sequences -----------------------------------------------------------------------------------------

    def forward(self, noisy: Tensor, level: Tensor, masked: Tensor) -> Tensor:
        """Mean of the clean frames behind noisy ones, standardised, (batch, n, D); the flow's velocity follows from it.

        Parameters
        ----------
        noisy
            Frames, standardised, each at its own level, shape (batch, n, D).
        level
            Noise level of each frame, shape (batch, n).
        masked
            ``masked`` conditions, shape (batch, n, C + groups).
        """
        dice = noisy.new_zeros((*noisy.shape[:2], DICE))
        parts = self._parts(level, level)
        added = self.read(self._whole(noisy, dice, masked, parts)[0])
        signal, noise = 1.0 - level[..., None], level[..., None]
        return signal / (signal**2 + noise**2) * noisy + error_scale(level)[..., None] * added

    def jump(
        self, noise: Tensor, dice: Tensor, masked: Tensor, guidance: Tensor, face: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Whole sequences from noise in one pass, and the aims that they went for: what ``step`` makes of the same.

        Parameters
        ----------
        noise, dice
            Standard normal, shapes (batch, n, D) and (batch, n, DICE).
        guidance
            Extra weight of each group of conditions, 0 for none, shape (batch, groups).
        face
            Lead and face before the first frame, standardised, shape (batch, 2, D).

        Returns
        -------
        tuple
            Frames, and aims as far as they reach beyond the range too, both standardised, shape (batch, n, D).
        """
        tokens, _, _ = self._whole(noise, dice, masked, self._jump_parts())
        aim = self._aim(tokens, guidance[:, None])
        frames, _ = self.muscles.course(face, self.muscles.reach(aim), self.muscles.shares(tokens))
        return frames, aim

    def _aim(self, tokens: Tensor, guidance: Tensor) -> Tensor:
        """What the muscles are to go for: what is told, and so much more of it for each group that is pushed."""
        more = self.push(tokens).unflatten(-1, (len(GROUPS), -1))
        return self.read(tokens) + (guidance[..., None] * more).sum(-2)

    def _jump_parts(self) -> Tensor:
        """From pure noise to a finished frame, shape (1, 1, 6, width): the same for every face and frame."""
        whole = torch.ones((1, 1), device=self._rates.device)
        return self._parts(whole, torch.zeros_like(whole))

    def _whole(
        self, noisy: Tensor, dice: Tensor, masked: Tensor, parts: Tensor
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Tokens after all blocks, and every block's keys and values."""
        tokens = self._embedded(noisy, dice, masked)
        keys, values = [], []
        for block in self._stack:
            own = [parts[..., at, :] + block.modulate[at] for at in range(6)]
            q, k, v = block.split(tokens, own[0], own[1])
            keys.append(k)
            values.append(v)
            tokens = block.finish(tokens, self._near(q, k, v, block.distance), own)
        return self.last(tokens), keys, values

    def _near(self, q: Tensor, k: Tensor, v: Tensor, distance: Tensor) -> Tensor:
        """Attention to the frame itself and the ``window`` before it, shapes (batch, heads, n, head width).

        Frames go in blocks as long as the window: each sees its own block and the one before.
        """
        n, window = q.shape[2], self.window
        blocks = -(-n // window)
        fill = blocks * window - n
        q = functional.pad(q, (0, 0, 0, fill)).unflatten(2, (blocks, window))
        k, v = (functional.pad(one, (0, 0, window, fill)).unflatten(2, (blocks + 1, window)) for one in (k, v))
        k, v = (torch.cat((one[:, :, :-1], one[:, :, 1:]), dim=3) for one in (k, v))
        place = torch.arange(2 * window, device=q.device)
        back = window + place[:window, None] - place[None]
        blind = torch.full((blocks, window, 2 * window), -1e9, device=q.device)
        blind = blind.masked_fill((back >= 0) & (back <= window), 0.0)
        blind[0, :, :window] = -1e9  # nothing comes before the first
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + (distance[:, None, back.clamp(0, window)] + blind)
        seen = torch.softmax(scores, dim=-1) @ v
        return seen.flatten(2, 3)[:, :, :n]

    def _embedded(self, noisy: Tensor, dice: Tensor, masked: Tensor) -> Tensor:
        return self.embed_motion(noisy) + self.embed_condition(torch.cat((masked, dice), dim=-1))

    def _parts(self, level: Tensor, until: Tensor) -> Tensor:
        """Shifts, scales and gates for going from one level to another, shape (..., 6, width)."""
        told = [level[..., None], until[..., None]]
        for value in (level, until):
            angle = value[..., None] * self._rates
            told += [torch.sin(angle), torch.cos(angle)]
        return self.modulate(self.embed_level(torch.cat(told, dim=-1))).unflatten(-1, (6, self.width))

    # -- one frame after the other -------------------------------------------------------------------------------

    def start(self, masked: Tensor) -> Cache:
        """Cache of faces at rest to whom nothing has happened by chance.

        Parameters
        ----------
        masked
            Of a past as long as the window, shape (batch, n, C + groups).
        """
        batch, n, _ = masked.shape
        dims = len(self._mean)
        still = masked.new_zeros((batch, n, dims))
        dice = masked.new_zeros((batch, n, DICE))
        _, keys, values = self._whole(still, dice, masked, self._jump_parts())
        newest = slice(-self.window, None)
        rest = self.standardise(torch.zeros(dims, device=masked.device))
        return Cache(
            torch.stack([one[:, :, newest] for one in keys]),
            torch.stack([one[:, :, newest] for one in values]),
            rest.expand(batch, 2, -1),
        )

    def step(self, noise: Tensor, dice: Tensor, masked: Tensor, guidance: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        """Next frame, standardised, shape (batch, D), and the cache after it.

        Parameters
        ----------
        noise, dice
            Standard normal, shapes (batch, D) and (batch, DICE).
        masked
            Conditions of the frame, shape (batch, C + groups).
        guidance
            Extra weight of each group of conditions, 0 for none, shape (batch, groups).
        """
        tokens = self._embedded(noise, dice, masked)[:, None]
        parts = self._jump_parts()
        keys, values = [], []
        for at, block in enumerate(self._stack):
            own = [parts[..., part, :] + block.modulate[part] for part in range(6)]
            q, k, v = block.split(tokens, own[0], own[1])
            k, v = torch.cat((cache.keys[at], k), dim=2), torch.cat((cache.values[at], v), dim=2)
            keys.append(k[:, :, 1:])
            values.append(v[:, :, 1:])
            scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + block.distance.flip(1)[None, :, None]
            tokens = block.finish(tokens, torch.softmax(scores, dim=-1) @ v, own)
        token = self.last(tokens[:, 0])
        aim = self.muscles.reach(self._aim(token, guidance))
        face = self.muscles.move(cache.face, aim, self.muscles.shares(token))
        return face[:, 1], Cache(torch.stack(keys), torch.stack(values), face)
