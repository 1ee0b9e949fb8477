"""Autoregressive token model: motion in finite scalar quantised tokens, four frames at a time, and a causal prior.

The kind of model that PainDiffusion was compared with (an FSQ autoencoder and autoregression over its codes; finite
scalar quantisation after Mentzer et al. 2023, arXiv 2309.15505). Both parts are trained here; it never looks ahead.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from policies.corpus.store import Corpus
from policies.face_baselines.windows import Scaled, Windows, load, optimise, save, scaled_conditions
from robopatient.face.generator.condition import CONDITIONS
from robopatient.face.generator.motion import CHANNELS

__all__ = ["LEVELS", "TokenModel", "fit", "quantised"]

LEVELS = (8, 5, 5, 5)
"""Steps of each of a token's numbers: 1000 codes, the paper's set of about 2^10."""

FRAMES = 4
"""Frames a chunk, as many as PainDiffusion stacks."""

_LEVELS = torch.tensor(LEVELS, dtype=torch.float32)
_BASE = torch.tensor([1, *itertools.accumulate(LEVELS[:-1], lambda a, b: a * b)])
CODES = math.prod(LEVELS)


class TokenSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tokens a chunk, widths, and how long both parts train; windows in chunks."""

    tokens: int = 4
    width: int = 128
    hidden: int = 192
    window: int = 40
    batch: int = 16
    coder_steps: int = 800
    prior_steps: int = 800


QUICK = TokenSize(tokens=2, width=48, hidden=64, window=12, batch=16, coder_steps=120, prior_steps=120)


def quantised(z: Tensor) -> tuple[Tensor, Tensor]:
    """Finite scalar quantisation of (..., 4): values -1 to 1 with straight-through gradient, and code numbers (...)."""
    half = (_LEVELS - 1.0) / 2.0
    bounded = torch.tanh(z)
    steps = ((bounded + 1.0) * half).round()
    values = steps / half - 1.0
    codes = (steps.long() * _BASE).sum(-1)
    return bounded + (values - bounded).detach(), codes


def values_of(codes: Tensor) -> Tensor:
    """Values that code numbers stand for, (...) to (..., 4)."""
    steps = codes[..., None] // _BASE % _LEVELS.long()
    return steps / ((_LEVELS - 1.0) / 2.0) - 1.0


class _Causal(nn.Module):
    """Convolution over chunks that sees this one and the two before, (batch, n, a) to (batch, n, b)."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(a, b, 3)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.conv(functional.pad(x.transpose(1, 2), (2, 0))).transpose(1, 2)
        return result


class TokenNetwork(Scaled):
    """Coder and prior."""

    def __init__(self, size: TokenSize) -> None:
        super().__init__()
        self.size = size
        numbers = size.tokens * len(LEVELS)
        self.encoder = nn.Sequential(
            nn.Linear(FRAMES * len(CHANNELS), size.width),
            nn.GELU(),
            _Causal(size.width, size.width),
            nn.GELU(),
            nn.Linear(size.width, numbers),
        )
        self.decoder = nn.Sequential(
            _Causal(numbers, size.width),
            nn.GELU(),
            _Causal(size.width, size.width),
            nn.GELU(),
            nn.Linear(size.width, FRAMES * len(CHANNELS)),
        )
        self.prior = nn.GRU(numbers + FRAMES * len(CONDITIONS), size.hidden, batch_first=True)
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Linear(size.hidden + i * len(LEVELS), size.hidden), nn.GELU(), nn.Linear(size.hidden, CODES)
            )
            for i in range(size.tokens)
        )

    def encode(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Values (batch, chunks, tokens * 4) and codes (batch, chunks, tokens) of latents (batch, 4 chunks, D)."""
        chunks = latent.reshape(len(latent), -1, FRAMES * latent.shape[-1])
        z = self.encoder(chunks).unflatten(-1, (self.size.tokens, len(LEVELS)))
        values, codes = quantised(z)
        return values.flatten(-2), codes

    def decode(self, values: Tensor) -> Tensor:
        """Latents (batch, 4 chunks, D)."""
        result: Tensor = self.decoder(values).reshape(len(values), -1, len(CHANNELS))
        return result

    def logits(self, hidden: Tensor, values: Tensor) -> list[Tensor]:
        """Of each token given those before it in the chunk."""
        return [head(torch.cat((hidden, values[..., : i * len(LEVELS)]), dim=-1)) for i, head in enumerate(self.heads)]


class TokenModel:
    """The trained networks as a generator: tokens drawn at temperature 1."""

    name = "token model"

    def __init__(self, network: TokenNetwork) -> None:
        self.network = network

    @torch.inference_mode()
    def generate_batch(self, conditions: np.ndarray, seeds: list[int]) -> np.ndarray:
        """Motions (b, n, D) for conditions (b, n, C), a seed each."""
        network = self.network
        n = conditions.shape[1]
        padded = np.pad(conditions, ((0, 0), (0, -n % FRAMES), (0, 0)), mode="edge")
        given = _chunked(scaled_conditions(padded))
        rngs = [torch.Generator().manual_seed(seed) for seed in seeds]
        before = torch.zeros(len(given), network.size.tokens * len(LEVELS))
        state: Tensor | None = None
        rows = []
        for t in range(given.shape[1]):
            hidden, state = network.prior(torch.cat((before, given[:, t]), dim=-1)[:, None], state)
            drawn = torch.zeros(len(given), 0)
            for head in network.heads:
                share = torch.softmax(head(torch.cat((hidden[:, 0], drawn), dim=-1)), dim=-1)
                codes = torch.cat([torch.multinomial(p, 1, generator=g) for p, g in zip(share, rngs, strict=True)])
                drawn = torch.cat((drawn, values_of(codes)), dim=-1)
            rows.append(drawn)
            before = drawn
        return network.physical(network.decode(torch.stack(rows, dim=1)))[:, :n]

    def generate(self, condition: np.ndarray, seed: int) -> np.ndarray:
        """Motion, shape (n, D)."""
        return self.generate_batch(condition[None], [seed])[0]

    def save(self, path: Path) -> None:
        """Write the weights."""
        save(path, self.network, self.network.size)


def fit(corpus: Corpus, seed: int, effort: str = "full") -> TokenModel:
    """Train the coder on motion, then the prior on its codes."""
    size = QUICK if effort == "quick" else TokenSize()
    windows = Windows(corpus, size.window * FRAMES, seed)
    torch.manual_seed(seed)
    network = TokenNetwork(size)
    network.learn_scale(windows.frames())

    def coding() -> Tensor:
        latent = network.standardised(windows.batch(size.batch)[1])
        shown = network.decode(network.encode(latent)[0])
        # without the second term the seams of the chunks are seen
        return functional.mse_loss(shown, latent) + functional.mse_loss(shown.diff(dim=1), latent.diff(dim=1))

    optimise(network, coding, size.coder_steps)
    network.requires_grad_(requires_grad=False)
    network.prior.requires_grad_()
    network.heads.requires_grad_()

    def guessing() -> Tensor:
        conditions, motions = windows.batch(size.batch)
        with torch.no_grad():
            values, codes = network.encode(network.standardised(motions))
        before = functional.pad(values[:, :-1], (0, 0, 1, 0))
        hidden, _ = network.prior(torch.cat((before, _chunked(conditions)), dim=-1))
        rows = zip(network.logits(hidden, values), codes.unbind(-1), strict=True)
        return torch.stack(
            [functional.cross_entropy(logits.flatten(0, 1), code.flatten()) for logits, code in rows]
        ).mean()

    optimise(network, guessing, size.prior_steps)
    return TokenModel(network)


def read(path: Path) -> TokenModel:
    """Weights that ``save`` wrote."""
    return TokenModel(load(path, TokenNetwork, TokenSize))


def _chunked(conditions: Tensor) -> Tensor:
    """Conditions of four frames in one row, (b, n, C) to (b, n / 4, 4 C)."""
    return conditions.reshape(len(conditions), -1, FRAMES * conditions.shape[-1])
