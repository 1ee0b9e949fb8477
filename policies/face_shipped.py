"""A trained generator from its folder, by the very step that a live run takes: ONNX Runtime, one frame at a time.

What is evaluated is what participants see, without the engine's clock and deadline.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from robopatient.face.generator.chance import SETTLE_FRAMES, Chance
from robopatient.face.generator.checkpoint import StreamCard, checkpoint_folder, read_stream
from robopatient.face.generator.condition import CONDITIONS, GROUPS, calm_rows
from robopatient.face.generator.life import Life
from robopatient.face.generator.motion import settled
from robopatient.face.generator.stream import Stepper

__all__ = ["Shipped", "ShippedFace"]


class Shipped:
    """The streaming diffusion model.

    Parameters
    ----------
    name
        A name under ``assets/generators``, or a folder.

    Raises
    ------
    AssetError
        When it is no such checkpoint, or one of another version.
    """

    def __init__(self, name: str) -> None:
        self.folder = checkpoint_folder(name)
        self.name = f"streaming diffusion ({self.folder.name})"
        self.card: StreamCard
        self._path: Path
        self.card, self._path, self._start = read_stream(self.folder)
        self._stepper = Stepper(self._path, self._start)

    def generate(self, condition: np.ndarray, seed: int) -> np.ndarray:
        """Motion, shape (n, D)."""
        face = ShippedFace(self._stepper, self._start, condition[0], seed)
        return np.stack([face.step(row) for row in condition])

    def stream(self, seed: int, condition: np.ndarray | None = None) -> ShippedFace:
        """A new face at rest, with a session of its own; ``condition`` (C,) says whose."""
        first = np.zeros(len(CONDITIONS)) if condition is None else condition
        return ShippedFace(Stepper(self._path, self._start), self._start, first, seed)


class ShippedFace:
    """One face being moved."""

    def __init__(self, stepper: Stepper, start: dict[str, np.ndarray], first: np.ndarray, seed: int) -> None:
        self._stepper = stepper
        self._stepper.state = {name: np.ascontiguousarray(array, np.float32) for name, array in start.items()}
        self._chance = Chance(seed)
        self._life = Life(seed)
        self._plain = np.zeros(len(GROUPS), np.float32)
        calm = calm_rows(first)
        for _ in range(SETTLE_FRAMES):
            self.step(calm)

    def step(self, condition: np.ndarray) -> np.ndarray:
        """Next frame, shape (D,)."""
        noise, dice = self._chance.draw(condition[None])
        frame = settled(self._stepper.step(condition, noise[0], dice[0], self._plain))
        return self._life.show(frame, condition)
