"""Action units as the nodes of a graph, after GraphAU-Pain (Wang, Liu and Gunes 2025): twelve numbers, no image.

The edges are those of anatomy and of units seen together in pain, with a learnt residual. Shown is the apex minus the
neutral face; the same network without edges stands beside it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from experiments.judges.clip_statistics import apex
from experiments.judges.clips import UNITS, Clip
from experiments.judges.networks import BINS, Trained

__all__ = ["AuGraph", "AuNoGraph"]

EDGES: tuple[tuple[str, str], ...] = (
    ("AU4", "AU6"), ("AU4", "AU7"), ("AU4", "AU9"), ("AU6", "AU7"), ("AU6", "AU12"), ("AU7", "AU43"), ("AU9", "AU10"),
    ("AU10", "AU12"), ("AU10", "AU25"), ("AU12", "AU25"), ("AU20", "AU25"), ("AU25", "AU26"), ("AU1", "AU2"),
    ("AU1", "AU4"), ("AU6", "AU9"),
)  # fmt: skip
"""Neighbouring muscles, and pairs of the core pain set (Kunz, Meixner and Lautenbacher 2019): assumption in detail."""
WIDTH, LAYERS = 16, 2


class _GraphNetwork(nn.Module):
    """V' = ReLU(V + BN(A V W1 + V W2)), mean and maximum over nodes, five grades."""

    fixed: Tensor

    def __init__(self, edges: bool) -> None:
        super().__init__()
        n = len(UNITS)
        fixed = torch.eye(n)
        for one, other in EDGES if edges else ():
            i, j = UNITS.index(one), UNITS.index(other)
            fixed[i, j] = fixed[j, i] = 1.0
        self.register_buffer("fixed", fixed / fixed.sum(1, keepdim=True))
        self.residual = nn.Parameter(torch.zeros(n, n), requires_grad=edges)
        self.embed = nn.Parameter(0.3 * torch.randn(n, 2, WIDTH))
        self.across = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(LAYERS))
        self.own = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(LAYERS))
        self.norm = nn.ModuleList(nn.BatchNorm1d(n * WIDTH) for _ in range(LAYERS))
        self.head = nn.Linear(2 * WIDTH, len(BINS))

    def forward(self, au: Tensor) -> Tensor:
        """Beliefs (clips, 5) from apices (clips, 12)."""
        node = au[:, :, None] * self.embed[:, 0] + self.embed[:, 1]
        edge = self.fixed + self.residual
        for across, own, norm in zip(self.across, self.own, self.norm, strict=True):
            change = edge @ across(node) + own(node)
            node = torch.relu(node + norm(change.flatten(1)).view_as(change))
        beliefs: Tensor = self.head(torch.cat([node.mean(1), node.amax(1)], dim=-1))
        return beliefs


class AuGraph(Trained):
    """With edges."""

    kind = "au-graph"
    edges = True

    def _build(self) -> nn.Module:
        return _GraphNetwork(self.edges)

    def _input(self, clips: list[Clip]) -> Tensor:
        return torch.tensor([apex(clip).tolist() for clip in clips])

    def _logits(self, shown: Tensor, index: Tensor) -> Tensor:
        logits: Tensor = self._net(shown[index])
        return logits


class AuNoGraph(AuGraph):
    """The same without edges."""

    kind = "au-no-graph"
    edges = False
