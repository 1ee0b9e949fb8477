"""The table of questions: wording, answers and meaning; read by studies, learners and screens.

The wording is English; what a participant reads in another language lies under ``assets/strings`` by the same names.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from robopatient.errors import ConfigError

__all__ = ["QUESTIONS", "Latent", "Question", "question"]

Latent = Literal["mismatch", "naturalness", "congruence", "preference", "pain", "magnitude", "delay", "realism"]
"""What is asked for: heard minus expected intensity, how natural, how well it fits, which of two fits better, felt
pain on a scale, felt intensity in numbers of one's own, whether it came late, which of two looks more real."""

NOISE_SHARE = 0.15
"""SD of an answer over the length of its scale: 0.9 of the 6 steps of a 7-point scale; assumption."""
MAX_MAGNITUDE = 10_000.0
"""Largest number that magnitude estimation takes (assumption: more is a slip of the finger)."""


class Question(msgspec.Struct, frozen=True):
    """One row of the table.

    Attributes
    ----------
    labels
        The answers, from the first; none for a question that is answered with a number of one's own.
    first
        Value of the first answer; the others follow in steps of 1.
    latent
        What is asked for.
    noise_steps
        Nominal SD of the answer, steps.
    """

    name: str
    prompt: str
    labels: tuple[str, ...]
    first: int
    latent: Latent
    noise_steps: float

    @property
    def levels(self) -> int:
        """Number of answers; 0 when any positive number is one."""
        return len(self.labels)

    @property
    def values(self) -> tuple[int, ...]:
        """The answers as numbers, in order."""
        return tuple(range(self.first, self.first + self.levels))

    def read(self, text: str) -> tuple[str, float]:
        """Label and value of an answer given as text, a number or a label.

        Raises
        ------
        ConfigError
            When it is none of the answers.
        """
        said = text.strip()
        if said in self.labels:
            return said, float(self.first + self.labels.index(said))
        try:
            value = float(said)
        except ValueError:
            value = math.nan
        if not self.labels and 0.0 < value <= MAX_MAGNITUDE:
            return f"{value:g}", value
        if value in self.values:
            return self.labels[round(value) - self.first], value
        allowed = ", ".join(map(str, self.values)) or f"a number above 0, at most {MAX_MAGNITUDE:g}"
        raise ConfigError(f'answer "{text}" to question {self.name}: expected {allowed}')


def _noise(levels: int) -> float:
    return NOISE_SHARE * (levels - 1)


QUESTIONS: dict[str, Question] = {
    row.name: row
    for row in (
        Question(
            "signed",
            "How strong was the reaction for this press?",
            (
                "much too weak",
                "too weak",
                "a little too weak",
                "fits",
                "a little too strong",
                "too strong",
                "much too strong",
            ),
            -3,
            "mismatch",
            _noise(7),
        ),
        Question(
            "naturalness",
            "How natural did the reaction sound?",
            ("not at all", "a little", "somewhat", "quite", "fully natural"),
            1,
            "naturalness",
            _noise(5),
        ),
        Question(
            "agree",
            "The reaction matches the force of the press.",
            ("strongly disagree", "disagree", "agree", "strongly agree"),
            1,
            "congruence",
            _noise(4),
        ),
        Question(
            "congruence5",
            "How well did the reaction fit the press?",
            ("not at all", "a little", "somewhat", "well", "perfectly"),
            1,
            "congruence",
            _noise(5),
        ),
        Question(
            "congruence7",
            "How well did the reaction fit the press?",
            ("not at all", "hardly", "a little", "somewhat", "fairly well", "well", "perfectly"),
            1,
            "congruence",
            _noise(7),
        ),
        # Two answers' noise on 7 points (0.9 * sqrt 2); "same" is half a step either side.
        Question(
            "pair",
            "Which reaction fitted the press better?",
            ("the first", "the same", "the second"),
            -1,
            "preference",
            _noise(7) * 2**0.5,
        ),
        Question(
            "nrs",
            "How much pain did the patient show?",
            ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"),
            0,
            "pain",
            _noise(11),
        ),
        Question("late", "Did the reaction come late?", ("no", "yes"), 0, "delay", _noise(2)),
        Question("apart", "Did voice and face belong together in time?", ("together", "apart"), 0, "delay", _noise(2)),
        Question(
            "realism", "Which of the two looked more like a real person?", ("the first", "the second"), 0, "realism",
            _noise(2),
        ),
        Question("magnitude", "How strong was the pain? Give a number.", (), 0, "magnitude", 0.0),
    )
}  # fmt: skip


def question(name: str) -> Question:
    """Row of the table by name.

    Raises
    ------
    ConfigError
        Naming the known questions.
    """
    try:
        return QUESTIONS[name]
    except KeyError:
        raise ConfigError(f"no question {name!r}; choose one of {', '.join(QUESTIONS)}") from None
