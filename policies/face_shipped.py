"""A trained generator from its folder, by the very step that a live run takes: ONNX Runtime, one frame at a time.

What is evaluated is what participants see, without the engine's clock and deadline.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from robopatient.face.generator.checkpoint import StreamCard, checkpoint_folder, read_stream
from robopatient.face.generator.condition import CONDITIONS, GROUPS, calm_rows
from robopatient.face.generator.idle_motion import GeneratedIdleMotion
from robopatient.face.generator.motion import settled
from robopatient.face.generator.noise import SETTLE_FRAMES, GeneratorNoise
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

    def generate(self, condition: np.ndarray, seed: int) -> np.ndarray:
        """Motion, shape (n, D)."""
        return self.generate_batch(condition[None], [seed])[0]

    def generate_batch(self, conditions: np.ndarray, seeds: list[int]) -> np.ndarray:
        """Motions (b, n, D) for conditions (b, n, C), a seed each."""
        faces = self._faces(conditions[:, 0], seeds)
        return np.stack([faces.step(conditions[:, row]) for row in range(conditions.shape[1])], axis=1)

    def stream(self, seed: int, condition: np.ndarray | None = None) -> ShippedFace:
        """A new face at rest, with a session of its own; ``condition`` (C,) says whose."""
        first = np.zeros(len(CONDITIONS)) if condition is None else condition
        return ShippedFace(self._faces(first[None], [seed]))

    def _faces(self, first: np.ndarray, seeds: list[int]) -> _Faces:
        return _Faces(Stepper(self._path, self._start, len(first)), first, seeds)


class ShippedFace:
    """One face being moved."""

    def __init__(self, faces: _Faces) -> None:
        self._faces = faces

    def step(self, condition: np.ndarray) -> np.ndarray:
        """Next frame, shape (D,)."""
        return self._faces.step(condition[None])[0]


class _Faces:
    """Faces side by side, each with its own noise, random draws and eyes; what one shows does not depend on the others.

    Parameters
    ----------
    first
        Conditions of the first frame, shape (faces, C): who they are.
    """

    def __init__(self, stepper: Stepper, first: np.ndarray, seeds: list[int]) -> None:
        self._stepper = stepper
        self._chances = [GeneratorNoise(seed) for seed in seeds]
        self._idles = [GeneratedIdleMotion(seed) for seed in seeds]
        self._plain = np.zeros((len(seeds), len(GROUPS)), np.float32)
        calm = calm_rows(first)
        for _ in range(SETTLE_FRAMES):
            self.step(calm)

    def step(self, condition: np.ndarray) -> np.ndarray:
        """Next frames, shape (faces, D), for conditions (faces, C)."""
        drawn = [chance.draw(row[None]) for chance, row in zip(self._chances, condition, strict=True)]
        noise, dice = (np.concatenate(one) for one in zip(*drawn, strict=True))
        frames = settled(self._stepper.step(condition, noise, dice, self._plain))
        shown = [life.show(*one) for life, *one in zip(self._idles, frames, condition, strict=True)]
        return np.stack(shown)
