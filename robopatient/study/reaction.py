"""The reaction shown in a trial, from its stimulus, the force and the time since the trigger."""

from __future__ import annotations

import math

import msgspec

from robopatient.levels import INAUDIBLE_DB, gain_to_db
from robopatient.messages import FaceAsk, Phase, VoiceAsk
from robopatient.study.trials import Stimulus

__all__ = ["REST", "ReactionStimulus", "react"]

ONSET_S = 0.15
"""How long one sound or grimace is said to rise: an attack of the published recordings' order (assumption)."""
MOVING_NEWTON_PER_S = 5.0
"""Slope from which a force rises or falls; a held finger trembles less (assumption)."""
LEAST_SHARE = 1e-3


class ReactionStimulus(msgspec.Struct, frozen=True):
    """What voice and face are to do, before the split."""

    voice: VoiceAsk
    voice_nrs: float
    face: FaceAsk
    face_nrs: float
    phase: Phase


REST = ReactionStimulus(VoiceAsk(INAUDIBLE_DB, 0.0, 0.0, 0.0), 0.0, FaceAsk(0.0), 0.0, "rest")
"""Silence and a neutral face."""


def react(stimulus: Stimulus, since_s: float | None, newton: float, newton_per_s: float) -> ReactionStimulus:
    """What the stimulus is at a force, ``since_s`` after the trigger; None before it.

    A voice or face that follows the force ("pressed") is as strong as asked at its ``full_newton`` and above, and its
    amplitude is in proportion to the force below.
    """
    voice, face = stimulus.voice, stimulus.face
    voice_ask, voice_nrs = REST.voice, 0.0
    face_nrs = 0.0
    phases: list[Phase] = []
    if voice.mode == "once" and since_s is not None and since_s < voice.duration_s:
        voice_nrs = voice.nrs
        voice_ask = voice.ask()
        phases.append(_once(since_s, voice.duration_s))
    elif voice.mode == "pressed" and newton > 0.0:
        share = min(1.0, newton / voice.full_newton)
        if share > LEAST_SHARE:
            level_db = max(INAUDIBLE_DB, voice.level_db + gain_to_db(share))
            voice_nrs = voice.nrs * share
            voice_ask = msgspec.structs.replace(voice.ask(), level_db=level_db)
            phases.append(_pressed(newton_per_s))
    if face.mode == "once" and since_s is not None and since_s < face.duration_s:
        face_nrs = face.nrs
        phases.append(_once(since_s, face.duration_s))
    elif face.mode == "pressed" and newton > 0.0:
        face_nrs = face.nrs * min(1.0, newton / face.full_newton)
        phases.append(_pressed(newton_per_s))
    phase = phases[0] if phases else "release" if since_s is not None and newton > 0.0 else "rest"
    return ReactionStimulus(voice_ask, voice_nrs, FaceAsk(face_nrs, face.expressiveness), face_nrs, phase)


def _once(since_s: float, duration_s: float) -> Phase:
    return "onset" if since_s < min(ONSET_S, 0.5 * duration_s) else "hold"


def _pressed(newton_per_s: float) -> Phase:
    if math.isnan(newton_per_s) or abs(newton_per_s) < MOVING_NEWTON_PER_S:
        return "hold"
    return "onset" if newton_per_s > 0.0 else "release"
