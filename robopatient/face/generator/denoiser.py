"""The network: a causal transformer over frames, each with a noise level of its own, told what hurts at every frame.

It predicts the clean frame; velocity, one-step jumps and guided samples are arithmetic on that. ``forward`` sees whole
sequences (training, reference sampling), ``step`` one frame with a cache (streaming); both are the same function.
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

from robopatient.face.generator.condition import CONDITIONS, GROUPS, SCALE, group_of
from robopatient.face.generator.motion import CHANNELS, MOTION_HZ
from robopatient.face.generator.prior import CONTEXT_LEVEL, KERNEL, TAPS, Prior

__all__ = ["FORMAT", "Cache", "FaceDenoiser"]

FORMAT = 2
"""Of the checkpoint: raised when columns or their meaning change."""


class Cache(NamedTuple):
    """What ``step`` must remember.

    Attributes
    ----------
    keys, values
        Of the frames finished before the newest, shape (layers, batch, heads, window, head width).
    recent
        The newest finished frames, oldest first, standardised, shape (batch, ``prior.KERNEL``, D).
    condition
        Standardised and masked embedding input of the newest finished frame, shape (batch, C + groups).
    """

    keys: Tensor
    values: Tensor
    recent: Tensor
    condition: Tensor


class _Block(nn.Module):
    """Attention with a bias per distance, then two dense layers; both modulated by level and guidance."""

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
    mean, scale
        Of each channel: motion is standardised inside, so that everything outside is in physical units.
    change
        How much each channel moves from one frame to the next, standardised: the network speaks in this unit.
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
        change: Sequence[float] = (1.0,) * len(CHANNELS),
        channels: Sequence[str] = CHANNELS,
        conditions: Sequence[str] = CONDITIONS,
        condition_scale: Sequence[float] = tuple(SCALE.tolist()),
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
        self.register_buffer("_condition_scale", torch.tensor(condition_scale, dtype=torch.float32), persistent=False)
        self.register_buffer("_group", torch.from_numpy(group_of()), persistent=False)
        self.prior = Prior(mean, scale, change)
        self.embed_motion = nn.Linear(TAPS * dims, width)
        self.embed_condition = nn.Sequential(
            nn.Linear(len(conditions) + groups, 2 * width), nn.SiLU(), nn.Linear(2 * width, width)
        )
        self.embed_level = nn.Sequential(nn.Linear(34 + groups, width), nn.SiLU(), nn.Linear(width, width))
        spread = nn.Linear(width, 6 * width)
        self.modulate = nn.Sequential(nn.SiLU(), spread)
        self.blocks = nn.ModuleList(_Block(width, heads, window) for _ in range(layers))
        self.last = nn.LayerNorm(width, eps=1e-5)
        self.read = nn.Linear(width, dims)
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
        return torch.cat((condition / self._condition_scale * keep[..., self._group], keep - 1.0), dim=-1)

    # -- whole sequences -----------------------------------------------------------------------------------------

    def forward(self, noisy: Tensor, level: Tensor, until: Tensor, masked: Tensor, guidance: Tensor) -> Tensor:
        """Clean frames, standardised, shape (batch, n, D).

        Parameters
        ----------
        noisy
            Frames, standardised, each at its own level, shape (batch, n, D).
        level, until
            Noise level of each frame, and the level to which the prediction is to be carried (equal to ``level``: the
            mean of what is behind it, for the velocity; 0: one sample of it, for a jump), shape (batch, n).
        masked
            ``masked`` conditions, shape (batch, n, C + groups).
        guidance
            Extra weight of each group of conditions, 0 for none, shape (batch, groups).
        """
        tokens, _, _ = self._whole(noisy, level, until, masked, guidance)
        return self._clean(tokens, noisy, level, *self.prior.past(noisy, level))

    def jumps(self, clean: Tensor, noise: Tensor, masked: Tensor, guidance: Tensor) -> Tensor:
        """Every frame of finished sequences made anew from what came before it, in one pass; shape of ``noise``.

        Parameters
        ----------
        clean
            The sequences, standardised, shape (batch, n, D).
        noise
            Standard normal, shape (draws, batch, n, D).
        """
        n = clean.shape[1]
        level = torch.full(clean.shape[:2], CONTEXT_LEVEL, device=clean.device)
        _, keys, values = self._whole(clean, level, level, masked, guidance)
        whole, none = torch.ones_like(level), torch.zeros_like(level)
        past = [part.expand(len(noise), *part.shape) for part in self.prior.past(clean, level)]
        tokens = self.embed_motion(self.prior.taps(noise, whole, *past)) + self.embed_condition(masked)
        parts = self._parts(whole[:, :1], none[:, :1], guidance[:, None])
        place = torch.arange(n, device=clean.device)
        distance = place[:, None] - place[None]
        seen = (distance >= 1) & (distance <= self.window)
        blind = torch.full((n, n), -1e9, device=clean.device).masked_fill(seen, 0.0)
        near = distance.clamp(0, self.window)
        for at, block in enumerate(self._stack):
            own = [(parts[..., part, :] + block.modulate[part]).repeat(len(noise), 1, 1) for part in range(6)]
            flat = tokens.flatten(0, 1)
            q, k, v = (one.unflatten(0, noise.shape[:2]) for one in block.split(flat, own[0], own[1]))
            root = math.sqrt(q.shape[-1])
            past_scores = q @ keys[at].transpose(-1, -2) / root + (block.distance[:, near] + blind)
            own_score = (q * k).sum(-1, keepdim=True) / root + block.distance[:, :1, None]
            shares = torch.softmax(torch.cat((past_scores, own_score), dim=-1), dim=-1)
            result = shares[..., :-1] @ values[at] + shares[..., -1:] * v
            tokens = block.finish(flat, result.flatten(0, 1), own).unflatten(0, noise.shape[:2])
        return self._clean(tokens, noise, whole, *past)

    def _clean(self, tokens: Tensor, noisy: Tensor, level: Tensor, *past: Tensor) -> Tensor:
        return self.prior.clean(self.read(self.last(tokens)), noisy, level, *past)

    def _whole(
        self, noisy: Tensor, level: Tensor, until: Tensor, masked: Tensor, guidance: Tensor
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Tokens after all blocks, and every block's keys and values."""
        n = noisy.shape[1]
        taps = self.prior.taps(noisy, level, *self.prior.past(noisy, level))
        tokens = self.embed_motion(taps) + self.embed_condition(masked)
        parts = self._parts(level, until, guidance[:, None].expand(-1, n, -1))
        place = torch.arange(n, device=noisy.device)
        distance = place[:, None] - place[None]
        seen = (distance >= 0) & (distance <= self.window)
        blind = torch.full((n, n), -1e9, device=noisy.device).masked_fill(seen, 0.0)
        near = distance.clamp(0, self.window)
        keys, values = [], []
        for block in self._stack:
            own = [parts[..., at, :] + block.modulate[at] for at in range(6)]
            q, k, v = block.split(tokens, own[0], own[1])
            keys.append(k)
            values.append(v)
            bias = (block.distance[:, near] + blind)[None]
            tokens = block.finish(tokens, functional.scaled_dot_product_attention(q, k, v, attn_mask=bias), own)
        return tokens, keys, values

    def _parts(self, level: Tensor, until: Tensor, guidance: Tensor) -> Tensor:
        """Shifts, scales and gates from levels and guidance, shape (..., 6, width)."""
        told = [level[..., None], until[..., None]]
        for value in (level, until):
            angle = value[..., None] * self._rates
            told += [torch.sin(angle), torch.cos(angle)]
        embedded = self.embed_level(torch.cat((*told, guidance), dim=-1))
        return self.modulate(embedded).unflatten(-1, (6, self.width))

    # -- one frame after the other -------------------------------------------------------------------------------

    def start(self, condition: Tensor, guidance: Tensor, frames: Tensor | None = None) -> Cache:
        """Cache after a history.

        Parameters
        ----------
        condition
            Masked, of the history, shape (batch, n, C + groups) with n > window + KERNEL.
        frames
            The history, standardised, shape (batch, n, D); None is a face at rest.
        """
        batch, n, _ = condition.shape
        if frames is None:
            rest = self.standardise(torch.zeros(len(self._mean), device=condition.device))
            frames = rest.expand(batch, n, -1)
        level = torch.full((batch, n), CONTEXT_LEVEL, device=condition.device)
        _, keys, values = self._whole(frames, level, level, condition, guidance)
        newest = slice(-self.window - 1, -1)
        return Cache(
            torch.stack([one[:, :, newest] for one in keys]),
            torch.stack([one[:, :, newest] for one in values]),
            frames[:, -KERNEL:],
            condition[:, -1],
        )

    def step(
        self, noise: Tensor, masked: Tensor, guidance: Tensor, cache: Cache, draws: int = 1
    ) -> tuple[Tensor, Cache]:
        """Next frame, standardised, shape (batch, D), and the cache after it.

        The first pass jumps from noise to a frame; every further one adds noise again, less each time, and jumps.

        Parameters
        ----------
        noise
            Standard normal, one row for each pass, shape (batch, draws, D).
        masked
            Conditions of the frame, shape (batch, C + groups).
        """
        whole, none = torch.ones_like(noise[:, 0, 0]), torch.zeros_like(noise[:, 0, 0])
        frame, keys, values = self.first_look(noise[:, 0], whole, none, masked, guidance, cache)
        for again in range(1, draws):
            level = whole * (1.0 - again / draws)
            noisy = level[:, None] * noise[:, again] + (1.0 - level[:, None]) * frame
            frame = self.look_again(noisy, level, none, masked, guidance, cache.recent, keys, values)
        return frame, Cache(keys, values, torch.cat((cache.recent[:, 1:], frame[:, None]), dim=1), masked)

    def first_look(
        self, noisy: Tensor, level: Tensor, until: Tensor, masked: Tensor, guidance: Tensor, cache: Cache
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Clean frame behind a noisy one, and the keys and values with the newest finished frame among them.

        That one enters the cache in the same pass in which the next is looked at, which costs next to nothing.
        """
        done = torch.full_like(level, CONTEXT_LEVEL)
        behind = self.prior.behind(cache.recent)
        taps = torch.stack((self.prior.newest(cache.recent), self.prior.taps(noisy, level, *behind)), dim=1)
        tokens = self.embed_motion(taps) + self.embed_condition(torch.stack((cache.condition, masked), dim=1))
        levels, untils = torch.stack((done, level), dim=1), torch.stack((done, until), dim=1)
        tokens, keys, values = self._attend(tokens, levels, untils, guidance, cache.keys, cache.values)
        return self._clean(tokens[:, 1], noisy, level, *behind), keys, values

    def look_again(
        self,
        noisy: Tensor,
        level: Tensor,
        until: Tensor,
        masked: Tensor,
        guidance: Tensor,
        recent: Tensor,
        keys: Tensor,
        values: Tensor,
    ) -> Tensor:
        """Clean frame behind the same frame with less noise; shapes as in ``first_look``."""
        behind = self.prior.behind(recent)
        tokens = self.embed_motion(self.prior.taps(noisy, level, *behind)) + self.embed_condition(masked)
        tokens, _, _ = self._attend(tokens[:, None], level[:, None], until[:, None], guidance, keys, values)
        return self._clean(tokens[:, 0], noisy, level, *behind)

    def roll(self, noise: Tensor, masked: Tensor, guidance: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        """Many frames, each from the ones before: what ``step`` gives, without moving the cache at every frame.

        Gradients go from a frame to the ones before along the prior (a frame lies where the last one was, plus what is
        added), not through what the network saw of them: that way they explode within a thousand updates (measured:
        norms of 15,000).

        Parameters
        ----------
        noise
            Shape (batch, frames, draws, D).
        masked
            Shape (batch, frames, C + groups).

        Returns
        -------
        tuple
            Frames, standardised, shape (batch, frames, D), and the cache after them.
        """
        _, frames, draws, _ = noise.shape
        recent, told = cache.recent, cache.condition
        whole, none = torch.ones_like(noise[:, 0, 0, 0]), torch.zeros_like(noise[:, 0, 0, 0])
        done = torch.full_like(whole, CONTEXT_LEVEL)
        keys, values = list(cache.keys.unbind(0)), list(cache.values.unbind(0))
        pair = self._parts(
            torch.stack((done, whole), 1), torch.stack((done, none), 1), guidance[:, None].expand(-1, 2, -1)
        )
        made = []
        for frame in range(frames):
            noisy, behind, seen = noise[:, frame, 0], self.prior.behind(recent), recent.detach()
            past = self.prior.behind(seen)
            taps = torch.stack((self.prior.newest(seen), self.prior.taps(noisy, whole, *past)), dim=1)
            tokens = self.embed_motion(taps) + self.embed_condition(torch.stack((told, masked[:, frame]), dim=1))
            token = self._roll_attend(tokens, pair, keys, values, frame)
            clean = self._clean(token, noisy, whole, *behind)
            for again in range(1, draws):
                level = whole * (1.0 - again / draws)
                noisy = level[:, None] * noise[:, frame, again] + (1.0 - level[:, None]) * clean
                taps = self.prior.taps(noisy.detach(), level, *past)
                tokens = (self.embed_motion(taps) + self.embed_condition(masked[:, frame]))[:, None]
                parts = self._parts(level[:, None], none[:, None], guidance[:, None])
                token = self._roll_attend(tokens, parts, keys, values, frame)
                clean = self._clean(token, noisy, level, *behind)
            told, recent = masked[:, frame], torch.cat((recent[:, 1:], clean[:, None]), dim=1)
            made.append(clean)
        newest = slice(-self.window, None)
        kept = Cache(
            torch.stack([one[:, :, newest] for one in keys]),
            torch.stack([one[:, :, newest] for one in values]),
            recent,
            told,
        )
        return torch.stack(made, dim=1), kept

    def _roll_attend(
        self, tokens: Tensor, parts: Tensor, keys: list[Tensor], values: list[Tensor], frame: int
    ) -> Tensor:
        """Last token after all blocks; with two tokens the first is finished and is appended to keys and values."""
        n, window = tokens.shape[1], self.window
        # distances: cached frames end two before the first new one, finished frames one before each
        place = torch.arange(-1 - window, frame + 1, device=tokens.device)
        distance = torch.arange(frame + 1 - n, frame + 1, device=tokens.device)[:, None] - place[None]
        seen = (distance >= 0) & (distance <= window)
        blind = torch.full(distance.shape, -1e9, device=tokens.device).masked_fill(seen, 0.0)
        near = distance.clamp(0, window)
        for at, block in enumerate(self._stack):
            own = [parts[..., part, :] + block.modulate[part] for part in range(6)]
            q, k, v = block.split(tokens, own[0], own[1])
            k, v = torch.cat((keys[at], k), dim=2), torch.cat((values[at], v), dim=2)
            if n == 2:
                keys[at], values[at] = k[:, :, :-1], v[:, :, :-1]
            scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + (block.distance[:, near] + blind)
            tokens = block.finish(tokens, torch.softmax(scores, dim=-1) @ v, own)
        return tokens[:, -1]

    def _attend(
        self, tokens: Tensor, level: Tensor, until: Tensor, guidance: Tensor, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens after all blocks, and the newest ``window`` keys and values of finished frames.

        The last token is the frame being made and is never remembered; one before it, if there is one, is the newest
        finished frame and pushes out the oldest.
        """
        n = tokens.shape[1]
        window = self.window
        parts = self._parts(level, until, guidance[:, None].expand(-1, n, -1))
        kept_keys, kept_values = [], []
        for at, block in enumerate(self._stack):
            own = [parts[..., part, :] + block.modulate[part] for part in range(6)]
            q, k, v = block.split(tokens, own[0], own[1])
            k, v = torch.cat((keys[at], k), dim=2), torch.cat((values[at], v), dim=2)
            distance = block.distance
            far = distance.flip(1)  # of cached frames, oldest first, ending at distance 0
            if n == 2:
                newest = torch.cat((functional.pad(far[:, :-1], (1, 0), value=-1e9), distance[:, :1]), dim=1)
                own_row = torch.cat((far, far.new_full((len(far), 1), -1e9)), dim=1)
                bias = torch.stack((own_row, newest), dim=1)
            else:
                bias = far[:, None]
            kept_keys.append(k[:, :, 1 : window + 1] if n == 2 else keys[at])
            kept_values.append(v[:, :, 1 : window + 1] if n == 2 else values[at])
            scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + bias[None]
            tokens = block.finish(tokens, torch.softmax(scores, dim=-1) @ v, own)
        return tokens, torch.stack(kept_keys), torch.stack(kept_values)
