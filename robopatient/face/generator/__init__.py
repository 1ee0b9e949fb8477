"""What moves the face: from the command of the moment to a pose, one frame at a time."""

from __future__ import annotations

from typing import Protocol

from robopatient.config import FaceConfig, reference
from robopatient.face.pose import FacePose
from robopatient.messages import FaceCommand

__all__ = ["ENGINES", "Engine", "make_engine"]

ENGINES = {"blend": "robopatient.face.generator.blend:Blend"}
"""Short names of the engines that are shipped."""


class Engine(Protocol):
    """A stage from command to pose; constructed as ``engine(config: FaceConfig, seed: int)``.

    The same seed, commands and times give the same poses.
    """

    def step(self, command: FaceCommand | None, t_ns: int) -> FacePose:
        """Pose at ``t_ns`` (never decreasing), given the newest command, or None before the first one."""
        ...


def make_engine(config: FaceConfig, seed: int) -> Engine:
    """Engine that ``config.engine`` names: a short name or ``"module:Class"``.

    Raises
    ------
    ConfigError
        When it cannot be found.
    """
    engine: Engine = reference(config.engine, ENGINES)(config, seed)
    return engine
