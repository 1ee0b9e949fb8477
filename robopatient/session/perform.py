"""Pain over made-up time becomes a moving face and a voice: the stages of a session without its processes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

import msgspec
import numpy as np

from robopatient.config import ExpressionConfig, FaceConfig, SensingConfig, SplitConfig, VoiceConfig
from robopatient.expression import Character, make_policy
from robopatient.expression.split import Split
from robopatient.face.generator import make_engine_or_blend
from robopatient.messages import FacePose, ForceFrame, PainState, Phase
from robopatient.phantom import load_phantom
from robopatient.voice.engine import VoiceEngine
from robopatient.voice.identity import load_identity

__all__ = ["TICK_S", "Moment", "felt", "perform"]

TICK_S = 0.004
"""Period of the loop, as in a session."""
MOVING_NRS_PER_S = 0.5
"""Pain that changes faster is rising or falling (assumption)."""


class Moment(msgspec.Struct, frozen=True):
    """What happened at one frame of a film."""

    t_s: float
    nrs: float
    pose: FacePose


def felt(levels: Iterable[float]) -> Iterator[tuple[ForceFrame, PainState]]:
    """Pain given tick by tick (NRS), as the states of a patient who is not touched."""
    rows = list(levels)
    ahead = round(0.05 / TICK_S)
    for tick, level in enumerate(rows):
        slope = (rows[min(tick + ahead, len(rows) - 1)] - level) / 0.05
        t_ns = round(tick * TICK_S * 1e9)
        yield ForceFrame(t_ns, t_ns, tick, (0.0,)), PainState(t_ns, tick, level, "", _phase(level, slope))


def _phase(nrs: float, slope_per_s: float) -> Phase:
    if nrs < 0.05:
        return "onset" if slope_per_s > MOVING_NRS_PER_S else "rest"
    if abs(slope_per_s) < MOVING_NRS_PER_S:
        return "hold"
    return "onset" if slope_per_s > 0.0 else "release"


def perform(
    states: Iterable[tuple[ForceFrame, PainState]],
    character: Character,
    voice: str,
    seed: int,
    fps: float,
    engine: str = "",
    face: str = "",
) -> tuple[list[Moment], np.ndarray, int]:
    """Poses at a film's rate, and the voice, shape (n,) float32, with its sample rate in Hz.

    Parameters
    ----------
    states
        Force and pain at every tick of ``TICK_S``, time from 0.
    engine
        What moves the face; "" is the one of a session.
    face
        Identity whose sex, age and habits move it; "" is nobody in particular.
    """
    policy = make_policy(ExpressionConfig(), character)
    split = Split(SplitConfig(), load_phantom(SensingConfig().phantom))
    config = VoiceConfig(identity=voice)
    throat = VoiceEngine(load_identity(voice), config, seed)
    chosen = FaceConfig(engine=engine or FaceConfig().engine, identity=face, fps=fps, deadline_ms=0.0)
    mover, problem = make_engine_or_blend(chosen, seed)
    if problem:
        print(problem, file=sys.stderr)
    block_s = config.block_frames / config.sample_rate_hz
    blocks: list[np.ndarray] = []
    moments: list[Moment] = []
    for force, pain in states:
        voice_command, face_command = split.step(policy.step(pain), pain, force, False)
        until_s = pain.t_ns * 1e-9 + TICK_S
        fresh = True
        while (len(blocks) + 1) * block_s <= until_s:
            block = np.empty(config.block_frames, np.float32)
            throat.render(voice_command if fresh else None, block)
            blocks.append(block)
            fresh = False
        while len(moments) / fps < until_s:
            t_s = len(moments) / fps
            moments.append(Moment(t_s, pain.nrs, mover.step(face_command, round(t_s * 1e9))))
    return moments, np.concatenate(blocks), config.sample_rate_hz
