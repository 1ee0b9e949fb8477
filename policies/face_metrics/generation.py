"""Asking a generator for many motions: in batches where it can, one by one where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from policies.errors import PolicyError
from policies.face_generators import Generator
from robopatient.face.generator.motion import CHANNELS

__all__ = ["generate_many"]

BATCH = 32
"""Motions asked for at a time."""


def generate_many(
    generator: Generator,
    conditions: Sequence[np.ndarray],
    seeds: Sequence[int],
    progress: Callable[[int], None] | None = None,
) -> list[np.ndarray]:
    """Motion for each condition (n, C) with its seed, (n, D) each, in their order.

    Raises
    ------
    PolicyError
        When what comes back has another shape or is not finite: such a generator is broken, not merely bad.
    """
    results: list[np.ndarray | None] = [None] * len(conditions)
    together = getattr(generator, "generate_batch", None)
    done = 0
    lengths = {n: [i for i, one in enumerate(conditions) if len(one) == n] for n in {len(c) for c in conditions}}
    for n, rows in sorted(lengths.items()):
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            if together is not None:
                made = together(np.stack([conditions[i] for i in batch]), [seeds[i] for i in batch])
            else:
                made = [generator.generate(conditions[i], seeds[i]) for i in batch]
            for i, motion in zip(batch, made, strict=True):
                results[i] = _checked(generator.name, np.asarray(motion, dtype=np.float64), n)
            done += len(batch)
            if progress is not None:
                progress(done)
    return [one for one in results if one is not None]


def _checked(name: str, motion: np.ndarray, n: int) -> np.ndarray:
    if motion.shape != (n, len(CHANNELS)):
        raise PolicyError(f"{name}: returned motion of shape {motion.shape}, expected ({n}, {len(CHANNELS)})")
    if not np.isfinite(motion).all():
        row = int(np.argwhere(~np.isfinite(motion))[0][0])
        raise PolicyError(f"{name}: frame {row} is not finite; its weights or conditions are broken")
    return motion
