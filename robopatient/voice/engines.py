"""Which engine a configuration means: a short name of ours, or a reference to a class of one's own."""

from __future__ import annotations

from robopatient.config import VoiceConfig, reference
from robopatient.voice.engine import SpeakingEngine
from robopatient.voice.identity import load_identity

__all__ = ["ENGINES", "make_engine"]

ENGINES = {
    "synth": "robopatient.voice.engine:VoiceEngine",
    "samples": "robopatient.voice.samples:SamplesEngine",
}
"""Short names for ``VoiceConfig.engine``."""


def make_engine(config: VoiceConfig, seed: int) -> SpeakingEngine:
    """The engine that a configuration asks for; ConfigError and AssetError name what does not exist."""
    engine: SpeakingEngine = reference(config.engine, ENGINES)(load_identity(config.identity), config, seed)
    return engine
