"""The processes of a session: one table, one parent that starts them, restarts what may be restarted, and stops all.

A dead voice, face or console is started again while the session goes on; a dead control process ends the session and
leaves a readable record. Ctrl-C, SIGTERM and the closing of the terminal are the parent's alone, which asks control to
quit; when the parent itself is killed, all the others leave and control closes the record.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import msgspec

from firmware_bridge.errors import BridgeError
from robopatient import messages as m
from robopatient.bus import ActorPort, Endpoints, make_endpoints
from robopatient.clock import Clock, HostClock
from robopatient.config import SessionConfig, reference
from robopatient.errors import RobopatientError, SessionError
from robopatient.folders import new_socket_folder
from robopatient.locks import RUNNING_FILE, hold_shared, is_held
from robopatient.parent import PATIENCE_S, leave_with_parent
from robopatient.session.actor_lines import ActorLines

__all__ = ["GIVEN_UP", "PROCESSES", "Row", "Supervisor"]


class Row(NamedTuple):
    """One process: its entry point, whether this configuration wants it, and whether it may be restarted."""

    name: str
    main: str
    wanted: Callable[[SessionConfig], bool]
    restart: bool


def _asks(config: SessionConfig) -> bool:
    """Whether somebody is to be asked on a screen of their own."""
    return config.participant.enabled and bool(config.study.name or config.lesson.folder)


PROCESSES = (
    Row("control", "robopatient.session.control:main", lambda config: True, restart=False),
    Row("voice", "robopatient.voice.process:main", lambda config: config.voice.enabled, restart=True),
    Row("face", "robopatient.face.process:main", lambda config: config.face.enabled, restart=True),
    Row("console", "robopatient.console.process:main", lambda config: config.console.enabled, restart=True),
    Row("stop key", "robopatient.console.stop_key:main", lambda config: config.console.enabled, restart=True),
    Row("interop", "robopatient.interop.process:main", lambda config: config.interop.wanted, restart=True),
    Row("participant", "robopatient.console.participant:main", _asks, restart=True),
    Row("bodies", "robopatient.face.bodies.process:main", lambda config: config.interop.bodies_wanted, restart=True),
    Row("rater", "robopatient.session.rater:main", lambda config: bool(config.rater.port), restart=True),
)
"""The one table. Restarts stop after ``MAX_RESTARTS`` of the same process."""

MAX_RESTARTS = 5
GIVEN_UP = "not started again"
"""End of the detail of a process that failed too often; one that failed without it comes back."""
RESTART_PAUSE_S = 0.2
POLL_S = 0.05
CONTROL_LEAVES_S = 15.0
"""Control drains the record before it leaves (assumption: a slow disk writes 1 MB/s)."""
ACTORS_LEAVE_S = 5.0


def _enter(main: str, config_json: bytes, endpoints_json: bytes, folder: str) -> None:
    """Body of every child: decode what it was given and call its entry point."""
    leave_with_parent(CONTROL_LEAVES_S if main == PROCESSES[0].main else PATIENCE_S)
    lock = hold_shared(Path(folder) / RUNNING_FILE)  # for as long as this process lives
    config = msgspec.json.decode(config_json, type=SessionConfig)
    endpoints = msgspec.json.decode(endpoints_json, type=Endpoints)
    try:
        reference(main)(config, endpoints, Path(folder))
    except (RobopatientError, BridgeError) as error:
        print(f"{main.split(':')[0].split('.')[1]}: {error}", file=sys.stderr)
        raise SystemExit(1) from error
    finally:
        lock.close()


class Supervisor:
    """Parent of one session's processes.

    Parameters
    ----------
    folder
        Where the record goes; created here.
    told
        Called with one line whenever something happens that a person at the terminal wants to know.
    extra
        Processes beside those of the table: clients that the session does not know of.
    sockets
        Folder for the session's sockets, where a program that drives it looks for them; removed at the end. None: one
        that nobody else knows.
    """

    def __init__(
        self,
        config: SessionConfig,
        folder: Path,
        told: Callable[[str], None],
        clock: Clock | None = None,
        extra: tuple[Row, ...] = (),
        sockets: Path | None = None,
    ) -> None:
        self._rows = (*PROCESSES, *extra)
        self.config = config
        self.folder = folder
        self.restarts: dict[str, int] = {}
        self.started_ns = 0
        self._told = told
        self._clock = clock or HostClock()
        self._sockets = sockets or new_socket_folder()
        self._endpoints = make_endpoints(self._sockets)
        self._processes: dict[str, BaseProcess] = {}
        self._signalled = 0
        self._port: ActorPort | None = None
        self._lines = ActorLines()

    def run(self) -> int:
        """Run the session to its end; return control's exit status."""
        self.started_ns = self._clock.now_ns()
        _make_folder(self.folder)
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # of the children: two threads cost 14 times one (measured)
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup wishes
            numbers.append(signal.SIGHUP)
        lock = hold_shared(self.folder / RUNNING_FILE)
        old = {number: signal.signal(number, self._on_signal) for number in numbers}
        self._port = ActorPort(self._endpoints, ("actor",))
        try:
            for row in self._rows:
                if row.wanted(self.config):
                    self._start(row)
            return self._watch()
        finally:
            self._stop_all()
            self._port.close()
            shutil.rmtree(self._sockets, ignore_errors=True)
            lock.close()
            if not is_held(self.folder / RUNNING_FILE):
                (self.folder / RUNNING_FILE).unlink(missing_ok=True)
            for number, handler in old.items():
                signal.signal(number, handler)

    def _start(self, row: Row) -> None:
        process: Any = multiprocessing.get_context("spawn").Process(
            target=_enter,
            name=f"robopatient-{row.name}",
            args=(
                row.main,
                msgspec.json.encode(self.config),
                msgspec.json.encode(self._endpoints),
                str(self.folder),
            ),
        )
        process.start()
        self._processes[row.name] = process

    def _watch(self) -> int:
        rows = {row.name: row for row in self._rows}
        while True:
            control = self._processes["control"]
            control.join(timeout=POLL_S)
            if not control.is_alive():
                return int(control.exitcode or 0)
            self._hear()
            for name, process in list(self._processes.items()):
                if name != "control" and not process.is_alive() and process.exitcode != 0:
                    self._restart(rows[name], process.exitcode)

    def _hear(self) -> None:
        """Tell the person at the terminal what an actor complains of: a headless session has no other place for it."""
        for message in self._port.receive() if self._port is not None else ():
            line = self._lines.line(message) if isinstance(message, m.ActorState) else ""
            if line:
                self._told(line)

    def _restart(self, row: Row, exitcode: int | None) -> None:
        why = f"died ({_how(exitcode)})"
        del self._processes[row.name]
        count = self.restarts[row.name] = self.restarts.get(row.name, 0) + 1
        if count > MAX_RESTARTS:
            self._tell(row.name, "failed", f"{why} {count} times; {GIVEN_UP}")
            return
        self._tell(row.name, "failed", f"{why}; restart {count} of {MAX_RESTARTS}")
        time.sleep(RESTART_PAUSE_S)
        self._start(row)

    def _tell(self, actor: str, state: str, detail: str) -> None:
        now_ns = self._clock.now_ns()
        self._told(f"{actor} {detail}")
        if self._port is not None:
            self._port.tell(m.ActorState(now_ns, actor, state, detail))
            self._port.tell(m.Note(now_ns, "error", "supervisor", f"{actor} {detail}"))

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signalled += 1
        control = self._processes.get("control")
        if self._port is not None and self._signalled == 1:
            action = m.OperatorAction(self._clock.now_ns(), "quit", signal.Signals(number).name, source="signal")
            self._port.tell(action)
        elif control is not None and control.pid is not None and control.is_alive():
            os.kill(control.pid, signal.SIGTERM)

    def _stop_all(self) -> None:
        """Leave no child behind: control first (it drains the record), then the actors."""
        control = self._processes.get("control")
        if control is not None:
            _leave(control, CONTROL_LEAVES_S)
        for name, process in self._processes.items():
            if name != "control":
                _leave(process, ACTORS_LEAVE_S)


def _leave(process: BaseProcess, patience_s: float) -> None:
    """Wait, then ask, then insist: only ever on a child of ours."""
    process.join(timeout=patience_s)
    if process.is_alive():
        process.terminate()
        process.join(timeout=2.0)
    if process.is_alive():
        process.kill()
        process.join(timeout=2.0)


def _make_folder(folder: Path) -> None:
    if (folder / "record.sqlite").exists():
        raise SessionError(f"{folder}: already holds a session; choose another folder with --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SessionError(f"{folder}: cannot be written ({error.strerror}); choose another folder with --out") from (
            error
        )


def _how(exitcode: int | None) -> str:
    if exitcode is None:
        return "unknown"
    if exitcode < 0:
        return signal.Signals(-exitcode).name
    return f"exit status {exitcode}"
