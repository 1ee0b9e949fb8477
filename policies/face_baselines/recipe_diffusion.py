"""EDM with a noise level per stack, the pyramid schedule and three-signal guidance: how the recipe trains and samples.

Numbers are the published ones: Karras grid with rho 7 from 80 to 0.002, sigma_data 0.5, log-normal noise (-1.2, 1.2),
guidance 0.25 emotion, 0.5 expressiveness, 1.0 stimulus (facts of the public repository of arXiv 2409.11635).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from policies.face_baselines.recipe_network import SIGNALS, RecipeSize, StackUnet

__all__ = ["GUIDANCE", "denoise", "guided", "karras_sigmas", "pyramid", "sample_window", "training_loss"]

SIGMA_MIN, SIGMA_MAX, RHO, SIGMA_DATA = 0.002, 80.0, 7.0, 0.5
NOISE_MEAN, NOISE_SD = -1.2, 1.2
GUIDANCE = (0.25, 0.5, 1.0)
"""Of emotion, expressiveness, stimulus."""


def karras_sigmas(count: int) -> np.ndarray:
    """Noise by level, from the cleanest (level 0) to the noisiest, shape (count,)."""
    share = np.linspace(0.0, 1.0, count)
    sigmas: np.ndarray = (SIGMA_MIN ** (1 / RHO) + share * (SIGMA_MAX ** (1 / RHO) - SIGMA_MIN ** (1 / RHO))) ** RHO
    return sigmas


def pyramid(new: int, top: int, uncertainty: float) -> np.ndarray:
    """Level of each new stack before and after every step: clip(top + floor(t u) - m, 0, top), shape (steps + 1, new).

    ``top`` is the noisiest level. The last row is all zeros; 8 new stacks at top 34 and u 4 take 62 steps, 6 take 54.
    """
    later = np.floor(np.arange(new) * uncertainty).astype(int)
    steps = top + int(later[-1])
    rows: np.ndarray = np.clip(top + later[None, :] - np.arange(steps + 1)[:, None], 0, top)
    return rows


def denoise(network: StackUnet, x: Tensor, sigma: Tensor, signals: Tensor, keep: Tensor) -> Tensor:
    """Clean estimate D(x; sigma), EDM's preconditioning with one sigma per stack, shape (batch, stacks)."""
    s = sigma[:, :, None, None]
    total = s**2 + SIGMA_DATA**2
    predicted = network(x / total.sqrt(), sigma.log() / 4.0, signals, keep)
    clean: Tensor = SIGMA_DATA**2 / total * x + s * SIGMA_DATA / total.sqrt() * predicted
    return clean


def training_loss(network: StackUnet, x: Tensor, signals: Tensor, keep: Tensor, rng: torch.Generator) -> Tensor:
    """L1 loss with an independent noise level for each stack.

    As published, the EDM weight is taken once from the mean noise of the whole batch, so this is not EDM's objective.
    """
    sigma = (NOISE_MEAN + NOISE_SD * torch.randn(x.shape[:2], generator=rng)).exp()
    noisy = x + sigma[:, :, None, None] * torch.randn(x.shape, generator=rng)
    clean = denoise(network, noisy, sigma, signals, keep)
    mean = sigma.mean()
    weight = (mean**2 + SIGMA_DATA**2) / (mean * SIGMA_DATA) ** 2
    return weight * (clean - x).abs().mean()


def guided(network: StackUnet, x: Tensor, sigma: Tensor, signals: Tensor) -> Tensor:
    """(1 + sum g) D(all) - sum g_i D(all but i): four evaluations in one batch, each with its own conditions."""
    branches = SIGNALS + 1
    keep = torch.ones(branches, SIGNALS)
    keep[1:] -= torch.eye(SIGNALS)
    batch = len(x)
    clean = denoise(
        network,
        x.repeat(branches, 1, 1, 1),
        sigma.repeat(branches, 1),
        signals.repeat(branches, 1, 1, 1),
        keep.repeat_interleave(batch, dim=0),
    ).reshape(branches, *x.shape)
    weights = torch.tensor([1.0 + sum(GUIDANCE), *(-g for g in GUIDANCE)]).reshape(-1, 1, 1, 1, 1)
    result: Tensor = (weights * clean).sum(0)
    return result


@torch.inference_mode()
def sample_window(
    network: StackUnet,
    past: Tensor,
    signals: Tensor,
    noise: Tensor,
    size: RecipeSize,
    progress: Callable[[], None] | None = None,
) -> Tensor:
    """New stacks after ``past``, by the pyramid with first-order DPM-Solver++ steps.

    First order, because the published sampler throws away the estimate that a second order needs.

    Parameters
    ----------
    past
        Decided stacks, shape (batch, context, stack, latent); they stay at the least noise, without stabilisation.
    signals
        Of past and new stacks, shape (batch, context + new, stack, 3).
    noise
        Standard normal start, shape (batch, new, stack, latent).

    Returns
    -------
    Tensor
        Shape (batch, new, stack, latent).
    """
    batch, known, new = len(noise), past.shape[1], noise.shape[1]
    sigmas = torch.tensor(karras_sigmas(size.sigmas), dtype=noise.dtype)
    levels = torch.tensor(pyramid(new, size.sigmas - 1, size.uncertainty))
    x = SIGMA_MAX * noise
    for now, then in itertools.pairwise(levels):
        here, there = sigmas[now], sigmas[then]
        sigma = torch.cat((sigmas[0].expand(known), here)).expand(batch, -1)
        clean = guided(network, torch.cat((past, x), dim=1), sigma, signals)[:, known:]
        share = (there / here)[None, :, None, None]
        x = share * x + (1.0 - share) * clean
        if progress is not None:
            progress()
    return x
