"""Chooses when the patient speaks words: answers to questions, and interjections caused by pain.

Pure, without process or device: commands and answers in, requested utterances out.
"""

from __future__ import annotations

from collections import deque
from typing import Annotated, NamedTuple

import numpy as np
from msgspec import Meta

from robopatient.config import Config, asset_path, decode_toml
from robopatient.messages import Said, VoiceCommand
from robopatient.voice.identity import VoiceIdentity

__all__ = ["Interjections", "SpeechChoice", "SpeechRequest", "load_interjections"]

NEVER_NRS = 11.0
WORST_NRS = 8.5
"""Pain from which the words plead instead of describe (assumption)."""
HELD_NS = 700_000_000
"""Delay from the onset of pain (the first cry) to spoken words (assumption)."""
LET_GO = 0.5
"""Share of its peak to which pain must have fallen before the patient says that it is over."""
CHANCE = 0.7
"""Probability that the patient speaks at an occasion (assumption)."""
STREAM = 77
Lines = Annotated[tuple[str, ...], Meta(min_length=1)]


class Interjections(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file of interjections: while it hurts, when it is nearly the worst, when it has let go."""

    hurts: Lines
    worst: Lines
    after: Lines


class SpeechRequest(NamedTuple):
    """Words to be spoken: why ("answer" or "interjection"), and the pain that shapes their prosody."""

    text: str
    nrs: float
    why: str


def load_interjections(name: str = "english") -> Interjections:
    """Interjections of ``assets/interjections`` or of a user's file; errors name the file and the key."""
    return decode_toml(asset_path("interjections", name), Interjections)


class SpeechChoice:
    """One patient's occasions to speak; equal seeds, commands and answers give equal words."""

    def __init__(self, who: VoiceIdentity, lines: Interjections, seed: int, *, interjects: bool = True) -> None:
        self._from_nrs = who.interjects_from_nrs if interjects else NEVER_NRS
        self._every_ns = round(who.interjects_every_s * 1e9)
        self._lines = lines
        self._random = np.random.default_rng([seed, who.seed, STREAM])
        self._requests: deque[SpeechRequest] = deque()
        self._nrs = 0.0
        self._hushed = False
        self._since_ns: int | None = None
        self._peak_nrs = 0.0
        self._next_ns = 0
        self._last = ""

    def rehearsal(self) -> list[SpeechRequest]:
        """All interjections at the pains at which they may come, so that they can be prepared."""
        if self._from_nrs >= NEVER_NRS:
            return []
        first = round(self._from_nrs)
        pains = {"hurts": range(first, round(WORST_NRS) + 1), "worst": (9, 10), "after": (2,)}
        return [
            SpeechRequest(text, float(nrs), "interjection")
            for kind, levels in pains.items()
            for nrs in levels
            for text in getattr(self._lines, kind)
        ]

    def hear(self, message: VoiceCommand | Said) -> None:
        """Take in what is asked of the voice, or what was answered."""
        if isinstance(message, Said):
            if message.text and not self._hushed:
                self._requests.append(SpeechRequest(message.text, float(round(self._nrs)), "answer"))
                self._next_ns = max(self._next_ns, message.t_ns + self._every_ns)
            return
        self._nrs, self._hushed = message.nrs, message.hush
        if message.hush:
            self._since_ns, self._peak_nrs = None, 0.0
            self._requests.clear()
            return
        if message.nrs >= self._from_nrs:
            self._since_ns = message.t_ns if self._since_ns is None else self._since_ns
            self._peak_nrs = max(self._peak_nrs, message.nrs)
            if message.phase != "release" and message.t_ns - self._since_ns >= HELD_NS:
                self._interject("worst" if message.nrs >= WORST_NRS else "hurts", message)
        elif self._since_ns is not None and message.nrs < LET_GO * self._peak_nrs:
            self._interject("after", message)
            self._since_ns, self._peak_nrs = None, 0.0

    def take(self) -> SpeechRequest | None:
        """The next words to be said, if any are due."""
        return self._requests.popleft() if self._requests else None

    def _interject(self, kind: str, command: VoiceCommand) -> None:
        if command.t_ns < self._next_ns or self._requests:
            return
        self._next_ns = command.t_ns + round(self._every_ns * (1.0 + 0.5 * self._random.random()))
        if self._random.random() > CHANCE:
            return
        lines = [line for line in getattr(self._lines, kind) if line != self._last] or list(getattr(self._lines, kind))
        self._last = lines[int(self._random.integers(len(lines)))]
        nrs = 2.0 if kind == "after" else float(round(command.nrs))
        self._requests.append(SpeechRequest(self._last, nrs, "interjection"))
