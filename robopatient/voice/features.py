"""What a vocal sound measures like: ten features of the eGeMAPS class, computed from samples alone.

The true pitch may be given, because trackers lose it where pain starts: under subharmonics they report half of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from robopatient.levels import SILENCE_DB
from robopatient.voice.loudness import loudness_lufs

__all__ = ["Features", "active", "f0_track", "features", "harmonicity", "roughness"]

Samples = npt.NDArray[np.floating]

WINDOW_S, HOP_S = 0.04, 0.01
ACTIVE_DB = -25.0
"""Frames this far below the loudest do not count as sounding (assumption; eGeMAPS uses a voicing threshold)."""
VOICED = 0.45
"""Normalised autocorrelation from which a frame is voiced (Boersma 1993)."""
OCTAVE_COST = 0.01
F0_HZ = (60.0, 2400.0)
CENTROID_TOP_HZ = 8000.0
"""The published centroids are soundgen's: magnitude weighted, at its default rate of 16 kHz."""


class Features(NamedTuple):
    """One sound in numbers; nan where it does not apply (no voiced frame, too short)."""

    f0_hz: float
    loudness_lufs: float
    roughness: float
    hnr_db: float
    centroid_hz: float
    alpha_ratio_db: float
    hammarberg_db: float
    jitter: float
    shimmer_db: float
    active_s: float


def features(samples: Samples, rate_hz: float, f0_hz: Samples | None = None) -> Features:
    """Measure one sound.

    Parameters
    ----------
    samples
        Mono, shape (n,).
    f0_hz
        The true pitch for every sample where it is known, shape (n,), 0 where unvoiced; without it, it is estimated.
    """
    samples = np.asarray(samples, np.float64)
    frames, starts = _frames(samples, rate_hz)
    loud = active(samples, rate_hz)
    nan = float("nan")
    if not len(frames) or not loud.any():
        return Features(nan, SILENCE_DB, nan, nan, nan, nan, nan, nan, nan, 0.0)
    known = None if f0_hz is None else f0_hz[np.minimum(starts + round(WINDOW_S * rate_hz) // 2, len(f0_hz) - 1)]
    pitch, strength = _pitch(frames, rate_hz, known)
    voiced = loud & (pitch > 0.0)
    spectrum = np.abs(np.fft.rfft(frames[loud] * np.hanning(frames.shape[1]), axis=1))
    f_hz = np.fft.rfftfreq(frames.shape[1], 1.0 / rate_hz)
    power = np.mean(spectrum**2, axis=0)
    heard = f_hz <= CENTROID_TOP_HZ
    centroid_hz = float(np.mean((spectrum[:, heard] @ f_hz[heard]) / np.maximum(spectrum[:, heard].sum(axis=1), 1e-30)))
    jitter, shimmer_db = _perturbation(samples, rate_hz, pitch, voiced, starts)
    hnr = harmonicity(strength[voiced])
    return Features(
        f0_hz=float(np.median(pitch[voiced])) if voiced.any() else nan,
        loudness_lufs=loudness_lufs(samples, rate_hz),
        roughness=roughness(samples, rate_hz, float(np.median(pitch[voiced])) if voiced.any() else 0.0),
        hnr_db=float(np.median(hnr)) if hnr.size else nan,
        centroid_hz=centroid_hz,
        alpha_ratio_db=_band_db(power, f_hz, 1000.0, 5000.0) - _band_db(power, f_hz, 50.0, 1000.0),
        hammarberg_db=_peak_db(power, f_hz, 0.0, 2000.0) - _peak_db(power, f_hz, 2000.0, 5000.0),
        jitter=jitter,
        shimmer_db=shimmer_db,
        active_s=float(loud.sum() * HOP_S),
    )


def active(samples: Samples, rate_hz: float) -> npt.NDArray[np.bool_]:
    """Which analysis frames sound, shape (frames,)."""
    frames, _ = _frames(samples, rate_hz)
    power = np.mean(frames**2, axis=1) if len(frames) else np.zeros(0)
    top = power.max(initial=0.0)
    return np.asarray((power > top * 10.0 ** (ACTIVE_DB / 10.0)) & (top > 1e-12))


def f0_track(samples: Samples, rate_hz: float) -> tuple[Samples, Samples]:
    """Estimated pitch (Hz, 0 unvoiced) and time (s) of every analysis frame, by autocorrelation."""
    frames, starts = _frames(np.asarray(samples, np.float64), rate_hz)
    pitch, _ = _pitch(frames, rate_hz, None)
    return pitch, starts / rate_hz + WINDOW_S / 2.0


def harmonicity(strength: Samples) -> Samples:
    """Harmonics-to-noise ratio in dB from normalised autocorrelation (Boersma 1993)."""
    r = np.clip(strength, 1e-4, 1.0 - 1e-4)
    return np.asarray(10.0 * np.log10(r / (1.0 - r)))


def roughness(samples: Samples, rate_hz: float, f0_hz: float = 0.0) -> float:
    """Depth of the envelope's modulation between 30 and 150 Hz, the band of screams (Arnal 2015); nan if too short.

    STFT of 256 frames, hop 32, at 48 kHz; envelope over its 100 ms mean; depth as of a sine of the same power. With
    ``f0_hz`` the band ends a fifth below it: the cycles of a low voice are no roughness.
    """
    size, hop = round(256 * rate_hz / 48000.0), round(32 * rate_hz / 48000.0)
    if len(samples) < size + hop * 64:
        return float("nan")
    view = np.lib.stride_tricks.sliding_window_view(np.asarray(samples, np.float64), size)[::hop]
    # The power of a windowed frame is the sum over its spectrum (Parseval), so no transform is needed.
    envelope = np.sqrt((view**2) @ (np.hanning(size) ** 2))
    loud = np.flatnonzero(envelope > 0.15 * envelope.max())
    if loud.size < 64:
        return float("nan")
    envelope = envelope[loud[0] : loud[-1] + 1]
    rate = rate_hz / hop
    width = round(0.1 * rate)
    smooth = np.convolve(np.pad(envelope, width // 2, mode="edge"), np.hanning(width + 2)[1:-1], "same")
    smooth = smooth[width // 2 : width // 2 + len(envelope)] / np.hanning(width + 2).sum()
    ripple = envelope / np.maximum(smooth, 1e-12) - 1.0
    power = np.abs(np.fft.rfft(ripple)) ** 2
    f_hz = np.fft.rfftfreq(len(ripple), 1.0 / rate)
    band = (f_hz >= 30.0) & (f_hz <= (min(150.0, 0.8 * f0_hz) if f0_hz > 0.0 else 150.0))
    return float(np.sqrt(4.0 * power[band].sum()) / len(ripple))


def _frames(samples: Samples, rate_hz: float) -> tuple[Samples, npt.NDArray[np.intp]]:
    size, hop = round(WINDOW_S * rate_hz), round(HOP_S * rate_hz)
    if len(samples) < size:
        return np.zeros((0, size)), np.zeros(0, np.intp)
    view = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    return view, np.arange(len(view)) * hop


def _pitch(frames: Samples, rate_hz: float, known: Samples | None) -> tuple[Samples, Samples]:
    """Pitch and its normalised autocorrelation per frame; ``known`` keeps the search within a fifth of the truth."""
    size = frames.shape[1] if frames.ndim == 2 else 0
    if not len(frames):
        return np.zeros(0), np.zeros(0)
    window = np.hanning(size)
    padded = 1 << (2 * size - 1).bit_length()
    centred = (frames - frames.mean(axis=1, keepdims=True)) * window
    own = np.fft.irfft(np.abs(np.fft.rfft(window, padded)) ** 2)[:size]
    auto = np.fft.irfft(np.abs(np.fft.rfft(centred, padded, axis=1)) ** 2, axis=1)[:, :size]
    low, high = int(rate_hz / F0_HZ[1]), min(int(rate_hz / F0_HZ[0]), size // 2 + size // 6)
    ratio = auto[:, : high + 2] / np.maximum(auto[:, :1], 1e-30) / (own[: high + 2] / own[0])
    lags = np.arange(low, high)
    inner = ratio[:, low:high]
    peak = (inner >= ratio[:, low - 1 : high - 1]) & (inner > ratio[:, low + 1 : high + 1])
    score = np.where(peak, inner - OCTAVE_COST * np.log2(F0_HZ[0] * lags / rate_hz), -1.0)
    if known is not None:
        near = np.abs(np.log2(np.maximum(known, 1.0)[:, None] * lags[None, :] / rate_hz)) < 0.26
        score = np.where(near, score, -2.0)
    best = np.argmax(score, axis=1)
    rows = np.arange(len(frames))
    at = best + low
    left, middle, right = ratio[rows, at - 1], ratio[rows, at], ratio[rows, at + 1]
    bend = left - 2.0 * middle + right
    shift = np.where(np.abs(bend) > 1e-12, 0.5 * (left - right) / np.where(bend == 0.0, 1.0, bend), 0.0)
    shift = np.clip(shift, -0.5, 0.5)
    strength = middle - 0.25 * (left - right) * shift
    pitch = rate_hz / (at + shift)
    if known is not None:
        return np.where(known > 0.0, known, 0.0), strength
    return np.where((strength > VOICED) & (score[rows, best] > -1.0), pitch, 0.0), strength


def _perturbation(
    samples: Samples, rate_hz: float, pitch: Samples, voiced: npt.NDArray[np.bool_], starts: npt.NDArray[np.intp]
) -> tuple[float, float]:
    """Jitter (relative) and shimmer (dB) of consecutive cycles, each cycle marked at its greatest peak."""
    marks: list[float] = []
    heights: list[float] = []
    for index in np.flatnonzero(voiced):
        period = rate_hz / pitch[index]
        centre = starts[index] + round(WINDOW_S * rate_hz) // 2
        at = float(centre)
        stop = centre + HOP_S * rate_hz
        if marks and marks[-1] + 0.5 * period > at:
            at = marks[-1] + period
        while at < stop:
            begin = int(at - 0.4 * period)
            piece = samples[begin : int(at + 0.4 * period) + 1]
            if begin < 0 or len(piece) < 3:
                break
            peak = int(np.argmax(piece))
            marks.append(float(begin + peak))
            heights.append(float(piece[peak]))
            at = marks[-1] + period
    if len(marks) < 6:
        return float("nan"), float("nan")
    periods = np.diff(marks)
    height = np.maximum(np.array(heights), 1e-9)
    usual = (periods[1:] / periods[:-1] < 1.5) & (periods[1:] / periods[:-1] > 0.67)
    if not usual.any():
        return float("nan"), float("nan")
    jitter = float(np.mean(np.abs(np.diff(periods))[usual]) / np.mean(periods[1:][usual]))
    shimmer = float(np.mean(np.abs(20.0 * np.log10(height[1:] / height[:-1]))[1:][usual]))
    return jitter, shimmer


def _band_db(power: Samples, f_hz: Samples, low_hz: float, high_hz: float) -> float:
    return float(10.0 * np.log10(power[(f_hz >= low_hz) & (f_hz < high_hz)].sum() + 1e-30))


def _peak_db(power: Samples, f_hz: Samples, low_hz: float, high_hz: float) -> float:
    return float(10.0 * np.log10(power[(f_hz >= low_hz) & (f_hz < high_hz)].max(initial=0.0) + 1e-30))


def spectrogram_db(samples: Samples, rate_hz: float, top_hz: float = 8000.0) -> npt.NDArray[np.float64]:
    """Level of each frequency (rows, low first) over time (columns of 5 ms), dB below the loudest, at least -70."""
    size, hop = round(0.02 * rate_hz), round(0.005 * rate_hz)
    padded = np.pad(np.asarray(samples, np.float64), (0, size))
    view = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    power = np.abs(np.fft.rfft(view * np.hanning(size), axis=1)) ** 2
    kept = power[:, : int(top_hz * size / rate_hz)].T
    return np.asarray(np.maximum(10.0 * np.log10(kept / max(kept.max(initial=0.0), 1e-12) + 1e-12), -70.0))
