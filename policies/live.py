"""Live training: a session with the trainer beside it, which chooses what is presented and learns from the ratings.

Per trial: a pain is aimed at; the trainer suggests an expression for it; the person presses into the band that should
cause it, hears and sees the reaction, and rates it. What is learnt from is what the press really came to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from policies.checkpoint import starting_point
from policies.errors import PolicyError
from policies.plan import QUESTION_PLANS, TrainingPlan, TrainingTrial, keyed
from policies.spaces import TASKS, named
from policies.standard_presses import standard_presses
from robopatient import messages as m
from robopatient.actor import Actor, serve
from robopatient.bus import ActorPort, Endpoints
from robopatient.clock import Clock, HostClock
from robopatient.config import SessionConfig, load_session
from robopatient.errors import RobopatientError, SessionError, require
from robopatient.expression.ppo import ACTED, OBSERVED, Ppo, Slope
from robopatient.patient import load_patient
from robopatient.session.run import resolve, run_session
from robopatient.session.supervisor import Row
from robopatient.study.chooser import Suggestion
from robopatient.study.trials import Factors

if TYPE_CHECKING:
    from policies.training_session import Progress, TrainingSession

__all__ = ["CLIENT", "LIVE_TASKS", "main", "train_live"]

LIVE_TASKS = tuple(
    name
    for name, task in TASKS.items()
    if {d.name for d in task.observation} <= set(OBSERVED) and {d.name for d in task.action} <= set(ACTED)
)
"""Tasks whose observation a running patient has and whose action it can be asked for."""
CLIENT = Row("trainer", "policies.live:main", lambda config: True, restart=True)
TOPICS = ("pain", "trial", "study", "action", "stop")
TURN_MS = 20
FORCE = "force_newton"
"""Axis of the map that is drawn: peak force of a press at the patient's worst site."""
LIGHT_SHARE = 0.5
"""A press whose pain stays below this share of the least pain that is taught is no trial."""


def train_live(
    *,
    session: Path,
    out: Path | None,
    task: str,
    question_name: str,
    ratings: int,
    start: str,
    seed: int,
    board: str | None = None,
    headless: bool = False,
    overrides: tuple[str, ...] = (),
) -> int:
    """Run a session with the trainer beside it; the same folder again goes on where the training session stopped.

    Parameters
    ----------
    session
        TOML of the session: patient, voice, face, board.
    out
        Folder of the training session; the session's own record goes into ``sessions/`` within it.

    Raises
    ------
    PolicyError
        When the task cannot be taught live, or the question is unknown.
    """
    if task not in LIVE_TASKS:
        raise PolicyError(f"--task {task}: a running patient can be taught {', '.join(LIVE_TASKS)}; leave --task out")
    asked = question_name or "signed"
    if asked not in QUESTION_PLANS:
        raise PolicyError(f"no question {asked!r}; choose one of {', '.join(QUESTION_PLANS)}")
    for module, extra in (("stable_baselines3", "train"),):
        require(module, extra)
    base = load_session(session, overrides)
    folder = out or Path("lessons") / f"{session.stem}-seed{seed}"
    start = start or ("congruence" if _asked_as_published(task, asked) else starting_point(TASKS[task]))
    given = {
        "lesson.folder": str(folder.resolve()),
        "lesson.task": task,
        "lesson.question": asked,
        "lesson.start": start,
        "lesson.ratings": ratings,
        "expression.kind": "ppo",
        "expression.preset": start,
        "seed": base.seed if base.seed != SessionConfig().seed else seed,
    }
    told = [f"{key}={msgspec.json.encode(value).decode()}" for key, value in given.items()]
    config = resolve(session, headless, board, None, None, None, [*overrides, *told])
    number = len(list((folder / "sessions").glob("*"))) + 1 if (folder / "sessions").is_dir() else 1
    return run_session(config, folder / "sessions" / f"{number:03d}", extra=(CLIENT,))


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Entry point of the trainer's process: teach until the session stops."""
    del folder
    serve(lambda: Trainer(config, ActorPort(endpoints, TOPICS, every=True), HostClock()))


class Trainer(Actor):
    """Between the bus and a training session: where the trial machine waits, it chooses; what that records, it learns.

    A refit, some two seconds, delays nobody: the session goes on, and what is said meanwhile waits on the bus.
    """

    def __init__(self, config: SessionConfig, port: ActorPort, clock: Clock) -> None:
        lesson = config.lesson
        super().__init__(port, "trainer", clock)
        self._lesson = lesson
        self._seed = config.seed
        profile = load_patient(config.patient)
        self._policy = Ppo(config.expression.preset, profile)
        self._slope = Slope()
        self._task = TASKS[lesson.task]
        self._presses = standard_presses(config, profile, self._policy)
        self._phase = ""
        self._asked = self._finished = self._busy = False
        self._tried = 0
        self._trial: TrainingTrial | None = None
        self._worst: dict[str, float] = {}
        self._session: TrainingSession | None = None
        self._progress: Progress | None = None
        self._curve: dict[int, tuple[float, float, float]] = {}
        self._presented: dict[str, float] = {}
        self._refused = self._checkpoint = ""
        self._told: tuple[object, ...] = ()

    def run(self) -> None:
        """Turn until the session stops or SIGTERM comes."""
        self._tell_state("starting", "the trainer starts")
        self.begin()
        while not self._leaving:
            self.turn(TURN_MS)

    def begin(self) -> None:
        """Begin or resume the training in the lesson's folder."""
        from policies.train_ppo import warm_up  # torch: a second or more, and for this process alone
        from policies.training_session import TrainingSession

        warm_up()
        lesson, task, folder = self._lesson, self._task, Path(self._lesson.folder)
        plan = TrainingPlan(task.n_observation, task.n_action, QUESTION_PLANS[lesson.question], seed=self._seed)
        population = "congruence" if _asked_as_published(lesson.task, lesson.question) else ""
        with self._refusing():
            known = (folder / "ratings.sqlite").exists()
            session = TrainingSession(folder, lesson.task, None if known else plan, lesson.start, population)
            self._session = session
            points = session.log.points()
            self._curve = {n: (point["median"], point["low"], point["high"]) for n, point in points.items()}
            self._tell_state("ready", "resumed" if session.resumed else "")
            self._know(session.progress(), "begun")

    def close(self) -> None:
        """Close the log and leave the bus."""
        if self._session is not None:
            self._session.close()
        super().close()

    def turn(self, timeout_ms: int) -> None:
        """Receive messages of the session; do and tell what follows."""
        for message in self._port.receive(timeout_ms):
            self._take(message)
        self._show()
        self._beat()

    def _take(self, message: m.Message) -> None:
        match message:
            case m.SessionStop():
                self._leaving = True
            case m.PainState():
                nrs = self._policy.admitted(message)
                seen = {"nrs": nrs, "nrs_per_s": self._slope.step(message.t_ns, nrs)}
                if self._phase == "press":
                    self._worst = {name: max(worst, seen[name]) for name, worst in self._worst.items()}
            case m.TrialRecord() if self._session is not None:
                self._learn(self._session, message)
            case m.StudyState() if self._session is not None:
                self._follow(self._session, message)
            case m.OperatorAction() if message.action == "trust" and self._session is not None:
                self._session.trust()
                self._know(self._session.progress())

    def _follow(self, session: TrainingSession, state: m.StudyState) -> None:
        """Choose where the trial machine waits, watch the press, and write the policy in the end."""
        if state.phase != self._phase and state.phase == "press":
            self._worst = {d.name: 0.0 for d in self._task.observation}
        self._phase = state.phase
        if state.phase != "waiting":
            self._asked = False
        elif not self._asked and len(session.learner.answers) == state.trial:
            self._asked = True
            with self._refusing():
                self._choose(session, state.trial)
        if state.phase in ("done", "aborted") and not self._finished:
            self._finished = True
            if state.trial > 0:
                self._save(session)

    def _save(self, session: TrainingSession) -> None:
        with self._refusing():
            session.save()
            self._checkpoint = str(session.folder / "policy")
            self._suggest(Suggestion())
            self._note("info", f"policy written to {self._checkpoint}")

    def _choose(self, session: TrainingSession, number: int) -> None:
        """Aim at a pain, and have an expression chosen for it."""
        rng = keyed(self._seed, number + 7919 * self._tried, "press")
        self._tried += 1
        low, high = float(self._presses.nrs[0]), float(self._presses.nrs[-1])
        aimed = self._presses.observed(float(rng.uniform(max(2.5, low), max(2.6, high))))
        target = {d.name: aimed[d.name] for d in self._task.observation}
        trial = self._trial = session.press(tuple(target.values()))
        action = named(self._task.action, trial.action)
        self._presented = {FORCE: self._presses.force(target["nrs"]), **target, **action}
        factors: Factors = {**self._presented, "question": trial.question.name, "source": trial.source}
        least_nrs = float(self._presses.nrs[0]) * LIGHT_SHARE
        self._suggest(Suggestion(f"trial{number}", target, action, number, factors, least_nrs))

    def _learn(self, session: TrainingSession, row: m.TrialRecord) -> None:
        """What became of a trial; a press too light to hurt comes again as it is."""
        if row.status == "missed":
            return
        trial = self._trial if self._trial is not None and self._trial.index == row.trial else None
        self._trial, self._busy = None, True
        self._show()
        with self._refusing():
            if "undone" in row.flags:
                session.undo()
                self._know(session.progress())
            elif row.status == "done" and trial is not None:
                acted = self._policy.acting(self._worst)
                presented = [acted[d.name] for d in self._task.action]
                self._know(session.rated(trial, row.response_value, list(self._worst.values()), presented))
            elif trial is not None:
                session.unanswered(trial)
            elif row.status == "done":
                raise SessionError(f"no answer to trial {row.trial} is expected; it is asked again")
        self._busy = False

    def _know(self, progress: Progress, action: str = "learnt") -> None:
        self._progress, self._presented, self._refused = progress, {}, ""
        self._curve[progress.answers] = progress.worth
        self._say(action, str(progress.answers))

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """What the training session cannot do is told, and the trial machine hears how far it has got."""
        try:
            yield
        except RobopatientError as error:
            self._refused, self._asked = str(error), False
            self._note("warning", self._refused)
            if self._session is not None:
                self._say("begun", str(len(self._session.learner.answers)))

    def _suggest(self, suggestion: Suggestion) -> None:
        self._policy.suggest(suggestion.label, suggestion.observed, suggestion.action)
        self._say("suggest", msgspec.json.encode(suggestion).decode())

    def _say(self, action: str, argument: str) -> None:
        self._port.tell(m.OperatorAction(self._clock.now_ns(), action, argument, source="trainer"))

    def _note(self, level: str, text: str) -> None:
        self._port.tell(m.Note(self._clock.now_ns(), level, "trainer", text))

    def _condition(self) -> tuple[str, str]:
        return ("ready", "") if self._progress is not None else ("starting", self._refused)

    def _show(self) -> None:
        """Tell the screens of the training session, where anything has changed."""
        progress = self._progress
        key = (progress, self._busy, self._refused, self._checkpoint, tuple(self._presented.items()))
        if progress is None or key == self._told:
            return
        self._told = key
        units = {FORCE: "N"} | {d.name: d.unit for d in (*self._task.observation, *self._task.action)}
        # The operator thinks in what the hand does: the map is drawn over force at the worst site.
        felt = self._presses.nrs
        shown = {name: np.interp(felt, progress.observed, values) for name, values in progress.shown.items()}
        told = m.LessonState(
            t_ns=self._clock.now_ns(),
            lesson=Path(self._lesson.folder).name,
            answers=progress.answers,
            goal=self._lesson.ratings,
            worth=progress.worth,
            curve=tuple((float(n), *point) for n, point in sorted(self._curve.items()) if n <= progress.answers),
            observed=tuple(self._presses.newton.tolist()),
            shown={name: tuple(values.tolist()) for name, values in shown.items()},
            units=units,
            presented=self._presented,
            source=self._trial.source if self._trial is not None else "",
            model=progress.model,
            frozen=progress.frozen,
            repeats=progress.consistency.repeats,
            identical=progress.consistency.identical,
            difference_steps=progress.consistency.mean_difference_steps,
            busy=self._busy,
            refused=self._refused,
            checkpoint=self._checkpoint,
        )
        self._port.tell(told)


def _asked_as_published(task: str, question_plan: str) -> bool:
    """Whether people of the published study were asked the same about the same: then they are the place to start."""
    return (task, question_plan) == ("pain-to-voice", "agree")
