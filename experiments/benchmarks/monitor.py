"""What a sound server really played: its monitor, recorded beside a session and laid over ``voice.wav``.

PortAudio reports when a block leaves for the DAC. Where the output is a PulseAudio sink, its monitor is an independent
witness: the session's own sound is found in it by correlation, and the difference of the two times is what PortAudio
did not know.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
from scipy.signal import fftconvolve

__all__ = ["Capture", "capture_monitor", "delays_ms"]

RATE_HZ = 48_000
CHUNK = 256
WINDOW_S = 0.25
"""Length of sound that is looked for: long enough to be unique, short enough to lie between two host stalls."""
SEARCH_S = 0.5
AFTER_S = 0.2
"""This length of the recording shows when a sample was played: ten of the recorder's pieces."""
LISTEN_MS = 20
"""Latency asked of the recorder. At 5 ms the sink serves the player by the recorder's small pieces: the latency that is
measured rises by 2.6 ms (measured on a null sink, 16.9 instead of 14.3)."""
MIN_CORRELATION = 0.9
"""Below it the monitor was damaged by a stall (measured: 13 of 57 probes on a loaded machine)."""


class Capture(msgspec.Struct, frozen=True):
    """Sound of a monitor.

    Attributes
    ----------
    samples
        Shape (n,).
    counts, arrived_ns
        How many samples had arrived at which monotonic time, shapes (m,).
    """

    samples: np.ndarray
    counts: np.ndarray
    arrived_ns: np.ndarray

    def near(self, time_ns: int) -> int:
        """Sample that was played about then: off by what a stall of the sink loses, by less than ``SEARCH_S``."""
        latest = max(0, int(np.searchsorted(self.arrived_ns, time_ns)) - 1)
        return int(self.counts[latest] + (time_ns - self.arrived_ns[latest]) * 1e-9 * RATE_HZ)

    def played_ns(self, sample: int) -> int:
        """When a sample was played.

        Data never arrive before they were played: of the arrivals from this sample on, the earliest against the sample
        clock is the time. Not of those before, because a sink that stalls in between loses samples.
        """
        first, last = np.searchsorted(self.counts, [sample, sample + round(AFTER_S * RATE_HZ)])
        rows = slice(min(first, len(self.counts) - 1), max(last, first + 1))
        return int(np.min(self.arrived_ns[rows] - ((self.counts[rows] - sample) * 1e9 / RATE_HZ).astype(np.int64)))


@contextmanager
def capture_monitor(folder: Path) -> Iterator[list[Capture]]:
    """Record the default sink's monitor with ``parec``; the list stays empty where there is none."""
    result: list[Capture] = []
    if shutil.which("parec") is None or not _has_server():
        yield result
        return
    command = ["parec", "--device=@DEFAULT_MONITOR@", "--format=float32le", "--channels=1", f"--rate={RATE_HZ}"]
    process = subprocess.Popen(
        [*command, f"--latency-msec={LISTEN_MS}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    )
    path = folder / "monitor.f32"
    arrivals: list[tuple[int, int]] = []

    def drain() -> None:
        assert process.stdout is not None
        count = 0
        with path.open("wb") as file:
            while data := process.stdout.read(CHUNK * 4):
                file.write(data)
                count += len(data) // 4
                arrivals.append((count, time.monotonic_ns()))

    thread = threading.Thread(target=drain, name="monitor", daemon=True)
    thread.start()
    try:
        yield result
    finally:
        process.terminate()
        process.wait(timeout=5)
        thread.join(timeout=5)
    if arrivals:
        counts, arrived_ns = np.asarray(arrivals, dtype=np.int64).T
        result.append(Capture(np.fromfile(path, dtype=np.float32), counts, arrived_ns))


def delays_ms(capture: Capture, voice: np.ndarray, dac_ns: np.ndarray, sample_index: np.ndarray) -> np.ndarray:
    """How much later than PortAudio's account the monitor heard each event, ms; nan where it cannot be found.

    Parameters
    ----------
    voice
        What the session played at 48 kHz, shape (n,).
    dac_ns, sample_index
        PortAudio's time of an event and its sample in ``voice``, shapes (m,).
    """
    window, search = round(WINDOW_S * RATE_HZ), round(SEARCH_S * RATE_HZ)
    found = np.full(len(dac_ns), np.nan)
    for event, (time_ns, index) in enumerate(zip(dac_ns, sample_index, strict=True)):
        expected = capture.near(int(time_ns))
        piece = voice[index : index + window].astype(np.float64)
        low = expected - search
        place = capture.samples[max(0, low) : expected + search + window].astype(np.float64)
        if low < 0 or len(piece) < window or len(place) < 2 * search + window or not np.any(piece):
            continue
        match = fftconvolve(place, piece[::-1], mode="valid")
        energy = fftconvolve(place**2, np.ones(window), mode="valid")
        correlation = match / np.sqrt(np.maximum(energy, 1e-12) * np.sum(piece**2))
        best = int(np.argmax(correlation))
        if correlation[best] >= MIN_CORRELATION:
            found[event] = (capture.played_ns(low + best) - time_ns) * 1e-6
    return found


def _has_server() -> bool:
    try:
        done = subprocess.run(["pactl", "info"], capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
