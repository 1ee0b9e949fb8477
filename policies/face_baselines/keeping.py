"""Fitted baselines on disk, so that a second evaluation of the same corpus need not train them again.

A file's name holds the hash of what it was fitted to; anything else is fitted anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np

from policies.corpus.store import Corpus
from policies.face_baselines import Effort, fit_baseline
from policies.face_generators import Generator

__all__ = ["corpus_key", "fit_or_read"]

TRAINED: dict[str, str] = {
    "GRU regression": "policies.face_baselines.gru",
    "token model": "policies.face_baselines.tokens",
    "PainDiffusion recipe": "policies.face_baselines.recipe",
}
"""Baselines with weights, and the module with their ``read``."""


def corpus_key(corpus: Corpus) -> str:
    """Hash of the training split, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for one in corpus.of("train"):
        digest.update(f"{one.subject}/{one.trial}".encode())
        digest.update(np.ascontiguousarray(one.motion, np.float32).tobytes())
        digest.update(np.ascontiguousarray(one.condition, np.float32).tobytes())
    return digest.hexdigest()[:16]


def fit_or_read(
    name: str,
    corpus: Corpus,
    key: str,
    seed: int,
    effort: Effort,
    folder: Path | None,
    say: Callable[[str], None] = lambda text: None,
) -> Generator:
    """A baseline fitted to the corpus whose ``corpus_key`` is ``key``, read from ``folder`` when it is there."""
    if folder is None or name not in TRAINED:
        return fit_baseline(name, corpus, seed, effort)
    path = folder / f"{name.replace(' ', '-').lower()}-{effort}-{seed}-{key}.safetensors"
    if path.is_file():
        generator: Generator = import_module(TRAINED[name]).read(path)
        return generator
    say(f"{name}: training on {len(corpus.of('train'))} sequences")
    fitted = fit_baseline(name, corpus, seed, effort)
    fitted.save(path)  # type: ignore[attr-defined]
    return fitted
