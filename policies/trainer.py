"""The trainer: a training session in its own process, driven by messages, so that no refit delays a console.

Messages are msgspec structs on a pipe, as MessagePack. The client says what was pressed and answered; the trainer says
which sound to play, which question to ask, and how far it has got.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import numpy as np

from policies.plan import TrainingPlan, TrainingTrial
from policies.rater_check import Consistency
from policies.spaces import Array, Dimension, Task, example_states, normalised, physical
from robopatient.errors import RobopatientError, SessionError
from robopatient.parent import leave_with_parent

__all__ = [
    "BeginTraining",
    "Closed",
    "FinishTraining",
    "NextTrial",
    "PressDone",
    "Progress",
    "Rated",
    "Refused",
    "Skipped",
    "TrainerClient",
    "Trust",
    "Undo",
]


class BeginTraining(msgspec.Struct, frozen=True, tag=True):
    """Begin or resume the training in a folder; see ``policies.training_session``. No plan: the folder's own."""

    folder: str
    task: str = "pain-to-voice"
    plan: TrainingPlan | None = None
    start: str = "psychophysical"
    population: str = ""


class PressDone(msgspec.Struct, frozen=True, tag=True):
    """A press has happened: observation in physical units, in the order of the task."""

    observation: tuple[float, ...]


class Rated(msgspec.Struct, frozen=True, tag=True):
    """The rater has answered a trial.

    ``observed`` and ``presented`` say what the press and the expression came to, in physical units and the order of the
    task, where a person's hand did not do exactly what was suggested; empty: as suggested.
    """

    index: int
    rating: float
    observed: tuple[float, ...] = ()
    presented: tuple[float, ...] = ()


class Skipped(msgspec.Struct, frozen=True, tag=True):
    """No answer: the trial is asked again at the next press."""

    index: int


class Undo(msgspec.Struct, frozen=True, tag=True):
    """Take the last rating back."""


class Trust(msgspec.Struct, frozen=True, tag=True):
    """Adapt again although the rater was found to be unreliable."""


class FinishTraining(msgspec.Struct, frozen=True, tag=True):
    """Write the checkpoint and end."""

    rater: str = ""


class NextTrial(msgspec.Struct, frozen=True, tag=True):
    """Play this and ask that: action by name in physical units, name of the question."""

    index: int
    action: dict[str, float]
    question: str
    source: str
    coordinates: tuple[float, ...]
    other: dict[str, float] | None = None


class Progress(msgspec.Struct, frozen=True, tag=True):
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
    resumed: bool = False


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Something could not be done; nothing has changed."""

    reason: str


class Closed(msgspec.Struct, frozen=True, tag=True):
    """The training session is over; the checkpoint lies here ("" when there is none)."""

    checkpoint: str


Order = BeginTraining | PressDone | Rated | Skipped | Undo | Trust | FinishTraining
Reply = NextTrial | Progress | Refused | Closed


def main(connection: Connection) -> None:
    """Entry point of the process: obey orders until ``FinishTraining`` or until the other end is gone."""
    leave_with_parent()
    from policies.train_ppo import warm_up
    from policies.training_session import TrainingSession

    def reply(message: Reply) -> None:
        connection.send_bytes(msgspec.msgpack.encode(message))

    def progress(session: TrainingSession, resumed: bool = False) -> Progress:
        learner, task = session.learner, session.task
        states = example_states(task.n_observation)
        acted = physical(task.action, learner.act(states))
        point = learner.expected_worth()
        session.log.save_point(len(learner.answers), dict(zip(("median", "low", "high"), point, strict=True)))
        return Progress(
            answers=len(learner.answers),
            worth=point,
            model=learner.model.name,
            frozen=learner.frozen,
            consistency=learner.consistency,
            observed=tuple(physical(task.observation, states)[:, 0].tolist()),
            shown={d.name: tuple(acted[:, k].tolist()) for k, d in enumerate(task.action)},
            resumed=resumed,
        )

    warm_up()
    session: TrainingSession | None = None
    trial = None
    try:
        while True:
            order = msgspec.msgpack.decode(connection.recv_bytes(), type=Order)
            try:
                if isinstance(order, BeginTraining):
                    session = TrainingSession(Path(order.folder), order.task, order.plan, order.start, order.population)
                    reply(progress(session, session.resumed))
                    continue
                if session is None:
                    reply(Refused("no training session has begun: send BeginTraining first"))
                    continue
                match order:
                    case PressDone():
                        trial = session.suggest(_state(session.task.observation, order.observation))
                        reply(
                            NextTrial(
                                trial.index,
                                _by_name(session.task.action, trial.action),
                                trial.question.name,
                                trial.source,
                                tuple(trial.action.tolist()),
                                None if trial.other is None else _by_name(session.task.action, trial.other),
                            )
                        )
                    case Rated():
                        if trial is None or trial.index != order.index:
                            reply(Refused(f"no answer to trial {order.index} is expected; press first"))
                            continue
                        trial = _as_presented(session.task, trial, order)
                        session.answer(trial, trial.question.index(order.rating) + trial.question.first)
                        trial = None
                        reply(progress(session))
                    case Skipped():
                        if trial is not None and trial.index == order.index:
                            session.unanswered(trial)
                        reply(progress(session))
                    case Undo():
                        trial = None
                        reply(progress(session) if session.undo() else Refused("there is no rating to take back"))
                    case Trust():
                        session.trust()
                        reply(progress(session))
                    case FinishTraining():
                        session.save(order.rater)
                        session.close()
                        reply(Closed(str(session.folder / "policy")))
                        return
            except RobopatientError as error:
                reply(Refused(str(error)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the client is gone; every rating is on the disk
    finally:
        if session is not None:
            session.close()


def _state(dimensions: tuple[Dimension, ...], observation: tuple[float, ...]) -> Array:
    values = np.array(observation, float)
    if values.shape != (len(dimensions),) or not np.all(np.isfinite(values)):
        names = ", ".join(f"{d.name} ({d.unit})" for d in dimensions)
        raise SessionError(f"press {observation}: one finite number each of {names} is needed")
    return normalised(dimensions, values)


def _as_presented(task: Task, trial: TrainingTrial, order: Rated) -> TrainingTrial:
    """The trial with what was really observed and presented in it."""
    if order.observed:
        trial = msgspec.structs.replace(trial, state=_state(task.observation, order.observed))
    if order.presented:
        trial = msgspec.structs.replace(trial, action=_state(task.action, order.presented))
    return trial


def _by_name(dimensions: tuple[Dimension, ...], coordinates: Array) -> dict[str, float]:
    values = physical(dimensions, coordinates)
    return {d.name: float(v) for d, v in zip(dimensions, values, strict=True)}


class TrainerClient:
    """The client's end: starts the process, sends orders, receives replies. A context manager."""

    def __init__(self, entry: Callable[[Connection], None] = main) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=entry, args=(theirs,), name="trainer", daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> TrainerClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Of the process."""
        return self._process.pid

    def send(self, order: Order) -> None:
        """Give an order; returns at once."""
        try:
            self._connection.send_bytes(msgspec.msgpack.encode(order))
        except (BrokenPipeError, OSError) as error:
            raise SessionError(
                "the trainer process has ended; every rating is kept, start the command again"
            ) from error

    def receive(self, timeout_s: float | None = None) -> Reply | None:
        """Next reply, or None when none came in time (0: only what is there already).

        Raises
        ------
        SessionError
            When the trainer process has died.
        """
        try:
            if not self._connection.poll(timeout_s):
                return None
            reply: Reply = msgspec.msgpack.decode(self._connection.recv_bytes(), type=Reply)
        except (EOFError, OSError) as error:
            raise SessionError(
                "the trainer process has ended; every rating is kept, start the command again"
            ) from error
        return reply

    def ask(self, order: Order, timeout_s: float = 120.0) -> Reply:
        """Give an order and wait for its reply."""
        self.send(order)
        reply = self.receive(timeout_s)
        if reply is None:
            raise SessionError(f"the trainer has not answered {type(order).__name__} within {timeout_s:g} s")
        return reply

    def close(self) -> None:
        """End the process; whatever was answered is on the disk."""
        self._connection.close()
        self._process.join(timeout=5.0)
        if self._process.is_alive():
            self._process.terminate()
