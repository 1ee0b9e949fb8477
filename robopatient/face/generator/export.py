"""From the network to one step for ONNX Runtime: noise, dice and cache are inputs, the new cache an output."""

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
from robopatient.face.generator.noise import DICE, GeneratorNoise
from robopatient.face.generator.stream import FACES, GIVEN, STATE, Stepper

__all__ = ["compare", "export_step"]

COMPARED_FRAMES = 600
OPSET = 17


class _Step(nn.Module):
    """Physical conditions in, physical motion out; the rest of the interface is state."""

    def __init__(self, model: FaceDenoiser) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        noise: Tensor,
        dice: Tensor,
        condition: Tensor,
        guidance: Tensor,
        keys: Tensor,
        values: Tensor,
        face: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        frame, new = self.model.step(noise, dice, self.model.masked(condition), guidance, Cache(keys, values, face))
        return self.model.physical(frame), *new


def export_step(model: FaceDenoiser, step: Path, start: Path) -> None:
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
        cache = model.start(model.masked(calm)[:, None].expand(-1, model.window, -1))
    state = dict(zip(STATE, (one.contiguous() for one in cache), strict=True))
    np.savez(start, **{name: one.numpy() for name, one in state.items()})  # type: ignore[arg-type]
    noise, dice = torch.zeros(1, len(CHANNELS)), torch.zeros(1, DICE)
    axes = {name: {0: "faces"} for name in (*GIVEN, "motion")}
    axes |= {new + name: {FACES[name]: "faces"} for name in STATE for new in ("", "new_")}
    level = logging.getLogger("torch.onnx").level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that traces is announced to go; it needs no further package
        torch.onnx.export(
            _Step(model).eval(),
            (noise, dice, calm, guidance, *state.values()),
            str(step),
            dynamo=False,
            opset_version=OPSET,
            input_names=[*GIVEN, *STATE],
            output_names=["motion", *(f"new_{name}" for name in STATE)],
            dynamic_axes=axes,
        )
    logging.getLogger("torch.onnx").setLevel(level)


def compare(model: FaceDenoiser, step: Path, start: Path) -> float:
    """Largest difference of network and step, each going on from its own, over 20 s of pain; standardised units."""
    stepper = Stepper(step, dict(np.load(start, allow_pickle=False)))
    chance = GeneratorNoise(1)
    conditioner = Conditioner([Traits(archetype="furrowed", sex=0.0)])
    guidance = torch.zeros(1, len(GROUPS))
    guidance[0, 0] = 0.5
    cache = Cache(*(torch.from_numpy(one) for one in stepper.state.values()))
    worst = 0.0
    for frame in range(COMPARED_FRAMES):
        pain = 4.0 + 4.0 * np.sin(frame / 20.0)
        row = conditioner.step(pain, contact=float(pain > 2.0)).astype(np.float32)
        noise, dice = chance.draw(row)
        made = model.standardise(torch.from_numpy(stepper.step(row, noise, dice, guidance.numpy())))
        with torch.no_grad():
            told = model.masked(torch.from_numpy(row))
            wanted, cache = model.step(torch.from_numpy(noise), torch.from_numpy(dice), told, guidance, cache)
        worst = max(worst, float((made - wanted).abs().max()))
    return worst
