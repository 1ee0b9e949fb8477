"""Words in a patient's own voice: spoken once by espeak-ng in a process of its own, then bent by pain.

espeak-ng says them flat; the pitch, tract, haste and level of this person in this pain are laid over its recording by
the sample path. What was spoken is kept, so that the same words are ready at once the next time.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from robopatient.config import VoiceConfig
from robopatient.errors import AssetError, ConfigError, DeviceError, require
from robopatient.folders import user_cache, user_path
from robopatient.levels import db_to_gain, semitones_to_ratio
from robopatient.voice.identity import VoiceIdentity
from robopatient.voice.loudness import true_peak_dbfs
from robopatient.voice.mixer import PITCH_STEP, Utterance
from robopatient.voice.psola import Psola
from robopatient.voice.recordings import RATE_HZ, TARGET_LUFS, Sidecar, SoundRecording, load_folder, prepare
from robopatient.voice_presets import ask_for

__all__ = ["known_words", "speak", "spoken"]

LONGEST = 200
"""Characters of one breath; longer answers are said sentence by sentence."""
MOST = 1000
"""Characters of one utterance."""
PAUSE_S = 0.35
"""Between two sentences (assumption)."""
ESPEAK_TRACT_CM = {"male": 17.0, "female": 14.5}
"""Tract that espeak-ng's two default variants stand for (assumption: the adult means)."""
MOST_SEMITONES = 9.0
"""Words in pain rise with it, but never as far as a scream: above this they are no words any more (assumption)."""
ROUGH_HZ, ROUGH_DEPTH = 70.0, 0.35
"""Amplitude modulation of words in the worst pain (Arnal 2015: 30 to 150 Hz; the depth is an assumption)."""
_SIDECAR = Sidecar(source="espeak-ng, run on this computer", licence="the user's", consent="synthetic voice")


def speak(text: str, who: VoiceIdentity, nrs: float, config: VoiceConfig) -> Utterance:
    """Words with the prosody of pain at the rate of ``config``; equal arguments give equal samples.

    Raises
    ------
    ConfigError
        For no words, too many, or an impossible pain.
    DeviceError
        When espeak-ng is absent or fails, with the command that fixes it.
    AssetError
        When the person's own words cannot be read.
    """
    if not 0.0 <= nrs <= 10.0:
        raise ConfigError(f"nrs is {nrs:g} (expected 0 to 10); see robopatient voice say --help")
    text = " ".join(text.split())
    if not any(letter.isalnum() for letter in text):
        raise ConfigError('nothing to say; give words, for example "it hurts"')
    if len(text) > MOST:
        raise ConfigError(f"{len(text)} characters are more than anybody listens to (at most {MOST}); say less")
    parts: list[npt.NDArray[np.float64]] = []
    pitches: list[npt.NDArray[np.float64]] = []
    for breath in _breaths(text):
        samples, f0_hz = _breath(breath, who, nrs)
        if parts:
            parts.append(np.zeros(round(PAUSE_S * RATE_HZ / PITCH_STEP) * PITCH_STEP))
            pitches.append(np.zeros(len(parts[-1]) // PITCH_STEP))
        parts.append(samples)
        pitches.append(f0_hz)
    out, f0_hz = np.concatenate(parts), np.concatenate(pitches)
    # Words span a third of the range of cries: they must be understood when pain is mild.
    level_db = config.level_dbfs + max(ask_for(max(nrs, 0.3), who.sex).level_db, -60.0) / 3.0 - 4.0
    out *= db_to_gain(level_db - TARGET_LUFS)
    out *= db_to_gain(min(0.0, config.max_dbfs - true_peak_dbfs(out)))
    if config.sample_rate_hz != RATE_HZ:
        out = require("soxr", "audio").resample(out, RATE_HZ, config.sample_rate_hz, quality="VHQ")
        at = np.arange(-(-len(out) // PITCH_STEP)) * (RATE_HZ / config.sample_rate_hz)
        f0_hz = f0_hz[np.minimum(at.astype(int), len(f0_hz) - 1)]
    ceiling = db_to_gain(config.max_dbfs)
    words = np.clip(out, -ceiling, ceiling).astype(np.float32)
    return Utterance(text, words, f0_hz.astype(np.float32), nrs, hashlib.sha256(words.tobytes()).hexdigest())


def _breaths(text: str) -> list[str]:
    """The text in pieces that one breath can say: sentences, and where these are too long, as many words as fit."""
    pieces: list[str] = []
    for sentence in re.findall(r"[^.!?]+[.!?]*", text):
        words = ""
        for word in sentence.split():
            if words and len(words) + len(word) >= LONGEST:
                pieces.append(words)
                words = ""
            words = f"{words} {word}"[-LONGEST:].strip()
        pieces.append(words)
    return [piece for piece in pieces if any(letter.isalnum() for letter in piece)]


def _breath(text: str, who: VoiceIdentity, nrs: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """One breath of words, shape (n,) at 48 kHz with n a multiple of ``PITCH_STEP``, and their pitch."""
    own = known_words(who.words).get(_plain(text)) if who.words else None
    recording = own or spoken(text, who.sex)
    ask = ask_for(max(nrs, 0.3), who.sex)
    raised = semitones_to_ratio(min(max(ask.f0_semitones, 0.0) * 0.4, MOST_SEMITONES))
    base = who.habitual_f0_hz * raised / recording.f0_hz if recording.f0_hz > 0.0 else 1.0
    formants = ESPEAK_TRACT_CM[who.sex] / who.vocal_tract_cm
    if own is not None:  # this very person, in the pain of the sidecar
        before = ask_for(max(own.sidecar.nrs, 0.3), who.sex)
        base = raised / semitones_to_ratio(min(max(before.f0_semitones, 0.0) * 0.4, MOST_SEMITONES))
        formants = 1.0
    duration = 1.0 - 0.02 * nrs  # pain presses words out
    voice = Psola(recording)
    steps = -(-round(len(recording.samples) * duration) // PITCH_STEP)
    out, f0_hz = np.zeros(steps * PITCH_STEP), np.zeros(steps)
    pain = nrs / 10.0
    for step in range(steps):
        begin, progress = step * PITCH_STEP, step / steps
        tremor = 1.0 + (who.tremor + 0.02 * pain) * np.sin(2.0 * np.pi * 9.5 * begin / RATE_HZ)
        contour = semitones_to_ratio(who.intonation_semitones * pain * (0.5 - progress))
        voice.render(out[begin : begin + PITCH_STEP], base * tremor * contour, duration, formants)
        f0_hz[step] = voice.f0_hz
    depth = ROUGH_DEPTH * min(1.0, ask.roughness + 0.5 * who.roughness * pain)
    out *= 1.0 - depth * (0.5 - 0.5 * np.cos(2.0 * np.pi * ROUGH_HZ / RATE_HZ * np.arange(len(out))))
    return out, f0_hz


@lru_cache(maxsize=8)
def known_words(folder: str) -> dict[str, SoundRecording]:
    """A person's own words by their plain text; AssetError for a folder without words or a recording that is ill."""
    words = {
        _plain(recording.sidecar.text): recording
        for recording in load_folder(user_path(folder))
        if recording.sidecar.text
    }
    if not words:
        raise AssetError(f'{folder}: no recording says what it says; write text = "it hurts" into its .toml')
    return words


def _plain(text: str) -> str:
    """Text without case and punctuation, by which own words are found."""
    return " ".join("".join(letter if letter.isalnum() else " " for letter in text.casefold()).split())


@lru_cache(maxsize=64)
def spoken(text: str, sex: str) -> SoundRecording:
    """Words as espeak-ng says them, ready for the sample path; from the cache on disk where they are known."""
    variant = "en+f3" if sex == "female" else "en+m3"
    path = _cache() / f"{hashlib.sha256(f'{variant}:{text}'.encode()).hexdigest()[:24]}.wav"
    data = path.read_bytes() if path.exists() else b""
    soundfile = require("soundfile", "audio")
    if not data:
        data = _espeak(text, variant)
        _keep(path, data)
    try:
        samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)
    except soundfile.LibsndfileError as error:
        path.unlink(missing_ok=True)
        raise DeviceError(f'espeak-ng gave no sound for "{text}" ({error}); try other words') from error
    return prepare(samples, rate_hz, text, _SIDECAR, f'"{text}"')


def _espeak(text: str, variant: str) -> bytes:
    program = shutil.which("espeak-ng")
    if program is None:
        raise DeviceError("espeak-ng is not installed, and words need it; type: apt-get install espeak-ng")
    try:
        done = subprocess.run(
            [program, "-v", variant, "-s", "150", "--stdin", "--stdout"],
            input=text.encode(),
            capture_output=True,
            timeout=10.0,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise DeviceError(f"espeak-ng failed ({error}); type: espeak-ng -v {variant} hello") from error
    return done.stdout


def _cache() -> Path:
    return user_cache() / "words"


def _keep(path: Path, data: bytes) -> None:
    """Remember for the next time; without a place to do so, words are spoken anew."""
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        return
