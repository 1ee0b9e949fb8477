"""Live training: a client of a running session that suggests, asks, logs and reports, with the trainer beside it.

Per trial: a pain is aimed at; the trainer suggests an expression for it; the person presses into the band that should
cause it, hears and sees the reaction, and rates it. What is learnt from is what the press really came to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from policies.checkpoint import starting_point
from policies.errors import PolicyError
from policies.plan import QUESTION_PLANS, TrainingPlan
from policies.ratings_log import RatingsLog
from policies.spaces import TASKS
from policies.trainer import (
    BeginTraining,
    Closed,
    FinishTraining,
    NextTrial,
    Progress,
    Rated,
    Refused,
    Reply,
    TrainerClient,
    Trust,
    Undo,
)
from policies.trial_scheduler import TrialScheduler, standard_presses
from robopatient import messages as m
from robopatient.actor import Actor, serve
from robopatient.bus import ActorPort, Endpoints
from robopatient.clock import Clock, HostClock
from robopatient.config import SessionConfig, load_session
from robopatient.errors import require
from robopatient.expression.ppo import ACTED, OBSERVED, Ppo
from robopatient.patient import load_patient
from robopatient.session.pipeline import Suggestion
from robopatient.session.run import resolve, run_session
from robopatient.session.supervisor import Row

__all__ = ["CLIENT", "LIVE_TASKS", "main", "train_live"]

LIVE_TASKS = tuple(
    name
    for name, task in TASKS.items()
    if {d.name for d in task.observation} <= set(OBSERVED) and {d.name for d in task.action} <= set(ACTED)
)
"""Tasks whose observation a running patient has and whose action it can be asked for."""
CLIENT = Row("trainer", "policies.live:main", lambda config: True, restart=True)
TOPICS = ("force", "pain", "press", "action", "stop")
TURN_MS = 20
FORCE = "force_newton"
"""Axis of the map that is drawn: peak force of a press at the patient's worst site."""
TOLD_NS = 100_000_000


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
    """Entry point of the client's process: teach until the session stops."""
    del folder
    with TrainerClient() as trainer:
        serve(lambda: Client(config, ActorPort(endpoints, TOPICS, every=True), trainer, HostClock()))


class Client(Actor):
    """Between the bus and the trainer: the coach decides, this passes on.

    Parameters
    ----------
    trainer
        Started, not begun.
    """

    def __init__(self, config: SessionConfig, port: ActorPort, trainer: TrainerClient, clock: Clock) -> None:
        lesson = config.lesson
        super().__init__(port, "trainer", clock)
        self._trainer = trainer
        self._folder = Path(lesson.folder)
        self._goal = lesson.ratings
        profile = load_patient(config.patient)
        self._policy = Ppo(config.expression.preset, profile)
        self._task = TASKS[lesson.task]
        self._rater = config.study.participant or config.rater.who
        self._presses = standard_presses(config, profile, self._policy)
        self.scheduler = TrialScheduler(lesson, config.seed, self._presses, self._policy)
        self._progress: Progress | None = None
        self._curve: dict[int, tuple[float, float, float]] = {}
        self._presented: dict[str, float] = {}
        self._source = self._refused = self._checkpoint = ""
        self._busy = True
        self._shown_ns = 0
        self._told: tuple[object, ...] = ()
        self._lesson_told: tuple[object, ...] = ()
        plan = TrainingPlan(
            self._task.n_observation, self._task.n_action, QUESTION_PLANS[lesson.question], seed=config.seed
        )
        population = "congruence" if _asked_as_published(lesson.task, lesson.question) else ""
        trainer.send(
            BeginTraining(str(self._folder), lesson.task, _known_plan(self._folder, plan), lesson.start, population)
        )

    def run(self) -> None:
        """Turn until the session stops or SIGTERM comes."""
        self._tell_state("starting", "the trainer starts")
        while not self._leaving:
            self.turn(TURN_MS)

    def turn(self, timeout_ms: int) -> None:
        """Receive messages of the session and of the trainer; send what has changed."""
        now_ns = self._clock.now_ns()
        for message in self._port.receive(timeout_ms):
            if isinstance(message, m.SessionStop):
                self._leaving = True
            else:
                self._take(message)
        while (reply := self._trainer.receive(0.0)) is not None:
            self._hear(reply)
            if isinstance(reply, Closed):
                break
        now_ns = self._clock.now_ns()
        for order in self.scheduler.turn(now_ns):
            self._send(order)
        self._tell(now_ns)

    def _take(self, message: m.Message) -> None:
        scheduler, now_ns = self.scheduler, self._clock.now_ns()
        match message:
            case m.ForceFrame():
                scheduler.felt(message)
            case m.PainState():
                scheduler.hurt(message)
            case m.Press():
                scheduler.pressed(message, now_ns)
            case m.OperatorAction():
                if message.action == "trust":
                    self._send(Trust())
                else:
                    for order in scheduler.act(message, now_ns):
                        self._send(order)

    def _send(self, order: Any) -> None:
        self._busy = self._busy or isinstance(order, Rated | Undo | FinishTraining | Trust)
        self._trainer.send(order)

    def _hear(self, reply: Reply) -> None:
        now_ns = self._clock.now_ns()
        match reply:
            case NextTrial():
                aimed = self.scheduler.target
                self._presented = {FORCE: self._presses.force(aimed["nrs"]), **aimed, **reply.action}
                self._source = reply.source
                self._suggest(f"trial{reply.index}", aimed, reply.action)
                self.scheduler.asked(reply, now_ns)
            case Progress():
                if self._progress is None:
                    self._curve = _curve(self._folder)
                    self._tell_state("ready", "resumed" if reply.resumed else "")
                self._progress, self._busy, self._refused = reply, False, ""
                self._curve[reply.answers] = reply.worth
                self._presented, self._source = {}, ""
                self.scheduler.learnt(reply, now_ns)
            case Refused():
                self._busy, self._refused = False, reply.reason
                self._port.tell(m.Note(now_ns, "warning", "trainer", reply.reason))
                self.scheduler.refused(now_ns)
            case Closed():
                self._busy, self._checkpoint = False, reply.checkpoint
                self._suggest("", {}, {})
                self.scheduler.closed()
                self._port.tell(m.Note(now_ns, "info", "trainer", f"policy written to {reply.checkpoint}"))

    def _suggest(self, label: str, observed: dict[str, float], action: dict[str, float]) -> None:
        self._policy.suggest(label, observed, action)
        text = msgspec.json.encode(Suggestion(label, observed, action)).decode()
        self._port.tell(m.OperatorAction(self._clock.now_ns(), "suggest", text, source="trainer"))

    def _tell(self, now_ns: int) -> None:
        """State for the screens at every change and ten times a second; the training session's at every change."""
        state = self.scheduler.state(now_ns, self._rater)
        key = (state.phase, state.text, state.trial, state.question)
        if key != self._told or now_ns - self._shown_ns >= TOLD_NS:
            self._told, self._shown_ns = key, now_ns
            self._port.tell(state)
        lesson = self._lesson(now_ns)
        if lesson is not None:
            self._port.tell(lesson)
        self._beat()

    def _condition(self) -> tuple[str, str]:
        return "ready" if self._progress is not None else "starting", ""

    def _lesson(self, now_ns: int) -> m.LessonState | None:
        """What to send about the training session; None when nothing has changed."""
        progress = self._progress
        key = (progress, self._busy, self._refused, self._checkpoint, tuple(self._presented.items()))
        if progress is None or key == self._lesson_told:
            return None
        self._lesson_told = key
        units = {FORCE: "N"} | {d.name: d.unit for d in (*self._task.observation, *self._task.action)}
        # The operator thinks in what the hand does: the map is drawn over force at the worst site.
        felt = self._presses.nrs
        shown = {name: np.interp(felt, progress.observed, values) for name, values in progress.shown.items()}
        return m.LessonState(
            t_ns=now_ns,
            lesson=self._folder.name,
            answers=progress.answers,
            goal=self._goal,
            worth=progress.worth,
            curve=tuple((float(n), *point) for n, point in sorted(self._curve.items()) if n <= progress.answers),
            observed=tuple(self._presses.newton.tolist()),
            shown={name: tuple(values.tolist()) for name, values in shown.items()},
            units=units,
            presented=self._presented,
            source=self._source,
            model=progress.model,
            frozen=progress.frozen,
            repeats=progress.consistency.repeats,
            identical=progress.consistency.identical,
            difference_steps=progress.consistency.mean_difference_steps,
            busy=self._busy,
            refused=self._refused,
            checkpoint=self._checkpoint,
        )


def _asked_as_published(task: str, question_plan: str) -> bool:
    """Whether people of the published study were asked the same about the same: then they are the place to start."""
    return (task, question_plan) == ("pain-to-voice", "agree")


def _known_plan(folder: Path, plan: TrainingPlan) -> TrainingPlan | None:
    """The plan of a new training session; None for one that has its own."""
    return None if (folder / "ratings.sqlite").exists() else plan


def _curve(folder: Path) -> dict[int, tuple[float, float, float]]:
    """The learning curve so far, from the training session's log."""
    log = RatingsLog(folder / "ratings.sqlite")
    try:
        points = log.points()
    finally:
        log.close()
    return {n: (point["median"], point["low"], point["high"]) for n, point in points.items()}
