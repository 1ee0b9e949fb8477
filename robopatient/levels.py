"""Limits and thresholds that more than one part keeps to, and conversions of sound: dB, linear gain, semitones, Hz."""

from __future__ import annotations

import math

__all__ = [
    "CALLING_DB", "CONTACT_NEWTON", "HAND_OFF_NEWTON", "INAUDIBLE_DB", "MAX_INTENSITY", "MAX_NRS", "MAX_PSPI",
    "SILENCE_DB", "SILENCE_DBFS", "db_to_gain", "gain_to_db", "hz_to_semitones", "semitones_to_ratio",
]  # fmt: skip

MAX_NRS = 10.0
"""Top of the numeric rating scale."""
MAX_INTENSITY = 5.0
"""Top of the FACS intensity scale, E."""
MAX_PSPI = 16.0
"""Top of the Prkachin and Solomon pain intensity: AU4 5, AU6/7 5, AU9/10 5, AU43 1."""
CONTACT_NEWTON = 2.0
"""Least total force whose place is told, and below which drift of the zero is looked for."""
HAND_OFF_NEWTON = 1.2
"""Total force below which the abdomen is untouched: the end of a press on the published rigs."""
INAUDIBLE_DB = -60.0
"""Lowest level that is asked of a voice, dB below its loudest cry: silence is meant."""
CALLING_DB = -55.0
"""Asked level above which a voice calls: 5 dB above ``INAUDIBLE_DB``, because a level on its way to silence or out of
it begins no call (assumption)."""
SILENCE_DBFS = -60.0
"""Lower end of the curves of level that are drawn; what is quieter is drawn as silence."""
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
