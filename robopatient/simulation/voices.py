"""A voice alone: a course of pain (and optional voice commands) becomes sound, block by block."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from firmware_bridge.outputs import check_outputs
from robopatient.config import FaceConfig, SessionConfig, VoiceConfig
from robopatient.errors import ConfigError
from robopatient.messages import Phase
from robopatient.session.pipeline import Given
from robopatient.simulation.episode import somebody
from robopatient.simulation.presses import course
from robopatient.simulation.rig import Rig, SoundBlock
from robopatient.voice.identity import load_identity
from robopatient.voice.wav import write_wav
from robopatient.voice_presets import ask_for

__all__ = ["BLOCK_S", "pain_of_press", "render", "voiced"]

LEAD_S, RISE_S, FALL_S, TAIL_S = 0.1, 0.15, 0.1, 0.7
"""Of a press whose pain is given: silence before it, its rise and fall, and the sound of relief after the hold."""
BLOCK_S = VoiceConfig().block_frames / VoiceConfig().sample_rate_hz


def voiced(identity: str, seed: int, pains: Iterable[Given]) -> list[SoundBlock]:
    """Blocks of a voice, one of each given pain: a turn of the loop lasts ``BLOCK_S``."""
    config = SessionConfig(seed=seed, voice=VoiceConfig(identity=identity), face=FaceConfig(enabled=False))
    rig = Rig(config, somebody(load_identity(identity).sex, identity), tick_s=BLOCK_S)
    blocks: list[SoundBlock] = []
    for index, given in enumerate(pains):
        t_ns, until_s = round(index * BLOCK_S * 1e9), (index + 1.5) * BLOCK_S
        blocks += rig.turn(t_ns, given=given, until_s=until_s).sound
    return blocks


def pain_of_press(t_s: float, seconds: float, held_nrs: tuple[float, float]) -> tuple[float, Phase]:
    """Pain and phase at a time of a press that lasts ``seconds`` and goes from one held pain to the other."""
    lead_s, tail_s = min(LEAD_S, 0.1 * seconds), min(TAIL_S, 0.4 * seconds)
    hold_s = seconds - lead_s - RISE_S - tail_s
    t_s -= lead_s
    first, last = held_nrs
    nrs = float(course(t_s, peak=first, end=last, rise_s=RISE_S, hold_s=hold_s, fall_s=FALL_S, shape="linear"))
    if t_s < 0.0 or t_s >= RISE_S + hold_s + FALL_S:
        return nrs, "rest"
    return nrs, "onset" if t_s < RISE_S else "hold" if t_s < RISE_S + hold_s else "release"


def render(
    identity: str,
    nrs: float,
    seconds: float,
    seed: int,
    out: Path,
    *,
    preset: str = "literature",
    nrs_end: float | None = None,
    force: bool = False,
) -> None:
    """Write one press as it sounds from this voice: quiet, onset, hold, release, ``seconds`` in all.

    Equal arguments give equal samples.

    Parameters
    ----------
    nrs, nrs_end
        Pain held, 0 to 10; with ``nrs_end`` it goes there in a straight line.

    Raises
    ------
    AssetError, ConfigError, OutputError
        For an unknown voice or preset, values out of range, a file that cannot be written.
    """
    held = (nrs, nrs if nrs_end is None else nrs_end)
    for value in held:
        if not 0.0 <= value <= 10.0:
            raise ConfigError(f"nrs is {value:g} (expected 0 to 10); see robopatient voice render --help")
    if not 0.1 <= seconds <= 600.0:
        raise ConfigError(f"seconds is {seconds:g} (expected 0.1 to 600); see robopatient voice render --help")
    check_outputs([out], [identity], force)
    sex, rate_hz = load_identity(identity).sex, VoiceConfig().sample_rate_hz
    frames = round(seconds * rate_hz)
    pains = []
    for index in range(-(-frames // VoiceConfig().block_frames)):
        pain, phase = pain_of_press((index + 1) * BLOCK_S, seconds, held)
        pains.append(Given(pain, phase, voice=ask_for(pain, sex, preset)))
    samples = np.concatenate([block.samples for block in voiced(identity, seed, pains)])
    write_wav(out, samples[:frames], rate_hz, force)
