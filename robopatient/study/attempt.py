"""One attempt at a trial: its events so far, and its row."""

from __future__ import annotations

import math

from robopatient.messages import TrialRecord
from robopatient.study.study import SessionPlan
from robopatient.study.trials import Factors, Stimulus, Trial

__all__ = ["Attempt"]

SILENT_DBFS = -120.0
"""Level of a reaction that was not heard."""


class Attempt:
    """A trial under way; the machine writes into it.

    Attributes
    ----------
    opened_ns, triggered_ns, asked_ns, ended_ns
        Turns of the loop in which the window opened, the reaction began, the question appeared, the reaction was over.
    trigger_ns, trigger_seq
        Time and number of the force frame that set off the reaction.
    worst_nrs, least_nrs
        Largest pain shown in the press, and what it must reach to be a trial at all.
    trace
        Time since the trigger, force and slope of the press, kept where it may be presented again.
    """

    def __init__(self, number: int, block: int, trial: Trial, factors: Factors, stimulus: Stimulus) -> None:
        self.number, self.block, self.trial = number, block, trial
        self.factors, self.stimulus = factors, stimulus
        self.attempt = 0
        self.corrects = -1
        self.opened_ns = 0
        self.trigger_ns = self.command_ns = self.triggered_ns = 0
        self.trigger_seq = -1
        self.force_at_trigger = self.peak = 0.0
        self.worst_nrs = self.least_nrs = 0.0
        self.left_ns = 0
        self.ended_ns = 0
        self.asked_ns = 0
        self.replays = 0
        self.flags: list[str] = []
        self.trace: list[tuple[int, float, float]] = []

    def flag(self, word: str) -> None:
        """Note what was unusual, once."""
        if word not in self.flags:
            self.flags.append(word)

    def pressed(self, since_ns: int) -> tuple[float, float]:
        """Force and slope of the kept press, so long after its trigger; nothing after its end."""
        for when_ns, newton, slope in self.trace:
            if when_ns >= since_ns:
                return newton, slope
        return 0.0, 0.0

    def row(
        self, plan: SessionPlan, status: str, question: str, t_ns: int, label: str, value: float, given_ns: int
    ) -> TrialRecord:
        """The attempt as a row, without what was presented; ``given_ns`` is 0 without an answer."""
        person = plan.person
        first = plan.first_of(self.block)
        return TrialRecord(
            t_ns=t_ns,
            study=plan.study,
            design_sha256=plan.sha256,
            participant=person.code,
            session=person.session,
            block=self.block,
            trial=self.number,
            attempt=self.attempt,
            kind=self.trial.kind,
            repeat_of=first + self.trial.repeat_of if self.trial.repeat_of >= 0 else -1,
            factors=self.factors,
            status=status,
            question=question,
            response=label,
            response_value=value,
            response_time_s=(given_ns - self.asked_ns) * 1e-9 if given_ns else math.nan,
            response_ns=given_ns,
            trigger_ns=self.trigger_ns,
            command_ns=self.command_ns,
            sound_ns=0,
            frame_ns=0,
            force_at_trigger_newton=self.force_at_trigger,
            peak_newton=self.peak,
            f0_hz=0.0,
            level_dbfs=SILENT_DBFS,
            au={},
            pspi=0.0,
            replays=self.replays,
            flags=tuple(self.flags),
            seed=person.seed,
            corrects=self.corrects,
        )
