"""``PainDiffusionPipeline``: from conditions to a moving face, in the conventions of the diffusers library.

The reference for everything that is faster: the network in torch, a scheduler of the library, safetensors on disk.
Without ``flow_steps`` it takes the network's jumps, frame after frame, as a live run does; with them it integrates the
flow of a whole clip by the scheduler.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline, FlowMatchEulerDiscreteScheduler
from diffusers.utils import BaseOutput, logging

from robopatient.errors import AssetError, ConfigError
from robopatient.face.generator.condition import CONDITIONS, GROUPS, calm_rows, check_conditions, guidance_row
from robopatient.face.generator.denoiser import FORMAT, FaceDenoiser
from robopatient.face.generator.idle_motion import GeneratedIdleMotion
from robopatient.face.generator.motion import CHANNELS, MOTION_HZ, settled
from robopatient.face.generator.noise import SETTLE_FRAMES, GeneratorNoise
from robopatient.face.generator.pickles import refuse_pickles

__all__ = ["Face", "FaceMotion", "PainDiffusionPipeline"]


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
        flow_steps: int = 0,
        guidance: Mapping[str, float] | None = None,
    ) -> FaceMotion:
        """Motion for conditions, any length.

        Parameters
        ----------
        condition
            Columns ``CONDITIONS`` at 30 rows a second, shape (n, C) or, for several faces at once, (batch, n, C).
        flow_steps
            Above 0: steps of the scheduler for the whole clip at once in place of jumps frame after frame, guided by
            the plain formula.
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
        if flow_steps:
            motion = self._integrated(many, seed, flow_steps, guidance_row(guidance))
        else:
            faces = Face(self, many[:, 0], seed, guidance=guidance)
            motion = np.stack([faces.step(many[:, row]) for row in range(many.shape[1])], axis=1)
        return FaceMotion(motion=motion if condition.ndim == 3 else motion[0])

    def _integrated(self, condition: np.ndarray, seed: int, steps: int, weights: np.ndarray) -> np.ndarray:
        """Flow from noise to motion by the scheduler, with classifier-free guidance of each group."""
        net, scheduler = self.denoiser, self.scheduler
        device = next(net.parameters()).device
        calm = np.repeat(calm_rows(condition[:, 0])[:, None], SETTLE_FRAMES, axis=1)
        rows = torch.from_numpy(np.concatenate((calm, condition), axis=1)).to(device)
        pushed = np.flatnonzero(weights)
        keeps = torch.ones(1 + len(pushed), len(GROUPS), device=device)
        keeps[torch.arange(1, 1 + len(pushed)), torch.from_numpy(pushed)] = 0.0
        told = [net.masked(rows, keep) for keep in keeps]
        scheduler.set_timesteps(sigmas=np.linspace(1.0, 1.0 / steps, steps).tolist())
        random = torch.Generator().manual_seed(seed)
        motion = torch.randn(*rows.shape[:2], len(CHANNELS), generator=random).to(device)
        for at, timestep in enumerate(scheduler.timesteps):
            level = scheduler.sigmas[at].to(device).expand(motion.shape[:2])
            whole, *without = [net(motion, level, one) for one in told]
            clean = whole
            for weight, other in zip(weights[pushed].tolist(), without, strict=True):
                clean = clean + weight * (whole - other)
            velocity = (motion - clean) / level[..., None]
            motion = scheduler.step(velocity, timestep, motion, return_dict=False)[0]
        faces = settled(net.physical(motion[:, SETTLE_FRAMES:]).cpu().numpy())
        for at, (face, told_rows) in enumerate(zip(faces, condition, strict=True)):
            life = GeneratedIdleMotion(seed, at)
            face[:] = [life.show(frame, row) for frame, row in zip(face, told_rows, strict=True)]
        return faces


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
        guidance: Mapping[str, float] | None = None,
    ) -> None:
        self._net: FaceDenoiser = pipeline.denoiser
        self._device = next(self._net.parameters()).device
        self._noise = GeneratorNoise(seed, len(first))
        self._idles = [GeneratedIdleMotion(seed, at) for at in range(len(first))]
        self._guidance = torch.from_numpy(guidance_row(guidance)).to(self._device).expand(len(first), -1)
        calm = calm_rows(first)
        told = self._net.masked(torch.from_numpy(calm).to(self._device))
        with torch.no_grad():
            self._cache = self._net.start(told[:, None].expand(-1, self._net.window, -1))
        for _ in range(SETTLE_FRAMES):
            self.step(calm)

    @torch.no_grad()
    def step(self, condition: np.ndarray) -> np.ndarray:
        """Next frame in physical units, shape (batch, D), for conditions (batch, C)."""
        rows = np.asarray(condition, np.float32)
        noise, dice, told = (torch.from_numpy(one).to(self._device) for one in (*self._noise.draw(rows), rows))
        frame, self._cache = self._net.step(noise, dice, self._net.masked(told), self._guidance, self._cache)
        faces = settled(self._net.physical(frame).cpu().numpy())
        return np.stack([life.show(face, row) for life, face, row in zip(self._idles, faces, rows, strict=True)])


def _check_rows(condition: np.ndarray) -> None:
    if condition.ndim != 3 or condition.shape[2] != len(CONDITIONS) or condition.shape[1] == 0:
        raise ConfigError(f"conditions: shape {condition.shape[-2:]}; expected (frames, {len(CONDITIONS)})")
    bad: Any = np.argwhere(~np.isfinite(condition))
    if len(bad):
        _, row, at = bad[0].tolist()
        raise ConfigError(f"conditions: row {row}: {CONDITIONS[at]} is not finite; correct the stimulus")
