"""Cues: what is announced before a press changes the expected pain.

``E(c) = E_base + A sum_j w_j S(c, j) (V_j - E_base)`` and ``V_j += alpha (P - V_j)`` (facts sheet patient_model, 4,
after arXiv 2603.16288, where only explicit learners showed it: A). Similarity scale and weights are assumptions.
"""

from __future__ import annotations

import math
import re
from typing import Annotated

from msgspec import Meta

from robopatient.config import Fraction, Positive
from robopatient.patient.section import PatientSection

__all__ = ["CueMemory", "Cues", "KnownCue", "concept_of"]

CONCEPTS = {
    "comfort": ("not hurt", "no pain", "gentle", "gently", "relax", "soft", "nothing", "easy", "warm"),
    "pain": ("hurt", "pain", "sting", "sharp", "sore", "ouch", "needle", "scalpel", "instrument", "deep", "hard"),
}
"""Words that make an announcement one of a class; the first class that is found counts."""


class KnownCue(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An announcement that the patient has learned to read before the session."""

    words: str
    """As announced (assumption)."""
    expects_nrs: Annotated[float, Meta(ge=0, le=10)]
    """V at the start (assumption)."""


class Cues(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What announcements do to expectation; only in those who are aware of their meaning (arXiv 2603.16288)."""

    aware: bool = True
    """A: whether the patient knows what the cues mean; without it they do nothing (published)."""
    weight: Fraction = 0.5
    """w: share of a cue's own expectation in that of the next press (assumption)."""
    similarity: Positive = 0.3
    """lambda: ``S = exp(-d / lambda)``, d the share of words that two announcements do not have in common
    (assumption); 1 within a class of meaning."""
    learning: Fraction = 0.3
    """alpha of Rescorla and Wagner (assumption)."""
    places: bool = True
    """Whether the place that is pressed is a cue of its own (assumption)."""
    lasts_s: Positive = 15.0
    """How long an announcement counts, unless a press ends it (assumption)."""
    known: tuple[KnownCue, ...] = (
        KnownCue(words="this may hurt", expects_nrs=7.0),
        KnownCue(words="this will not hurt", expects_nrs=1.0),
    )


def concept_of(words: str) -> str:
    """Class of meaning of an announcement: "pain", "comfort" or ""."""
    plain = words.lower()
    return next((name for name, marks in CONCEPTS.items() if any(mark in plain for mark in marks)), "")


class CueMemory:
    """What announcements and places have come to mean, and which of them stand before the next press."""

    def __init__(self, cues: Cues) -> None:
        self.values = {cue.words: cue.expects_nrs for cue in cues.known}
        self.present: tuple[str, ...] = ()
        self._heard: list[tuple[str, float]] = []  # known cues and how like the present ones they are
        self._places: dict[str, float] = {}
        self._cues = cues
        self._left_s = 0.0

    def announce(self, words: str) -> None:
        """Something is said, or shown, before a press."""
        self.present = (*(one for one in self.present if one != words), words)
        self._left_s = self._cues.lasts_s
        # Once an announcement, not once a frame: it is the dearest computation of the whole patient.
        self._heard = [(known, max(self.similarity(cue, known) for cue in self.present)) for known in self.values]

    def step(self, dt_s: float) -> None:
        """Let time pass."""
        if self.present:
            self._left_s -= dt_s
            if self._left_s <= 0.0:
                self._forget()

    def expected(self, base_nrs: float, place: str) -> float:
        """Expectation of a press here, now, NRS."""
        if not self._cues.aware:
            return base_nrs
        pulls = [(similar, self.values[known]) for known, similar in self._heard]
        if self._cues.places and place in self._places:
            pulls.append((1.0, self._places[place]))
        total = max(1.0, sum(similar for similar, _ in pulls))  # so that many cues do not count more than the whole
        return base_nrs + self._cues.weight * sum(similar * (value - base_nrs) for similar, value in pulls) / total

    def press_ended(self, pain_nrs: float, place: str, base_nrs: float) -> bool:
        """Learn from the pain of a press; True when it contradicted what was announced."""
        against = False
        for cue in self.present:
            value = self.values.get(cue, self.expected(base_nrs, ""))
            against = against or (value - base_nrs) * (pain_nrs - base_nrs) < 0.0
            self.values[cue] = value + self._cues.learning * (pain_nrs - value)
        if self._cues.places and place:
            value = self._places.get(place, base_nrs)
            self._places[place] = value + self._cues.learning * (pain_nrs - value)
        self._forget()
        return against and self._cues.aware

    def similarity(self, one: str, other: str) -> float:
        """S of two announcements, 0 to 1."""
        concept = concept_of(one)
        if one == other or (concept and concept == concept_of(other)):
            return 1.0
        if concept and concept_of(other):
            return 0.0  # "this will not hurt" shares most of its words with its opposite
        mine, theirs = _words(one), _words(other)
        apart = 1.0 - len(mine & theirs) / len(mine | theirs) if mine | theirs else 1.0
        return math.exp(-apart / self._cues.similarity)

    def _forget(self) -> None:
        self.present, self._heard = (), []


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))
