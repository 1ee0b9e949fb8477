"""The motion of the face: from the present command to a pose, one frame at a time."""

from __future__ import annotations

from typing import Protocol

import msgspec

from robopatient.config import FaceConfig, reference
from robopatient.errors import RobopatientError
from robopatient.messages import FaceCommand, FacePose

__all__ = ["ENGINES", "FaceEngine", "make_engine", "make_engine_or_blend", "note_of"]

ENGINES = {
    "blend": "robopatient.face.generator.blend:Blend",
    "diffusion": "robopatient.face.generator.diffusion:Diffusion",
}
"""Short names of the engines that are shipped."""


class FaceEngine(Protocol):
    """A stage from command to pose; constructed as ``engine(config: FaceConfig, seed: int)``.

    The same seed, commands and times give the same poses.
    """

    def step(self, command: FaceCommand | None, t_ns: int) -> FacePose:
        """Pose at ``t_ns`` (never decreasing), given the newest command, or None before the first one."""
        ...


def make_engine(config: FaceConfig, seed: int) -> FaceEngine:
    """Engine that ``config.engine`` names: a short name or ``"module:Class"``.

    Raises
    ------
    ConfigError
        When it cannot be found.
    """
    engine: FaceEngine = reference(config.engine, ENGINES)(config, seed)
    return engine


def make_engine_or_blend(config: FaceConfig, seed: int) -> tuple[FaceEngine, str]:
    """Engine that is asked for, and ""; or, when it cannot be had, the blend engine and why."""
    try:
        return make_engine(config, seed), ""
    except (RobopatientError, ImportError) as error:
        blend = msgspec.structs.replace(config, engine="blend")
        return make_engine(blend, seed), f"face.engine: {error}; the blend engine moves the face instead"


def note_of(engine: FaceEngine) -> str:
    """What an engine has to tell the operator, or ""; not every engine has something."""
    return str(getattr(engine, "note", ""))
