"""Progress through a trial list, rebuilt from its rows: trials left, attempts per trial, staircases."""

from __future__ import annotations

from collections.abc import Sequence

from robopatient.errors import ConfigError
from robopatient.messages import TrialRecord
from robopatient.study.staircase import Staircase
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
        self._configs = study.file.staircases
        self._attempts: dict[int, int] = {}
        self._done: dict[int, TrialRecord] = {}
        self._staircases = {name: Staircase(config, name) for name, config in self._configs.items()}
        for row in rows:
            self._check(row)
            self.add(row)

    def add(self, row: TrialRecord) -> None:
        """One more row, the newest."""
        self._attempts[row.trial] = max(self._attempts.get(row.trial, 0), row.attempt + 1)
        if row.status != "done":
            return
        again = row.trial in self._done
        self._done.pop(row.trial, None)  # what is answered anew is now the newest answer
        self._done[row.trial] = row
        name = self._trials[row.trial].staircase
        if not name:
            return
        if again:
            self._staircases[name] = Staircase(self._configs[name], name)
            for old in self._done.values():
                if self._trials[old.trial].staircase == name:
                    self._update_staircase(name, old)
        else:
            self._update_staircase(name, row)

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

    def factors(self, number: int) -> Factors:
        """Levels of a trial about to begin; a staircase chooses its own now."""
        trial = self._trials[number]
        if not trial.staircase:
            return dict(trial.factors)
        staircase = self._staircases[trial.staircase]
        return {**trial.factors, staircase.config.factor: staircase.next()}

    def estimates(self) -> dict[str, tuple[float, float]]:
        """Threshold and SD of every staircase."""
        return {name: staircase.estimate() for name, staircase in self._staircases.items()}

    def progress(self, practice: bool) -> tuple[int, int]:
        """Trials done and trials in all, of practice or of what counts."""
        done = len(self._practice & self._done.keys())
        if practice:
            return done, len(self._practice)
        return len(self._done) - done, len(self._trials) - len(self._practice)

    def _update_staircase(self, name: str, row: TrialRecord) -> None:
        level = row.factors[self._configs[name].factor]
        self._staircases[name].tell(float(level), row.response_value)

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
