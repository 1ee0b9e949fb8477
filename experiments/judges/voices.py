"""Clips of voices: the shipped synthesiser pressed by different hands, and a plain voice that shares nothing with it.

The plain voice is a mechanism of its own: a sawtooth through two or three resonators, a moan at the peak of the press,
louder and higher with pain as in the published mapping of levels to amplitude and rate.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from scipy import signal

from experiments.judges.clips import NO_FACE, NO_SOUND, Clip
from robopatient.config import FaceConfig, SessionConfig, asset_names
from robopatient.errors import ConfigError, RecordError, require
from robopatient.face.generator.motion import MOTION_HZ
from robopatient.simulation.episode import of_pain, somebody
from robopatient.simulation.presses import course
from robopatient.simulation.rig import TICK_S
from robopatient.voice.identity import load_identity

__all__ = ["clips_of_voice", "press", "sound_of"]

PRESS_S = 6.0
SPEAKERS, PRESSES = 10, 12
RATE_HZ = 16_000
"""Of every clip of sound: what a judge of pitch, level and colour needs."""

PUBLISHED_NRS = (0.0, 2.0, 5.0, 8.0, 10.0)
PUBLISHED_GAIN = (0.0, 0.1, 0.2, 1.0, 1.0)
PUBLISHED_RATE = (0.7, 0.7, 1.0, 1.4, 1.4)
"""Pain above 20, 50, 80 of 100: amplitude a tenth, a fifth, one; rate .7, 1, 1.4 (doi 10.3389/frobt.2023.1122914)."""
VOWEL_HZ = ((700.0, 90.0), (1150.0, 110.0), (2600.0, 170.0))
"""Frequency and bandwidth of the resonators of an open vowel of a grown man; a shorter tract raises them."""


def clips_of_voice(name: str, seed: int) -> list[Clip]:
    """Voices: ``synth``, the shipped synthesiser, or ``plain``, a sawtooth moan that shares nothing with it."""
    if name not in ("synth", "plain"):
        raise ConfigError(f"source voice:{name}: give voice:synth or voice:plain")
    clips = []
    people = asset_names("voices")[:SPEAKERS] if name == "synth" else [f"plain{k:02d}" for k in range(SPEAKERS)]
    for number, person in enumerate(people):
        rng = np.random.default_rng([seed, number, len(name)])
        pitch_hz, tract = rng.uniform(100.0, 260.0), rng.uniform(1.0, 1.25)
        for take in range(PRESSES):
            pain = press(rng, PRESS_S)
            if name == "synth":
                sound = _synthesised(pain, person, int(rng.integers(2**31)))
            else:
                sound = _plain(pain, pitch_hz, tract, rng)
            clips.append(Clip(person, f"{person}-{take}", (f"voice/{name}",), NO_FACE, pain, sound, RATE_HZ))
    return clips


def press(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Pain of a clip, shape (frames,): none in a quarter of them, else up to 10."""
    peak = 0.0 if rng.random() < 0.25 else rng.uniform(1.0, 10.0)
    start, rise, hold, fall = rng.uniform([0.8, 0.15, 0.5, 0.3], [2.0, 1.2, 2.5, 1.2])
    t_s = np.arange(round(seconds * MOTION_HZ)) / MOTION_HZ - start
    end = peak * rng.uniform(0.7, 1.0)
    pain = course(t_s, peak=peak, end=end, rise_s=rise, hold_s=hold, fall_s=fall, shape="linear")
    return pain.astype(np.float32)


def _synthesised(pain: np.ndarray, voice: str, seed: int) -> np.ndarray:
    ticks_s = np.arange(round(len(pain) / MOTION_HZ / TICK_S)) * TICK_S
    levels = np.interp(ticks_s, np.arange(len(pain)) / MOTION_HZ, pain)
    config = SessionConfig(seed=seed, face=FaceConfig(enabled=False))
    episode = of_pain(levels.tolist(), config, somebody(load_identity(voice).sex, voice))
    return _at_rate(episode.sound, episode.sample_rate_hz)


def _plain(pain: np.ndarray, pitch_hz: float, tract: float, rng: np.random.Generator) -> np.ndarray:
    """One moan a press: it starts a while after the pain's peak starts and lasts as long as the pain is near it."""
    t_s = np.arange(round(len(pain) / MOTION_HZ * RATE_HZ)) / RATE_HZ
    level = float(pain.max())
    loud = np.interp(t_s - rng.uniform(0.1, 0.3), np.arange(len(pain)) / MOTION_HZ, (pain > 0.8 * level) & (level > 0))
    envelope = signal.lfilter([1.0], [1.0, -np.exp(-1.0 / (0.06 * RATE_HZ))], loud)
    envelope /= max(envelope.max(), 1e-9)
    gain = np.interp(level, PUBLISHED_NRS, PUBLISHED_GAIN) * envelope
    waver = 1.0 + 0.02 * np.sin(2.0 * np.pi * rng.uniform(4.0, 6.0) * t_s)
    f0_hz = (
        pitch_hz
        * np.interp(level, PUBLISHED_NRS, PUBLISHED_RATE)
        * waver
        * (0.85 + 0.15 * envelope / max(envelope.max(), 1e-9))
    )
    glottis = signal.sawtooth(2.0 * np.pi * np.cumsum(f0_hz) / RATE_HZ) + 0.05 * rng.standard_normal(len(t_s))
    for frequency_hz, width_hz in VOWEL_HZ:
        radius, angle = np.exp(-np.pi * width_hz / RATE_HZ), 2.0 * np.pi * frequency_hz * tract / RATE_HZ
        feedback = [1.0, -2.0 * radius * np.cos(angle), radius * radius]
        glottis = signal.lfilter([sum(feedback)], feedback, glottis)
    sound: np.ndarray = 0.25 * gain * glottis / max(np.abs(glottis).max(), 1e-9)
    return sound.astype(np.float32)


def _at_rate(sound: np.ndarray, rate_hz: int) -> np.ndarray:
    resampled: np.ndarray = require("soxr", "audio").resample(np.asarray(sound, np.float32), rate_hz, RATE_HZ)
    return resampled


def sound_of(path: Path) -> tuple[np.ndarray, int]:
    """Voice of a clip of a data set, at ``RATE_HZ``: of the film itself, or of the WAV beside a lossless one.

    Raises
    ------
    RecordError
        When it cannot be read.
    """
    try:
        if path.suffix == ".mp4":
            av = require("av", "face")
            with av.open(str(path)) as film:
                if not film.streams.audio:
                    return NO_SOUND, 0
                blocks = [frame.to_ndarray()[0] for frame in film.decode(audio=0)]
                return _at_rate(np.concatenate(blocks), film.streams.audio[0].rate), RATE_HZ
        with wave.open(str(path.with_suffix(".wav")), "rb") as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32768.0)
            return _at_rate(samples, file.getframerate()), RATE_HZ
    except (OSError, ValueError, wave.Error) as error:
        raise RecordError(
            f"{path}: its sound cannot be read ({error}); robopatient dataset verify names all"
        ) from error
