"""Negative controls: the same clips with face or voice spoilt in one way, the pain behind them kept.

A judge that finds as much in what was spoilt has not looked at it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from experiments.judges.clips import Clip, pspi_of

__all__ = ["CONTROLS", "FACE_CONTROLS", "SHUFFLED", "VOICE_CONTROLS", "control"]

SHUFFLED = "shuffled time"
GRAIN_S = 0.05
"""Length of the pieces of sound that change places: shorter than a call, longer than a cycle of any voice."""
MOAN_S = 0.3

Spoil = Callable[[Clip], np.ndarray]
"""Makes the spoilt face or sound of a clip."""
Control = Callable[[list[Clip], np.random.Generator], Spoil]
"""Built once from all clips."""


def _shuffled_frames(company: list[Clip], rng: np.random.Generator) -> Spoil:
    return lambda clip: clip.au[rng.permutation(len(clip.au))]


def _mean_face(company: list[Clip], rng: np.random.Generator) -> Spoil:
    mean = np.mean([one.au.mean(axis=0) for one in company], axis=0).astype(np.float32)
    return lambda clip: np.tile(mean, (len(clip.au), 1))


def _constant_grimace(company: list[Clip], rng: np.random.Generator) -> Spoil:
    """The strongest face of all, held."""
    peaks = [(course.max(), one.au[course.argmax()]) for one in company for course in [pspi_of(one.au)]]
    strongest = max(peaks, key=lambda peak: peak[0])[1]
    return lambda clip: np.tile(strongest, (len(clip.au), 1))


def _amplitude_only(company: list[Clip], rng: np.random.Generator) -> Spoil:
    """The right sum of intensities at every frame, spread evenly over all units: size without shape."""
    return lambda clip: np.repeat(clip.au.mean(axis=1, keepdims=True), clip.au.shape[1], axis=1)


FACE_CONTROLS: dict[str, Control] = {
    SHUFFLED: _shuffled_frames,
    "mean face": _mean_face,
    "constant grimace": _constant_grimace,
    "amplitude only": _amplitude_only,
}


def _shuffled_sound(company: list[Clip], rng: np.random.Generator) -> Spoil:
    """Overlapping grains of sound in another order, crossfaded."""

    def spoil(clip: Clip) -> np.ndarray:
        hop = round(GRAIN_S * clip.rate_hz)
        window = np.hanning(2 * hop + 1)[:-1]
        spoilt = np.zeros(len(clip.sound))
        for place, grain in enumerate(rng.permutation(len(clip.sound) // hop - 1)):
            spoilt[place * hop : (place + 2) * hop] += window * clip.sound[grain * hop : (grain + 2) * hop]
        return spoilt.astype(np.float32)

    return spoil


def _constant_moan(company: list[Clip], rng: np.random.Generator) -> Spoil:
    """The loudest third of a second of the middle clip that sounds, again and again, in every clip alike."""
    sounding = sorted((one for one in company if np.any(one.sound)), key=lambda one: one.nrs)
    middle = sounding[len(sounding) // 2]
    size = round(MOAN_S * middle.rate_hz) // 2 * 2
    power = np.convolve(middle.sound.astype(float) ** 2, np.ones(size), "valid")
    moan = np.hanning(size + 1)[:-1] * middle.sound[power.argmax() : power.argmax() + size]

    def spoil(clip: Clip) -> np.ndarray:
        spoilt = np.zeros(len(clip.sound) + size)
        for start in range(0, len(clip.sound), size // 2):
            spoilt[start : start + size] += moan
        return spoilt[: len(clip.sound)].astype(np.float32)

    return spoil


def _level_only(company: list[Clip], rng: np.random.Generator) -> Spoil:
    """Noise as loud as the voice at every moment: size without pitch or colour."""

    def spoil(clip: Clip) -> np.ndarray:
        hop = round(GRAIN_S * clip.rate_hz)
        power = np.convolve(clip.sound.astype(float) ** 2, np.ones(hop) / hop, "same")
        return (np.sqrt(np.maximum(power, 0.0)) * rng.standard_normal(len(clip.sound))).astype(np.float32)

    return spoil


VOICE_CONTROLS: dict[str, Control] = {
    SHUFFLED: _shuffled_sound,
    "constant moan": _constant_moan,
    "level only": _level_only,
}
CONTROLS: dict[str, tuple[str, dict[str, Control]]] = {
    "face": ("au", FACE_CONTROLS),
    "voice": ("sound", VOICE_CONTROLS),
}
"""Of each sense: the field of a clip that is spoilt, and how."""


def control(name: str, clips: list[Clip], seed: int, sense: str = "face") -> list[Clip]:
    """Clips spoilt in the named way."""
    field, controls = CONTROLS[sense]
    spoil = controls[name](clips, np.random.default_rng(seed))
    return [msgspec.structs.replace(clip, **{field: spoil(clip)}) for clip in clips]
