"""Words in a patient's own voice: spoken once by espeak-ng in a process of its own, then bent by pain.

espeak-ng says them flat; the pitch, tract, haste and level of this person in this pain are laid over its recording by
the sample path. What was spoken is kept, so that the same words are ready at once the next time.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from robopatient.config import VoiceConfig
from robopatient.errors import ConfigError, DeviceError, require
from robopatient.levels import db_to_gain, semitones_to_ratio
from robopatient.voice.identity import Identity
from robopatient.voice.loudness import true_peak_dbfs
from robopatient.voice.psola import Psola
from robopatient.voice.recordings import RATE_HZ, TARGET_LUFS, Recording, Sidecar, prepare
from robopatient.voice.verbs import ask_for

__all__ = ["speak", "spoken"]

LONGEST = 200
"""Characters of one utterance."""
ESPEAK_TRACT_CM = {"male": 17.0, "female": 14.5}
"""Tract that espeak-ng's two default variants stand for (assumption: the adult means)."""
MOST_SEMITONES = 9.0
"""Words in pain rise with it, but never as far as a scream: above this they are no words any more (assumption)."""
STEP = 480
_SIDECAR = Sidecar(source="espeak-ng, run on this computer", licence="the user's", consent="synthetic voice")


def speak(text: str, who: Identity, nrs: float, config: VoiceConfig) -> npt.NDArray[np.float64]:
    """Words with the prosody of pain, shape (n,), at the rate of ``config``; equal arguments give equal samples.

    Raises
    ------
    ConfigError
        For no words, too many, or an impossible pain.
    DeviceError
        When espeak-ng is absent or fails, with the command that mends it.
    """
    if not 0.0 <= nrs <= 10.0:
        raise ConfigError(f"nrs is {nrs:g} (expected 0 to 10); see robopatient voice say --help")
    recording = spoken(text, who.sex)
    ask = ask_for(max(nrs, 0.3), who.sex)
    raised = min(max(ask.f0_semitones, 0.0) * 0.4, MOST_SEMITONES)
    base = who.habitual_f0_hz * semitones_to_ratio(raised) / recording.f0_hz if recording.f0_hz > 0.0 else 1.0
    duration = 1.0 - 0.02 * nrs  # pain presses words out
    formants = ESPEAK_TRACT_CM[who.sex] / who.vocal_tract_cm
    voice = Psola(recording)
    out = np.zeros(round(len(recording.samples) * duration))
    pain = nrs / 10.0
    for begin in range(0, len(out), STEP):
        t_s = begin / RATE_HZ
        progress = begin / max(len(out), 1)
        tremor = 1.0 + (who.tremor + 0.02 * pain) * np.sin(2.0 * np.pi * 9.5 * t_s)
        contour = semitones_to_ratio(who.intonation_semitones * pain * (0.5 - progress))
        voice.render(out[begin : begin + STEP], base * tremor * contour, duration, formants)
    # Words span a third of the range of cries: they must be understood when pain is mild.
    level_db = config.level_dbfs + max(ask.level_db, -60.0) / 3.0 - 4.0
    out *= db_to_gain(level_db - TARGET_LUFS)
    out *= db_to_gain(min(0.0, config.max_dbfs - true_peak_dbfs(out)))
    if config.sample_rate_hz != RATE_HZ:
        out = require("soxr", "audio").resample(out, RATE_HZ, config.sample_rate_hz, quality="VHQ")
    return np.asarray(np.clip(out, -db_to_gain(config.max_dbfs), db_to_gain(config.max_dbfs)))


@lru_cache(maxsize=64)
def spoken(text: str, sex: str) -> Recording:
    """Words as espeak-ng says them, ready for the sample path; from the cache on disk where they are known."""
    text = " ".join(text.split())
    if not any(letter.isalnum() for letter in text):
        raise ConfigError('nothing to say; give words, for example "it hurts"')
    if len(text) > LONGEST:
        raise ConfigError(f"{len(text)} characters are more than one breath can say (at most {LONGEST}); say less")
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
        raise DeviceError(f"espeak-ng gave no sound for these words ({error}); try others") from error
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
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "robopatient" / "words"


def _keep(path: Path, data: bytes) -> None:
    """Remember for the next time; without a place to do so, words are spoken anew."""
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        return
