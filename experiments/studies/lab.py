"""A laboratory without people and without waiting: one session of a study on a simulated clock.

The board's bytes, sensing, trial machine, expression, split, voice and face engines and the record are those of a
session; made up are the hand, the answers, and the way from the engines to the ear and the eye.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

import robopatient
from experiments.studies.hand import PressingHand
from experiments.studies.simulated_people import SimulatedPerson
from firmware_bridge.boards.serial import SerialBoard
from firmware_bridge.virtual_device import VirtualDevice
from robopatient import messages as m
from robopatient.clock import FakeClock, HostClock
from robopatient.config import SessionConfig
from robopatient.errors import SessionError
from robopatient.face.generator import make_engine
from robopatient.facs import pspi
from robopatient.patient import load_patient
from robopatient.record.writer import RecordWriter
from robopatient.session.pipeline import Outputs, Pipeline
from robopatient.session.provenance import fingerprints
from robopatient.session.study_desk import StudyDesk
from robopatient.study.questions import question
from robopatient.voice.engine import LOOKAHEAD_S
from robopatient.voice.engines import make_engine as make_voice

__all__ = ["RATE_HZ", "SimulatedSession"]

MS = 1_000_000
IDLE_NS = 40 * MS
"""Between presses nothing happens that a finer step would show."""
RATE_HZ = 100.0
"""Of the simulated board, unless asked otherwise: one frame a turn of the loop, as slow as a converter with the HX711's
80 a second; an hour of 1000 Hz would take most of an hour to compute."""
INAUDIBLE_DB = -60.0
OUTPUT_S = 0.010
"""Buffered by the simulated sound card, as ``voice.latency_s`` asks for."""
DISPLAY_S = 1.0 / 60.0
"""From a swap to the light (assumption: one refresh)."""
SAVED_S = 30.0
"""How long a row may take to the disk before the simulation gives up."""
SETTLE_S = 3.0
"""Until the board's clock is known and its zero taken."""
TAIL_NS = 700 * MS
"""After the reaction voice and face are followed so long, until they are at rest."""
KEPT = (m.TrialRecord, m.StudyState, m.Press, m.OperatorAction, m.Note, m.SessionStart, m.SessionStop)
"""What is recorded unless everything is asked for."""


class _Cable:
    """Between board and host: what is written reaches the device at once."""

    def __init__(self, device: VirtualDevice, baud: int) -> None:
        self.device, self.baud = device, baud
        self.generation = self.openings = 1
        self.error = self.note = ""
        self.bytes_received = 0
        self.now_ns = 0

    def write(self, data: bytes) -> bool:
        if data:
            self.device.receive(data, self.now_ns)
        return True

    def read(self) -> bytes:
        data = b"".join(self.device.run(self.now_ns))
        self.bytes_received += len(data)
        return data


class SimulatedSession:
    """One participant's session.

    Parameters
    ----------
    keep
        "trials": trials, states, presses, actions and notes; "all": everything that a session records.
    confirmed
        Called with the number of each trial whose answer is known to be on the disk.
    pace
        Times faster than life, at most; 0: as fast as it goes.
    """

    def __init__(
        self,
        config: SessionConfig,
        folder: Path,
        person: SimulatedPerson,
        keep: Literal["trials", "all"] = "trials",
        confirmed: Callable[[int], None] | None = None,
        pace: float = 0.0,
    ) -> None:
        self.config = config
        self.person = person
        self.now_ns = 1_000 * MS
        self.rows: list[m.TrialRecord] = []
        self._keep_all = keep == "all"
        self._confirmed = confirmed
        self._pace = pace
        self._clock = HostClock()
        self._begun_ns = self._clock.now_ns()
        rate_hz = config.board.rate_hz
        self._hand = PressingHand()
        device = VirtualDevice(self._hand, now_ns=self.now_ns, rate_hz=rate_hz, seed=config.seed)
        self._tick_ns = round(1e9 / rate_hz)
        self._board = SerialBoard("simulated", 500_000, rate_hz)
        self._board.name = "SIM study"
        self._cable = _Cable(device, 500_000)
        self._cable.now_ns = self.now_ns
        self._board.link = self._cable  # type: ignore[assignment]
        self._origin_ns = 0
        self.pipeline = Pipeline(config, self._board, load_patient(config.patient))
        if self.pipeline.study is None:
            raise SessionError("study.name: names no study")
        self._machine = self.pipeline.study.machine
        self._record = RecordWriter(
            folder, min_free_mb=config.record.min_free_mb, clock=FakeClock(), capacity=1_000_000
        )
        self._desk = StudyDesk(self._record, config.record.min_free_mb)
        self._voice = _Voice(config) if config.voice.enabled else None
        self._face = _Face(config) if config.face.enabled else None
        self._due_ns = 0
        self._wanted = ""
        self._active_until_ns = 0
        self._state: m.StudyState | None = None

    def run(self) -> int:
        """Go through the session; returns how many trials were answered in it.

        Raises
        ------
        SessionError
            When a row does not reach the disk, or the session does not end.
        """
        reason, detail = "failed", ""
        try:
            self._put(self._start())
            while not self._machine.over:
                self._turn()
            reason = "done"
        except Exception as error:
            detail = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._put(m.SessionStop(self.now_ns, reason, detail))
            self._record.close()
        return sum(row.status == "done" for row in self.rows)

    def _turn(self) -> None:
        """One turn of the loop, and what the participant does about it."""
        busy = self._machine.phase in ("setup", "press", "react")
        self.now_ns += self._tick_ns if busy else IDLE_NS
        if self._pace:
            self._clock.sleep_until_ns(self._begun_ns + round(self.now_ns / self._pace))
        self._cable.now_ns = self.now_ns
        data = self._cable.read()
        if data:
            self.pipeline.receive(self.now_ns, data)
        if not self._origin_ns and self._board.conversation.state == "streaming":
            self._origin_ns = self.now_ns
        outputs = self.pipeline.tick(self.now_ns)
        self._board.poll(self.now_ns)
        if outputs.voice.ask.level_db > INAUDIBLE_DB or outputs.face.ask.nrs > 0.0:
            self._active_until_ns = self.now_ns + TAIL_NS
        self._present(outputs)
        for row in self._desk.take(outputs):
            if isinstance(row, m.TrialRecord):
                self.rows.append(row)
                self._save(row)
        if self._keep_all:
            for message in (outputs.force, outputs.pain, outputs.expression, outputs.voice, outputs.face):
                self._record.put(message)
        for press in outputs.presses:
            self._record.put(press)
        for level, text in outputs.notes:
            self._record.put(m.Note(self.now_ns, level, "study", text))
        if outputs.study is not None:
            self._state = outputs.study
        if self._state is not None:
            self._participate(self._state)

    def _save(self, row: m.TrialRecord) -> None:
        """Wait for the disk: simulated time stands still meanwhile."""
        if not self._desk.wait(SAVED_S):
            raise SessionError(f"{self._record.path}: {self._record.error or 'no row reaches the disk'}")
        for action in self._desk.actions(self.now_ns):
            self._act(action)
        if self._confirmed is not None and row.status == "done":
            self._confirmed(row.trial)

    def _act(self, action: m.OperatorAction) -> None:
        self.pipeline.act(action)
        self._put(action)

    def _participate(self, state: m.StudyState) -> None:
        """What the participant does now: read, press, answer, rest."""
        machine = self._machine
        stage = f"{machine.phase} {machine.serial}"
        if stage != self._wanted:
            self._wanted = stage
            self._due_ns = self.now_ns + round(self._patience_s() * 1e9)
            if machine.phase == "press" and machine.stimulus is not None:
                self._hand.press(self.person.press((self.now_ns - self._origin_ns) * 1e-9, machine.stimulus))
        if self.now_ns < self._due_ns:
            return
        if machine.phase in ("setup", "consent", "instructions", "break"):
            self._act(m.OperatorAction(self.now_ns, "next", source="participant"))
            self._due_ns = self.now_ns + 500 * MS
        elif machine.phase == "question" and machine.factors is not None and machine.stimulus is not None:
            asked = question(machine.stimulus.question or machine.study.file.question)
            text = self.person.answer(asked, machine.factors, machine.stimulus)
            self._act(m.OperatorAction(self.now_ns, "answer", text, source="participant"))
            self._due_ns = self.now_ns + 500 * MS

    def _patience_s(self) -> float:
        phase = self._machine.phase
        if phase == "question":
            return self.person.think_s()
        if phase == "setup":
            return SETTLE_S
        return self._machine.study.file.design.break_s if phase == "break" else 0.2

    def _present(self, outputs: Outputs) -> None:
        """Voice and face follow while something is to be heard or seen."""
        if self.now_ns > self._active_until_ns:
            if self._voice is not None:
                self._voice.skip(self.now_ns)
            if self._face is not None:
                self._face.skip(self.now_ns)
            return
        messages: list[m.Heard | m.Seen] = []
        if self._voice is not None:
            messages += self._voice.play(outputs.voice, self.now_ns)
        if self._face is not None:
            messages += self._face.show(outputs.face, self.now_ns)
        for message in messages:
            self._desk.presented(message)
            if self._keep_all:
                self._record.put(message)

    def _put(self, message: m.Message) -> None:
        self._record.put(message)

    def _start(self) -> m.SessionStart:
        wall = datetime.now(UTC)
        return m.SessionStart(
            t_ns=self.now_ns,
            wall_time_iso=wall.isoformat(timespec="milliseconds"),
            session_id=f"{wall.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}-{self.config.study.participant}",
            version=robopatient.__version__,
            commit="",
            seed=self.config.seed,
            config_json=msgspec.json.encode(self.config).decode(),
            calibration_json=msgspec.json.encode(self.pipeline.sensing.calibration).decode(),
            machine={"board": self._board.name, "simulated": self.person.rater.name},
            files_sha256=fingerprints(self.config),
        )


class _Voice:
    """The session's voice engine, played into nothing."""

    def __init__(self, config: SessionConfig) -> None:
        voice = config.voice
        self._engine = make_voice(voice, config.seed)
        self._out = np.zeros(voice.block_frames, np.float32)
        self._block_ns = round(1e9 * voice.block_frames / voice.sample_rate_hz)
        self._next_ns = 0
        self._block = 0

    def skip(self, now_ns: int) -> None:
        """Nobody listens until now."""
        behind = max(0, (now_ns - self._next_ns) // self._block_ns)
        self._block += behind
        self._next_ns += behind * self._block_ns

    def play(self, command: m.VoiceCommand, now_ns: int) -> list[m.Heard]:
        """The blocks due by now."""
        heard = []
        fresh: m.VoiceCommand | None = command
        while self._next_ns <= now_ns:
            made = self._engine.render(fresh, self._out)
            fresh = None
            heard.append(
                m.Heard(
                    t_ns=now_ns + round((OUTPUT_S + LOOKAHEAD_S) * 1e9),
                    block=self._block,
                    cause_seq=command.cause_seq,
                    cause_received_ns=command.received_ns,
                    f0_hz=made.f0_hz,
                    level_dbfs=made.level_dbfs,
                    roughness=made.roughness,
                    call=made.call,
                    underruns=0,
                    command_t_ns=command.t_ns,
                )
            )
            self._block += 1
            self._next_ns += self._block_ns
        return heard


class _Face:
    """The session's face engine, drawn on nothing."""

    def __init__(self, config: SessionConfig) -> None:
        self._engine = make_engine(config.face, config.seed)
        self._period_ns = round(1e9 / config.face.fps)
        self._next_ns = 0
        self._frame = 0

    def skip(self, now_ns: int) -> None:
        """Nobody looks until now."""
        behind = max(0, (now_ns - self._next_ns) // self._period_ns)
        self._frame += behind
        self._next_ns += behind * self._period_ns

    def show(self, command: m.FaceCommand, now_ns: int) -> list[m.Seen]:
        """The frames due by now."""
        seen = []
        while self._next_ns <= now_ns:
            pose = self._engine.step(command, now_ns)
            seen.append(
                m.Seen(
                    t_ns=now_ns + round(DISPLAY_S * 1e9),
                    frame=self._frame,
                    cause_seq=command.cause_seq,
                    cause_received_ns=command.received_ns,
                    au=pose.au,
                    pspi=pspi(pose.au),
                    head_deg=pose.head_deg,
                    gaze_deg=pose.gaze_deg,
                    breath=pose.breath,
                )
            )
            self._frame += 1
            self._next_ns += self._period_ns
        return seen
