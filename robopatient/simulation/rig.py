"""The rig: a session's own stages on a simulated clock, for every use of a patient without hardware.

Bytes, forces or a given pain go in; what the pipeline says, what is heard and what is seen come out, turn by turn. The
caller tells the time, so a minute takes as long as it takes to compute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from firmware_bridge.board import Board
from firmware_bridge.boards import make_board
from firmware_bridge.frames import RawFrame
from robopatient.config import FaceConfig, SessionConfig, VoiceConfig
from robopatient.face.bodystate import BodyState
from robopatient.face.generator import make_engine_or_blend
from robopatient.face.identity import load_identity
from robopatient.facs import pspi
from robopatient.messages import FaceCommand, Heard, OperatorAction, Phase, Seen, VoiceCommand
from robopatient.patient import PatientProfile, load_patient
from robopatient.session.pipeline import Given, Outputs, Pipeline
from robopatient.simulation.presses import ForceSource
from robopatient.voice.engine import LOOKAHEAD_S
from robopatient.voice.engines import make_engine

__all__ = ["SETTLE_S", "TICK_S", "FaceFrame", "Rig", "RigTurn", "SoundBlock", "given_pain"]

TICK_S = 0.004
"""Period of a turn, as in a session."""
SETTLE_S = 2.0
"""Untouched time in which the zero is taken."""
OUTPUT_S = 0.010
"""Buffered by the simulated sound card, as ``voice.latency_s`` asks for."""
DISPLAY_S = 1.0 / 60.0
"""From a swap to the light (assumption: one refresh)."""
MOVING_NRS_PER_S = 0.5
"""Pain that changes faster is rising or falling (assumption)."""
SLOPE_S = 0.05
UNFELT_NRS = 0.05


class SoundBlock(NamedTuple):
    """One block of the voice: samples, shape (block_frames,) float32, and what the record would hold of it."""

    samples: NDArray[np.float32]
    heard: Heard


class FaceFrame(NamedTuple):
    """One frame of the face: its time from the start of the picture, s, and what the record would hold of it."""

    t_s: float
    seen: Seen


class RigTurn(NamedTuple):
    """What one turn brought: all that the pipeline says, the blocks that were heard and the frames that were seen."""

    t_ns: int
    outputs: Outputs
    sound: list[SoundBlock]
    frames: list[FaceFrame]


class Rig:
    """One simulated session.

    Parameters
    ----------
    config
        As of a session. ``voice.enabled`` and ``face.enabled`` say whether there is sound and a face; a voice that is
        not named is the patient's own, a face that is not named is a neutral one. There is no deadline for the
        face: time stands still while it is made.
    profile
        The patient; None is the one that the configuration names.
    board
        Decodes the bytes of ``turn(data=...)``; None: forces or a pain are given instead.
    tick_s
        Period of a turn.

    Raises
    ------
    RobopatientError
        When anything that the configuration names cannot be used.
    """

    def __init__(
        self,
        config: SessionConfig,
        profile: PatientProfile | None = None,
        *,
        board: Board | None = None,
        tick_s: float = TICK_S,
    ) -> None:
        self.profile = profile or load_patient(config.patient)
        self.pipeline = Pipeline(config, board or make_board("virtual"), self.profile)
        self.tick_s = tick_s
        self.t_ns = 0
        self.note = ""
        """Why the face is not moved by what the configuration asks for, or ""."""
        self.sample_rate_hz, self.fps = config.voice.sample_rate_hz, config.face.fps
        self._seq = 0
        self._begin_ns = 0
        self._voice = _Loudspeaker(config.voice, self.profile, config.seed) if config.voice.enabled else None
        self._face = _Screen(config.face, config.seed) if config.face.enabled else None
        if self._face is not None:
            self.note = self._face.note
        calibration = self.pipeline.sensing.calibration
        self._counts_per_newton = np.linalg.inv(np.array(calibration.matrix))
        self._offset_counts = np.array(calibration.offset_counts)

    def turn(
        self,
        t_ns: int,
        *,
        data: bytes = b"",
        cells_newton: Sequence[float] | NDArray[np.float64] | None = None,
        given: Given | None = None,
        until_s: float | None = None,
        present: bool | Callable[[Outputs], bool] = True,
    ) -> RigTurn:
        """One turn of the loop at ``t_ns``, which never goes back.

        Parameters
        ----------
        data
            Bytes of the board that have arrived.
        cells_newton
            Forces on the cells, N: they become counts and go through calibration, tare and all other sensing.
        given
            Pain in place of what the patient feels.
        until_s
            Sound and picture are computed up to this time, s from their start; None: up to the next turn.
        present
            Whether sound and picture are computed, or a function of this turn's outputs that decides it; False skips
            them at no cost.
        """
        self.t_ns = t_ns
        if data:
            self.pipeline.receive(t_ns, data)
        if cells_newton is not None:
            self.pipeline.take(self._frame(t_ns, np.asarray(cells_newton, np.float64)))
        outputs = self.pipeline.tick(t_ns, given)
        if until_s is None:
            until_s = (t_ns - self._begin_ns) * 1e-9 + self.tick_s
        present = present(outputs) if callable(present) else present
        sound: list[SoundBlock] = []
        frames: list[FaceFrame] = []
        if self._voice is not None:
            sound = self._voice.play(outputs.voice, until_s, self._begin_ns) if present else self._voice.skip(until_s)
        if self._face is not None:
            frames = self._face.show(outputs.face, until_s, self._begin_ns) if present else self._face.skip(until_s)
        return RigTurn(t_ns, outputs, sound, frames)

    def act(self, action: str, argument: str = "", source: str = "simulation") -> OperatorAction:
        """Do what an operator does: "tare", "cue", "ask", "stress", "hush", …; told to the next turn."""
        done = OperatorAction(self.t_ns, action, argument, source)
        self.pipeline.act(done)
        return done

    def settle(self, seconds: float = SETTLE_S) -> None:
        """Let untouched time pass, in which the zero is taken; sound and picture begin after it."""
        untouched = np.zeros(len(self._offset_counts))
        for tick in range(1, round(seconds / self.tick_s) + 1):
            self.turn(round(tick * self.tick_s * 1e9), cells_newton=untouched, present=False)
        self._begin_ns = self.t_ns
        if self._voice is not None:
            self._voice.block = 0
        if self._face is not None:
            self._face.frame = 0

    def play(self, source: ForceSource, seconds: float) -> Iterator[RigTurn]:
        """Turns under the forces of a source: presses, a recording, a measured hand; its time 0 is now."""
        t_s = np.arange(1.0, round(seconds / self.tick_s) + 1) * self.tick_s
        begin_s = self.t_ns * 1e-9
        for at_s, cells in zip(t_s.tolist(), source.forces(t_s, self.tick_s), strict=True):
            yield self.turn(round((begin_s + at_s) * 1e9), cells_newton=cells)

    def feel(self, levels_nrs: Iterable[float]) -> Iterator[RigTurn]:
        """Turns of a pain that is given tick by tick, NRS, to a patient who is not touched; time from 0."""
        untouched = np.zeros(len(self._offset_counts))
        for tick, given in enumerate(given_pain(levels_nrs, self.tick_s)):
            yield self.turn(round(tick * self.tick_s * 1e9), cells_newton=untouched, given=given)

    def _frame(self, t_ns: int, cells_newton: NDArray[np.float64]) -> RawFrame:
        counts = np.rint(self._counts_per_newton @ cells_newton + self._offset_counts).astype(int).tolist()
        seq, self._seq = self._seq, self._seq + 1
        return RawFrame(t_ns, t_ns, t_ns // 1000, seq, 0, tuple(counts), 0, (1 << len(counts)) - 1, 0)


def given_pain(levels_nrs: Iterable[float], tick_s: float) -> Iterator[Given]:
    """Pain given tick by tick, with its phase: whether it rises, stays or falls over the next ``SLOPE_S``."""
    rows = list(levels_nrs)
    ahead = max(1, round(SLOPE_S / tick_s))
    for tick, level in enumerate(rows):
        slope = (rows[min(tick + ahead, len(rows) - 1)] - level) / SLOPE_S
        yield Given(level, _phase(level, slope))


def _phase(nrs: float, slope_per_s: float) -> Phase:
    if nrs < UNFELT_NRS:
        return "onset" if slope_per_s > MOVING_NRS_PER_S else "rest"
    if abs(slope_per_s) < MOVING_NRS_PER_S:
        return "hold"
    return "onset" if slope_per_s > 0.0 else "release"


class _Loudspeaker:
    """The session's voice engine, played into nothing."""

    def __init__(self, config: VoiceConfig, profile: PatientProfile, seed: int) -> None:
        config = msgspec.structs.replace(config, identity=config.identity or profile.voice)
        self._engine = make_engine(config, seed)
        self._frames = config.block_frames
        self._block_s = config.block_frames / config.sample_rate_hz
        self.block = 0

    def skip(self, until_s: float) -> list[SoundBlock]:
        """Sound is not computed until then."""
        self.block = max(self.block, int(until_s / self._block_s))
        return []

    def play(self, command: VoiceCommand, until_s: float, begin_ns: int) -> list[SoundBlock]:
        """The blocks that end by ``until_s``."""
        played = []
        fresh = True
        local = _shifted(command, begin_ns)
        while (self.block + 1) * self._block_s <= until_s:
            samples = np.empty(self._frames, np.float32)
            made = self._engine.render(local if fresh else None, samples)
            self.block += 1
            heard = Heard(
                t_ns=begin_ns + round((self.block * self._block_s + OUTPUT_S + LOOKAHEAD_S) * 1e9),
                block=self.block - 1,
                cause_seq=command.cause_seq,
                cause_received_ns=command.received_ns,
                underruns=0,
                command_t_ns=command.t_ns,
                fresh=fresh,
                hush=command.hush,
                **made._asdict(),
            )
            played.append(SoundBlock(samples, heard))
            fresh = False
        return played


class _Screen:
    """The session's face engine, drawn on nothing."""

    def __init__(self, config: FaceConfig, seed: int) -> None:
        self._engine, self.note = make_engine_or_blend(msgspec.structs.replace(config, deadline_ms=0.0), seed)
        self._body = BodyState(load_identity(config.identity).body if config.identity else None)
        self._fps = config.fps
        self.frame = 0

    def skip(self, until_s: float) -> list[FaceFrame]:
        """Pictures are not drawn until then."""
        self.frame = max(self.frame, int(np.ceil(until_s * self._fps)))
        return []

    def show(self, command: FaceCommand, until_s: float, begin_ns: int) -> list[FaceFrame]:
        """The frames that are due before ``until_s``."""
        shown = []
        local = _shifted(command, begin_ns)
        while self.frame / self._fps < until_s:
            t_s = self.frame / self._fps
            at_ns = round(t_s * 1e9)
            pose = self._body.step(self._engine.step(local, at_ns), local, at_ns)
            seen = Seen(
                t_ns=begin_ns + at_ns + round(DISPLAY_S * 1e9),
                frame=self.frame,
                cause_seq=command.cause_seq,
                cause_received_ns=command.received_ns,
                pose=pose,
                pspi=pspi(pose.au),
            )
            shown.append(FaceFrame(t_s, seen))
            self.frame += 1
        return shown


def _shifted(command: Any, begin_ns: int) -> Any:
    """The command on the clock of sound and picture, which begins when they do."""
    if not begin_ns:
        return command
    return msgspec.structs.replace(command, t_ns=command.t_ns - begin_ns, received_ns=command.received_ns - begin_ns)
