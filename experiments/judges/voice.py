"""A judge of the voice: how much pain a sound expresses, from pitch, level, colour and roughness and their course.

Features come from librosa's core on 10 ms frames; the roughness is that of screams (Arnal 2015).
"""

from __future__ import annotations

import numpy as np

from experiments.judges.clip_statistics import Forest
from experiments.judges.clips import Clip
from robopatient.errors import SessionError, require
from robopatient.voice.features import roughness

__all__ = ["FEATURES", "Voice", "describe"]

FRAME, HOP = 1024, 160
"""Samples at 16 kHz: 64 ms hold three cycles of the lowest voice; a frame every 10 ms."""
F0_HZ = (60.0, 1600.0)
AUDIBLE_DB = -60.0
"""Below full scale: quieter frames are silence."""
ACTIVE_DB = -25.0
"""Frames this far below the loudest do not count as the call (assumption)."""
FULL_DB = 3.0
"""The call is at its full within so much of its loudest."""
TRACKS = ("f0_octaves", "level_db", "centroid_octaves", "flatness_db", "crossings")
FEATURES: tuple[str, ...] = (
    *(f"{track}_{statistic}" for track in TRACKS for statistic in ("median", "p90", "sd", "slope")),
    "roughness", "active_s", "attack_s", "decay_s", "calls", "level_change_db",
)  # fmt: skip


def describe(clip: Clip) -> np.ndarray:
    """Numbers of a sound in the order of ``FEATURES``, shape (features,); all 0 for silence.

    Raises
    ------
    SessionError
        For a clip without sound.
    """
    if not len(clip.sound):
        raise SessionError(f"clip {clip.name} has no sound; give voice:synth, voice:plain or a data set with sound")
    librosa = require("librosa", "study")
    sound = np.asarray(clip.sound, np.float32)
    level_db = 20.0 * np.log10(librosa.feature.rms(y=sound, frame_length=FRAME, hop_length=HOP)[0] + 1e-9)
    active = level_db > max(float(level_db.max()) + ACTIVE_DB, AUDIBLE_DB)
    if active.sum() < 3:
        return np.zeros(len(FEATURES))
    magnitude = np.abs(librosa.stft(sound, n_fft=FRAME, hop_length=HOP))
    f0_hz = librosa.yin(sound, fmin=F0_HZ[0], fmax=F0_HZ[1], sr=clip.rate_hz, frame_length=FRAME, hop_length=HOP)
    centroid_hz = librosa.feature.spectral_centroid(S=magnitude, sr=clip.rate_hz)[0]
    tracks = (
        np.log2(f0_hz),
        level_db,
        np.log2(np.maximum(centroid_hz, 1.0)),
        10.0 * np.log10(librosa.feature.spectral_flatness(S=magnitude)[0]),
        librosa.feature.zero_crossing_rate(sound, frame_length=FRAME, hop_length=HOP)[0],
    )
    seconds = np.arange(len(level_db)) * HOP / clip.rate_hz
    found: list[float] = []
    for track in tracks:
        part = track[active]
        slope = np.polyfit(seconds[active], part, 1)[0]
        found += [float(np.median(part)), float(np.percentile(part, 90)), float(part.std()), float(slope)]
    first, last = np.flatnonzero(active)[[0, -1]]
    full, full_end = np.flatnonzero(level_db > level_db.max() - FULL_DB)[[0, -1]]
    found += [
        float(np.nan_to_num(roughness(sound, clip.rate_hz))),
        float(active.sum() * HOP / clip.rate_hz),
        float(seconds[full] - seconds[first]),
        float(seconds[last] - seconds[full_end]),
        float(np.count_nonzero(np.diff(active.astype(int)) == 1)),
        float(np.abs(np.diff(level_db[active])).mean()),
    ]
    return np.array(found)


class Voice(Forest):
    """Random forest on pitch, level, colour and roughness of the voice and their course."""

    kind = "voice"
    sense = "voice"

    def _describe(self, clip: Clip) -> np.ndarray:
        return describe(clip)
