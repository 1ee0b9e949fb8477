"""Conversions between the units of sound: dB, linear gain, semitones, Hz."""

from __future__ import annotations

import math

__all__ = ["db_to_gain", "gain_to_db", "hz_to_semitones", "semitones_to_ratio"]

SILENCE_DB = -120.0
"""What a gain of 0 is called in dB: below the quantisation step of 20 bits (20 log10 2^-20 = -120.4)."""


def db_to_gain(level_db: float) -> float:
    """Amplitude ratio of a level in dB; ``SILENCE_DB`` and below give exactly 0."""
    return 0.0 if level_db <= SILENCE_DB else 10.0 ** (level_db / 20.0)


def gain_to_db(gain: float) -> float:
    """Level in dB of an amplitude ratio; never below ``SILENCE_DB``."""
    return SILENCE_DB if gain <= 0.0 else max(SILENCE_DB, 20.0 * math.log10(gain))


def semitones_to_ratio(semitones: float) -> float:
    """Frequency ratio of an interval of equal temperament."""
    return 2.0 ** (semitones / 12.0)


def hz_to_semitones(f_hz: float, reference_hz: float) -> float:
    """Interval from ``reference_hz`` up to ``f_hz``."""
    return 12.0 * math.log2(f_hz / reference_hz)
