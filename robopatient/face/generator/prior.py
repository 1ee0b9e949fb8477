"""What is known of a frame before the network says anything: where the frames before it lead, and what the noisy one
still shows. The network adds only what is left, in units of how much that usually is.

Preconditioning of this kind is what makes training short (Karras et al. 2022, arXiv 2206.00364); here the prior is not
zero but the frame before, because a face moves by a fiftieth of its range in a thirtieth of a second.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from robopatient.face.generator.motion import HIGH, LOW

__all__ = ["CONTEXT_LEVEL", "KERNEL", "TAPS", "Prior", "trust"]

CONTEXT_LEVEL = 0.01
"""Noise level that finished frames are declared to have, so that small errors of the past are not believed (context
stabilisation: Chen et al. 2024, arXiv 2407.01392)."""

KERNEL = 3
"""Finished frames that must be kept for the next one: its place and its change, and the change before."""
TAPS = 6
"""Rows of channels that the embedding of a frame sees: the frame before, itself, both changes, and where the noise is
rare to either side."""
RARE, RARE_SLOPE = 2.6, 8.0
"""Noise beyond RARE standard deviations (0.5 % to each side) is shown by itself: a blink or a glance begins in about
one frame of a hundred. A smooth network makes none of them from plain noise (measured: no blink after 1,900 updates of
stage B), and under the energy score samples of an event are only worth making where they come less than twice as often
as the event itself."""


def trust(level: Tensor) -> Tensor:
    """How far a frame counts as finished: 1 at ``CONTEXT_LEVEL``, 0 where it is noise."""
    return ((1.0 - level) / (1.0 - CONTEXT_LEVEL)).clamp(0.0, 1.0)


class Prior(nn.Module):
    """Prior of the next frame; all motion here is standardised.

    Parameters
    ----------
    mean, scale
        Of each channel in physical units, shape (D,).
    change
        How much each channel moves from one frame to the next, standardised, shape (D,).
    """

    low: Tensor
    high: Tensor
    change: Tensor

    def __init__(self, mean: Sequence[float], scale: Sequence[float], change: Sequence[float]) -> None:
        super().__init__()
        middle, spread = (torch.tensor(one, dtype=torch.float32) for one in (mean, scale))
        low, high = ((torch.from_numpy(limit).float() - middle) / spread for limit in (LOW, HIGH))
        self.register_buffer("low", low, persistent=False)
        self.register_buffer("high", high, persistent=False)
        self.register_buffer("change", torch.tensor(change, dtype=torch.float32), persistent=False)
        self.momentum = nn.Parameter(torch.zeros(len(change)))

    def past(self, noisy: Tensor, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Frame before each of whole sequences, its change in units of ``change``, and how far both are trusted."""
        n = noisy.shape[1]
        before, earlier = (functional.pad(noisy, (0, 0, by, 0))[:, :n] for by in (1, 2))
        sure, sure_earlier = (functional.pad(trust(level), (by, 0))[:, :n] for by in (1, 2))
        change = (sure * sure_earlier)[..., None] * (before - earlier) / self.change
        return before, change, sure

    def behind(self, recent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The same for the frame that comes after finished ones, shape (batch, KERNEL, D)."""
        _, second, third = recent.unbind(1)
        return third, (third - second) / self.change, torch.ones_like(third[:, 0])

    def taps(self, noisy: Tensor, level: Tensor, before: Tensor, change: Tensor, sure: Tensor) -> Tensor:
        """What the embedding of a frame sees, shape (..., TAPS * D); the last three as ``past`` or ``behind`` gives."""
        own = (sure * trust(level))[..., None] * (noisy - before) / self.change
        return torch.cat((before, noisy, change, own, *_rare(noisy, level)), dim=-1)

    def newest(self, recent: Tensor) -> Tensor:
        """Taps of the newest finished frame."""
        first, second, third = recent.unbind(1)
        changes = (second - first) / self.change, (third - second) / self.change
        none = torch.zeros_like(third)
        return torch.cat((second, third, *changes, none, none), dim=-1)

    def clean(
        self, added: Tensor, noisy: Tensor, level: Tensor, before: Tensor, change: Tensor, sure: Tensor
    ) -> Tensor:
        """Clean frames: the expected one by the frames before and the noisy one, and what the network ``added``."""
        spread, signal, noise = self._spread(sure), 1.0 - level[..., None], level[..., None]
        expected = sure[..., None] * (before + self.momentum * change * self.change)
        share = spread**2 / ((spread * signal) ** 2 + noise**2)
        clean = expected + share * signal * (noisy - signal * expected) + self.error_scale(level, sure) * added
        held = torch.minimum(torch.maximum(clean, self.low), self.high)
        # a frame out of range is put back, and still learns which way it should have gone
        return clean + (held - clean).detach() if clean.requires_grad else held

    def error_scale(self, level: Tensor, sure: Tensor) -> Tensor:
        """How far a clean frame usually is from the expected one, shape (..., D): the unit of the network's output."""
        spread, signal, noise = self._spread(sure), 1.0 - level[..., None], level[..., None]
        return spread * noise * torch.rsqrt((spread * signal) ** 2 + noise**2)

    def _spread(self, sure: Tensor) -> Tensor:
        """How far a frame is from the one before, shape (..., D); 1 where that is noise itself."""
        return 1.0 + sure[..., None] * (self.change - 1.0)


def _rare(noisy: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    """Where frames that are noise are far above or below 0, each 0 to 1; finished frames have none."""
    share = 1.0 - trust(level)[..., None]
    return share * torch.sigmoid(RARE_SLOPE * (noisy - RARE)), share * torch.sigmoid(RARE_SLOPE * (-noisy - RARE))
