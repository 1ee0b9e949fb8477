"""Progress through a trial list, rebuilt from its rows: trials left, attempts per trial, what choosers were told."""

from __future__ import annotations

from collections.abc import Sequence

from robopatient.errors import ConfigError
from robopatient.messages import TrialRecord
from robopatient.study.chooser import LEARNER, Chooser, LearnerChooser, StaircaseChooser
from robopatient.study.study import SessionPlan, Study
from robopatient.study.trials import Factors

__all__ = ["Log"]


class Log:
    """The rows of a session so far; replaying the same rows gives the same state.

    Raises
    ------
    ConfigError
        When a row belongs to another study, design, participant or session.
    """

    def __init__(self, study: Study, plan: SessionPlan, rows: Sequence[TrialRecord] = ()) -> None:
        self.plan = plan
        self._trials = plan.trials
        self._practice = {number for number, trial in enumerate(self._trials) if trial.kind == "practice"}
        self._attempts: dict[int, int] = {}
        self._done: dict[int, TrialRecord | None] = {}
        self._staircases = {name: StaircaseChooser(config, name) for name, config in study.file.staircases.items()}
        self.learner = LearnerChooser() if any(trial.staircase == LEARNER for trial in self._trials) else None
        for row in rows:
            self._check(row)
            self.add(row)

    def add(self, row: TrialRecord) -> None:
        """One more row, the newest."""
        self._attempts[row.trial] = max(self._attempts.get(row.trial, 0), row.attempt + 1)
        chooser = self._chooser(row.trial)
        if row.status == "done" and row.trial in self._done:
            self._done.pop(row.trial)  # what is answered anew is now the newest answer
            self._done[row.trial] = row
            self._retell(chooser)
            return
        if row.status == "done":
            self._done[row.trial] = row
        if chooser is not None:
            chooser.tell(row)

    def take_back(self, number: int) -> None:
        """The answer of a trial no longer counts."""
        del self._done[number]
        self._retell(self._chooser(number))

    def in_force(self, answers: int) -> None:
        """The learner holds so many answers, perhaps of earlier sittings: these trials are done, and no others."""
        self._done = {number: self._done.get(number) for number in range(min(answers, len(self._trials)))}

    @property
    def waiting(self) -> bool:
        """Whether the learner has not taken in yet what was answered."""
        return self.learner is not None and self.learner.answers < len(self._done)

    @property
    def newest(self) -> tuple[int, Factors] | None:
        """Number and levels of the trial answered last; no levels where an earlier sitting asked it."""
        if not self._done:
            return None
        number, row = next(reversed(self._done.items()))
        return number, dict(row.factors) if row is not None else {}

    def left(self, block: int) -> list[int]:
        """Numbers of a block's trials that are not done, in order."""
        first = self.plan.first_of(block)
        numbers = range(first, first + len(self.plan.blocks[block].trials))
        return [number for number in numbers if number not in self._done]

    def attempts(self, number: int) -> int:
        """How often a trial was tried."""
        return self._attempts.get(number, 0)

    def is_done(self, number: int) -> bool:
        """Whether a trial has an answer."""
        return number in self._done

    def factors(self, number: int) -> Factors | None:
        """Levels of a trial about to begin; None while its chooser has not chosen."""
        trial, chooser = self._trials[number], self._chooser(number)
        chosen = chooser.choose(number) if chooser is not None else {}
        return None if chosen is None else {**trial.factors, **chosen}

    def estimates(self) -> dict[str, tuple[float, float]]:
        """Threshold and SD of every staircase."""
        return {name: chooser.staircase.estimate() for name, chooser in self._staircases.items()}

    def progress(self, practice: bool) -> tuple[int, int]:
        """Trials done and trials in all, of practice or of what counts."""
        done = len(self._practice & self._done.keys())
        if practice:
            return done, len(self._practice)
        return len(self._done) - done, len(self._trials) - len(self._practice)

    def _chooser(self, number: int) -> Chooser | None:
        name = self._trials[number].staircase
        return self.learner if name == LEARNER else self._staircases[name] if name else None

    def _retell(self, chooser: Chooser | None) -> None:
        """Answers in force, oldest first, after one was corrected or taken back."""
        if chooser is None:
            return
        chooser.forget()
        for number, row in self._done.items():
            if row is not None and self._chooser(number) is chooser:
                chooser.tell(row)

    def _check(self, row: TrialRecord) -> None:
        plan = self.plan
        expected = (plan.study, plan.person.code, plan.person.session)
        if (row.study, row.participant, row.session) != expected:
            raise ConfigError(
                f"the record to go on with is of study {row.study}, participant {row.participant}, session "
                f"{row.session}; this session is of {plan.study}, {plan.person.code}, {plan.person.session}: name its "
                "own folder with --resume"
            )
        if row.design_sha256 != plan.sha256 or row.trial >= len(self._trials):
            raise ConfigError(
                f"the record to go on with has another design ({row.design_sha256[:12]}, now {plan.sha256[:12]}): "
                "the study's files or the seed have changed since; restore them, or begin this session anew under "
                "another code"
            )
