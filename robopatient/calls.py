"""The calls of a voice, once: what each is called, how much pain it tells, and what sets its sound apart.

A new call is a row at the end of ``TABLE``: recordings and compiled code hold the number of a row. What it does beyond
the numbers of its row is in ``robopatient/voice/gestures.py``.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BREATHS", "STRENGTHS", "TABLE", "Call"]


class Call(NamedTuple):
    """One call; every number from ``mouth`` on is over the vowel of the pain that the voice shows.

    Moan, grunt and sigh after the presets of soundgen, groan and suppressed pain after their descriptions; proposals.

    Attributes
    ----------
    name
        What ``Heard.call`` says, and ``VoiceAsk.call`` where it is no breath.
    strength
        Pain that it tells: 0 none (breathing), 1 slight, 2 moderate, 3 severe (assumption).
    mouth
        Pain, 0 to 1, whose mouth it has when it is asked for by name.
    longer
        Length over the usual.
    higher
        Pitch over the usual, semitones.
    closing
        How far the mouth closes at its end; -1: as pain has it.
    nasal, rough, breathy
        Added to what pain and the person have.
    lax
        Rd added (Fant's shape of the glottal pulse: larger is laxer).
    """

    name: str
    strength: int
    mouth: float = 0.0
    longer: float = 1.0
    higher: float = 0.0
    closing: float = -1.0
    nasal: float = 0.0
    rough: float = 0.0
    breathy: float = 0.0
    lax: float = 0.0


TABLE: tuple[Call, ...] = (
    #    name        strength mouth longer higher closing nasal rough breathy lax
    Call("silent", 0),
    Call("breath", 0),
    Call("inhale", 0),
    Call("gasp", 1, 0.6),
    Call("sigh", 1, 0.03, 1.5, -2.0, 0.25, -0.5, 0.0, 0.35, 0.6),
    Call("mm", 1, 0.12, 1.0, 0.0, -1.0, 0.3),
    Call("suppressed", 1, 0.25, 1.2, -1.0, 0.3, 0.9, 0.05, -0.1, -0.5),
    Call("grunt", 2, 0.3, 0.4, -3.0, 0.1, 0.0, 0.15, 0.0, -0.3),
    Call("moan", 2, 0.35),
    Call("groan", 2, 0.4, 1.5, -3.5, 0.3, 0.05, 0.2, 0.0, -0.2),
    Call("ah", 3, 0.6, 0.8, 0.0, 0.0),
    Call("ow", 3, 0.65, 1.0, 0.0, 0.9),
    Call("ouch", 3, 0.65, 0.7, 0.5, 0.75),
    Call("cry", 3, 0.65),
    Call("scream", 3, 1.0, 1.0, 0.0, 0.0),
    Call("whimper", 2, 0.35),
)
"""The place of a row is the code used inside; codes do not change."""
STRENGTHS: dict[str, int] = {call.name: call.strength for call in TABLE if call.strength}
"""How much pain each call tells, 1 to 3."""
BREATHS = frozenset(call.name for call in TABLE if not call.strength)
"""Breathing, which is no call."""
