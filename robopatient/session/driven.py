"""A session that another program drives (``robopatient.Live``): its processes, and a parent that goes with the program.

What to run comes as one line on standard input. The end of that input ends the session: the program is gone, however
it was killed. What could not be done goes to standard output, as text; all else that is printed goes to the terminal.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import msgspec

from firmware_bridge.errors import BridgeError
from robopatient.config import SessionConfig
from robopatient.errors import RobopatientError
from robopatient.session.run import run_session

__all__ = ["DrivenSession", "main"]


class DrivenSession(msgspec.Struct, frozen=True):
    """What to run, and where: the settled configuration, the record's folder and that of the sockets."""

    config: SessionConfig
    folder: str
    sockets: str


def main() -> None:
    """Run the session that standard input tells; exit status as of ``robopatient run``."""
    outcome = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=DrivenSession)
    threading.Thread(target=_end_with_input, name="input", daemon=True).start()
    try:
        status = run_session(order.config, Path(order.folder), sockets=Path(order.sockets))
    except (RobopatientError, BridgeError) as error:
        os.write(outcome, str(error).encode())
        status = 1
    raise SystemExit(status)


def _end_with_input() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
