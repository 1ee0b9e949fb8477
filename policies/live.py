"""Live training: a client of a running session that suggests, asks, logs and reports, with the trainer beside it.

Per trial: a pain is aimed at; the trainer suggests an expression for it; the person presses into the band that should
cause it, hears and sees the reaction, and rates it. What is learnt from is what the press really came to.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from policies.checkpoint import starting_point
from policies.errors import PolicyError
from policies.plan import QUESTION_PLANS, TrainingPlan, keyed
from policies.ratings_log import RatingsLog
from policies.spaces import TASKS
from policies.standard_presses import standard_presses
from policies.trainer import (
    BeginTraining,
    Closed,
    FinishTraining,
    NextTrial,
    PressDone,
    Progress,
    Rated,
    Refused,
    Reply,
    Skipped,
    TrainerClient,
    Trust,
    Undo,
)
from robopatient import messages as m
from robopatient.actor import Actor, serve
from robopatient.bus import ActorPort, Endpoints
from robopatient.clock import Clock, HostClock
from robopatient.config import SessionConfig, load_session
from robopatient.errors import require
from robopatient.expression.ppo import ACTED, OBSERVED, Ppo, Slope
from robopatient.patient import load_patient
from robopatient.session.run import resolve, run_session
from robopatient.session.supervisor import Row
from robopatient.study.chooser import Suggestion
from robopatient.study.trials import Factors

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
    """Entry point of the client's process: teach until the session stops."""
    del folder
    with TrainerClient() as trainer:
        serve(lambda: Client(config, ActorPort(endpoints, TOPICS, every=True), trainer, HostClock()))


class Client(Actor):
    """Between the bus and the trainer: where the trial machine waits, the trainer chooses; what it records is learnt.

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
        self._goal, self._seed = lesson.ratings, config.seed
        profile = load_patient(config.patient)
        self._policy = Ppo(config.expression.preset, profile)
        self._slope = Slope()
        self._task = TASKS[lesson.task]
        self._presses = standard_presses(config, profile, self._policy)
        self._phase = ""
        self._asked = self._finished = False
        self._tried = 0
        self._target: dict[str, float] = {}
        self._worst: dict[str, float] = {}
        self._progress: Progress | None = None
        self._curve: dict[int, tuple[float, float, float]] = {}
        self._presented: dict[str, float] = {}
        self._source = self._refused = self._checkpoint = ""
        self._busy = True
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
        for message in self._port.receive(timeout_ms):
            self._take(message)
        while (reply := self._trainer.receive(0.0)) is not None:
            self._hear(reply)
            if isinstance(reply, Closed):
                break
        lesson = self._lesson(self._clock.now_ns())
        if lesson is not None:
            self._port.tell(lesson)
        self._beat()

    def _take(self, message: m.Message) -> None:
        match message:
            case m.SessionStop():
                self._leaving = True
            case m.PainState():
                nrs = self._policy.shown(message)
                seen = {"nrs": nrs, "nrs_per_s": self._slope.step(message.t_ns, nrs)}
                if self._phase == "press":
                    self._worst = {name: max(worst, seen[name]) for name, worst in self._worst.items()}
            case m.TrialRecord():
                self._learn(message)
            case m.StudyState():
                self._follow(message)
            case m.OperatorAction() if message.action == "trust":
                self._send(Trust())

    def _follow(self, state: m.StudyState) -> None:
        """Choose where the trial machine waits, watch the press, and write the policy in the end."""
        if state.phase != self._phase and state.phase == "press":
            self._worst = {d.name: 0.0 for d in self._task.observation}
        self._phase = state.phase
        if state.phase in ("done", "aborted") and not self._finished:
            self._finished = True
            if state.trial > 0:
                self._send(FinishTraining())
        if state.phase != "waiting":
            self._asked = False
        elif not (self._asked or self._busy) and self._progress is not None and self._progress.answers == state.trial:
            self._asked = True
            rng = keyed(self._seed, state.trial + 7919 * self._tried, "press")
            self._tried += 1
            low, high = float(self._presses.nrs[0]), float(self._presses.nrs[-1])
            aimed = self._presses.observed(float(rng.uniform(max(2.5, low), max(2.6, high))))
            self._target = {d.name: aimed[d.name] for d in self._task.observation}
            self._trainer.send(PressDone(tuple(self._target.values())))

    def _learn(self, row: m.TrialRecord) -> None:
        """What became of a trial; a press too light to hurt comes again as it is."""
        if row.status == "done":
            acted = self._policy.acting(self._worst)
            presented = tuple(acted[d.name] for d in self._task.action)
            self._send(Rated(row.trial, row.response_value, tuple(self._worst.values()), presented))
        elif "undone" in row.flags:
            self._send(Undo())
        elif row.status != "missed":
            self._trainer.send(Skipped(row.trial))

    def _send(self, order: Rated | Undo | FinishTraining | Trust) -> None:
        self._busy = True
        self._trainer.send(order)

    def _hear(self, reply: Reply) -> None:
        now_ns = self._clock.now_ns()
        match reply:
            case NextTrial():
                force = {FORCE: self._presses.force(self._target["nrs"])}
                self._presented, self._source = {**force, **self._target, **reply.action}, reply.source
                factors: Factors = {**self._presented, "question": reply.question, "source": reply.source}
                least_nrs = float(self._presses.nrs[0]) * LIGHT_SHARE
                self._suggest(
                    Suggestion(f"trial{reply.index}", self._target, reply.action, reply.index, factors, least_nrs)
                )
            case Progress():
                if self._progress is None:
                    self._curve = _curve(self._folder)
                    self._tell_state("ready", "resumed" if reply.resumed else "")
                self._say("begun" if self._progress is None else "learnt", str(reply.answers))
                self._progress, self._busy, self._refused = reply, False, ""
                self._curve[reply.answers] = reply.worth
                self._presented, self._source = {}, ""
            case Refused():
                self._busy, self._asked, self._refused = False, False, reply.reason
                self._port.tell(m.Note(now_ns, "warning", "trainer", reply.reason))
                if self._progress is not None:
                    self._say("begun", str(self._progress.answers))  # what it could not follow is asked again
            case Closed():
                self._busy, self._checkpoint = False, reply.checkpoint
                self._suggest(Suggestion())
                self._port.tell(m.Note(now_ns, "info", "trainer", f"policy written to {reply.checkpoint}"))

    def _suggest(self, suggestion: Suggestion) -> None:
        self._policy.suggest(suggestion.label, suggestion.observed, suggestion.action)
        self._say("suggest", msgspec.json.encode(suggestion).decode())

    def _say(self, action: str, argument: str) -> None:
        self._port.tell(m.OperatorAction(self._clock.now_ns(), action, argument, source="trainer"))

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
