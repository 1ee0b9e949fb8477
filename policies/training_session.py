"""One rater's training session: a learner and its log, which can be stopped, killed and resumed.

A rating is on the disk before it is learnt from. Opening the folder again reads the log back and arrives at the same
learner, bit for bit: all that a learner is follows from its plan, its start and the ratings in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from policies.checkpoint import read_weights, write_checkpoint
from policies.errors import PolicyError
from policies.learner import Learner
from policies.plan import TrainingPlan, TrainingTrial
from policies.populations import read_population
from policies.rater_check import Consistency
from policies.ratings_log import LoggedTrial, RatingsLog
from policies.spaces import TASKS, Array, Dimension, Task, example_states, normalised, physical
from policies.statistics.ordinal import Gaussian
from robopatient.clock import Clock, HostClock
from robopatient.errors import SessionError
from robopatient.expression.ppo import Card

__all__ = ["Progress", "TrainingSession"]


class Progress(msgspec.Struct, frozen=True):
    """How far the training session has got.

    Attributes
    ----------
    worth
        Expected worth of the deployed policy, 0 to 1: median and 90 % interval.
    observed, shown
        The current map: values of the first observation, and the action there by name.
    frozen
        Why adaptation has stopped, or "".
    """

    answers: int
    worth: tuple[float, float, float]
    model: str
    frozen: str
    consistency: Consistency
    observed: tuple[float, ...]
    shown: dict[str, tuple[float, ...]]


class TrainingSession:
    """A learner whose every answer is logged.

    Parameters
    ----------
    folder
        Of the training session; created when new. ``ratings.sqlite`` holds the log, ``policy/`` the checkpoint.
    task, plan, start, population
        For a new session: name of the task, how to learn, name or folder of the checkpoint to start from, and name of
        the population of fitted people ("" for the parametric listener). A resumed session has its own; giving others
        is an error.
    """

    def __init__(
        self,
        folder: Path,
        task: str = "pain-to-voice",
        plan: TrainingPlan | None = None,
        start: str = "psychophysical",
        population: str = "",
        clock: Clock | None = None,
    ) -> None:
        self.folder, self.clock = folder, clock or HostClock()
        folder.mkdir(parents=True, exist_ok=True)
        self.log = RatingsLog(folder / "ratings.sqlite")
        known = self.log.description()
        self.resumed = bool(known)
        if not known:
            if task not in TASKS:
                raise PolicyError(f"no task {task!r}; choose one of {', '.join(TASKS)}")
            card, _ = read_weights(start, TASKS[task])
            plan = plan or TrainingPlan()
            known = {
                "task": task,
                "plan": msgspec.to_builtins(plan),
                "start": start,
                "start_sha256": card.sha256,
                "population": population,
            }
            self.log.describe(known)
        self.task: Task = TASKS[known["task"]]
        stored = msgspec.convert(known["plan"], TrainingPlan)
        if plan is not None and plan != stored:
            raise PolicyError(
                f"{folder}: this training was begun with another plan; resume it without options or give a new folder"
            )
        self.plan, self.description = stored, known
        self.card, self._start = read_weights(known["start"], self.task)
        if self.card.sha256 != known["start_sha256"]:
            raise PolicyError(
                f"{folder}: the checkpoint {known['start']} has changed since this training session began "
                f"({self.card.sha256[:12]}… now, {known['start_sha256'][:12]}… then); put the old one back"
            )
        self._population: Gaussian | None = read_population(known["population"]) if known["population"] else None
        self.learner, self._told = self._read_back()

    def _read_back(self) -> tuple[Learner, list[LoggedTrial]]:
        """Learner after all events in force; refits are taken from snapshots where there are any."""
        learner = Learner(self.plan, self._start, self._population)
        logged: list[LoggedTrial] = []
        for event in self.log.in_force():
            logged.append(event)
            if event.trial is None:
                learner.trust()
                continue
            learner.take(event.trial, event.rating)
            if learner.refit_due:
                weights = self.log.snapshot(logged)
                if weights is not None:
                    learner.deploy(weights)
                else:
                    learner.refit()
                    self.log.save_snapshot(logged, len(learner.answers), learner.weights)
        return learner, logged

    def press(self, observation: Sequence[float]) -> TrainingTrial:
        """Next trial for a press: observation in physical units, in the order of the task.

        Raises
        ------
        SessionError
            Unless it is one finite number for each dimension.
        """
        return self.suggest(_coordinates(self.task.observation, observation))

    def suggest(self, state: Array) -> TrainingTrial:
        """Next trial for a press (normalised state)."""
        return self.learner.suggest(state)

    def answer(self, trial: TrainingTrial, rating: int) -> None:
        """Log an answer, then learn from it.

        Raises
        ------
        RatingError
            For an answer off the scale, doubled or out of order; nothing is logged or changed then.
        """
        self.learner.expect(trial, rating)
        event = LoggedTrial(self.clock.now_ns(), "rating", trial, int(rating))
        self.log.add(event)
        self._told.append(event)
        self.learner.take(trial, int(rating))
        if self.learner.refit_due:
            self.learner.refit()
            self.log.save_snapshot(self._told, len(self.learner.answers), self.learner.weights)

    def rated(
        self, trial: TrainingTrial, rating: float, observed: Sequence[float] = (), presented: Sequence[float] = ()
    ) -> Progress:
        """Log and learn an answer; ``observed`` and ``presented`` say what press and expression came to.

        In physical units and the order of the task, where a hand did not do exactly what was suggested; empty: as
        suggested.

        Raises
        ------
        RatingError, SessionError
            As ``answer``, and as ``press``; nothing is logged or changed then.
        """
        if observed:
            trial = msgspec.structs.replace(trial, state=_coordinates(self.task.observation, observed))
        if presented:
            trial = msgspec.structs.replace(trial, action=_coordinates(self.task.action, presented))
        self.answer(trial, trial.question.index(rating) + trial.question.first)
        return self.progress()

    def progress(self) -> Progress:
        """How far it has got; the point of the learning curve is kept in the log."""
        learner, task = self.learner, self.task
        states = example_states(task.n_observation)
        acted = physical(task.action, learner.act(states))
        point = learner.expected_worth()
        self.log.save_point(len(learner.answers), dict(zip(("median", "low", "high"), point, strict=True)))
        return Progress(
            answers=len(learner.answers),
            worth=point,
            model=learner.model.name,
            frozen=learner.frozen,
            consistency=learner.consistency,
            observed=tuple(physical(task.observation, states)[:, 0].tolist()),
            shown={d.name: tuple(acted[:, k].tolist()) for k, d in enumerate(task.action)},
        )

    def unanswered(self, trial: TrainingTrial) -> None:
        """Log a missing answer; the same trial is asked again at the next press."""
        self.log.add(LoggedTrial(self.clock.now_ns(), "unanswered", trial))

    def undo(self) -> bool:
        """Take the last rating back by a correcting row; False when there is none."""
        if not self.learner.answers:
            return False
        self.log.add(LoggedTrial(self.clock.now_ns(), "undo", self.learner.trials[-1]))
        self.learner, self._told = self._read_back()
        return True

    def trust(self) -> None:
        """Go on adapting although the check has frozen the lesson."""
        event = LoggedTrial(self.clock.now_ns(), "trust")
        self.log.add(event)
        self._told.append(event)
        self.learner.trust()

    def save(self, rater: str = "") -> Card:
        """Write the deployed policy as a checkpoint into ``policy/``."""
        learner = self.learner
        training: dict[str, Any] = {
            "answers": len(learner.answers),
            "questions": list(dict.fromkeys(self.plan.questions)),
            "seed": self.plan.seed,
            "start": self.description["start"],
            "start_sha256": self.description["start_sha256"],
            "reward_model": learner.model.name,
            "frozen": learner.frozen,
        }
        return write_checkpoint(
            self.folder / "policy",
            self.task,
            learner.weights,
            title=f"Taught by {len(learner.answers)} ratings{f' of {rater}' if rater else ''}",
            data="ratings.sqlite beside this folder",
            training=training,
            prior=self.card.prior,
        )

    def close(self) -> None:
        """Close the log."""
        self.log.close()


def _coordinates(dimensions: tuple[Dimension, ...], observation: Sequence[float]) -> Array:
    values = np.array(observation, float)
    if values.shape != (len(dimensions),) or not np.all(np.isfinite(values)):
        names = ", ".join(f"{d.name} ({d.unit})" for d in dimensions)
        raise SessionError(f"press {tuple(observation)}: one finite number each of {names} is needed")
    return normalised(dimensions, values)
