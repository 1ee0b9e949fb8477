"""What the streaming generator is compared with: each baseline is fitted to the same corpus and answers alike.

A baseline is a module with ``fit(corpus, seed, effort) -> Generator``; nothing here ever reads a metric.
"""

from __future__ import annotations

import importlib
from typing import Literal, get_args

from policies.corpus.store import Corpus
from policies.errors import PolicyError
from policies.face_generators import Generator

__all__ = ["BASELINES", "EFFORTS", "Effort", "fit_baseline"]

Effort = Literal["quick", "full"]
"""How long the trained ones train: seconds, for tests, or minutes on two cores."""

EFFORTS: tuple[str, ...] = get_args(Effort)

BASELINES: dict[str, str] = {
    "attack-decay": "policies.face_baselines.attack_decay:fit",
    "mean face": "policies.face_baselines.recorded:fit_mean",
    "nearest neighbour": "policies.face_baselines.recorded:fit_nearest",
    "random sequence": "policies.face_baselines.recorded:fit_random",
    "GRU regression": "policies.face_baselines.gru:fit",
    "token model": "policies.face_baselines.tokens:fit",
    "PainDiffusion recipe": "policies.face_baselines.recipe:fit",
}
"""Name and where it is fitted, cheapest first."""


def fit_baseline(name: str, corpus: Corpus, seed: int, effort: Effort = "full") -> Generator:
    """Fit one to the training split.

    Raises
    ------
    PolicyError
        For an unknown name.
    """
    if name not in BASELINES:
        raise PolicyError(f'no baseline "{name}"; choose among {", ".join(BASELINES)}')
    module, _, function = BASELINES[name].partition(":")
    generator: Generator = getattr(importlib.import_module(module), function)(corpus, seed, effort)
    return generator
