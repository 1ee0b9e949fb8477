"""``PainDiffusionPipeline``: from conditions to a moving face, in the conventions of the diffusers library.

The reference for everything that is faster: the network in torch, a scheduler of the library, safetensors on disk.
``draws`` 1 or 2 takes the network's jumps, as a live run does; ``flow_steps`` integrates the flow with the scheduler.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline, FlowMatchEulerDiscreteScheduler
from diffusers.utils import BaseOutput, logging
from torch import Tensor

from robopatient.errors import AssetError, ConfigError
from robopatient.face.generator.condition import ARCHETYPES, CONDITIONS, GROUPS, check_conditions, guidance_row, index
from robopatient.face.generator.denoiser import FORMAT, Cache, FaceDenoiser
from robopatient.face.generator.motion import CHANNELS, MOTION_HZ, settled
from robopatient.face.generator.prior import KERNEL

__all__ = ["Face", "FaceMotion", "PainDiffusionPipeline", "calm_rows"]

SETTLE_FRAMES = 48
"""Frames lived through before the first that is shown: more than the cache holds."""


class FaceMotion(BaseOutput):
    """What the pipeline returns: ``motion``, shape (n, D), physical units."""

    motion: np.ndarray


class PainDiffusionPipeline(DiffusionPipeline):
    """Face motion by causal diffusion, frame after frame.

    Parameters
    ----------
    denoiser
        The network.
    scheduler
        Flow-matching Euler; used with ``flow_steps`` only.
    """

    def __init__(self, denoiser: FaceDenoiser, scheduler: FlowMatchEulerDiscreteScheduler) -> None:
        super().__init__()
        self.register_modules(denoiser=denoiser, scheduler=scheduler)

    @classmethod
    def load(cls, folder: Path) -> PainDiffusionPipeline:
        """Pipeline from a folder, checked; nothing is downloaded and nothing unpickled.

        Raises
        ------
        AssetError
            When it cannot be read, holds pickles, or was trained for other columns.
        """
        from robopatient.face.generator.checkpoint import refuse_pickles

        refuse_pickles(folder)
        logging.disable_progress_bar()
        try:
            pipeline: PainDiffusionPipeline = cls.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True
            )
        except Exception as error:  # the library raises whatever it meets: OSError, ValueError, RuntimeError …
            raise AssetError(f"{folder}: cannot be loaded ({error}); train one: robopatient face train") from error
        config = pipeline.denoiser.config
        if config.format != FORMAT or config.hz != MOTION_HZ or tuple(config.channels) != CHANNELS:
            raise AssetError(
                f"{folder}: format {config.format} at {config.hz:g} Hz with {len(config.channels)} channels; this "
                f"version needs format {FORMAT} at {MOTION_HZ:g} Hz with {len(CHANNELS)}; train again"
            )
        try:
            check_conditions(config.conditions, str(folder))
        except ConfigError as error:
            raise AssetError(str(error)) from error
        pipeline.denoiser.eval()
        return pipeline

    @torch.no_grad()
    def __call__(
        self,
        condition: np.ndarray,
        seed: int = 1,
        draws: int = 1,
        flow_steps: int = 0,
        guidance: Mapping[str, float] | None = None,
    ) -> FaceMotion:
        """Motion for conditions, any length.

        Parameters
        ----------
        condition
            Columns ``CONDITIONS`` at 30 rows a second, shape (n, C) or, for several faces at once, (batch, n, C).
        draws
            Network passes a frame of the distilled jump.
        flow_steps
            Above 0: steps of the scheduler a frame in place of jumps, guided by the plain formula.
        guidance
            Extra weight of groups of conditions, 0 for none: ``{"pain": 1.0}``.

        Raises
        ------
        ConfigError
            When the conditions have another shape or are not finite.
        """
        condition = np.asarray(condition, np.float32)
        many = condition if condition.ndim == 3 else condition[None]
        _check_rows(many)
        faces = Face(self, many[:, 0], seed, draws=draws, flow_steps=flow_steps, guidance=guidance)
        motion = np.stack([faces.step(many[:, row]) for row in range(many.shape[1])], axis=1)
        return FaceMotion(motion=motion if condition.ndim == 3 else motion[0])


class Face:
    """One face (or a batch of them) being moved: what a stream remembers between frames.

    Parameters
    ----------
    first
        Conditions of the first frame, shape (batch, C): who they are; they settle without pain or touch.
    """

    def __init__(
        self,
        pipeline: PainDiffusionPipeline,
        first: np.ndarray,
        seed: int,
        *,
        draws: int = 1,
        flow_steps: int = 0,
        guidance: Mapping[str, float] | None = None,
    ) -> None:
        self._net: FaceDenoiser = pipeline.denoiser
        self._scheduler = pipeline.scheduler
        self._draws, self._flow_steps = draws, flow_steps
        self._device = next(self._net.parameters()).device
        self._random = torch.Generator().manual_seed(seed)
        self._batch = len(first)
        row = torch.from_numpy(guidance_row(guidance)).to(self._device)
        pushed = torch.nonzero(row)[:, 0] if flow_steps else row[:0].long()
        self._weights = row[pushed]
        keep = torch.ones(1 + len(pushed), len(GROUPS), device=self._device)
        keep[torch.arange(1, 1 + len(pushed)), pushed] = 0.0
        self._keep = keep.repeat_interleave(self._batch, 0)
        inside = torch.zeros_like(row) if flow_steps else row
        self._guidance = inside.expand(len(self._keep), -1)
        calm = calm_rows(first)
        told = self._told(calm)
        history = told[:, None].expand(-1, self._net.window + KERNEL + 1, -1)
        with torch.no_grad():
            self._cache = self._net.start(history, self._guidance)
        for _ in range(SETTLE_FRAMES):
            self.step(calm)

    @torch.no_grad()
    def step(self, condition: np.ndarray) -> np.ndarray:
        """Next frame in physical units, shape (batch, D), for conditions (batch, C)."""
        told = self._told(condition)
        dims = self._cache.recent.shape[-1]
        if self._flow_steps:
            noise = torch.randn(self._batch, dims, generator=self._random).to(self._device)
            frame = self._integrate(noise, told)
        else:
            noise = torch.randn(self._batch, self._draws, dims, generator=self._random).to(self._device)
            frame, self._cache = self._net.step(noise, told, self._guidance, self._cache, self._draws)
        return settled(self._net.physical(frame).cpu().numpy())

    def _told(self, condition: np.ndarray) -> Tensor:
        rows = torch.from_numpy(np.asarray(condition, np.float32)).to(self._device)
        variants = len(self._keep) // self._batch
        return self._net.masked(rows.repeat(variants, 1), self._keep)

    def _integrate(self, noise: Tensor, told: Tensor) -> Tensor:
        """Flow from noise to a frame by the scheduler, with classifier-free guidance of each group."""
        scheduler, cache, batch = self._scheduler, self._cache, self._batch
        scheduler.set_timesteps(sigmas=np.linspace(1.0, 1.0 / self._flow_steps, self._flow_steps).tolist())
        frame, keys, values = noise, cache.keys, cache.values
        for at, timestep in enumerate(scheduler.timesteps):
            variants = len(self._keep) // batch
            level = scheduler.sigmas[at].to(self._device).expand(len(self._keep))
            noisy = frame.repeat(variants, 1)
            if at == 0:
                clean, keys, values = self._net.first_look(noisy, level, level, told, self._guidance, cache)
            else:
                clean = self._net.look_again(noisy, level, level, told, self._guidance, cache.recent, keys, values)
            whole, *without = clean.split(batch)
            guided = whole
            for weight, other in zip(self._weights, without, strict=True):
                guided = guided + weight * (whole - other)
            velocity = (frame - guided) / level[:batch, None]
            frame = scheduler.step(velocity, timestep, frame, return_dict=False)[0]
        kept = frame.repeat(len(self._keep) // batch, 1)
        recent = torch.cat((cache.recent[:, 1:], kept[:, None]), dim=1)
        self._cache = Cache(keys, values, recent, told)
        return frame


def calm_rows(condition: np.ndarray) -> np.ndarray:
    """The same people without pain, touch or voice, shape (batch, C)."""
    calm = np.array(condition, np.float32)
    lasting = {*ARCHETYPES, "expressiveness", "asymmetry", "tempo", "sex", "age_years", "valence", "arousal"}
    for name in CONDITIONS:
        if name not in lasting:
            calm[:, index(name)] = 0.0
    return calm


def _check_rows(condition: np.ndarray) -> None:
    if condition.ndim != 3 or condition.shape[2] != len(CONDITIONS) or condition.shape[1] == 0:
        raise ConfigError(f"conditions: shape {condition.shape[-2:]}; expected (frames, {len(CONDITIONS)})")
    bad: Any = np.argwhere(~np.isfinite(condition))
    if len(bad):
        _, row, at = bad[0].tolist()
        raise ConfigError(f"conditions: row {row}: {CONDITIONS[at]} is not finite; mend the stimulus")
