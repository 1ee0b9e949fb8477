"""From the network to one streaming step for ONNX Runtime: cache and noise are inputs, the new cache an output."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from robopatient.errors import require
from robopatient.face.generator.condition import GROUPS, Conditioner, Traits
from robopatient.face.generator.denoiser import Cache, FaceDenoiser
from robopatient.face.generator.motion import CHANNELS
from robopatient.face.generator.prior import KERNEL
from robopatient.face.generator.stream import STATE, Stepper

__all__ = ["compare", "export_step"]

COMPARED_FRAMES = 600
OPSET = 17


class _Step(nn.Module):
    """Physical conditions in, physical motion out; the rest of the interface is state."""

    def __init__(self, model: FaceDenoiser, draws: int) -> None:
        super().__init__()
        self.model = model
        self.draws = draws

    def forward(
        self,
        noise: Tensor,
        condition: Tensor,
        guidance: Tensor,
        keys: Tensor,
        values: Tensor,
        recent: Tensor,
        told: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        cache = Cache(keys, values, recent, told)
        frame, new = self.model.step(noise, self.model.masked(condition), guidance, cache, self.draws)
        return self.model.physical(frame), new.keys, new.values, new.recent, new.condition


def export_step(model: FaceDenoiser, step: Path, start: Path, draws: int) -> None:
    """Write the ONNX step and the state that a typical face at rest starts from.

    Raises
    ------
    MissingPackageError
        Without the onnx package, which only this needs.
    """
    require("onnx", "train")
    model = model.cpu().eval()
    calm = torch.from_numpy(Conditioner([Traits()]).step(0.0).astype(np.float32))
    guidance = torch.zeros(1, len(GROUPS))
    with torch.no_grad():
        told = model.masked(calm)
        cache = model.start(told[:, None].expand(-1, model.window + KERNEL + 1, -1), guidance)
    state = dict(zip(STATE, (one.contiguous() for one in cache), strict=True))
    np.savez(start, **{name: one.numpy() for name, one in state.items()})  # type: ignore[arg-type]
    noise = torch.zeros(1, draws, len(CHANNELS))
    level = logging.getLogger("torch.onnx").level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that traces is announced to go; it needs no further package
        torch.onnx.export(
            _Step(model, draws).eval(),
            (noise, calm, guidance, *state.values()),
            str(step),
            dynamo=False,
            opset_version=OPSET,
            input_names=["noise", "condition", "guidance", *STATE],
            output_names=["motion", *(f"new_{name}" for name in STATE)],
        )
    logging.getLogger("torch.onnx").setLevel(level)


def compare(model: FaceDenoiser, step: Path, start: Path, draws: int) -> tuple[float, float]:
    """How far network and step are from each other over 20 s of changing pain, in standardised units.

    Returns
    -------
    tuple
        Largest difference of a frame made from the same state, and of one where each goes on from its own: rounding
        grows along a path that draws new noise every frame, so the second says when two runs part, not who is wrong.
    """
    stepper = Stepper(step, dict(np.load(start, allow_pickle=False)), draws)
    rng = np.random.default_rng(1)
    conditioner = Conditioner([Traits(archetype="furrowed", sex=0.0)])
    guidance = torch.zeros(1, len(GROUPS))
    guidance[0, 0] = 0.5
    own = Cache(*(torch.from_numpy(one) for one in stepper.state.values()))
    worst, apart = 0.0, 0.0
    for frame in range(COMPARED_FRAMES):
        pain = 4.0 + 4.0 * np.sin(frame / 20.0)
        row = conditioner.step(pain, contact=float(pain > 2.0)).astype(np.float32)
        noise = rng.standard_normal((1, draws, len(CHANNELS))).astype(np.float32)
        same = Cache(*(torch.from_numpy(one) for one in stepper.state.values()))
        made = model.standardise(torch.from_numpy(stepper.step(row[0], noise[0], guidance.numpy()[0])))
        with torch.no_grad():
            told = model.masked(torch.from_numpy(row))
            wanted, _ = model.step(torch.from_numpy(noise), told, guidance, same, draws)
            alone, own = model.step(torch.from_numpy(noise), told, guidance, own, draws)
        worst = max(worst, float((made - wanted[0]).abs().max()))
        apart = max(apart, float((made - alone[0]).abs().max()))
    return worst, apart
