"""The virtual board as a process of its own: wire bytes on a pseudo-terminal, paced by absolute deadlines.

Run by hand it prints the port to open: ``python -m firmware_bridge.virtual_process '{"rate_hz": 250}'``. It leaves when
its standard input ends, so it never outlives the program that started it; lines on standard input are faults, weights
(``load 20 145 145``) or what is done to a rater (``dial 40``, ``commit``).
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import sys
import tempfile
import termios
import time
import tty
from collections import deque
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from firmware_bridge import phantom
from firmware_bridge.errors import BoardError, BridgeError
from firmware_bridge.faults import parse_fault
from firmware_bridge.presses import Hand
from firmware_bridge.recordings import ForceRecording, load_recording
from firmware_bridge.uart import as_heard
from firmware_bridge.virtual_device import ForceSource, VirtualDevice
from firmware_bridge.virtual_rater import Untouched, VirtualRater

__all__ = ["VirtualOptions", "main"]

TX_BUFFER_BYTES = 65_536
"""What a kernel buffers for a real port without a reader; for a pseudo-terminal it keeps only a few of these itself."""
REALTIME_PRIORITY = 40
"""Above the session's loop: a real board has a processor of its own and never waits for the host's."""
SPEEDS = (9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 500_000, 1_000_000, 2_000_000)
UNNAMED_SPEED = 250_000
"""The one rate of the firmware for which termios has no name."""
IDLE_S = 0.1


class VirtualOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All options of a virtual board; ``[board.options]`` may hold those below ``lead_s`` and that itself."""

    source: Literal["presses", "replay", "rater"] = "presses"
    rate_hz: Annotated[float, Meta(ge=10, le=1000)] = 1000.0
    file: str = ""
    site_mm: tuple[float, float] = (145.0, 145.0)
    loop: bool = False
    seed: Annotated[int, Meta(ge=0)] = 1
    lead_s: Annotated[float, Meta(ge=0, le=60)] = 0.5
    """Untouched time between the first START and a recording, for the tare."""
    tender_mm: tuple[float, float] | None = None
    """Site that the simulated hand presses more often than others; ``site_mm`` when not given."""
    tender_share: Annotated[float, Meta(ge=0, le=1)] = 0.4
    spikes_per_minute: Annotated[float, Meta(ge=0, le=600)] = 0.2
    noise_counts: Annotated[float, Meta(ge=0, le=100_000)] = phantom.NOISE_COUNTS
    drift_ppm: Annotated[float, Meta(ge=-20_000, le=20_000)] = 0.0
    boot_us: Annotated[int, Meta(ge=0, lt=2**32)] = 0
    baud: Annotated[int, Meta(ge=0, le=4_000_000)] = 0
    """Rate of the board's UART; 0 understands every rate, as a pseudo-terminal does."""
    host_baud: Annotated[int, Meta(ge=0, le=4_000_000)] = 500_000
    """Rate at which the host opens the port; 0 tries the known ones."""
    faults: list[str] = []
    note: Annotated[str, Meta(max_length=48)] = ""
    """What the board's EEPROM keeps on its calibration."""
    port: str = ""
    """Path of the symbolic link to the pseudo-terminal; "" makes one in a folder for temporary files."""


class _Played:
    """A recording behind its lead-in."""

    def __init__(self, recording: ForceRecording, lead_s: float, *, loop: bool) -> None:
        self._recording = recording
        self._lead_s = lead_s
        self._loop = loop

    def forces(self, t_s: NDArray[np.float64], period_s: float) -> NDArray[np.float64]:
        return self._recording.forces(t_s - self._lead_s, period_s, loop=self._loop)


class _Terminal:
    """A pseudo-terminal behind a symbolic link, which stays at its path when the plug is pulled and put back."""

    def __init__(self, port: str, baud: int) -> None:
        self._baud = baud
        self._folder = "" if port else tempfile.mkdtemp(prefix="robopatient-")
        self.path = Path(port) if port else Path(self._folder) / "SIM-board"
        self.master = -1
        self._slave = -1
        self._pending = b""

    def plug_in(self) -> None:
        self.master, self._slave = os.openpty()
        # The slave stays open here too: otherwise the master reads errors whenever no host has the port open.
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self._pending = b""
        new = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        new.symlink_to(os.ttyname(self._slave))
        new.replace(self.path)

    def unplug(self) -> None:
        self.path.unlink(missing_ok=True)
        for fd in (self.master, self._slave):
            if fd >= 0:
                os.close(fd)
        self.master = self._slave = -1

    def read(self) -> bytes:
        with contextlib.suppress(OSError):
            return as_heard(os.read(self.master, 4096), *self._bauds())
        return b""

    def _bauds(self) -> tuple[int, int]:
        """Rate at which the host has opened the port, and the board's own."""
        if not self._baud:
            return 0, 0
        speed = termios.tcgetattr(self._slave)[5]
        return next((baud for baud in SPEEDS if getattr(termios, f"B{baud}") == speed), UNNAMED_SPEED), self._baud

    def write(self, frames: list[bytes]) -> int:
        """Send without ever waiting; returns how many frames did not fit and are lost whole."""
        lost = 0
        host_baud, baud = self._bauds()
        if baud != host_baud:
            frames = [as_heard(frame, baud, host_baud) for frame in frames]
        for frame in frames:
            if len(self._pending) + len(frame) > TX_BUFFER_BYTES:
                self._flush()
            if len(self._pending) + len(frame) > TX_BUFFER_BYTES:
                lost += 1
            else:
                self._pending += frame
        self._flush()
        return lost

    def _flush(self) -> None:
        with contextlib.suppress(OSError):
            self._pending = self._pending[os.write(self.master, self._pending) :] if self._pending else b""

    def remove(self) -> None:
        self.unplug()
        if self._folder:
            with contextlib.suppress(OSError):
                Path(self._folder).rmdir()


def main(arguments: list[str]) -> int:
    """Run until standard input ends; returns the exit status.

    The first line on standard output is a JSON object: ``{"port": PATH, "name": TEXT}`` or ``{"error": TEXT}``.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    try:
        options = _options(arguments)
        source, name = _source(options)
        faults = [parse_fault(text) for text in options.faults]
        terminal = _Terminal(options.port, options.baud)
        terminal.plug_in()
    except (BridgeError, OSError) as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 1
    kind = VirtualRater if options.source == "rater" else VirtualDevice
    device = kind(
        source,
        now_ns=time.monotonic_ns(),
        rate_hz=options.rate_hz,
        seed=options.seed,
        board=f"SIM-{options.source.upper()}",
        noise_counts=options.noise_counts,
        drift_ppm=options.drift_ppm,
        boot_us=options.boot_us,
        note=options.note,
    )
    for fault in faults:
        device.inject(fault, time.monotonic_ns())
    try:
        print(json.dumps({"port": str(terminal.path), "name": name}), flush=True)
        gc.collect()
        gc.freeze()
        with contextlib.suppress(OSError, AttributeError):  # ordinary users may not
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REALTIME_PRIORITY))
        _serve(device, terminal)
    except (SystemExit, BrokenPipeError):
        pass
    finally:
        terminal.remove()
    return 0


def _serve(device: VirtualDevice, terminal: _Terminal) -> None:
    """Speak until standard input ends."""
    lines: deque[str] = deque()
    typed = b""
    replug_ns: int | None = None
    while True:
        now_ns = time.monotonic_ns()
        deadline_ns = device.next_due_ns if replug_ns is None else replug_ns
        wait_s = IDLE_S if deadline_ns is None else min(max((deadline_ns - now_ns) * 1e-9, 0.0), IDLE_S)
        ears = [sys.stdin.fileno()] if replug_ns is not None else [sys.stdin.fileno(), terminal.master]
        heard = select.select(ears, [], [], wait_s)[0]
        now_ns = time.monotonic_ns()
        if sys.stdin.fileno() in heard:
            chunk = os.read(sys.stdin.fileno(), 4096)
            if not chunk:
                return
            *complete, typed = (typed + chunk).split(b"\n")
            lines.extend(line.decode("utf-8", "replace") for line in complete)
        while lines:
            try:
                device.obey_line(lines.popleft(), now_ns)
            except BoardError as error:
                print(error, file=sys.stderr, flush=True)
        if replug_ns is None and terminal.master in heard:
            device.receive(terminal.read(), now_ns)
        pulled_until_ns = device.unplugged_until_ns(now_ns)
        if pulled_until_ns is not None:
            if replug_ns is None:
                terminal.unplug()
                replug_ns = pulled_until_ns
            elif now_ns >= replug_ns:
                terminal.plug_in()
                device.plug_in(now_ns)
                replug_ns = None
            continue
        device.dropped(terminal.write(device.run(now_ns)))


def _options(arguments: list[str]) -> VirtualOptions:
    try:
        return msgspec.json.decode(arguments[0] if arguments else "{}", type=VirtualOptions)
    except msgspec.DecodeError as error:
        raise BoardError(f"options of the virtual board: {error}") from error


def _source(options: VirtualOptions) -> tuple[ForceSource, str]:
    if options.source == "replay":
        recording = load_recording(options.file, options.site_mm)
        return _Played(recording, options.lead_s, loop=options.loop), f"SIM replay {recording.name}"
    if options.source == "rater":
        return Untouched(), "SIM rater"
    hand = Hand(
        options.seed,
        options.tender_mm or options.site_mm,
        tender_share=options.tender_share,
        spikes_per_minute=options.spikes_per_minute,
    )
    return hand, f"SIM presses seed {options.seed}"


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
