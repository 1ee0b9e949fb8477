from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from robopatient.config import VoiceConfig
from robopatient.messages import Phase, VoiceAsk, VoiceCommand
from robopatient.voice.engine import RenderedBlock, VoiceEngine
from robopatient.voice.identity import VoiceIdentity, load_identity

CONFIG = VoiceConfig(identity="margaret")
BLOCK_S = CONFIG.block_frames / CONFIG.sample_rate_hz

Ask = Callable[..., VoiceCommand]
Play = Callable[..., tuple[np.ndarray, list[RenderedBlock]]]


def ask(
    block: int,
    nrs: float = 6.0,
    level_db: float = -8.0,
    semitones: float = 8.0,
    roughness: float = 0.0,
    breathiness: float = 0.1,
    phase: Phase = "hold",
    call: str = "auto",
    hush: bool = False,
) -> VoiceCommand:
    """A command as it would come for the force frame of this block."""
    t_ns = round((block + 1) * BLOCK_S * 1e9)
    wish = VoiceAsk(level_db, semitones, roughness, breathiness, call)
    return VoiceCommand(t_ns, block + 1, t_ns, nrs, phase, wish, hush)


def rest(block: int) -> VoiceCommand:
    return ask(block, nrs=0.0, level_db=-60.0, phase="rest")


def play(
    commands: Callable[[int], VoiceCommand | None],
    seconds: float,
    identity: VoiceIdentity | str = "margaret",
    config: VoiceConfig = CONFIG,
    seed: int = 1,
) -> tuple[np.ndarray, list[RenderedBlock]]:
    """Samples (blocks, frames) and what each block is said to be."""
    who = load_identity(identity) if isinstance(identity, str) else identity
    engine = VoiceEngine(who, config, seed)
    samples = np.zeros((int(seconds / BLOCK_S), config.block_frames), np.float32)
    blocks = [engine.render(commands(index), samples[index]) for index in range(len(samples))]
    return samples, blocks


@pytest.fixture(name="ask")
def ask_fixture() -> Ask:
    return ask


@pytest.fixture(name="rest")
def rest_fixture() -> Callable[[int], VoiceCommand]:
    return rest


@pytest.fixture(name="play")
def play_fixture() -> Play:
    return play


@pytest.fixture(scope="session")
def plain() -> VoiceIdentity:
    """A voice without habits, accidents or intonation: what is asked is what is rendered."""
    return VoiceIdentity(
        name="Plain",
        sex="female",
        age_years=40,
        vocal_tract_cm=15.0,
        habitual_f0_hz=200.0,
        roughness=0.0,
        breathiness=0.0,
        tremor=0.0,
        intonation_semitones=0.0,
        temperature=0.0,
        gasps=0.0,
    )
