"""Sounds that a user brings: read, checked, made alike in format and loudness, with a sidecar that says whose they are.

``ow.wav`` needs ``ow.toml`` beside it: where the sound is from, under which licence, that its speaker agreed, and how
much it hurt. Nothing is played that does not say so.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from firmware_bridge.inputs import visible_files
from robopatient.config import Config, decode_toml
from robopatient.errors import AssetError, require
from robopatient.levels import db_to_gain, gain_to_db
from robopatient.voice.features import WINDOW_S, f0_track
from robopatient.voice.loudness import loudness_lufs, true_peak_dbfs

__all__ = ["Sidecar", "SoundRecording", "load_folder", "load_recording", "prepare", "resampled"]

RATE_HZ = 48_000
TRIM_DB = -45.0
FADE_S = 0.005
TARGET_LUFS, PEAK_DBFS = -23.0, -1.0
SHORTEST_S, LONGEST_S = 0.08, 20.0
LEAST_RATE_HZ = 16_000
"""Below it the upper half of a cry is missing: published centroids reach 4.3 kHz (Anikin 2020)."""
CLIPPED_SHARE = 0.001
CANCELLED = 0.1
"""Of the level that unrelated channels would have together: below it they are each other's negative."""
SILENT_LUFS = -60.0
UNVOICED_STEP_S = 0.005
FORMATS = (".wav", ".flac")


class Sidecar(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose sound it is and what it may be used for."""

    source: Annotated[str, Meta(min_length=1)]
    licence: Annotated[str, Meta(min_length=1)]
    consent: Annotated[str, Meta(min_length=1)]
    """How its speaker agreed: "informed consent, form 3 of 2024-05-02", "own voice"."""
    nrs: Annotated[float, Meta(ge=0, le=10)] = 5.0
    """Pain that it expresses."""
    call: str = "cry"
    text: str = ""
    """Words that are spoken in it, when it is to be used for them (``Identity.words``)."""


class SoundRecording(NamedTuple):
    """A sound ready to be played.

    Attributes
    ----------
    samples
        48 kHz mono, shape (n,), at ``TARGET_LUFS`` or as near as the true peak allows.
    marks, periods
        Pitch marks and local periods, samples, shapes (m,); periods are negative where there is no pitch.
    f0_hz
        Median pitch, 0 without one.
    """

    name: str
    samples: npt.NDArray[np.float64]
    marks: npt.NDArray[np.float64]
    periods: npt.NDArray[np.float64]
    f0_hz: float
    lufs: float
    sidecar: Sidecar


def load_folder(folder: Path) -> list[SoundRecording]:
    """All recordings of a folder, mildest first.

    Raises
    ------
    AssetError
        Naming the file and what is wrong with it, or when there is none.
    """
    paths = [path for path in visible_files(folder) if path.suffix.lower() in FORMATS]
    if not paths:
        raise AssetError(f"{folder}: no recording (.wav, .flac); put some there, each with a .toml beside it")
    return sorted((load_recording(path) for path in paths), key=lambda recording: recording.sidecar.nrs)


def load_recording(path: Path) -> SoundRecording:
    """One recording and its sidecar.

    Raises
    ------
    AssetError
        For a file that is corrupt, silent, clipped, too short, too long, of too low a rate, or without a sidecar.
    ConfigError
        For a sidecar with an unknown, missing or impossible key.
    """
    soundfile = require("soundfile", "audio")
    try:
        data, rate_hz = soundfile.read(path, dtype="float64", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise AssetError(f"{path}: cannot be read as sound ({error}); save it as WAV or FLAC again") from error
    sidecar = path.with_suffix(".toml")
    if not sidecar.exists():
        raise AssetError(
            f'{path}: no {sidecar.name} beside it; write one with source = "…", licence = "…", consent = "…"'
        )
    return prepare(data, rate_hz, path.stem, decode_toml(sidecar, Sidecar), str(path))


def prepare(
    data: npt.NDArray[np.float64], rate_hz: float, name: str, sidecar: Sidecar, place: str = ""
) -> SoundRecording:
    """Check and normalise samples, shape (n, channels) or (n,): mono, 48 kHz, trimmed, faded, loudness, pitch marks."""
    place = place or name
    if rate_hz < LEAST_RATE_HZ:
        raise AssetError(f"{place}: has {rate_hz:g} samples a second (at least {LEAST_RATE_HZ}); record it again")
    samples = _one_channel(np.asarray(data, np.float64), place)
    if rate_hz != RATE_HZ:
        samples = require("soxr", "audio").resample(samples, rate_hz, RATE_HZ, quality="VHQ")
    if not len(samples):
        raise AssetError(f"{place}: holds no samples; record it again")
    peak = float(np.max(np.abs(samples), initial=0.0))
    if peak == 0.0 or loudness_lufs(samples, RATE_HZ) < SILENT_LUFS:
        raise AssetError(f"{place}: is silent ({gain_to_db(peak):.0f} dBFS at its loudest); record it again, louder")
    samples = _trim(samples)
    seconds = len(samples) / RATE_HZ
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise AssetError(
            f"{place}: sounds for {seconds:.2f} s (expected {SHORTEST_S:g} to {LONGEST_S:g} s); cut it to one sound"
        )
    fade = 0.5 - 0.5 * np.cos(np.pi * np.arange(round(FADE_S * RATE_HZ)) / round(FADE_S * RATE_HZ))
    samples[: len(fade)] *= fade
    samples[-len(fade) :] *= fade[::-1]
    gain_db = TARGET_LUFS - loudness_lufs(samples, RATE_HZ)
    gain_db = min(gain_db, PEAK_DBFS - true_peak_dbfs(samples))
    samples *= db_to_gain(gain_db)
    marks, periods = pitch_marks(samples)
    voiced = periods[periods > 0.0]
    f0_hz = RATE_HZ / float(np.median(voiced)) if voiced.size else 0.0
    return SoundRecording(name, samples, marks, periods, f0_hz, loudness_lufs(samples, RATE_HZ), sidecar)


def resampled(samples: npt.NDArray[np.float64], rate: float) -> npt.NDArray[np.float64]:
    """The published study's manipulation, ``sound(s, Fs * rate)``: pitch and formants x rate, duration / rate."""
    return np.asarray(require("soxr", "audio").resample(samples, RATE_HZ * rate, RATE_HZ, quality="VHQ"))


def pitch_marks(samples: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Marks at the strongest peak of every cycle, and periods; every 5 ms and negative where there is no pitch."""
    pitch = f0_track(samples, RATE_HZ)[0]
    pitch = _steady(pitch)
    sign = 1.0 if abs(samples.max()) >= abs(samples.min()) else -1.0
    marks: list[float] = []
    periods: list[float] = []
    at = 0.0
    step = UNVOICED_STEP_S * RATE_HZ
    locked = False
    while at < len(samples):
        frame = int(np.clip(round((at / RATE_HZ - WINDOW_S / 2.0) * 100.0), 0, max(len(pitch) - 1, 0)))
        f0_hz = pitch[frame] if len(pitch) else 0.0
        if f0_hz <= 0.0:
            marks.append(at)
            periods.append(-step)
            at += step
            locked = False
            continue
        period = RATE_HZ / f0_hz
        reach = 0.2 if locked else 0.5
        begin, end = max(0, int(at - reach * period)), min(len(samples), int(at + reach * period) + 1)
        peak = begin + int(np.argmax(sign * samples[begin:end]))
        if marks and peak <= marks[-1] + 0.4 * period:
            peak = int(at)
        marks.append(float(peak))
        periods.append(period)
        at = peak + period
        locked = True
    return np.array(marks), np.array(periods)


def _one_channel(data: npt.NDArray[np.float64], place: str) -> npt.NDArray[np.float64]:
    """Mean of the channels, each of which must hold numbers and not be clipped; AssetError names the place."""
    channels = data if data.ndim == 2 else data[:, None]
    if not np.isfinite(channels).all():
        raise AssetError(f"{place}: holds samples that are no numbers; export it again")
    peak = float(np.max(np.abs(channels), initial=0.0))
    if peak > 0.98:
        share = float(np.mean(np.abs(channels) >= min(peak, 1.0) * 0.999, axis=0).max())
        if share > CLIPPED_SHARE:
            raise AssetError(f"{place}: {100 * share:.1f} % of it is clipped (at most 0.1 %); record it again, softer")
    mixed = np.asarray(channels.mean(axis=1))
    unrelated = math.sqrt(float(np.sum(channels**2))) / channels.shape[1]
    if math.sqrt(float(np.sum(mixed**2))) < CANCELLED * unrelated:
        raise AssetError(f"{place}: its {channels.shape[1]} channels cancel each other; save one of them alone")
    return mixed


def _steady(pitch: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Pitch without octave errors of single frames: nearest octave of the median of its neighbours."""
    result = np.array(pitch, np.float64)
    for index in np.flatnonzero(result > 0.0):
        near = pitch[max(0, index - 3) : index + 4]
        middle = float(np.median(near[near > 0.0]))
        result[index] /= 2.0 ** round(math.log2(result[index] / middle))
    return result


def _trim(samples: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    size = RATE_HZ // 200
    power = np.add.reduceat(samples**2, np.arange(0, len(samples), size)) / size
    loud = np.flatnonzero(power > power.max() * 10.0 ** (TRIM_DB / 10.0))
    return np.array(samples[loud[0] * size : (loud[-1] + 1) * size])
