"""A laboratory without people and without waiting: one session of a study on a simulated clock.

The rig is a session's own chain from the board's bytes to sound and picture, and so is the record; simulated are the
hand and the answers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

import robopatient
from experiments.studies.simulated_people import SimulatedPerson
from firmware_bridge.boards.serial import SerialBoard
from firmware_bridge.virtual_device import VirtualDevice
from robopatient import messages as m
from robopatient.clock import FakeClock, HostClock
from robopatient.config import SessionConfig
from robopatient.errors import SessionError
from robopatient.levels import INAUDIBLE_DB
from robopatient.patient import load_patient
from robopatient.phantom import load_phantom
from robopatient.presence import Presence
from robopatient.record.writer import RecordWriter
from robopatient.session.pipeline import Outputs
from robopatient.session.provenance import fingerprints
from robopatient.session.study_desk import TrialRowWriter
from robopatient.simulation.presses import Palpation
from robopatient.simulation.rig import Rig
from robopatient.study.questions import question

__all__ = ["RATE_HZ", "SimulatedSession"]

MS = 1_000_000
IDLE_NS = 40 * MS
"""Between presses nothing happens that a finer step would show."""
RATE_HZ = 100.0
"""Of the simulated board, unless asked otherwise: one frame a turn of the loop, as slow as a converter with the HX711's
80 a second; an hour of 1000 Hz would take most of an hour to compute."""
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
        profile = load_patient(config.patient)
        self._hand = Palpation(phantom=load_phantom(config.sensing.phantom), sites=profile.sites)
        device = VirtualDevice(self._hand, now_ns=self.now_ns, rate_hz=rate_hz, seed=config.seed)
        self._tick_ns = round(1e9 / rate_hz)
        self._board = SerialBoard("simulated", 500_000, rate_hz)
        self._board.name = "SIM study"
        self._cable = _Cable(device, 500_000)
        self._cable.now_ns = self.now_ns
        self._board.link = self._cable  # type: ignore[assignment]
        self._origin_ns = 0
        self._rig = Rig(config, profile, board=self._board, tick_s=self._tick_ns * 1e-9)
        if self._rig.pipeline.study is None:
            raise SessionError("study.name: names no study")
        self._machine = self._rig.pipeline.study.machine
        self._record = RecordWriter(
            folder, min_free_mb=config.record.min_free_mb, clock=FakeClock(), capacity=1_000_000
        )
        self._desk = TrialRowWriter(self._record, config.record.min_free_mb, Presence(config))
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
        turn = self._rig.turn(self.now_ns, data=self._cable.read(), present=self._active)
        outputs = turn.outputs
        if not self._origin_ns and self._board.conversation.state == "streaming":
            self._origin_ns = self.now_ns
        self._board.poll(self.now_ns)
        presented: list[m.Heard | m.Seen] = [block.heard for block in turn.sound]
        presented += [frame.seen for frame in turn.frames]
        for message in presented:
            self._desk.presented(message)
            if self._keep_all:
                self._record.put(message)
        for row in self._desk.take(outputs):
            if isinstance(row, m.TrialRecord):
                self.rows.append(row)
                self._save(row)
        if self._keep_all:
            for said in (outputs.force, outputs.pain, outputs.expression, outputs.voice, outputs.face):
                self._record.put(said)
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
        self._rig.pipeline.act(action)
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

    def _active(self, outputs: Outputs) -> bool:
        """Voice and face follow while something is to be heard or seen."""
        if outputs.voice.ask.level_db > INAUDIBLE_DB or outputs.face.ask.nrs > 0.0:
            self._active_until_ns = self.now_ns + TAIL_NS
        return self.now_ns <= self._active_until_ns

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
            calibration_json=msgspec.json.encode(self._rig.pipeline.sensing.calibration).decode(),
            machine={"board": self._board.name, "simulated": self.person.rater.name},
            files_sha256=fingerprints(self.config),
        )
