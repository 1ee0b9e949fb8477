"""Teaches the face generator, one update at a time, so that it can stop anywhere and go on bit for bit.

Stage A learns rectified flow with a noise level for every frame. Its averaged weights are the start of stage B: jumps
from noise to whole windows in one pass, each frame knowing those before by their noise, so that what is scored is what
a live run will make, frame after frame. Stage C folds guidance in as an input, without moving any other weight.
"""

from __future__ import annotations

import copy
import json
import math
from typing import Annotated, Any

import msgspec
import numpy as np
import torch
from accelerate import Accelerator
from diffusers.training_utils import EMAModel
from msgspec import Meta
from torch import Tensor

from policies.corpus.simulator import CorpusDesign
from policies.corpus.store import Corpus
from policies.errors import PolicyError
from policies.face_data import MotionTable, channel_statistics, table_of, usual_changes
from policies.face_losses import LAGS, energy, flow_loss, levels, noised
from robopatient.face.generator.checkpoint import checkpoint_folder
from robopatient.face.generator.condition import GROUPS
from robopatient.face.generator.denoiser import FaceDenoiser
from robopatient.face.generator.idle_motion import IDLE_CHANNELS
from robopatient.face.generator.motion import CHANNELS
from robopatient.face.generator.noise import DICE, CorrelatedNoise
from robopatient.face.generator.pipeline import PainDiffusionPipeline

__all__ = ["FaceTrainer", "FaceTraining"]

Count = Annotated[int, Meta(ge=1)]
Steps = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, lt=1)]
Rate = Annotated[float, Meta(gt=0, le=0.1)]

WARM_UP = 100
CLIP = 1.0
EMPTY_SHARE = 0.05
"""Rows of stage A without any condition."""
SIDE_WEIGHT = 0.1
"""Of stage A's loss while jumps are what is learned."""
MATRIX_RATE = 2.0
"""Learning rate of Muon's matrices next to AdamW's: 1, 2 and 5 compared over 300 updates."""
BEYOND_WEIGHT = 0.05
"""Of aims out of range, which otherwise nothing pulls back while a channel rests."""


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the tables of a training file."""


class NetworkSize(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Size of the network."""

    width: Annotated[int, Meta(ge=16, le=512)] = 96
    layers: Annotated[int, Meta(ge=1, le=12)] = 4
    heads: Annotated[int, Meta(ge=1, le=16)] = 4
    window: Annotated[int, Meta(ge=8, le=128)] = 32


class Flow(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Stage A."""

    steps: Steps = 3000
    batch: Count = 32
    frames: Annotated[int, Meta(ge=8, le=256)] = 64
    learning_rate: Rate = 2e-3
    dropout: Share = 0.1


class Jump(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Stage B; ``settle`` frames at the beginning of a window are made but not scored."""

    steps: Steps = 6000
    batch: Count = 12
    frames: Annotated[int, Meta(ge=12, le=512)] = 180
    settle: Annotated[int, Meta(ge=0, le=256)] = 48
    learning_rate: Rate = 1e-3
    dropout: Share = 0.05


class Side(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Some of stage A, along with stage B."""

    every: Count = 4
    batch: Count = 6


class Guidance(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Stage C."""

    steps: Steps = 500
    batch: Count = 4
    most: Annotated[float, Meta(ge=0, le=10)] = 2.0
    learning_rate: Rate = 1e-2


class Keep(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is averaged and when it is saved."""

    ema: Share = 0.998
    save_s: Annotated[float, Meta(gt=0)] = 60.0


class FaceTraining(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A training file."""

    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 1
    corpus: str = ""
    """A corpus file; "" simulates one from ``design``."""
    start: str = ""
    """A checkpoint whose weights, size and standardisation to begin with; "" begins from nothing."""
    design: CorpusDesign = CorpusDesign()
    network: NetworkSize = NetworkSize()
    flow: Flow = Flow()
    jump: Jump = Jump()
    side: Side = Side()
    guidance: Guidance = Guidance()
    keep: Keep = Keep()

    @property
    def steps(self) -> int:
        """Updates of all stages."""
        return self.flow.steps + self.jump.steps + self.guidance.steps


class FaceTrainer:
    """The network, its average, the optimiser and the random streams."""

    def __init__(self, config: FaceTraining, corpus: Corpus, accelerator: Accelerator) -> None:
        if config.jump.frames - config.jump.settle <= max(LAGS):
            raise PolicyError(f"[jump] frames = {config.jump.frames}: too few after settle = {config.jump.settle}")
        self.config = config
        self.at = 0
        self._accelerator = accelerator
        self._device = accelerator.device
        table = table_of(corpus, "train", max(config.flow.frames, config.jump.frames))
        self.model = self._network(table)
        self._windows = table.windows
        self._motion = self.model.standardise(table.motion.to(self._device))
        self._condition = table.condition.to(self._device)
        self._throws = table.throws()
        scale = self.model.config.scale
        self._taught = torch.tensor([at for at, name in enumerate(CHANNELS) if name not in IDLE_CHANNELS])
        self._usual = {
            lag: torch.tensor(usual_changes(table, scale, lag), device=self._device)[self._taught] for lag in LAGS
        }
        self.ema = self._average()
        self._optimisers = self._new_optimisers()
        self._rng = np.random.default_rng([config.seed, accelerator.process_index])
        self._noise = torch.Generator().manual_seed(config.seed * 1000 + accelerator.process_index)

    @property
    def stage(self) -> str:
        """Name of the stage that the next update belongs to: "flow", "jump" or "guidance"."""
        return self._stage_and_start()[0]

    def _stage_and_start(self) -> tuple[str, int]:
        config = self.config
        if self.at < config.flow.steps:
            return "flow", 0
        jumps_end = config.flow.steps + config.jump.steps
        return ("jump", config.flow.steps) if self.at < jumps_end else ("guidance", jumps_end)

    def step(self) -> dict[str, float]:
        """One update; the losses of it."""
        stage, start = self._stage_and_start()
        if self.at == start > 0:
            self._begin_from_average()
        only = self.model.push.weight
        for parameter in self.model.parameters():
            parameter.requires_grad_(stage != "guidance" or parameter is only)
        if stage == "flow":
            losses = {"flow": self._flow(self.config.flow.batch)}
        elif stage == "jump":
            losses = {"energy": self._jump()}
            if self.at % self.config.side.every == 0:
                losses["flow"] = SIDE_WEIGHT * self._flow(self.config.side.batch)
        else:
            losses = {"guidance": self._guidance()}
        total = torch.stack(list(losses.values())).sum()
        self.model.zero_grad(set_to_none=True)
        self._accelerator.backward(total)
        self._share_gradients()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        rate = self._learning_rate()
        for optimiser, factor in zip(self._optimisers, (MATRIX_RATE, 1.0), strict=True):
            for group in optimiser.param_groups:
                group["lr"] = factor * rate
            optimiser.step()
        self.ema.step(self.model.parameters())
        self.at += 1
        return {name: float(loss.detach()) for name, loss in losses.items()} | {"gradient": float(norm)}

    def averaged(self) -> FaceDenoiser:
        """Network with the averaged weights, on the CPU."""
        model = copy.deepcopy(self.model)
        self.ema.copy_to(model.parameters())
        result: FaceDenoiser = model.cpu().eval()
        return result

    # -- losses --------------------------------------------------------------------------------------------------

    def _flow(self, batch: int) -> Tensor:
        """Frames at levels of their own, cleaned."""
        config = self.config.flow
        rows = self._windows(config.frames, batch, self._rng)
        clean, condition = self._motion[rows], self._condition[rows]
        level = levels(batch, config.frames, self._noise).to(self._device)
        keep = self._kept(batch, config.dropout)
        keep *= (torch.rand(batch, 1, generator=self._noise) >= EMPTY_SHARE).to(self._device)
        masked = self.model.masked(condition, keep[:, None])
        guess = self.model(noised(clean, level, self._randn(clean.shape)), level, masked)
        return flow_loss((guess - clean)[..., self._taught], level)

    def _jump(self) -> Tensor:
        """Windows made twice from noise; how far the two are from what the person did."""
        config = self.config.jump
        rows = self._windows(config.frames, config.batch, self._rng)
        clean = self._motion[rows]
        masked = self.model.masked(self._condition[rows], self._kept(config.batch, config.dropout)[:, None])
        twice = rows.repeat(2, 1)
        face = self._motion[twice[:, :1]].expand(-1, 2, -1)
        none = self._no_guidance(2 * config.batch)
        made, aim = self.model.jump(*self._chance(twice), masked.repeat(2, 1, 1), none, face)
        first, second = made[:, config.settle :, self._taught].chunk(2)
        score = energy(clean[:, config.settle :, self._taught], first, second, self._usual)
        return score + BEYOND_WEIGHT * self.model.muscles.beyond(aim)[..., self._taught].mean()

    def _guidance(self) -> Tensor:
        """Distance to the jump with one group of conditions pushed, from the same noise (Meng et al. 2023)."""
        config = self.config.guidance
        batch = config.batch
        rows = self._windows(self.config.jump.frames, batch, self._rng)
        condition = self._condition[rows]
        group = torch.from_numpy(self._rng.integers(len(GROUPS), size=batch)).to(self._device)
        one = torch.nn.functional.one_hot(group, len(GROUPS)).float()
        weight = config.most * torch.rand(batch, 1, generator=self._noise).to(self._device)
        whole, without = self.model.masked(condition), self.model.masked(condition, 1.0 - one[:, None])
        chance = self._chance(rows)
        face = self._motion[rows[:, :1]].expand(-1, 2, -1)
        none = self._no_guidance(batch)
        with torch.no_grad():
            conditioned, _ = self.model.jump(*chance, whole, none, face)
            unconditioned, _ = self.model.jump(*chance, without, none, face)
            wanted = self.model.muscles.reach(conditioned + weight[..., None] * (conditioned - unconditioned))
        guess, _ = self.model.jump(*chance, whole, weight * one, face)
        return ((guess - wanted)[:, self.config.jump.settle :, self._taught] ** 2).mean()

    def _chance(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Noise of every frame and draws of every stimulus, of windows; shapes (batch, n, D) and (batch, n, DICE)."""
        batch, n = rows.shape
        throws = self._throws[rows]
        throws = throws - throws[:, :1]
        dice = torch.randn(batch, int(throws.max()) + 1, DICE, generator=self._noise)
        held = dice.gather(1, throws[..., None].expand(-1, -1, DICE)).to(self._device)
        wander = CorrelatedNoise()
        white = self._randn((batch, n, self._motion.shape[1]))
        return torch.stack([wander(one) for one in white.unbind(1)], dim=1), held

    # -- small things --------------------------------------------------------------------------------------------

    def _begin_from_average(self) -> None:
        """With a fresh optimiser and average."""
        self.ema.copy_to(self.model.parameters())
        self._optimisers = self._new_optimisers()
        self.ema = self._average()

    def _network(self, table: MotionTable) -> FaceDenoiser:
        mean, scale = channel_statistics(table)
        torch.manual_seed(self.config.seed)
        size = self.config.network
        network = FaceDenoiser(
            width=size.width,
            layers=size.layers,
            heads=size.heads,
            window=size.window,
            mean=mean,
            scale=scale,
        )
        if self.config.start:
            network = PainDiffusionPipeline.load(checkpoint_folder(self.config.start)).denoiser.train()
            has = NetworkSize(**{name: network.config[name] for name in NetworkSize.__struct_fields__})
            if has != size:
                raise PolicyError(f"start = {self.config.start}: its network is {has}, the training file says {size}")
        moved: FaceDenoiser = network.to(self._device)
        return moved

    def _randn(self, shape: Any) -> Tensor:
        return torch.randn(*shape, generator=self._noise).to(self._device)

    def _kept(self, batch: int, dropout: float) -> Tensor:
        return (torch.rand(batch, len(GROUPS), generator=self._noise) >= dropout).float().to(self._device)

    def _no_guidance(self, batch: int) -> Tensor:
        return torch.zeros(batch, len(GROUPS), device=self._device)

    def _average(self) -> EMAModel:
        return EMAModel(self.model.parameters(), decay=self.config.keep.ema, use_ema_warmup=True, power=0.75)

    def _new_optimisers(self) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
        """Muon for the matrices of the blocks, AdamW for everything else.

        Muon (Jordan et al. 2024) makes steps of full rank; docs/explanation/generator.md tells what that is worth here.
        """
        if not hasattr(torch.optim, "Muon"):
            raise PolicyError(f"torch {torch.__version__}: no Muon; to train a face: pip install 'torch>=2.9,<2.14'")
        layers = [layer for layer in self.model.blocks.modules() if isinstance(layer, torch.nn.Linear)]
        matrices = [layer.weight for layer in layers]
        rest = [one for one in self.model.parameters() if all(one is not matrix for matrix in matrices)]
        return (
            torch.optim.Muon(matrices, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(rest, weight_decay=1e-4, betas=(0.9, 0.98)),
        )

    def _learning_rate(self) -> float:
        """Warm-up, then a cosine down to a twentieth, for each stage."""
        name, start = self._stage_and_start()
        stage: Flow | Jump | Guidance = getattr(self.config, name)
        done = self.at - start
        fall = 0.05 + 0.95 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done / max(1, stage.steps))))
        return stage.learning_rate * min(1.0, (done + 1) / WARM_UP) * fall

    def _share_gradients(self) -> None:
        """Mean over the processes, where there are several."""
        if self._accelerator.num_processes > 1:
            for parameter in self.model.parameters():
                if parameter.grad is not None:
                    parameter.grad = self._accelerator.reduce(parameter.grad, "mean")

    # -- going on ------------------------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that the next update depends on: tensors by name, and what JSON can hold."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"ema.{at}": value for at, value in enumerate(self.ema.shadow_params)}
        for which, optimiser in enumerate(self._optimisers):
            for at, moments in optimiser.state_dict()["state"].items():
                tensors |= {f"optimiser{which}.{at}.{name}": value for name, value in moments.items()}
        tensors["noise"] = self._noise.get_state()
        rest = {
            "at": self.at,
            "averaged": self.ema.optimization_step,
            "rng": self._rng.bit_generator.state,
            "training": msgspec.to_builtins(self.config),
        }
        return {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}, rest

    def restore(self, tensors: dict[str, Tensor], rest: dict[str, Any]) -> None:
        """Go on from a ``state``."""

        def part(prefix: str) -> dict[str, Tensor]:
            return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

        self.at = rest["at"]
        self.model.load_state_dict(part("model."))
        self.ema = self._average()
        shadow = part("ema.")
        self.ema.shadow_params = [shadow[str(at)].to(self._device) for at in range(len(shadow))]
        self.ema.optimization_step = rest["averaged"]
        self._optimisers = self._new_optimisers()
        for which, optimiser in enumerate(self._optimisers):
            moments: dict[int, dict[str, Tensor]] = {}
            for name, value in part(f"optimiser{which}.").items():
                at, _, key = name.partition(".")
                moments.setdefault(int(at), {})[key] = value
            optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})
        self._noise.set_state(tensors["noise"])
        self._rng.bit_generator.state = json.loads(json.dumps(rest["rng"]))
