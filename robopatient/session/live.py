"""A session driven from Python: ``robopatient.Live`` starts one in processes of its own and is a client of it."""

from __future__ import annotations

import collections
import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from robopatient import messages as m
from robopatient.bus import ActorPort, make_endpoints
from robopatient.clock import HostClock
from robopatient.errors import ConfigError, SessionError
from robopatient.folders import new_socket_folder, user_path
from robopatient.session.driven import DrivenSession
from robopatient.session.run import new_folder, resolve

__all__ = ["Live"]

T = TypeVar("T")

TOPICS = ("pain", "press", "said", "stop")
POLL_MS = 50
QUIT_S = 20.0
"""After which a session that does not obey is ended by a signal (control drains the record for 15 s at most)."""
CODE = "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); from robopatient.session.driven import main; main()"
"""Not ``multiprocessing``: it would import the caller's script once more in every process."""


class Live:
    """A session that is driven from Python: a context manager that starts it and, at its end, closes the record.

    It needs no ``if __name__ == "__main__"``, works in a notebook, and ends when the program ends, however that ends.
    What a person at the terminal would be told goes to standard error.

    Parameters
    ----------
    session
        Path of a session file (TOML), or the name of one under ``assets/sessions``.
    overrides
        Strings ``section.key=value``, as after ``robopatient run --set``.
    board
        "virtual", "replay:FILE[#NAME]" or a device path, as after ``--board``; None: as the session file says.
    headless
        Without windows.
    duration_s
        Longest time, s; None: as the session file says. 0: until the ``with`` ends.
    seed
        Of all that is drawn; None: as the session file says.
    out
        Folder of the record, which must not hold one; None: ``sessions`` and the time of day.
    report
        Also write report and film at the end, which takes minutes; ``robopatient report FOLDER`` does it later.

    Attributes
    ----------
    config
        The whole configuration, ``SessionConfig``.
    folder
        Of the record: for ``read_session`` after the end.

    Raises
    ------
    ConfigError, AssetError
        At once, when the session file or a value is wrong: naming file and key.
    SessionError
        At the start when the session cannot begin (no such board), with what the terminal would say; by every method
        once the session has ended; at the end when the record is not whole.

    Examples
    --------
    >>> import robopatient as rp
    >>> with rp.Live("demo", headless=True) as live:  # doctest: +SKIP
    ...     press = live.wait_for_press(timeout_s=30)
    ...     answer = live.ask("nrs")
    >>> rp.read_session(live.folder).presses()  # doctest: +SKIP
    """

    def __init__(
        self,
        session: str | Path = "demo",
        overrides: Iterable[str] = (),
        *,
        board: str | None = None,
        headless: bool = False,
        duration_s: float | None = None,
        seed: int | None = None,
        out: str | Path | None = None,
        report: bool = False,
    ) -> None:
        kept = [f"record.report={json.dumps(report)}", *overrides]
        self.config = resolve(session, headless, board, duration_s, seed, None, kept)
        self.folder = user_path(out) if out is not None else new_folder()
        self._clock = HostClock()
        self._process: subprocess.Popen[bytes] | None = None
        self._port: ActorPort | None = None
        self._sockets: Path | None = None
        self._trouble = ""
        self._pain: m.PainState | None = None
        self._stop: m.SessionStop | None = None
        self._presses: collections.deque[m.Press] = collections.deque()
        self._said: collections.deque[m.Said] = collections.deque(maxlen=100)

    def __enter__(self) -> Self:
        """Start the processes; returns when the patient feels. The first time after an installation takes minutes."""
        self._sockets = new_socket_folder()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", CODE, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is this program's: it ends the session by leaving the ``with``
            )
            self._port = ActorPort(make_endpoints(self._sockets), TOPICS)
            order = DrivenSession(self.config, str(self.folder), str(self._sockets))
            assert self._process.stdin is not None
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")
            self._process.stdin.flush()
            self._wait(lambda: self._pain, "the patient feels", None)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the session and wait until the record is closed."""
        trouble = self._end()
        if trouble and kind is None:
            raise SessionError(trouble)

    @property
    def pain(self) -> m.PainState:
        """The newest pain: ``nrs`` felt, 0 to 10, ``site``, ``phase``, ``report_nrs``, ``face_nrs``, ``voice_nrs``."""
        self._hear(0)
        if self._pain is None:
            raise SessionError("this session has not begun; write: with Live(...) as live")
        return self._pain

    @property
    def ended(self) -> bool:
        """Whether the session has ended: by its duration, its operator, or a fault."""
        self._hear(0)
        return self._stop is not None or self._process is None or self._process.poll() is not None

    def wait_for_press(self, timeout_s: float | None = None) -> m.Press:
        """The oldest finished press that was not returned yet: none is missed between two calls.

        Returns
        -------
        Press
            ``peak_newton``, ``x_mm``, ``y_mm`` (on the phantom), ``region``, ``t_ns`` of its onset, …

        Raises
        ------
        TimeoutError
            When none comes for ``timeout_s``; None waits as long as the session lasts.
        """
        return self._wait(lambda: self._presses.popleft() if self._presses else None, "a press", timeout_s)

    def ask(self, question: str = "nrs", timeout_s: float = 5.0) -> m.Said:
        """Ask the patient: "nrs", "where", "quality", "feeling", "worse", "history", or the same in words.

        Returns
        -------
        Said
            ``text``, the answer; ``nrs``, the number given, or -1; ``felt_nrs``, the truth; ``refused``.

        Raises
        ------
        TimeoutError
            When no answer comes for ``timeout_s``.
        """
        asked_ns = self._do("ask", question)

        def answer() -> m.Said | None:
            return next((said for said in self._said if said.t_ns == asked_ns), None)

        return self._wait(answer, f'an answer to "{question}"', timeout_s)

    def cue(self, text: str) -> None:
        """Announce something to the patient: "this may hurt", "breathe in"."""
        self._do("cue", text)

    def set(self, *, stress: float | None = None, relief: float | None = None) -> None:
        """Set the patient's stress and relief, each 0 to 1; what is not given stays.

        Raises
        ------
        ConfigError
            When a level is out of range.
        """
        levels = {name: level for name, level in (("stress", stress), ("relief", relief)) if level is not None}
        for name, level in levels.items():
            if not 0.0 <= level <= 1.0:
                raise ConfigError(f"Live.set: {name} is {level:g} (expected 0 to 1)")
        for name, level in levels.items():
            self._do(name, repr(float(level)))

    def hush(self) -> None:
        """Silence the voice and ease the face at once."""
        self._do("hush")

    def unhush(self) -> None:
        """Let the patient express again."""
        self._do("unhush")

    def start(self) -> None:
        """Let the patient feel and express; needed after ``stop``, or with ``control.autostart=false``."""
        self._do("start")

    def stop(self) -> None:
        """Pause: the patient feels nothing; the session and its record go on."""
        self._do("stop")

    def tare(self) -> None:
        """Take the present force as zero; nothing may touch the abdomen."""
        self._do("tare")

    def note(self, text: str) -> None:
        """Write a line into the record."""
        self._do("note", text)

    def _do(self, action: str, argument: str = "") -> int:
        """Tell control what the operator would; returns the time that the action carries, ns."""
        if self.ended or self._port is None:
            raise SessionError(self._why_over())
        t_ns = self._clock.now_ns()
        self._port.tell(m.OperatorAction(t_ns, action, argument, source="python"))
        return t_ns

    def _wait(self, look: Callable[[], T | None], what: str, timeout_s: float | None) -> T:
        """First answer of ``look`` that is not None."""
        end_ns = None if timeout_s is None else self._clock.now_ns() + round(timeout_s * 1e9)
        self._hear(0)
        while (found := look()) is None:
            if self.ended:
                if (found := look()) is not None:
                    return found
                raise SessionError(self._why_over())
            if end_ns is not None and self._clock.now_ns() >= end_ns:
                raise TimeoutError(f"waited {timeout_s:g} s for {what}; the session in {self.folder} goes on")
            self._hear(POLL_MS)
        return found

    def _hear(self, timeout_ms: int) -> None:
        for message in self._port.receive(timeout_ms) if self._port is not None else ():
            match message:
                case m.PainState():
                    self._pain = message
                case m.Press():
                    self._presses.append(message)
                case m.Said():
                    self._said.append(message)
                case m.SessionStop():
                    self._stop = message

    def _why_over(self) -> str:
        """What a user is told who goes on with a session that is over."""
        if self._process is None:
            return f"the session in {self.folder} is not running; write: with Live(...) as live"
        if self._stop is not None and self._stop.reason != "failed":
            return f"the session in {self.folder} has ended ({self._stop.reason})"
        return self._outcome(self._process) or f"the session in {self.folder} has ended"

    def _outcome(self, process: subprocess.Popen[bytes]) -> str:
        """Wait for the processes to end; what went wrong, or ""."""
        assert process.stdout is not None
        if not process.stdout.closed:
            self._trouble = process.stdout.read().decode()
            process.stdout.close()
        if process.wait() and not self._trouble:
            self._trouble = f"the session in {self.folder} broke off ({process.returncode}); standard error says why"
        return self._trouble

    def _end(self) -> str:
        """Ask control to quit, wait for all processes; what went wrong, or ""."""
        try:
            if self._process is None:
                return ""
            if not self.ended:
                self._do("quit")
            end_ns = self._clock.now_ns() + round(QUIT_S * 1e9)
            while not self.ended and self._clock.now_ns() < end_ns:
                self._hear(POLL_MS)
            if not self.ended:
                self._let_go(self._process)
            return self._outcome(self._process)
        finally:
            if self._process is not None:
                self._let_go(self._process)
            if self._port is not None:
                self._port.close()
                self._port = None
            if self._sockets is not None:
                shutil.rmtree(self._sockets, ignore_errors=True)

    @staticmethod
    def _let_go(process: subprocess.Popen[bytes]) -> None:
        """Close the input by whose end the session ends, whatever it is doing."""
        assert process.stdin is not None
        with contextlib.suppress(OSError):  # it is gone already
            process.stdin.close()
