"""From bytes to what is asked of voice and face: the whole patient as one pure, replayable computation.

The loop (``control.py``), the replay (``replay.py``) and the simulation (``robopatient.simulation``) drive this object
with the same calls, so what each of them computes is what a live session computes.
"""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import msgspec

from firmware_bridge.board import Board
from firmware_bridge.frames import RawFrame
from robopatient.config import SensingConfig, SessionConfig
from robopatient.expression import SuggestiblePolicy, make_policy
from robopatient.expression.split import Split
from robopatient.levels import Flag
from robopatient.messages import (
    Expression,
    FaceAsk,
    FaceCommand,
    ForceFrame,
    OperatorAction,
    PainState,
    Phase,
    Press,
    Said,
    ScenarioChange,
    StudyState,
    TrialStart,
    VoiceAsk,
    VoiceCommand,
)
from robopatient.patient import Patient, PatientProfile
from robopatient.scenario import ScenarioStep
from robopatient.sensing import Sensing
from robopatient.session.scenario_stage import make_scenario
from robopatient.session.study_stage import Turn, make_study
from robopatient.study.chooser import Suggestion
from robopatient.study.presented import Draft

__all__ = ["Given", "Outputs", "Pipeline", "Touch"]

QUIET_TURNS = 5
"""The fade ends so many turns of the loop before ``fail_quiet_ms`` have passed since the last frame, and at the
earliest half way, so that the turn that finds no pain is itself in time: one for the turns' grid, four for turns that
come late (on two cores with six times as much to do as they can, one unplugging of ten met turns three late)."""


class Outputs(msgspec.Struct, frozen=True, gc=False):
    """Results of one turn of the loop."""

    force: ForceFrame
    pain: PainState
    expression: Expression
    voice: VoiceCommand
    face: FaceCommand
    presses: list[Press]
    said: list[Said] = []
    changes: tuple[ScenarioChange, ...] = ()
    actions: tuple[OperatorAction, ...] = ()
    """What the scenario did: already obeyed here, for the record and for the session's end."""
    study: StudyState | None = None
    started: TrialStart | None = None
    drafts: tuple[Draft, ...] = ()
    """Rows of a study's trials, to be completed with what was presented and put on the disk."""
    notes: tuple[tuple[str, str], ...] = ()


class Given(msgspec.Struct, frozen=True):
    """What stands in for the patient in one turn: a pain, NRS 0 to 10, and perhaps what voice or face make of it.

    ``voice`` and ``face`` replace what the policy asks for.
    """

    nrs: float
    phase: Phase = "hold"
    voice: VoiceAsk | None = None
    face: FaceAsk | None = None


class Touch:
    """A board's bytes become forces: its decoder, then the sensing.

    Parameters
    ----------
    board
        Used only for its pure ``frames`` and the identity that they bring; it need not be open.
    """

    def __init__(self, config: SensingConfig, board: Board) -> None:
        self.sensing = Sensing(config)
        self._board = board
        self._epoch = -1

    def receive(self, received_ns: int, data: bytes) -> list[ForceFrame]:
        """Forces of bytes; a ConfigError when the board is not that of this calibration."""
        forces = []
        for frame in self._board.frames(received_ns, data):
            if frame.epoch != self._epoch:
                self._epoch = frame.epoch
                self.sensing.check_board(self._board.health().uid)
            forces.append(self.sensing.step(frame))
        return forces


class Pipeline:
    """Board bytes, operator actions and ticks in; pain, expression and commands out.

    Parameters
    ----------
    board
        Used only for its pure ``frames``; it need not be open.
    folder
        The session's own, beside which a study looks for the part that it goes on with.
    """

    def __init__(
        self, config: SessionConfig, board: Board, profile: PatientProfile, folder: Path | None = None
    ) -> None:
        self.running = config.control.autostart
        self.hushed = False
        self.frames = 0
        self._touch = Touch(config.sensing, board)
        self.sensing = self._touch.sensing
        quiet_ms = config.control.fail_quiet_ms
        fade_ms = max(0.5 * quiet_ms, quiet_ms - QUIET_TURNS * 1e3 / config.control.loop_hz)
        self.patient = Patient(profile, config.seed, self.sensing.phantom, fade_ms)
        self._policy = make_policy(config.expression, profile)
        self._split = Split(config.split, self.sensing.phantom)
        self._stale_ns = round(config.control.stale_ms * 1e6)
        self._felt_ns = 0
        self._said: list[Said] = []
        self._scenario = make_scenario(config)
        self.study = make_study(config, folder)
        self._actions: list[OperatorAction] = []
        self._newest = ForceFrame(t_ns=0, received_ns=0, seq=-1, cells_newton=(), flags=(Flag.STALE,))

    def receive(self, received_ns: int, data: bytes) -> None:
        """Take bytes from the board; a ConfigError when it is not the board of this calibration."""
        for force in self._touch.receive(received_ns, data):
            self._newest = force
            self.frames += 1

    def take(self, frame: RawFrame) -> None:
        """Take one conversion from a simulation that has no board."""
        self._newest = self.sensing.step(frame)
        self.frames += 1

    def act(self, action: OperatorAction) -> None:
        """Obey the operator: start, stop, tare, hush, unhush; to the patient: cue, ask, stress, relief; the trainer of
        a live training session: suggest.

        The scenario sees all of them in the next turn. Other actions, and levels that are no number, are for the record
        alone.
        """
        self._actions.append(action)
        match action.action:
            case "start":
                self.running = True
            case "stop":
                self.running = False
            case "tare":
                self.sensing.tare()
            case "hush":
                self.hushed = True
            case "resume" if self.study is not None:  # a stop had silenced the patient and paused the study
                self.running, self.hushed = True, False
            case "unhush" | "resume":  # a study that goes on after a stop is heard again
                self.hushed = False
            case "cue":
                self.patient.cue(action.argument)
            case "ask":
                self._said.append(self.patient.answer(action.argument, action.t_ns))
            case "stress":
                self.patient.stress = _level(action.argument, self.patient.stress)
            case "relief":
                self.patient.relief = _level(action.argument, self.patient.relief)
            case "suggest":
                self._suggest(action.argument)

    def _suggest(self, text: str) -> None:
        """Pass a trainer's suggestion to a policy that takes suggestions; what cannot be decoded changes nothing."""
        with contextlib.suppress(msgspec.DecodeError, KeyError):
            asked = msgspec.json.decode(text, type=Suggestion)
            if isinstance(self._policy, SuggestiblePolicy):
                self._policy.suggest(asked.label, asked.observed, asked.action)

    def finish(self) -> list[Press]:
        """Presses that had not ended when the session did."""
        self.sensing.finish()
        return self.sensing.take_presses()

    def tick(self, t_ns: int, given: Given | None = None) -> Outputs:
        """One turn: feel the newest force, or nothing when it is too old or the session is paused.

        With ``given`` the patient feels nothing: the pain is the one that is given.
        """
        force = self._newest
        if t_ns - force.received_ns > self._stale_ns:
            force = _nothing(force, t_ns, Flag.STALE)
        felt = force if self.running else _nothing(force, t_ns, Flag.PAUSED)
        if felt.t_ns < self._felt_ns:  # late frames after a silence that was already felt: pain has no way back
            felt = msgspec.structs.replace(felt, t_ns=self._felt_ns)
        self._felt_ns = felt.t_ns
        actions, self._actions = self._actions, []
        turn = self.study.step(t_ns, felt, actions) if self.study is not None else None
        pain, expression = self._feel(felt, turn, given)
        voice, face = self._split.step(expression, pain, felt, self.hushed or not self.running)
        presses = self.sensing.take_presses()
        scenario = self._play(felt, pain, presses, actions, t_ns)
        said, self._said = self._said, []
        outputs = Outputs(force, pain, expression, voice, face, presses, said, scenario.changes, scenario.actions)
        if turn is None or self.study is None:
            return outputs
        if isinstance(self._policy, SuggestiblePolicy):
            self.study.machine.hurt(self._policy.admitted(pain))
        return msgspec.structs.replace(
            outputs, study=turn.state, started=turn.started, drafts=turn.drafts, notes=turn.notes
        )

    def _feel(self, felt: ForceFrame, turn: Turn | None, given: Given | None) -> tuple[PainState, Expression]:
        """Pain and expression of the patient, or of a study's stimulus (whole, or one channel), or as given."""
        if given is not None:
            pain = PainState(felt.t_ns, felt.seq, given.nrs, "", given.phase)
            expression = self._policy.step(pain)
            voice, face = given.voice or expression.voice, given.face or expression.face
            return pain, msgspec.structs.replace(expression, voice=voice, face=face)
        if turn is None:
            pain = self.patient.step(felt)
            return pain, self._policy.step(pain)
        if turn.split != self._split.config:
            self._split = Split(turn.split, self.sensing.phantom)
        if not (turn.voice_by_patient or turn.face_by_patient):
            return turn.pain, turn.expression
        pain = self.patient.step(felt)
        expression = self._policy.step(pain)
        if not turn.voice_by_patient:
            pain = msgspec.structs.replace(pain, voice_nrs=turn.pain.voice_nrs, breath=turn.pain.breath)
            expression = msgspec.structs.replace(expression, voice=turn.expression.voice)
        if not turn.face_by_patient:
            pain = msgspec.structs.replace(pain, face_nrs=turn.pain.face_nrs, breath=turn.pain.breath)
            expression = msgspec.structs.replace(expression, face=turn.expression.face)
        return pain, expression

    def _play(
        self, felt: ForceFrame, pain: PainState, presses: list[Press], actions: list[OperatorAction], t_ns: int
    ) -> ScenarioStep:
        """Let the scenario see this turn, and do what it wants of patient and session."""
        if self._scenario is None:
            return ScenarioStep()
        step = self._scenario.step(felt, pain, presses, actions, t_ns)
        for action in step.actions:
            self.act(action)
        return step


def _level(text: str, now: float) -> float:
    """Level from 0 to 1 in a text; ``now`` when the text is no number."""
    try:
        level = float(text)
    except ValueError:
        return now
    return min(1.0, max(0.0, level)) if math.isfinite(level) else now


def _nothing(force: ForceFrame, t_ns: int, why: Flag) -> ForceFrame:
    """An untouched abdomen at ``t_ns``."""
    return ForceFrame(
        t_ns=t_ns,
        received_ns=t_ns,
        seq=force.seq,
        cells_newton=tuple(0.0 for _ in force.cells_newton),
        flags=(why, *(flag for flag in force.flags if flag != why)),
    )
