"""What a policy sees and what it may do: named dimensions with units, and the tasks made of them.

Learners, listeners and networks work in normalised coordinates, [-1, 1] for the ``low`` to ``high`` of each dimension;
units exist at the edges: the environment, the checkpoint's card and the running patient.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from policies.errors import PolicyError
from robopatient.expression.ppo import Dimension

__all__ = [
    "ACTIONS",
    "OBSERVATIONS",
    "PUBLISHED_AMPLITUDES",
    "PUBLISHED_RATIOS",
    "TASKS",
    "Array",
    "Dimension",
    "Task",
    "example_states",
    "named",
    "normalised",
    "physical",
]

Array = NDArray[np.floating]


OBSERVATIONS: dict[str, Dimension] = {
    row.name: row
    for row in (
        Dimension("threshold_newton", "N", 5.0, 20.0, "force at which the published rigs sound"),
        Dimension("peak_newton", "N", 0.0, 40.0, "largest total force of the press"),
        Dimension("rise_newton_per_s", "N/s", 0.0, 350.0, "steepest rise (p95 of real presses is 340 to 400 N/s)"),
        Dimension("x_mm", "mm", 0.0, 290.0, "centre of pressure, phantom frame"),
        Dimension("y_mm", "mm", 0.0, 290.0, "centre of pressure, phantom frame"),
        # The published face is neutral at 0 N and full at 20 N, so its 5 to 20 N are pains of 2.5 to 10.
        Dimension("nrs", "NRS", 2.5, 10.0, "pain the patient feels; below 2.5 as at 2.5"),
        Dimension("nrs_per_s", "NRS/s", -20.0, 20.0, "how fast the felt pain rises"),
    )
}

ACTIONS: dict[str, Dimension] = {
    row.name: row
    for row in (
        # 1/27 to 1 and 0.7 to 1.3 are the published range of amplitude and of playback rate (arXiv 2506.11827).
        Dimension("level_db", "dB", -28.6273, 0.0, "voice level below this voice's loudest cry"),
        Dimension("f0_ratio", "1", 0.7, 1.3, "voice f0 over that of a typical cry"),
        Dimension("roughness_offset", "1", -0.3, 0.3, "added to the prior's roughness"),
        Dimension("breathiness_offset", "1", -0.3, 0.3, "added to the prior's breathiness"),
        Dimension("face_gain", "1", 0.5, 1.5, "pain shown by the face over pain felt"),
        Dimension("expressiveness", "1", 0.0, 2.0, "0 stoic, 1 typical"),
    )
}

PUBLISHED_AMPLITUDES = (1 / 27, 1 / 9, 1 / 3, 1.0)
PUBLISHED_RATIOS = (0.7, 0.9, 1.1, 1.3)


class Task(msgspec.Struct, frozen=True):
    """A mapping to learn: observation and action dimensions, in order."""

    name: str
    observation: tuple[Dimension, ...]
    action: tuple[Dimension, ...]

    @classmethod
    def of(cls, name: str, observation: tuple[str, ...], action: tuple[str, ...]) -> Task:
        """Task over named dimensions of ``OBSERVATIONS`` and ``ACTIONS``.

        Raises
        ------
        PolicyError
            Naming an unknown dimension and the known ones.
        """
        for asked, known, what in ((observation, OBSERVATIONS, "observation"), (action, ACTIONS, "action")):
            for dimension in asked:
                if dimension not in known:
                    raise PolicyError(f"{name}: no {what} dimension {dimension!r}; choose among {', '.join(known)}")
            if not asked:
                raise PolicyError(f"{name}: at least one {what} dimension is needed; choose among {', '.join(known)}")
        return cls(name, tuple(OBSERVATIONS[n] for n in observation), tuple(ACTIONS[n] for n in action))

    @property
    def n_observation(self) -> int:
        """Number of observation dimensions."""
        return len(self.observation)

    @property
    def n_action(self) -> int:
        """Number of action dimensions."""
        return len(self.action)


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task.of("pain-to-voice", ("nrs",), ("level_db", "f0_ratio")),
        Task.of("pain-to-voice-and-face", ("nrs",), ("level_db", "f0_ratio", "face_gain")),
        Task.of("force-to-voice", ("threshold_newton",), ("level_db", "f0_ratio")),
        Task.of(
            "pain-to-expression",
            ("nrs", "nrs_per_s"),
            ("level_db", "f0_ratio", "roughness_offset", "breathiness_offset", "face_gain", "expressiveness"),
        ),
    )
}


def normalised(dimensions: tuple[Dimension, ...], values: Array) -> Array:
    """Physical values, shape (..., n), as coordinates clipped to [-1, 1]."""
    low = np.array([d.low for d in dimensions])
    high = np.array([d.high for d in dimensions])
    return np.clip(2.0 * (np.asarray(values, float) - low) / (high - low) - 1.0, -1.0, 1.0)


def physical(dimensions: tuple[Dimension, ...], coordinates: Array) -> Array:
    """Coordinates in [-1, 1], shape (..., n), as physical values."""
    low = np.array([d.low for d in dimensions])
    high = np.array([d.high for d in dimensions])
    return low + (np.clip(np.asarray(coordinates, float), -1.0, 1.0) + 1.0) / 2.0 * (high - low)


def named(dimensions: tuple[Dimension, ...], coordinates: Array) -> dict[str, float]:
    """Normalised coordinates by name, in physical units."""
    values = physical(dimensions, coordinates)
    return {d.name: float(v) for d, v in zip(dimensions, values, strict=True)}


def example_states(n_state: int, points: int = 25) -> Array:
    """Presses along the first dimension, the others at their middle: for maps, shape (points, n_state)."""
    states = np.zeros((points, n_state))
    states[:, 0] = np.linspace(-1.0, 1.0, points)
    return states
