"""Types that pass between the set-up window of a study and its checks."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Begin", "Checked", "Leave", "Offer", "StudyCheck", "StudyChoices"]


class StudyChoices(msgspec.Struct, frozen=True, tag=True):
    """What the operator has chosen so far; "" leaves it to the study."""

    study: str = ""
    participant: str = ""
    session: int = 1
    language: str = "english"
    patient: str = ""
    voice: str = ""
    face: str = ""
    board: str = "virtual"
    calibration: str = ""
    screen: str = ""


class Offer(msgspec.Struct, frozen=True, tag=True):
    """What there is to choose from: values and what is said of them."""

    studies: tuple[tuple[str, str], ...]
    languages: tuple[str, ...]
    patients: tuple[str, ...]
    voices: tuple[str, ...]
    faces: tuple[str, ...]
    boards: tuple[tuple[str, str], ...]
    calibrations: tuple[str, ...]
    chosen: StudyChoices


class StudyCheck(msgspec.Struct, frozen=True):
    """One line of the list before the start; "bad" forbids it."""

    thing: str
    state: Literal["ok", "warn", "bad", "off"]
    text: str
    mend: str = ""


class Checked(msgspec.Struct, frozen=True, tag=True):
    """The list for these choices, and whether a session may begin or go on."""

    choices: StudyChoices
    checks: tuple[StudyCheck, ...]
    may_begin: bool
    goes_on: bool = False


class Begin(msgspec.Struct, frozen=True, tag=True):
    """Start with these."""

    choices: StudyChoices
    goes_on: bool = False


class Leave(msgspec.Struct, frozen=True, tag=True):
    """The window was closed."""
