"""Who speaks: one TOML under ``assets/voices`` decoded into a frozen struct, wrong ranges refused by key.

An identity is a multiplicative offset on every call (Pisanski, Raine and Reby 2020: individual f0 is kept from speech
to scream), so the same command sounds like a different person, not like a different pain.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from robopatient.config import Config, asset_path, decode_toml

__all__ = ["VoiceIdentity", "load_identity"]

Fraction = Annotated[float, Meta(ge=0, le=1)]


class VoiceIdentity(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person's voice at rest; the command says what pain does to it."""

    name: str
    sex: Literal["female", "male"]
    age_years: Annotated[float, Meta(ge=3, le=110)]
    vocal_tract_cm: Annotated[float, Meta(ge=8, le=22)]
    """Glottis to lips; every formant scales with 17 / this."""
    habitual_f0_hz: Annotated[float, Meta(ge=60, le=400)]
    """Mean of quiet speech: the zero of ``VoiceAsk.f0_semitones``."""
    roughness: Fraction = 0.1
    """Habitual hoarseness, added to what pain brings."""
    breathiness: Fraction = 0.15
    tremor: Annotated[float, Meta(ge=0, le=0.05)] = 0.003
    """Depth of the 9.5 Hz tremor of f0, as a fraction."""
    intonation_semitones: Annotated[float, Meta(ge=0, le=12)] = 3.0
    """Range of the pitch contour within one call."""
    temperature: Fraction = 0.5
    """How much two calls to the same pain differ."""
    stoicism: Fraction = 0.1
    """Chance that a bearable pain is suppressed: breath held, teeth together, a tremor of effort."""
    refractory_s: Annotated[float, Meta(ge=0, le=5)] = 0.25
    """After a call has died away, how long no gasp comes."""
    habituation: Fraction = 0.2
    """How much less each further press moves this voice, until it has had rest."""
    subharmonics: Annotated[float, Meta(ge=0, le=2)] = 1.0
    """Readiness of this larynx for each nonlinear phenomenon: 0 never, 1 as pain and roughness bring it, 2 twice."""
    chaos: Annotated[float, Meta(ge=0, le=2)] = 1.0
    modulation: Annotated[float, Meta(ge=0, le=2)] = 1.0
    biphonation: Annotated[float, Meta(ge=0, le=2)] = 1.0
    jumps: Annotated[float, Meta(ge=0, le=2)] = 1.0
    gasps: Fraction = 0.6
    """Chance that a sudden pain takes the breath first."""
    breath_dbfs: Annotated[float, Meta(ge=-120, le=-55)] = -62.0
    """RMS of idle breathing: there, and never in the way."""
    breath_s: Annotated[float, Meta(ge=1.5, le=10)] = 4.0
    """Period of idle breathing where no patient breathes; a patient does so by its own ``breathing.rest_per_min``."""
    recordings: str = ""
    """Folder of this person's own recordings, for ``VoiceConfig.engine = "samples"``."""
    words: str = ""
    """Folder of this person's own words (sidecars with ``text``); what is not there is spoken by espeak-ng."""
    interjects_from_nrs: Annotated[float, Meta(ge=0, le=11)] = 6.0
    """Pain that wrings words from this person ("it hurts", "stop"); 11 is never."""
    interjects_every_s: Annotated[float, Meta(ge=1, le=600)] = 8.0
    """Shortest pause between them."""
    manipulation: Literal["psola", "resample"] = "psola"
    """How they are moved: pitch alone, or as the published study did, pitch with formants and duration."""
    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 0


def load_identity(name: str) -> VoiceIdentity:
    """Identity by its name under ``assets/voices`` or by the path of a user's own TOML file.

    Raises
    ------
    AssetError
        Naming the voices that exist.
    ConfigError
        Naming the file and the key that is unknown or out of range.
    """
    return decode_toml(asset_path("voices", name), VoiceIdentity)
