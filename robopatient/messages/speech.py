"""What the patient answers, and which words sound."""

from __future__ import annotations

from robopatient.messages.flow import Message

__all__ = [
    "Said",
    "Spoken",
]


class Said(Message, frozen=True, gc=False):
    """What the patient answered.

    Attributes
    ----------
    question
        What was asked: "nrs", "where", "quality", "feeling", "history", or the words that were not understood.
    text
        The answer in the patient's words.
    nrs
        Number given, 0 to 10, or -1 when none was.
    refused
        Whether the patient would not or could not answer.
    felt_nrs
        Felt pain at that moment: the truth beside the report.
    words
        Descriptors in the answer.
    """

    t_ns: int
    cause_seq: int
    question: str
    text: str
    nrs: int = -1
    refused: bool = False
    felt_nrs: float = 0.0
    words: tuple[str, ...] = ()


class Spoken(Message, frozen=True, gc=False):
    """Words that began to sound in the patient's voice: with the commands, enough to render the session again.

    Attributes
    ----------
    t_ns
        When their block left the DAC.
    block
        In which they began: an index as in ``Heard``.
    why
        "answer" (to a question) or "interjection" (the pain's own words).
    nrs
        Pain from which their prosody was made.
    seconds
        How long they are; a sudden pain may cut them short.
    sha256
        Of their samples.
    """

    t_ns: int
    cause_seq: int
    block: int
    text: str
    why: str
    nrs: float
    seconds: float
    sha256: str
