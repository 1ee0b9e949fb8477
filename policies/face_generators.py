"""What every generator of face motion can do, ours and those it is compared with."""

from __future__ import annotations

from typing import Protocol

import numpy as np

__all__ = ["FaceStepper", "Generator", "Streaming"]


class Generator(Protocol):
    """Conditions in, motion out; columns as ``CONDITIONS`` and ``CHANNELS`` of ``robopatient.face.generator``."""

    name: str

    def generate(self, condition: np.ndarray, seed: int) -> np.ndarray:
        """Motion, shape (n, D) at 30 rows a second, for conditions (n, C); equal seeds give equal motion."""
        ...


class FaceStepper(Protocol):
    """One face being moved."""

    def step(self, condition: np.ndarray) -> np.ndarray:
        """Next frame, shape (D,), for the conditions of the moment, shape (C,)."""
        ...


class Streaming(Protocol):
    """A generator that need not know what comes."""

    name: str

    def stream(self, seed: int) -> FaceStepper:
        """A new face at rest."""
        ...
