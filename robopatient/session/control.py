"""The loop: bytes in, commands out, everything on the record. Read this file third.

One process, three threads: a reader that only waits for bytes, this loop, and the record's writer. No Qt, no torch
and no busy Python thread may join them: a busy thread beside a serial reader cost 40 ms at p99 (measured, facts sheet
bridge_and_realtime, 3).
"""

from __future__ import annotations

import collections
import gc
import os
import platform
import signal
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import msgspec
import numpy as np

import robopatient
from firmware_bridge.board import Board
from firmware_bridge.boards import make_board
from firmware_bridge.errors import BridgeError
from robopatient import messages as m
from robopatient.bus import Endpoints, HubPort
from robopatient.clock import Clock, HostClock, Metronome
from robopatient.config import SessionConfig
from robopatient.parent import parent_is_gone
from robopatient.patient import load_patient
from robopatient.presence import Presence
from robopatient.record.writer import RecordWriter
from robopatient.scales import parse_rating
from robopatient.sensing.calibration import note_trouble
from robopatient.session.actor_lines import words_of
from robopatient.session.journal import JournalWriter
from robopatient.session.pipeline import Outputs, Pipeline
from robopatient.session.provenance import fingerprints
from robopatient.session.study_desk import TrialRowWriter
from robopatient.session.supervisor import GIVEN_UP
from robopatient.urgency import CONTROL, hurry

__all__ = ["main", "open_board"]

READ_TIMEOUT_S = 0.05
ACTORS_READY_S = 300.0
"""How long to wait for voice and face. With empty caches on two cores, load 8 to 14, the face took 80 s and the voice
225 s (XDG_CACHE_HOME=new NUMBA_CACHE_DIR=new robopatient run --headless --duration 5 --set voice.device=none)."""
PATIENCE_S = 3.0
"""After which it is told who is waited for; a start with warm caches took 4 to 5 s to the first sound (README.md)."""
FIRST_START = "the first session after an installation fills its caches before it begins, which takes a minute or two"
MIRROR_HZ = 30.0
"""Rate at which Heard and Seen are passed on to the console."""


def open_board(config: SessionConfig) -> Board:
    """Board of a session, not yet opened."""
    board = config.board
    return make_board(
        board.driver,
        port=board.port,
        baud=board.baud,
        rate_hz=board.rate_hz,
        file=board.file,
        site_mm=board.site_mm,
        loop=board.loop,
        seed=config.seed,
        options=board.options,
    )


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Run one session until its duration has passed, the operator quits or the supervisor says so."""
    early: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: early.append(number))
    control = Control(config, endpoints, folder, HostClock())
    signal.signal(signal.SIGTERM, control.interrupt)
    if early:
        control.interrupt(early[0], None)
    control.run()


class _GivenUp(BaseException):
    """SIGTERM came while the board was being opened."""


class Reader(threading.Thread):
    """Waits for bytes and stamps them; the loop takes them at its own pace."""

    def __init__(self, board: Board, clock: Clock) -> None:
        super().__init__(name="reader", daemon=True)
        self.chunks: collections.deque[tuple[int, bytes]] = collections.deque()
        self.failure = ""
        self._board = board
        self._clock = clock
        self._leave = threading.Event()

    def run(self) -> None:
        """Read until told to leave; an unplugged board is the driver's business, a broken driver is told."""
        _realtime()
        while not self._leave.is_set():
            try:
                data = self._board.read(READ_TIMEOUT_S)
            except BridgeError as error:
                self.failure = str(error)
                self._leave.wait(READ_TIMEOUT_S)
                continue
            if data:
                self.chunks.append((self._clock.now_ns(), data))

    def leave(self) -> None:
        """Stop within one read time-out."""
        self._leave.set()
        if self.ident is not None:
            self.join(timeout=1.0)


class Control:
    """A session's state and its loop."""

    def __init__(self, config: SessionConfig, endpoints: Endpoints, folder: Path, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.hub = HubPort(endpoints)
        self.record = RecordWriter(folder, min_free_mb=config.record.min_free_mb)
        self.journal = JournalWriter(folder)
        self.board = open_board(config)
        self.pipeline = Pipeline(config, self.board, load_patient(config.patient), folder)
        self.reader = Reader(self.board, clock)
        self.presence = Presence(config)
        self.desk = (
            TrialRowWriter(self.record, config.record.min_free_mb, self.presence)
            if self.pipeline.study is not None
            else None
        )
        self.actors: dict[str, m.ActorState] = {}
        self.late_ns: collections.deque[int] = collections.deque(maxlen=1000)
        self.missed = 0
        self.stop_reason = ""
        self._newest: dict[type[m.Message], m.Message] = {}
        self._opening = False
        self._link = ""
        self._counted = (clock.now_ns(), 0)
        self._said: set[str] = set()

    def interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        """SIGTERM: leave at the next tick; a board that is being opened, which may take 20 s, is given up."""
        self.stop_reason = self.stop_reason or ("supervisor lost" if parent_is_gone() else "interrupted")
        if self._opening:
            raise _GivenUp

    def run(self) -> None:
        """Wait for the actors, open the board, turn the loop, close everything."""
        detail = ""
        try:
            self._say(self._session_start())
            self._tell_own("starting")
            self._await_actors()
            if not self.stop_reason:
                self._tell_own("ready")
                self._open_board()
            if not self.stop_reason:
                self._loop()
        except Exception as error:
            self.stop_reason, detail = "failed", f"{type(error).__name__}: {error}"
            raise
        finally:
            for press in self.pipeline.finish():
                self._say(press)
            self._say(m.SessionStop(self.clock.now_ns(), self.stop_reason or "done", detail))
            self.reader.leave()
            self.board.close()
            self._drain_actors(seconds=0.5)
            self.journal.close()
            self.record.close()
            self.hub.close()

    def _loop(self) -> None:
        """The real-time part: nothing here waits for anything but the clock."""
        mode = _realtime()
        self._note("info", f"loop at {self.config.control.loop_hz:g} Hz, scheduling {mode}")
        gc.collect()
        gc.freeze()
        gc.disable()
        metronome = Metronome(self.clock, self.config.control.loop_hz)
        begun_ns = self.clock.now_ns()
        self.presence.begin(begun_ns)
        end_ns = begun_ns + round(self.config.duration_s * 1e9) if self.config.duration_s else None
        mirror_every = max(1, round(self.config.control.loop_hz / MIRROR_HZ))
        second = round(self.config.control.loop_hz)
        turn = 0
        while not self.stop_reason:
            self.late_ns.append(metronome.wait())
            self.missed = metronome.missed
            self._take_bytes()
            self._take_messages()
            now_ns = self.clock.now_ns()
            outputs = self.pipeline.tick(now_ns)
            self.journal.tick(now_ns)
            self._publish(outputs)
            if self.desk is not None:
                self._attend(self.desk, outputs, now_ns)
            self.board.poll(now_ns)
            turn += 1
            if turn % mirror_every == 0:
                self._mirror()
            if turn % second == 0 or self.board.health().state != self._link:
                self._tell_health(now_ns)
            if end_ns is not None and now_ns >= end_ns:
                self.stop_reason = "done"

    def _take_bytes(self) -> None:
        chunks = self.reader.chunks
        while chunks:
            received_ns, data = chunks.popleft()
            self.journal.received(received_ns, data)
            self.pipeline.receive(received_ns, data)

    def _take_messages(self) -> None:
        for message in self.hub.receive():
            self.presence.feed(message)
            if isinstance(message, m.OperatorAction):
                self._act(message)
            elif isinstance(message, m.ActorState):
                self._know_actor(message)
            else:
                if isinstance(message, (m.Heard, m.Seen)):
                    self._newest[type(message)] = message
                    if self.desk is not None:
                        self.desk.presented(message)
                elif isinstance(message, (m.Note, m.Spoken, m.Loudness, m.StudyState, m.LessonState, m.Dial)):
                    self.hub.publish(message)  # told by one actor, for the others
                self.record.put(message)

    def _act(self, action: m.OperatorAction) -> None:
        self.journal.action(self.clock.now_ns(), action)
        self.pipeline.act(action)
        self._say(action)
        if action.action == "quit":
            self.stop_reason = "interrupted" if action.source == "signal" else "operator"
        elif action.action == "note":
            self._note("info", action.argument, source=action.source)
        elif action.action == "rating":
            self._rate(action)

    def _rate(self, action: m.OperatorAction) -> None:
        """Put a judgement on the record; one that no scale allows is told and kept as the action that it was."""
        try:
            scale, value = parse_rating(action.argument)
        except ValueError as error:
            self._note("warning", str(error), source=action.source)
            return
        rater = "instructor" if scale.startswith("OSCE.") else "trainee"
        self._say(m.Rating(action.t_ns, rater if action.source == "console" else action.source, scale, value))

    def _know_actor(self, state: m.ActorState) -> None:
        known = self.actors.get(state.actor)
        self.actors[state.actor] = state
        self.hub.publish(state)
        if known is None or _news(known) != _news(state):  # a heartbeat that says nothing new is not worth a row
            self.record.put(state)

    def _tell_own(self, state: str, detail: str = "") -> None:
        self._know_actor(m.ActorState(self.clock.now_ns(), "control", state, detail, os.getpid()))

    def _publish(self, outputs: Outputs) -> None:
        for message in (outputs.voice, outputs.face, outputs.force, outputs.pain, outputs.expression):
            self._say(message)
        for event in (*outputs.presses, *outputs.said, *outputs.changes, *outputs.actions):
            self._say(event)
        if any(action.action == "quit" for action in outputs.actions):
            self.stop_reason = self.stop_reason or "done"
        for level, text in self.pipeline.sensing.take_notes():
            self._note(level, text, source="sensing")

    def _attend(self, desk: TrialRowWriter, outputs: Outputs, now_ns: int) -> None:
        """Screens and record of a study; rows that have reached the disk are told to the trial machine."""
        for level, text in outputs.notes:
            self._note(level, text, source="study")
        for message in desk.take(outputs):
            self.hub.publish(message)
        needs = self.pipeline.study.machine.needs if self.pipeline.study is not None else frozenset()
        for action in desk.actions(now_ns, needs):
            if action.source == "control":
                self._note("error", f"{action.argument}: the study pauses; resume it when it works", source="study")
            self._act(action)
        if desk.over(now_ns) and not (self.config.console.enabled or self.stop_reason):
            self.stop_reason = "done"

    def _mirror(self) -> None:
        for message in self._newest.values():
            self.hub.publish(message)
        self._newest.clear()

    def _say(self, message: m.Message) -> None:
        self.hub.publish(message)
        self.record.put(message)

    def _note(self, level: str, text: str, source: str = "control") -> None:
        self._say(m.Note(self.clock.now_ns(), level, source, text))

    def _tell_health(self, now_ns: int) -> None:
        health = self.board.health()
        self._link = health.state
        warnings = [f"record: {trouble}" for trouble in (self.record.error, self.journal.error) if trouble]
        if self.journal.lost_bytes:
            warnings.append("record: the journal lacks inputs of the time when the disk refused; a replay ends there")
        warnings += [f"board: {trouble}" for trouble in (health.detail, self.reader.failure) if trouble]
        foreign = note_trouble(health.note or "", self.config.sensing.calibration, self.pipeline.sensing.calibration)
        warnings += [f"board: {foreign}"] if foreign else []
        for warning in warnings:
            if warning not in self._said:
                self._said.add(warning)
                self._note("error", warning)
        self._say(
            m.Health(
                t_ns=now_ns,
                link=health.state,
                board=self.board.name,
                frame_rate_hz=self._frame_rate_hz(now_ns, health.samples),
                frames=health.samples,
                frames_lost=health.lost,
                frames_bad=health.bad,
                clock_residual_ms=health.residual_ms,
                loop_missed=self.missed,
                loop_late_p99_us=float(np.percentile(self.late_ns, 99)) / 1e3 if self.late_ns else 0.0,
                running=self.pipeline.running,
                hushed=self.pipeline.hushed,
                warnings=tuple(warnings),
            )
        )

    def _frame_rate_hz(self, now_ns: int, frames: int) -> float:
        """Frames a second since the last time this was asked."""
        then_ns, then_frames = self._counted
        self._counted = (now_ns, frames)
        return (frames - then_frames) * 1e9 / (now_ns - then_ns) if now_ns > then_ns else 0.0

    def _await_actors(self) -> None:
        """A session begins when voice and face can act, or have said that they cannot."""
        expected = [name for name in ("voice", "face") if getattr(self.config, name).enabled]
        begun_ns = self.clock.now_ns()
        deadline_ns = begun_ns + round(ACTORS_READY_S * 1e9)
        tell_ns = begun_ns + round(PATIENCE_S * 1e9)
        while not self.stop_reason:
            self._take_messages()
            waiting = [name for name in expected if _may_still_come(self.actors.get(name, _UNKNOWN))]
            if not waiting:
                return
            if self.clock.now_ns() > tell_ns:  # again and again: who listens may have come late
                tell_ns += 1_000_000_000
                self._tell_own("starting", f"waiting for {' and '.join(waiting)}: {FIRST_START}")
            if self.clock.now_ns() > deadline_ns:
                self._note("error", f"{' and '.join(waiting)} not ready after {ACTORS_READY_S:.0f} s; going on without")
                return
            self.clock.sleep_until_ns(self.clock.now_ns() + 5_000_000)

    def _open_board(self) -> None:
        try:
            try:
                self._opening = True
                self.board.open()
            finally:
                self._opening = False
        except _GivenUp:
            return
        self.reader.start()

    def _drain_actors(self, seconds: float) -> None:
        """What was heard and seen up to the end still belongs on the record."""
        end_ns = self.clock.now_ns() + round(seconds * 1e9)
        while self.clock.now_ns() < end_ns:
            self._take_messages()
            self.clock.sleep_until_ns(self.clock.now_ns() + 10_000_000)

    def _session_start(self) -> m.SessionStart:
        wall = datetime.now(UTC)
        return m.SessionStart(
            t_ns=self.clock.now_ns(),
            wall_time_iso=wall.isoformat(timespec="milliseconds"),
            session_id=wall.strftime("%Y%m%dT%H%M%S") + f"-{os.getpid()}",
            version=robopatient.__version__,
            commit=_commit(),
            seed=self.config.seed,
            config_json=msgspec.json.encode(self.config).decode(),
            calibration_json=msgspec.json.encode(self.pipeline.sensing.calibration).decode(),
            files_sha256=fingerprints(self.config),
            machine={
                "host": platform.node(),
                "system": platform.platform(),
                "python": platform.python_version(),
                "cores": str(os.cpu_count()),
                "board": self.board.name,
            },
        )


_UNKNOWN = m.ActorState(0, "", "")


def _news(state: m.ActorState) -> tuple[str, str, int]:
    """What of a state is worth a row of the record when it changes."""
    return state.state, words_of(state.detail), state.pid


def _may_still_come(state: m.ActorState) -> bool:
    """Whether a session is to wait for an actor: one that died while it warmed up is started again."""
    return state.state in ("starting", "") or (state.state == "failed" and not state.detail.endswith(GIVEN_UP))


def _realtime() -> str:
    """Ask for SCHED_FIFO; ordinary users may not have it, and then the console says so."""
    return f"SCHED_FIFO {CONTROL}" if hurry([0], CONTROL) else "ordinary (SCHED_FIFO not permitted)"


def _commit() -> str:
    """Commit of the working tree this runs from, or "" for an installed wheel."""
    root = Path(__file__).resolve().parent.parent.parent
    if not (root / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
