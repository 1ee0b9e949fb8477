"""Limits and thresholds that more than one part keeps to, and conversions of sound: dB, linear gain, semitones, Hz."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Literal, NamedTuple, Self

__all__ = [
    "CALLING_DB",
    "CONTACT_NEWTON",
    "FLAGS",
    "HAND_OFF_NEWTON",
    "INAUDIBLE_DB",
    "MAX_INTENSITY",
    "MAX_NRS",
    "MAX_PSPI",
    "QUIET_FLAGS",
    "SILENCE_DB",
    "SILENCE_DBFS",
    "UNTOLD",
    "Flag",
    "db_to_gain",
    "gain_to_db",
    "hz_to_semitones",
    "semitones_to_ratio",
]


class FlagMeaning(NamedTuple):
    """What a flag means, and who has to do with it.

    Attributes
    ----------
    text
        The meaning, for the operator.
    of
        What carries it: a frame, which is flagged by the sensing; a frame flagged by the loop; or a press.
    in_trial
        Whether it belongs into the row of a study's trial.
    alert, advice
        How the console's banner shows it, and in which words; "off": not at all.
    """

    text: str
    of: Literal["frame", "loop", "press"] = "frame"
    in_trial: bool = False
    alert: Literal["off", "warn", "bad"] = "off"
    advice: str = ""


class Flag(StrEnum):
    """Words about the quality of a force that a force frame or a press may carry, each with its meaning.

    A spike is repaired and a silent board has a light of its own: neither has a banner.
    """

    meaning: FlagMeaning

    def __new__(cls, word: str, meaning: FlagMeaning) -> Self:
        """A word that is equal to the plain string, as the record holds it."""
        flag = str.__new__(cls, word)
        flag._value_ = word
        flag.meaning = meaning
        return flag

    SPIKE = "spike", FlagMeaning("A reading that jumped and came back at once was dropped.", in_trial=True)
    OVERLOAD = (
        "overload",
        FlagMeaning(
            "The total force is above sensing.limit_newton, or a cell is above its capacity.",
            in_trial=True,
            alert="bad",
            advice="Force above the limit: ease off",
        ),
    )
    SATURATED = (
        "saturated",
        FlagMeaning(
            "A cell is at the end of its converter's range: the true force is larger.",
            in_trial=True,
            alert="bad",
            advice="A load cell is saturated: its force is not known",
        ),
    )
    DEAD_CELL = (
        "dead_cell",
        FlagMeaning(
            "A cell does not answer: the total is too small and the place of the hand unknown.",
            in_trial=True,
            alert="bad",
            advice="A load cell does not answer: force and site are wrong",
        ),
    )
    UNTARED = (
        "untared",
        FlagMeaning(
            "The zero is that of the calibration file: no quiet moment has been found yet to set a new one.",
            in_trial=True,
            alert="warn",
            advice="Not tared: lift the hand and press Tare (T)",
        ),
    )
    CLOCK_UNSYNCED = (
        "clock_unsynced",
        FlagMeaning(
            "The board's clock is not mapped to this computer's: times are those of arrival.",
            in_trial=True,
            alert="warn",
            advice="The board's clock is not yet matched: latencies are estimates",
        ),
    )
    HEAVY = "heavy", FlagMeaning("The total force is above sensing.warn_newton.")
    EARLY_CONTACT = (
        "early_contact",
        FlagMeaning(
            "The hand lay on the abdomen when the session began.",
            alert="warn",
            advice="Touched during the tare: lift the hand and press Tare (T)",
        ),
    )
    STALE = "stale", FlagMeaning("No fresh frame from the board: the force is taken as zero.", of="loop")
    PAUSED = "paused", FlagMeaning("The session is not running: the force is not felt.", of="loop")
    SPLIT = "split", FlagMeaning("The hand went on from or to another press without leaving the abdomen.", of="press")
    BRIEF = "brief", FlagMeaning("Shorter than 50 ms, rather a touch or a glitch than a palpation.", of="press")
    INTERRUPTED = "interrupted", FlagMeaning("The frames stopped before the hand let go.", of="press")
    NO_SITE = "no_site", FlagMeaning("The place is unknown; x_mm and y_mm are 0 and the region is empty.", of="press")


FLAGS: dict[str, FlagMeaning] = {flag.value: flag.meaning for flag in Flag}
"""Meaning by word."""
QUIET_FLAGS: frozenset[str] = frozenset(flag for flag in Flag if flag.meaning.of == "loop")
"""Of frames that tell nothing about the hand: pain fades."""

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
UNTOLD = -1.0
"""A breath that nobody tells: voice and face then breathe each by itself."""
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
