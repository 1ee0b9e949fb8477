"""Keeps the loudspeaker fed: the only user of PortAudio, and the clocked stand-in when there is none.

Inside the audio callback: take the newest command, render, copy, remember. No lock, no log, no exception; what
happened is read from a ring by the process's main thread.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from robopatient.clock import Clock, HostClock
from robopatient.config import VoiceConfig
from robopatient.errors import DeviceError, MissingPackageError, require
from robopatient.messages import Heard, VoiceCommand
from robopatient.voice.clocked import ClockedSink
from robopatient.voice.engine import LOOKAHEAD_S, SILENCE, RenderedBlock, SpeakingEngine
from robopatient.voice.layouts import empty_command, write_command
from robopatient.voice.mixer import Utterance

__all__ = ["Player", "StreamClock", "play_once"]

LOOKAHEAD_NS = round(LOOKAHEAD_S * 1e9)
"""What a command changes leaves the limiter so much after the first sample of its block."""
RING = 1024
"""Blocks that the main thread may be behind: 5 s at 256 frames."""
SLOTS = 16
"""Commands in flight between the main thread and the callback."""
LOST_S, FIRST_S = 1.0, 2.0
"""A device that asks for nothing this long is lost; for its first block it may take longer."""
REOPEN_S = 2.0
HALVES_BELOW_BLOCKS, LEAST_PIECE_FRAMES = 1.5, 128
"""A device holds at least two pieces. Who asks for at most so many blocks of latency gets them in halves, each of at
least so many frames: sooner by 3 ms, with two to three times the underruns on a busy computer
(docs/explanation/voice.md)."""
RATES_HZ = (44_100, 48_000)
"""What ``VoiceConfig.sample_rate_hz`` may be."""
PLAUSIBLE_S = 1.0
"""A device that claims a longer way to the DAC is not believed."""


class _PlayedRow(NamedTuple):
    """One row of the ring."""

    t_ns: int
    cause_seq: int
    received_ns: int
    command_t_ns: int
    block: RenderedBlock
    underruns: int
    fresh: bool = False
    hush: bool = False


class Player:
    """Plays one engine, on a device or on the clock.

    Attributes
    ----------
    state, detail
        For ``ActorState``: "ready", or "degraded" with what is missing and how to fix it.
    """

    def __init__(self, engine: SpeakingEngine, config: VoiceConfig, clock: Clock | None = None) -> None:
        self.state, self.detail = "starting", ""
        self._engine = engine
        self._config = config
        self._clock = clock or HostClock()
        self._slots = [empty_command() for _ in range(SLOTS)]
        self._newest = 0
        self._applied = 0
        self._to_say: deque[Utterance] = deque()
        self._begun: deque[tuple[int, int, int, Utterance]] = deque()
        self._played = 0
        self._ring = [_PlayedRow(0, 0, 0, 0, SILENCE, 0)] * RING
        self._audio = np.zeros((RING, config.block_frames), np.float32)
        self._told = 0
        self._saved = 0
        self._underruns = 0
        self._sink: ClockedSink | _DeviceSink | None = None
        self._opening: threading.Thread | None = None
        self._opened: _DeviceSink | str | None = None
        self._retry_ns = 0

    def start(self) -> None:
        """Open the device, or go on without one and say so; returns when blocks are being asked for."""
        if self._config.device == "none":
            self._start_clocked("ready", "no device on purpose: the sound goes to the record only")
            return
        opened = self._open()
        if isinstance(opened, str):
            self._start_clocked("degraded", opened)
        else:
            self._start_device(opened)

    def submit(self, command: VoiceCommand) -> None:
        """Make this the newest command: it is applied in the next block that is rendered."""
        following = self._newest + 1
        write_command(self._slots[following % SLOTS], command)
        self._newest = following  # one store: the callback sees the whole command or the one before

    def say(self, utterance: Utterance) -> None:
        """Begin these words in the next block that is rendered."""
        self._to_say.append(utterance)

    def begun(self, first_block: int = 0) -> list[tuple[int, int, int, Utterance]]:
        """Words that have begun since the last call: when they leave, force frame, index of the block, and they."""
        begun = []
        while self._begun:
            t_ns, cause_seq, index, utterance = self._begun.popleft()
            begun.append((t_ns, cause_seq, first_block + index, utterance))
        return begun

    def poll(self) -> bool:
        """Look after the device, at least ten times a second; True when ``state`` or ``detail`` has changed."""
        now_ns, before = self._clock.now_ns(), (self.state, self.detail)
        if isinstance(self._sink, _DeviceSink):
            self._sink.stream_clock.measure()
            if self._sink.lost(now_ns):
                lost = self._sink
                self._underruns += lost.underruns
                self._start_clocked("degraded", f"{lost.name} was lost; plug it in again, it is retried every 2 s")
                self._background(lost)
        elif self.state == "degraded":
            opened, self._opened = self._opened, None
            if isinstance(opened, _DeviceSink):
                if isinstance(self._sink, ClockedSink):
                    self._sink.close()
                    self._underruns += self._sink.underruns
                self._start_device(opened)
            elif isinstance(opened, str):
                self.detail = opened
            elif self._opening is None and now_ns >= self._retry_ns:
                self._background(None)
            if self._opening is not None and not self._opening.is_alive():
                self._opening = None
                self._retry_ns = now_ns + round(REOPEN_S * 1e9)
        return (self.state, self.detail) != before

    def heard(self, first_block: int = 0) -> Iterator[Heard]:
        """What was played since the last call, one message a block; ``first_block`` is added to the index."""
        while self._told < self._played:
            self._told = max(self._told, self._played - RING + 1)
            row = self._ring[self._told % RING]
            block = row.block
            yield Heard(
                t_ns=row.t_ns + LOOKAHEAD_NS,
                block=first_block + self._told,
                cause_seq=row.cause_seq,
                cause_received_ns=row.received_ns,
                f0_hz=block.f0_hz,
                level_dbfs=block.level_dbfs,
                roughness=block.roughness,
                call=block.call,
                underruns=row.underruns,
                command_t_ns=row.command_t_ns,
                f1_hz=block.f1_hz,
                f2_hz=block.f2_hz,
                f3_hz=block.f3_hz,
                fresh=row.fresh,
                hush=row.hush,
            )
            self._told += 1

    def samples(self) -> npt.NDArray[np.float32]:
        """What was played since the last call, shape (blocks, block_frames); blocks lost to the ring are zeros."""
        played = self._played
        lost = max(0, played - RING + 8 - self._saved)
        rows = np.arange(self._saved + lost, played) % RING
        self._saved = played
        return np.concatenate([np.zeros((lost, self._audio.shape[1]), np.float32), self._audio[rows]])

    @property
    def native_ids(self) -> list[int]:
        """Thread that renders, for the scheduler; empty before the first block."""
        native_id = self._sink.native_id if self._sink is not None else 0
        return [native_id] if native_id else []

    def stop(self) -> None:
        """Close what is open; nothing is rendered after this."""
        if self._opening is not None:
            self._opening.join(timeout=1.0)
        if self._sink is not None:
            self._sink.close()
            self._sink = None

    def _render(self, t_ns: int, sink: ClockedSink | _DeviceSink) -> npt.NDArray[np.float32] | None:
        """One block that is heard at ``t_ns``, for the sink that is in charge; the body of the audio callback."""
        if sink is not self._sink:
            return None
        newest, index = self._newest, self._played
        # The first block is always without a command: so the record shows where a process started.
        fresh = newest != self._applied and index > 0
        command = self._engine.command
        if fresh:
            command[0] = self._slots[newest % SLOTS][0]
            self._applied = newest
        if self._to_say and index > 0:
            utterance = self._to_say.popleft()
            self._engine.begin(utterance)
            self._begun.append((t_ns, int(command[0]["cause_seq"]), index, utterance))
        samples = self._audio[index % RING]
        block = self._engine.render_written(fresh, samples)
        row = command[0]
        self._ring[index % RING] = _PlayedRow(
            t_ns,
            int(row["cause_seq"]),
            int(row["received_ns"]),
            int(row["t_ns"]),
            block,
            self._underruns + sink.underruns,
            fresh,
            bool(row["hush"]),
        )
        self._played = index + 1
        return samples

    def _start_clocked(self, state: str, detail: str) -> None:
        config = self._config

        def play(t_ns: int) -> None:
            self._render(t_ns, sink)

        sink = ClockedSink(self._clock, play, config.block_frames / config.sample_rate_hz, config.latency_s)
        self._sink = sink
        self.state, self.detail = state, detail
        sink.start()

    def _start_device(self, sink: _DeviceSink) -> None:
        self._sink = sink
        try:
            sink.start()
        except DeviceError as error:
            sink.close()
            self._start_clocked("degraded", str(error))
            return
        self.state, self.detail = "ready", sink.name + sink.remark

    def _open(self) -> _DeviceSink | str:
        """An opened device, or why there is none."""
        try:
            return _DeviceSink(self._config, self._clock, self._render)
        except (DeviceError, MissingPackageError) as error:
            return f"no sound: {error}; the record has it"

    def _background(self, lost: _DeviceSink | None) -> None:
        """Close a lost device and look for one again, away from the main thread: PortAudio may take its time."""

        def work() -> None:
            if lost is not None:
                lost.close()
            _forget_devices()
            self._opened = self._open()

        self._opening = threading.Thread(target=work, name="reopen", daemon=True)
        self._opening.start()


class StreamClock:
    """Maps PortAudio's stream time to the host's monotonic clock.

    Some host APIs report no time at all (0): then the DAC time is the callback's own plus the stream's latency, and
    ``remark`` says so.
    """

    def __init__(self, clock: Clock, latency_s: float) -> None:
        self._clock = clock
        self._latency_ns = round(latency_s * 1e9)
        self._offset_ns = 0
        self._stream: Any = None

    def attach(self, stream: Any) -> None:
        """Use a stream with ``.time``; ask only while it runs."""
        self._stream = stream
        self._latency_ns = round(stream.latency * 1e9)
        self.measure()

    def measure(self) -> None:
        """Take the offset between the clocks again; of three readings the narrowest, as a thread may be put off."""
        best_ns = 1 << 62
        for _ in range(3):
            before_ns = self._clock.now_ns()
            stream_ns = round(self._stream.time * 1e9)
            width_ns = self._clock.now_ns() - before_ns
            if stream_ns and width_ns < best_ns:
                best_ns = width_ns
                self._offset_ns = before_ns + width_ns // 2 - stream_ns

    @property
    def known(self) -> bool:
        """Whether the host API reports the time."""
        return self._offset_ns != 0

    def dac_ns(self, dac_s: float) -> int:
        """Monotonic time at which a block leaves that PortAudio announces for stream time ``dac_s``."""
        now_ns = self._clock.now_ns()
        if dac_s > 0.0 and self._offset_ns != 0:
            t_ns = int(dac_s * 1e9) + self._offset_ns
            if -PLAUSIBLE_S * 1e9 < t_ns - now_ns < PLAUSIBLE_S * 1e9:
                return t_ns
        return now_ns + self._latency_ns


class _DeviceSink:
    """One PortAudio output stream.

    Raises
    ------
    MissingPackageError
        Without sounddevice.
    DeviceError
        Without PortAudio or without a usable device.
    """

    def __init__(self, config: VoiceConfig, clock: Clock, render: Any) -> None:
        self.underruns = 0
        self.native_id = 0
        self._clock = clock
        self._render = render
        self._block_frames, self._at = config.block_frames, 0
        self._samples: npt.NDArray[np.float32] | None = None
        self._called_ns = clock.now_ns()
        self.stream_clock = StreamClock(clock, config.latency_s)
        sounddevice = _portaudio()
        device: str | int | None = config.device or None
        if isinstance(device, str) and device.isdigit():
            device = int(device)
        runs_at_hz = config.sample_rate_hz
        try:
            info = sounddevice.query_devices(device, "output")
            self.name = str(info["name"])
            runs_at_hz = round(info["default_samplerate"])
            self._stream = sounddevice.OutputStream(
                samplerate=config.sample_rate_hz,
                blocksize=_piece_frames(config),
                device=info["index"],
                channels=min(2, info["max_output_channels"]),
                dtype="float32",
                latency=config.latency_s,
                callback=self._callback,
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            names = [d["name"] for d in sounddevice.query_devices() if d["max_output_channels"] > 0]
            known = f"outputs are {', '.join(names)}" if names else "this machine has no sound output"
            asked = f'"{config.device}"' if config.device else "the default output"
            fix = "plug one in, start a sound server, or set voice.device (--set voice.device=none to do without)"
            if runs_at_hz != config.sample_rate_hz:
                known = f"it runs at {runs_at_hz} Hz, not at {config.sample_rate_hz}"
                fix = f"set that rate in the system's sound settings, or {fix}"
                if runs_at_hz in RATES_HZ:
                    fix = f"--set voice.sample_rate_hz={runs_at_hz}, or {fix}"
            raise DeviceError(f"{asked} cannot be opened ({_first_line(error)}); {known}: {fix}") from error
        self.latency_s = float(self._stream.latency)

    @property
    def remark(self) -> str:
        """What to know about the DAC times of this device."""
        told = "" if self.stream_clock.known else "; it does not report its time: latencies are callback time + latency"
        return f", {1000 * self.latency_s:.1f} ms{told}"

    def start(self) -> None:
        """Begin to play."""
        self._called_ns = self._clock.now_ns() + round((FIRST_S - LOST_S) * 1e9)
        try:
            self._stream.start()
            self.stream_clock.attach(self._stream)
        except _portaudio().PortAudioError as error:
            raise DeviceError(f"{self.name} cannot be started ({_first_line(error)})") from error

    def lost(self, now_ns: int) -> bool:
        """Whether the device has stopped asking for sound."""
        return not self._stream.active or now_ns - self._called_ns > LOST_S * 1e9

    def close(self) -> None:
        """Stop playing at once."""
        with contextlib.suppress(_portaudio().PortAudioError):
            self._stream.abort()
            self._stream.close()

    def _callback(self, out: npt.NDArray[np.float32], frames: int, times: Any, status: Any) -> None:
        self.native_id = self.native_id or threading.get_native_id()
        self._called_ns = self._clock.now_ns()
        if status.output_underflow:
            self.underruns += 1
        begin, end = self._at, self._at + frames
        if begin == 0:
            self._samples = self._render(self.stream_clock.dac_ns(times.outputBufferDacTime), self)
        if self._samples is None or end > self._block_frames:
            out[:] = 0.0
        else:
            out[:] = self._samples[begin:end, None]
        self._at = end if end < self._block_frames else 0


def _piece_frames(config: VoiceConfig) -> int:
    """Frames that the device takes at a time: a block, or half of it where that saves time."""
    half, odd = divmod(config.block_frames, 2)
    soon = config.latency_s * config.sample_rate_hz <= HALVES_BELOW_BLOCKS * config.block_frames
    return half if soon and not odd and half >= LEAST_PIECE_FRAMES else config.block_frames


def _portaudio() -> ModuleType:
    """The sounddevice module, with PortAudio behind it."""
    try:
        return require("sounddevice", "audio")
    except OSError as error:
        raise DeviceError(f"PortAudio is missing ({error}); type: apt-get install libportaudio2") from error


def _forget_devices() -> None:
    """Let PortAudio look for devices anew: it does so only when it starts."""
    with contextlib.suppress(DeviceError, MissingPackageError):
        sounddevice = _portaudio()
        with contextlib.suppress(sounddevice.PortAudioError):
            sounddevice._terminate()  # noqa: SLF001
            sounddevice._initialize()  # noqa: SLF001


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0]


def play_once(samples: npt.NDArray[np.float32], rate_hz: int, device: str) -> None:
    """Play mono samples, shape (n,), and wait until they have sounded.

    Raises
    ------
    MissingPackageError, DeviceError
        Without sounddevice, PortAudio or a usable output.
    """
    sounddevice = _portaudio()
    try:
        sounddevice.play(samples, rate_hz, device=int(device) if device.isdigit() else device or None, blocking=True)
    except (sounddevice.PortAudioError, ValueError) as error:
        raise DeviceError(
            f"{device or 'the default output'} cannot be opened ({_first_line(error)}); plug one in or give --device"
        ) from error
