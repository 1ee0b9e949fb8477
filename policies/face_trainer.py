"""Teaches the face generator, one update at a time, so that it can stop anywhere and go on bit for bit.

Stage A learns rectified flow with a noise level for every frame. Its averaged weights become both the teacher of
guidance and the start of stage B: jumps from noise to the next frame in one pass, behind true frames, while the weights
of guidance are folded in as an input. Stage C goes on behind the network's own frames (self-forcing).
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

from policies.corpus.simulator import Design
from policies.corpus.store import Corpus
from policies.errors import PolicyError
from policies.face_data import Table, channel_statistics, table_of, usual_changes
from policies.face_losses import LAGS, energy, flow_loss, jump_energy, levels, noised
from robopatient.face.generator.checkpoint import checkpoint_folder
from robopatient.face.generator.condition import GROUPS
from robopatient.face.generator.denoiser import Cache, FaceDenoiser
from robopatient.face.generator.pipeline import PainDiffusionPipeline
from robopatient.face.generator.prior import CONTEXT_LEVEL, KERNEL, trust

__all__ = ["FaceTraining", "Trainer"]

Count = Annotated[int, Meta(ge=1)]
Steps = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, lt=1)]
Rate = Annotated[float, Meta(gt=0, le=0.1)]

WARM_UP = 100
CLIP = 1.0
EMPTY_SHARE = 0.05
"""Rows of stage A that are told nothing at all."""
SIDE_WEIGHT = 0.1
"""Of the losses beside the roll-outs while those are what is learned."""
JUMP_SHARE = 0.25
"""Frames of a window on which guidance is taught, noise among finished ones."""


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the tables of a training file."""


class Network(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
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
    """Stage B."""

    steps: Steps = 3000
    batch: Count = 12
    frames: Annotated[int, Meta(ge=8, le=256)] = 64
    learning_rate: Rate = 1e-3
    dropout: Share = 0.05


class Side(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What goes along with stages B and C: some of stage A, and what guidance means."""

    every: Count = 4
    flow_batch: Count = 6
    guidance_batch: Count = 6
    most_guidance: Annotated[float, Meta(ge=0, le=10)] = 2.0


class Stream(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Stage C."""

    steps: Steps = 3000
    batch: Count = 32
    frames: Annotated[int, Meta(ge=2, le=64)] = 10
    keep: Share = 0.93
    learning_rate: Rate = 5e-4
    dropout: Share = 0.05
    draws: Annotated[int, Meta(ge=1, le=4)] = 1


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
    design: Design = Design()
    network: Network = Network()
    flow: Flow = Flow()
    jump: Jump = Jump()
    stream: Stream = Stream()
    side: Side = Side()
    keep: Keep = Keep()

    @property
    def steps(self) -> int:
        """Updates of all stages."""
        return self.flow.steps + self.jump.steps + self.stream.steps


class Trainer:
    """The network, its average, the optimiser, the random streams and the faces that are being rolled out."""

    def __init__(self, config: FaceTraining, corpus: Corpus, accelerator: Accelerator) -> None:
        self.config = config
        self.at = 0
        self._accelerator = accelerator
        self._device = accelerator.device
        self._history = config.network.window + KERNEL + 2
        longest = max(config.flow.frames, config.jump.frames, self._history + config.stream.frames)
        table = table_of(corpus, "train", longest)
        self.model = self._network(table)
        self._start, self._length = table.start, table.length
        self._windows = table.windows
        self._motion = self.model.standardise(table.motion.to(self._device))
        self._condition = table.condition.to(self._device)
        scale = self.model.config.scale
        self._usual = {lag: torch.tensor(usual_changes(table, scale, lag), device=self._device) for lag in LAGS}
        self.ema = self._average()
        self.teacher: FaceDenoiser | None = None
        self._optimiser = self._new_optimiser()
        self._rng = np.random.default_rng([config.seed, accelerator.process_index])
        self._noise = torch.Generator().manual_seed(config.seed * 1000 + accelerator.process_index)
        self._faces: dict[str, Tensor] = {}

    @property
    def stage(self) -> str:
        """Name of the stage that the next update belongs to: "flow", "jump" or "stream"."""
        return self._stage_and_start()[0]

    def _stage_and_start(self) -> tuple[str, int]:
        config = self.config
        if self.at < config.flow.steps:
            return "flow", 0
        jumps_end = config.flow.steps + config.jump.steps
        return ("jump", config.flow.steps) if self.at < jumps_end else ("stream", jumps_end)

    def step(self) -> dict[str, float]:
        """One update; the losses of it."""
        if self.stage == "flow":
            losses = self._flow_losses(self.config.flow.batch)
        else:
            if self.teacher is None:
                self._begin_jumps()
            if self.stage == "stream" and not self._faces:
                self._begin_stream()
            losses = {"energy": self._jump() if self.stage == "jump" else self._roll_out()} | self._side_losses()
        total = torch.stack(list(losses.values())).sum()
        self._optimiser.zero_grad(set_to_none=True)
        self._accelerator.backward(total)
        self._share_gradients()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        for group in self._optimiser.param_groups:
            group["lr"] = self._learning_rate()
        self._optimiser.step()
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

    def _flow_losses(self, batch: int) -> dict[str, Tensor]:
        config = self.config.flow
        rows = self._windows(config.frames, batch, self._rng)
        clean, condition = self._motion[rows], self._condition[rows]
        level = levels(batch, config.frames, self._noise).to(self._device)
        noise = self._randn(clean.shape)
        keep = self._kept(batch, config.dropout)
        keep *= (torch.rand(batch, 1, generator=self._noise) >= EMPTY_SHARE).to(self._device)
        masked = self.model.masked(condition, keep[:, None])
        guess = self.model(noised(clean, level, noise), level, level, masked, self._no_guidance(batch))
        return {"flow": flow_loss((guess - clean) / self._error_scale(level), level)}

    def _jump(self) -> Tensor:
        """Frames made twice behind true ones; how far the two are from what the person did next."""
        config = self.config.jump
        rows = self._windows(config.frames, config.batch, self._rng)
        clean = self._motion[rows]
        masked = self.model.masked(self._condition[rows], self._kept(config.batch, config.dropout)[:, None])
        made = self.model.jumps(clean, self._randn((2, *clean.shape)), masked, self._no_guidance(config.batch))
        first, second, data = (one[:, KERNEL:] / self._usual[1] for one in (*made, clean))
        return jump_energy(data, first, second)

    def _side_losses(self) -> dict[str, Tensor]:
        if self.at % self.config.side.every:
            return {}
        flow = self._flow_losses(self.config.side.flow_batch)["flow"]
        return {"flow": SIDE_WEIGHT * flow, "guidance": SIDE_WEIGHT * self._guidance_loss()}

    def _roll_out(self) -> Tensor:
        """Every face moves on, twice; how far the two are from what the person did."""
        config = self.config.stream
        faces, frames = self._faces, config.frames
        cache = Cache(faces["keys"], faces["values"], faces["recent"], faces["condition"])
        rows = faces["at"][:, None] + torch.arange(frames)[None]
        masked = self.model.masked(self._condition[rows], faces["keep"][:, None]).repeat(2, 1, 1)
        guidance = self._no_guidance(2 * config.batch)
        noise = self._randn((2 * config.batch, frames, config.draws, self._motion.shape[1]))
        made, cache = self.model.roll(noise, masked, guidance, cache)
        first, second = made.chunk(2)
        score = energy(self._motion[rows], first, second, self._usual)
        for name, part in zip(("keys", "values", "recent", "condition"), cache, strict=True):
            faces[name] = part.detach()
        faces["at"] = faces["at"] + frames
        over = faces["at"] + frames > faces["end"]
        over |= torch.rand(config.batch, generator=self._noise) >= config.keep
        self._begin_faces(torch.nonzero(over)[:, 0])
        return score

    def _guidance_loss(self) -> Tensor:
        """Distance to what the teacher says with one group of conditions pushed (Meng et al. 2023, in clean frames)."""
        assert self.teacher is not None
        config = self.config.side
        batch, n = config.guidance_batch, self.config.flow.frames
        rows = self._windows(n, batch, self._rng)
        clean, condition = self._motion[rows], self._condition[rows]
        drawn = torch.rand(batch, n, generator=self._noise) < JUMP_SHARE
        level = torch.where(drawn, 1.0, CONTEXT_LEVEL).to(self._device)
        noisy = noised(clean, level, self._randn(clean.shape))
        group = torch.from_numpy(self._rng.integers(len(GROUPS), size=batch)).to(self._device)
        one = torch.nn.functional.one_hot(group, len(GROUPS)).float()
        weight = config.most_guidance * torch.rand(batch, 1, generator=self._noise).to(self._device)
        none = self._no_guidance(batch)
        whole = self.model.masked(condition)
        without = self.model.masked(condition, 1.0 - one[:, None])
        jump = bool(self._rng.random() < 0.5)
        until = torch.zeros_like(level) if jump else level
        with torch.no_grad():
            told = self.teacher(noisy, level, level, whole, none)
            push = weight[..., None] * (told - self.teacher(noisy, level, level, without, none))
            wanted = push + (self.model(noisy, level, until, whole, none) if jump else told)
        guess = self.model(noisy, level, until, whole, weight * one)
        counts = drawn.to(self._device)
        error = (guess - wanted) / self._error_scale(level)
        return ((error**2).mean(-1) * counts).sum() / counts.sum().clamp_min(1)

    # -- faces ---------------------------------------------------------------------------------------------------

    def _begin_jumps(self) -> None:
        """From stage A on: its average is teacher and start, with a fresh optimiser and average."""
        self._begin_from_average()
        self.teacher = copy.deepcopy(self.model).eval().requires_grad_(requires_grad=False)

    def _begin_from_average(self) -> None:
        self.ema.copy_to(self.model.parameters())
        self._optimiser = self._new_optimiser()
        self.ema = self._average()

    def _begin_stream(self) -> None:
        """From stage B on, with new faces."""
        self._begin_from_average()
        batch, network = self.config.stream.batch, self.config.network
        cache = (network.layers, 2 * batch, network.heads, network.window, network.width // network.heads)
        self._faces = {
            "keys": torch.zeros(cache, device=self._device),
            "values": torch.zeros(cache, device=self._device),
            "recent": torch.zeros(2 * batch, KERNEL, self._motion.shape[1], device=self._device),
            "condition": torch.zeros(2 * batch, self._condition.shape[1] + len(GROUPS), device=self._device),
            "at": torch.zeros(batch, dtype=torch.int64),
            "end": torch.zeros(batch, dtype=torch.int64),
            "keep": torch.ones(batch, len(GROUPS), device=self._device),
        }
        self._begin_faces(torch.arange(batch))

    @torch.no_grad()
    def _begin_faces(self, which: Tensor) -> None:
        """Put new people, somewhere in their trials, in the place of these faces."""
        count, faces, history = len(which), self._faces, self._history
        if count == 0:
            return
        chosen = self._rng.integers(len(self._start), size=count)
        room = self._length[chosen] - history - self.config.stream.frames + 1
        at = torch.from_numpy(self._start[chosen] + history + (self._rng.random(count) * room).astype(int))
        faces["at"][which] = at
        faces["end"][which] = torch.from_numpy(self._start[chosen] + self._length[chosen])
        faces["keep"][which] = self._kept(count, self.config.stream.dropout)
        rows = at[:, None] + torch.arange(-history, 0)[None]
        masked = self.model.masked(self._condition[rows], faces["keep"][which][:, None])
        cache = self.model.start(masked, self._no_guidance(count), self._motion[rows])
        for half in (which, which + self.config.stream.batch):
            faces["keys"][:, half], faces["values"][:, half] = cache.keys, cache.values
            faces["recent"][half], faces["condition"][half] = cache.recent, cache.condition

    # -- small things --------------------------------------------------------------------------------------------

    def _network(self, table: Table) -> FaceDenoiser:
        mean, scale = channel_statistics(table)
        change = usual_changes(table, scale, 1)
        torch.manual_seed(self.config.seed)
        size = self.config.network
        network = FaceDenoiser(
            width=size.width,
            layers=size.layers,
            heads=size.heads,
            window=size.window,
            mean=mean,
            scale=scale,
            change=change,
        )
        if self.config.start:
            network = PainDiffusionPipeline.load(checkpoint_folder(self.config.start)).denoiser.train()
            has = Network(**{name: network.config[name] for name in Network.__struct_fields__})
            if has != size:
                raise PolicyError(f"start = {self.config.start}: its network is {has}, the training file says {size}")
        moved: FaceDenoiser = network.to(self._device)
        return moved

    def _error_scale(self, level: Tensor) -> Tensor:
        """Unit of the errors of whole windows, shape (batch, n, D)."""
        before = torch.nn.functional.pad(level, (1, 0), value=1.0)[:, :-1]
        return self.model.prior.error_scale(level, trust(before))

    def _randn(self, shape: Any) -> Tensor:
        return torch.randn(*shape, generator=self._noise).to(self._device)

    def _kept(self, batch: int, dropout: float) -> Tensor:
        return (torch.rand(batch, len(GROUPS), generator=self._noise) >= dropout).float().to(self._device)

    def _no_guidance(self, batch: int) -> Tensor:
        return torch.zeros(batch, len(GROUPS), device=self._device)

    def _average(self) -> EMAModel:
        return EMAModel(self.model.parameters(), decay=self.config.keep.ema, use_ema_warmup=True, power=0.75)

    def _new_optimiser(self) -> torch.optim.AdamW:
        return torch.optim.AdamW(self.model.parameters(), lr=1e-3, weight_decay=1e-4, betas=(0.9, 0.98))

    def _learning_rate(self) -> float:
        """Warm-up, then a cosine down to a twentieth, for each stage."""
        name, start = self._stage_and_start()
        stage: Flow | Jump | Stream = getattr(self.config, name)
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
        tensors |= {f"faces.{name}": value for name, value in self._faces.items()}
        if self.teacher is not None:
            tensors |= {f"teacher.{name}": value for name, value in self.teacher.state_dict().items()}
        for at, moments in self._optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{at}.{name}": value for name, value in moments.items()}
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
        if part("teacher."):
            self.teacher = copy.deepcopy(self.model).eval().requires_grad_(requires_grad=False)
            self.teacher.load_state_dict(part("teacher."))
        self.ema = self._average()
        shadow = part("ema.")
        self.ema.shadow_params = [shadow[str(at)].to(self._device) for at in range(len(shadow))]
        self.ema.optimization_step = rest["averaged"]
        self._optimiser = self._new_optimiser()
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in part("optimiser.").items():
            at, _, key = name.partition(".")
            moments.setdefault(int(at), {})[key] = value
        groups = self._optimiser.state_dict()["param_groups"]
        self._optimiser.load_state_dict({"state": moments, "param_groups": groups})
        on_cpu = ("at", "end")
        self._faces = {
            name: value if name in on_cpu else value.to(self._device) for name, value in part("faces.").items()
        }
        self._noise.set_state(tensors["noise"])
        self._rng.bit_generator.state = json.loads(json.dumps(rest["rng"]))
