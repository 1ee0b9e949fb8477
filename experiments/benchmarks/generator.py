"""The face generator on this machine: speed, size and drift.

The recipe that ours is compared with is timed at its published size, untrained, a few denoising steps at a time in
alternation with ours; what a whole chunk takes is the number of its steps times one of them.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np

from experiments.benchmarks.figures import (
    Baseline,
    distribution,
    machine,
    new_result,
    reference_process,
    show,
    value,
)
from experiments.evaluation.generator import drift_figures
from policies.face_baselines.recipe_diffusion import guided, pyramid
from policies.face_baselines.recipe_network import PUBLISHED, SIGNALS, StackUnet
from policies.face_metrics.drift import drift_of, ten_minutes
from policies.face_shipped import Shipped
from robopatient.config import FaceConfig
from robopatient.face.generator.condition import Traits

__all__ = ["bench_generator"]

FRAMES = 900
"""Frames of ours in a round: half a minute of face."""
PUBLISHED_STEPS = 2
"""Denoising steps of the published size in a round."""


def bench_generator(
    *, as_json: bool, checkpoint: str = "", rounds: int = 6, faces: int = 64, minutes: int = 10, seed: int = 1
) -> None:
    """Measure and print the figures of the generator.

    Parameters
    ----------
    rounds
        Alternations of ours and the recipe.
    faces, minutes
        Of the drift.
    """
    import torch

    torch.set_num_threads(1)
    shipped = Shipped(checkpoint or FaceConfig().checkpoint)
    condition = ten_minutes(Traits(), 1)
    with tempfile.TemporaryDirectory(prefix="robopatient-") as folder:
        with reference_process(Path(folder)) as references:
            ours, recipe = _alternate(shipped, condition, rounds, seed)
        [reference] = references
    calm = reference.calm(ours.begin_ns, ours.end_ns)
    steps = distribution("step_ms", ours.ms, calm)
    slow = distribution("denoising_step_ms", recipe.ms, reference.calm(recipe.begin_ns, recipe.end_ns))
    calm_ms = ours.ms[calm] if calm.any() else ours.ms
    fps = 1000.0 / float(calm_ms.mean())
    chunk_steps = len(pyramid(PUBLISHED.window - PUBLISHED.context, PUBLISHED.sigmas - 1, PUBLISHED.uncertainty)) - 1
    chunk_frames = (PUBLISHED.window - PUBLISHED.context) * PUBLISHED.stack
    # Stalls hit long steps and not short ones: the ratio is of whole rounds, all samples of both, calm or not.
    ours_ms, recipe_ms = (each.ms.reshape(rounds, -1).mean(axis=1) for each in (ours, recipe))
    ratio = float(np.median(recipe_ms * chunk_steps / chunk_frames / ours_ms))
    recipe_fps = chunk_frames / (chunk_steps * float(np.median(recipe.ms)) / 1000.0)
    print("drift", file=sys.stderr, flush=True)
    scale = _corpus_scale(shipped)
    drift = drift_of(shipped, [seed + i for i in range(faces)], scale, minutes)
    figures = [
        value("generator_fps", round(fps, 1), at_least=60.0, n=int(calm.sum())),
        value("ratio_paindiffusion_recipe", round(ratio, 1), at_least=100.0, n=rounds),
        steps,
        *drift_figures(drift),
        value("parameters_million", round(shipped.card.parameters / 1e6, 3), at_most=4.0),
        value("checkpoint_mb", round(_megabytes(shipped.folder), 2), at_most=15.0),
    ]
    remark = (
        f"published size, {_parameters(StackUnet(PUBLISHED)) / 1e6:.2f} million parameters of this re-implementation, "
        f"untrained; {chunk_frames} frames = {chunk_steps} steps x the median step"
    )
    compared = Baseline(
        "PainDiffusion recipe",
        [msgspec.structs.replace(value("generator_fps", round(recipe_fps, 3)), remark=remark), slow],
    )
    show(new_result("generator", figures, [compared], machine(reference), seed), as_json)


class _Timing:
    """Begin and end of each sample."""

    def __init__(self) -> None:
        self._marks: list[tuple[int, int]] = []

    def add(self, begin_ns: int, end_ns: int) -> None:
        self._marks.append((begin_ns, end_ns))

    @property
    def begin_ns(self) -> np.ndarray:
        return np.array([a for a, _ in self._marks], dtype=np.int64)

    @property
    def end_ns(self) -> np.ndarray:
        return np.array([b for _, b in self._marks], dtype=np.int64)

    @property
    def ms(self) -> np.ndarray:
        return (self.end_ns - self.begin_ns) * 1e-6


def _alternate(shipped: Shipped, condition: np.ndarray, rounds: int, seed: int) -> tuple[_Timing, _Timing]:
    """Ours, the recipe, ours, the recipe …"""
    import torch

    torch.manual_seed(seed)
    network = StackUnet(PUBLISHED).eval()
    x = torch.randn(1, PUBLISHED.window, PUBLISHED.stack, PUBLISHED.latent)
    signals = torch.randn(1, PUBLISHED.window, PUBLISHED.stack, SIGNALS)
    sigma = torch.ones(1, PUBLISHED.window)
    ours, recipe = _Timing(), _Timing()
    face = shipped.stream(seed)
    with torch.inference_mode():
        guided(network, x, sigma, signals)  # the first call allocates
        for turn in range(rounds):
            print(f"round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
            for row in condition[:FRAMES]:
                begin = time.monotonic_ns()
                face.step(row)
                ours.add(begin, time.monotonic_ns())
            for _ in range(PUBLISHED_STEPS):
                begin = time.monotonic_ns()
                guided(network, x, sigma, signals)
                recipe.add(begin, time.monotonic_ns())
    return ours, recipe


def _corpus_scale(shipped: Shipped) -> np.ndarray:
    """Spread of each column over the corpus that it learned from: every column counts alike in the drift."""
    config = msgspec.json.decode((shipped.folder / "denoiser" / "config.json").read_bytes())
    return np.array(config["scale"])


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _parameters(network: StackUnet) -> int:
    return sum(p.numel() for p in network.parameters())
