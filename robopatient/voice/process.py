"""The voice's process: commands from the bus to the player, what was played back to the bus and into ``voice.wav``.

The main thread waits for commands, so that a new one is at the callback within microseconds; a second thread writes
the file, because a disk may take its time.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from robopatient.actor import Actor, serve
from robopatient.bus import ActorPort, Endpoints
from robopatient.clock import Clock, HostClock
from robopatient.config import SessionConfig, VoiceConfig
from robopatient.errors import RecordError, RobopatientError, SessionError
from robopatient.messages import Loudness, Note, Said, SessionStop, VoiceAsk, VoiceCommand
from robopatient.urgency import VOICE, hurry

if TYPE_CHECKING:
    from robopatient.voice.calibration import LoudnessCalibration, Second
    from robopatient.voice.engine import SpeakingEngine
    from robopatient.voice.player import Player
    from robopatient.voice.speech import Speech

__all__ = ["main", "quiet_libraries"]

POLL_MS = 5
"""Longest wait for a command before the played blocks are reported: about one block."""
LOOK_AFTER_NS = 100_000_000
SAVE_S = 0.1


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Speak until stopped or terminated.

    Parameters
    ----------
    folder
        The session's; ``voice.wav`` is written there.
    """
    sys.setswitchinterval(0.0005)  # a busy thread must not hold the callback up for 5 ms (measured)
    quiet_libraries()
    clock = HostClock()
    serve(lambda: _VoiceActor(config, ActorPort(endpoints, ("voice", "said", "stop")), clock, folder))


class _VoiceActor(Actor):
    """Keeps the supervisor informed and the voice going."""

    def __init__(self, config: SessionConfig, port: ActorPort, clock: Clock, folder: Path) -> None:
        super().__init__(port, "voice", clock)
        self._config = config
        self._folder = folder
        self._state, self._detail = "starting", ""
        self._calibration: LoudnessCalibration | None = None

    def run(self) -> None:
        """Live: warm up, play, stop."""
        try:
            engine = self._warm_up()
        except RobopatientError as error:
            self._say("degraded", f"no voice: {error}")
            engine = None
        if engine is None:
            self._idle()
            return
        from robopatient.voice.player import Player
        from robopatient.voice.speech import Speech

        voice = self._config.voice
        player = Player(engine, voice, self._clock)
        saver = _Saver(player, self._folder / "voice.wav", voice, self._calibration)
        speech = None if voice.words == "off" else Speech(voice, self._config.seed, player, self._note)
        player.start()
        gc.collect()
        gc.freeze()
        if self._calibration is not None:
            self._note("info", self._calibration.told(voice))
        self._say(player.state, player.detail)
        try:
            self._serve(player, saver, speech)
        finally:
            player.stop()
            saver.close()
            self._tell_played(player, saver, speech)
            if speech is not None:
                speech.close()

    def _warm_up(self) -> SpeakingEngine | None:
        """The engine with every kernel compiled; None when stopped before. A first compilation takes many seconds."""
        self._say("starting", "the first start compiles the voice")
        results: list[SpeakingEngine | RobopatientError] = []

        def work() -> None:
            try:
                self._calibrate()
                results.append(_make_engine(self._config))
            except RobopatientError as error:
                results.append(error)

        worker = threading.Thread(target=work, name="warm-up", daemon=True)
        worker.start()
        while worker.is_alive():
            worker.join(0.05)
            if self._leaving or self._told_to_stop(0):
                self.leave()
                return None
            self._beat()
        if not results:
            raise SessionError("the voice engine failed to start; its traceback is above")
        if isinstance(results[0], RobopatientError):
            raise results[0]
        return results[0]

    def _calibrate(self) -> None:
        """Lower the ceiling to what this rig may do."""
        from robopatient.voice.calibration import capped

        voice, self._calibration = capped(self._config.voice)
        self._config = msgspec.structs.replace(self._config, voice=voice)

    def _serve(self, player: Player, saver: _Saver, speech: Speech | None) -> None:
        looked_ns, urgent = 0, 0
        while not self._leaving:
            for message in self._port.receive(POLL_MS):
                if isinstance(message, VoiceCommand):
                    player.submit(message)
                if isinstance(message, SessionStop):
                    return
                if speech is not None and isinstance(message, (VoiceCommand, Said)):
                    speech.hear(message)
            self._tell_played(player, saver, speech)
            now_ns = self._clock.now_ns()
            if now_ns - looked_ns >= LOOK_AFTER_NS:
                looked_ns = now_ns
                if player.poll():
                    self._say(player.state, player.detail)
                    urgent = 0
                if not urgent and player.native_ids:
                    urgent = 1
                    hurry([threading.get_native_id(), *player.native_ids], VOICE)
                if saver.fault:
                    self._note("error", saver.take_trouble())
                self._beat()

    def _idle(self) -> None:
        """Without a voice: stay, so that the session goes on and knows why."""
        while not self._leaving and not self._told_to_stop(100):
            self._beat()

    def _told_to_stop(self, timeout_ms: int) -> bool:
        return any(isinstance(message, SessionStop) for message in self._port.receive(timeout_ms))

    def _tell_played(self, player: Player, saver: _Saver, speech: Speech | None) -> None:
        for heard in player.heard(saver.first_block):
            self._port.tell(heard)
        for spoken in speech.step(self._clock.now_ns(), saver.first_block) if speech is not None else ():
            self._port.tell(spoken)
        while saver.seconds:
            block, second = saver.seconds.popleft()
            self._port.tell(Loudness(self._clock.now_ns(), block, *second))

    def _say(self, state: str, detail: str) -> None:
        self._state, self._detail = state, detail
        self._tell_state(state, detail)

    def _condition(self) -> tuple[str, str]:
        return self._state, self._detail

    def _note(self, level: str, text: str) -> None:
        self._port.tell(Note(self._clock.now_ns(), level, "voice", text))


class _Saver:
    """Writes what was played from a thread of its own; a full disk ends the file, never the voice."""

    def __init__(
        self, player: Player, path: Path, config: VoiceConfig, calibration: LoudnessCalibration | None
    ) -> None:
        from robopatient.voice.calibration import Meter
        from robopatient.voice.wav import WavWriter

        self.fault = ""
        self.seconds: deque[tuple[int, Second]] = deque()
        self._meter = Meter(config, calibration)
        self._counted = 0
        self.first_block = 0
        self._player = player
        self._done = threading.Event()
        self._file: WavWriter | None = None
        try:
            self._file = WavWriter(path, config.sample_rate_hz)
            played = self._file.frames
            self.first_block = -(-played // config.block_frames)
            self._file.append(np.zeros(self.first_block * config.block_frames - played, np.float32))
        except RecordError as error:
            self.fault = str(error)
        self._thread = threading.Thread(target=self._run, name="save", daemon=True)
        self._thread.start()

    def take_trouble(self) -> str:
        """What went wrong, once."""
        fault, self.fault = self.fault, ""
        return fault

    def close(self) -> None:
        """Write the rest."""
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        rounds = 0
        while not self._done.wait(SAVE_S):
            rounds += 1
            self._save(flush=rounds % 10 == 0)
        self._save(flush=True)
        if self._file is not None:
            with contextlib.suppress(RecordError):
                self._file.close()

    def _save(self, *, flush: bool) -> None:
        samples = self._player.samples()
        self._counted += len(samples)
        for second in self._meter.add(samples.ravel()):
            self.seconds.append((self.first_block + self._counted, second))
        if self._file is None:
            return
        try:
            self._file.append(samples)
            if flush:
                self._file.flush()
        except RecordError as error:
            self.fault = str(error)
            with contextlib.suppress(RecordError):
                self._file.close()
            self._file = None


def _make_engine(config: SessionConfig) -> SpeakingEngine:
    """The engine of the session, warmed up: every kernel compiled before the first breath."""
    from robopatient.voice.engines import make_engine

    voice = config.voice
    rehearsal = make_engine(voice, 0)
    out = np.zeros(voice.block_frames, np.float32)
    for phase, nrs in (("onset", 8.0), ("hold", 8.0), ("release", 0.0)):
        command = VoiceCommand(0, 0, 0, nrs, phase, VoiceAsk(-10.0 if nrs else -60.0, 6.0, 0.5, 0.2))  # type: ignore[arg-type]
        for _ in range(20):
            rehearsal.render(command, out)
    return make_engine(voice, config.seed)


def quiet_libraries() -> None:
    """Keep ALSA's chatter about absent cards and underruns from the terminal; Python's own errors still get there."""
    if sys.stderr is None:
        return
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
