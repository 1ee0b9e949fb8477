"""Who chooses what a trial presents when it begins: a staircase here, or a learner that works in another process.

The trial machine asks for the next trial, tells every row, and takes answers back; it never waits for a choice.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from robopatient.messages import TrialRecord
from robopatient.study.staircase import Staircase, StaircaseConfig
from robopatient.study.trials import Factors

__all__ = ["LEARNER", "Chooser", "LearnerChooser", "StaircaseChooser", "Suggestion"]

LEARNER = "learner"
"""What ``Trial.staircase`` says of a trial that a learner chooses."""


class Suggestion(msgspec.Struct, frozen=True):
    """Argument of the action "suggest", as JSON: how the policy is to act, and in which trial.

    Attributes
    ----------
    label
        Goes into ``Expression.policy``.
    observed, action
        At what is observed act so, physical units by name; an empty action ends the suggestion.
    trial
        Number of the trial that this is for; -1 for none, and in records of 0.1.
    factors
        What that trial presents and asks, for the row and the operator.
    least_nrs
        A press that shows less pain is no trial: it comes again.
    """

    label: str = ""
    observed: dict[str, float] = {}
    action: dict[str, float] = {}
    trial: int = -1
    factors: Factors = {}
    least_nrs: float = 0.0


class Chooser(Protocol):
    """Chooses the levels that a list leaves open."""

    def choose(self, number: int) -> Factors | None:
        """Levels of a trial about to begin; None: not chosen yet, ask again in the next turn."""
        ...

    def tell(self, row: TrialRecord) -> None:
        """The newest row of a trial of this chooser, whatever its status."""
        ...

    def forget(self) -> None:
        """An answer was taken back or corrected: begin anew; the rows in force are told next."""
        ...


class StaircaseChooser:
    """A staircase, which has always chosen."""

    def __init__(self, config: StaircaseConfig, name: str) -> None:
        self._config, self._name = config, name
        self.forget()

    def choose(self, number: int) -> Factors | None:
        """The level whose answer teaches most."""
        del number
        return {self._config.factor: self.staircase.next()}

    def tell(self, row: TrialRecord) -> None:
        """Learn from an answer."""
        if row.status == "done":
            self.staircase.tell(float(row.factors[self._config.factor]), row.response_value)

    def forget(self) -> None:
        """Before the first answer."""
        self.staircase = Staircase(self._config, self._name)


class LearnerChooser:
    """What is known here of a learner in another process.

    Attributes
    ----------
    answers
        How many answers it has taken in; -1 before it has said so.
    least_nrs
        Of the trial chosen last.
    """

    def __init__(self) -> None:
        self.answers = -1
        self.least_nrs = 0.0
        self._next: Suggestion | None = None

    def suggest(self, suggestion: Suggestion) -> None:
        """It has chosen."""
        self._next = suggestion

    def choose(self, number: int) -> Factors | None:
        """What it has chosen for this trial."""
        if self._next is None or self._next.trial != number:
            return None
        self.least_nrs = self._next.least_nrs
        return dict(self._next.factors)

    def tell(self, row: TrialRecord) -> None:
        """A choice serves until it is answered or set aside; a press too light to hurt does not use it up."""
        if row.status != "missed":
            self._next = None

    def forget(self) -> None:
        """What it had chosen followed from an answer that no longer counts."""
        self._next = None
