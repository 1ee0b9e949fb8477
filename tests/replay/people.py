"""Who acts in the sessions that are recorded: further processes of a session, named by ``reading.with_person``."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from replay.reading import ActorPort, HostClock, messages

THINKS_NS = 150_000_000
KILL_AFTER = "GOLDEN_KILL_AFTER"
"""Environment: so many answers after which a participant's session is killed."""
STORY = (
    (0.5, "trigger", "history taken"),
    (0.8, "note", "a mark: the examination begins"),
    (1.2, "ask", "where"),
    (1.6, "tare", ""),
    (2.0, "cue", "this may hurt"),
    (3.5, "ask", "nrs"),
    (4.5, "rating", "NRS 4"),
    (4.7, "rating", "OSCE.consent 1"),
    (5.0, "stress", "0.4"),
    (5.5, "relief", "0.2"),
    (6.0, "hush", ""),
    (6.4, "unhush", ""),
    (6.8, "stop", ""),
    (7.2, "start", ""),
    (7.6, "scenario", "goto closing"),
)
"""Seconds after the first pain, action, argument."""


def trainee(config: Any, endpoints: Any, folder: Path) -> None:
    """Do everything that a console can ask for, then wait for the scenario's end."""
    del config, folder
    port, clock = ActorPort(endpoints, ("pain", "stop")), HostClock()
    begun_ns, left = 0, list(STORY)
    for message in _heard(port):
        if isinstance(message, messages.SessionStop):
            return
        now_ns = clock.now_ns()
        begun_ns = begun_ns or now_ns
        while left and now_ns - begun_ns >= left[0][0] * 1e9:
            _, action, argument = left.pop(0)
            port.tell(messages.OperatorAction(now_ns, action, argument))


def participant(config: Any, endpoints: Any, folder: Path) -> None:
    """Agree, read, answer each question by turns; after so many answers kill the session's control."""
    del config, folder
    kill_after = int(os.environ.get(KILL_AFTER, "0"))
    port, clock = ActorPort(endpoints, ("study", "actor", "stop")), HostClock()
    done_ns = control = answers = 0
    asked: tuple[Any, ...] = ()
    for message in _heard(port):
        if isinstance(message, messages.SessionStop):
            return
        if isinstance(message, messages.ActorState) and message.actor == "control":
            control = message.pid or control
        if not isinstance(message, messages.StudyState):
            continue
        now_ns = clock.now_ns()
        if now_ns - done_ns < THINKS_NS:
            continue
        if kill_after and answers >= kill_after and message.phase == "press" and control:
            os.kill(control, signal.SIGKILL)
            return
        if message.phase in ("done", "aborted"):
            port.tell(messages.OperatorAction(now_ns, "quit", source="participant"))
        elif message.phase == "question":
            if (message.trial, message.question) != asked:
                asked, answers = (message.trial, message.question), answers + 1
            answer = str(answers % 3 - 1) if message.question == "signed" else str(1 + answers % 4)
            port.tell(messages.OperatorAction(now_ns, "answer", answer, source="participant"))
        elif message.phase in ("setup", "consent", "instructions", "break"):
            port.tell(messages.OperatorAction(now_ns, "next", source="participant"))
        else:
            continue
        done_ns = now_ns


def _heard(port: ActorPort) -> Iterator[Any]:
    """What is said, until the session is gone."""
    parent: Callable[[], int] = os.getppid
    mine = parent()
    try:
        while parent() == mine:
            yield from port.receive(50)
    finally:
        port.close()
