"""A person who presses nothing but obeys the screen, and kills the trainer after the first rating: for sessions whose
board presses by itself.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from robopatient import messages as m
from robopatient.bus import ActorPort, Endpoints
from robopatient.clock import HostClock
from robopatient.config import SessionConfig

THINKS_NS = 150_000_000


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Agree, read, answer "fits" or the middle of the scale, and go home when all is done."""
    del config, folder
    clock, parent = HostClock(), os.getppid()
    port = ActorPort(endpoints, ("study", "actor", "stop"))
    done_ns, trainer = 0, 0
    try:
        while os.getppid() == parent:
            for message in port.receive(50):
                if isinstance(message, m.SessionStop):
                    return
                if isinstance(message, m.ActorState) and message.actor == "trainer" and message.pid:
                    trainer = trainer or message.pid
                if not isinstance(message, m.StudyState):
                    continue
                if message.trial == 1 and trainer > 0:
                    os.kill(trainer, signal.SIGKILL)
                    trainer = -1
                now_ns = clock.now_ns()
                if message.phase in ("done", "aborted") and now_ns - done_ns > THINKS_NS:
                    port.tell(m.OperatorAction(now_ns, "quit", source="participant"))
                elif message.phase == "question" and now_ns - done_ns > THINKS_NS:
                    answer = "0" if message.question == "signed" else "3"
                    port.tell(m.OperatorAction(now_ns, "answer", answer, source="participant"))
                    done_ns = now_ns
                elif message.phase in ("setup", "consent", "instructions", "break") and now_ns - done_ns > THINKS_NS:
                    port.tell(m.OperatorAction(now_ns, "next", source="participant"))
                    done_ns = now_ns
    finally:
        port.close()
