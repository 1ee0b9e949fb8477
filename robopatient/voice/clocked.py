"""A silent audio sink paced by the clock: it asks for a block whenever a real device would.

For machines without sound and for tests. It has the buffer of a device: being late by less than that loses nothing,
being later is an underrun and shifts all that follows, as a sound card does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from robopatient.clock import Clock

__all__ = ["ClockedSink"]


class ClockedSink:
    """Calls ``play(dac_ns)`` once a block from a thread of its own.

    Parameters
    ----------
    play
        Renders one block whose first sample is heard at ``dac_ns``.
    buffer_s
        Latency of the simulated device.
    """

    def __init__(self, clock: Clock, play: Callable[[int], None], block_s: float, buffer_s: float) -> None:
        self.underruns = 0
        self.native_id = 0
        self._clock = clock
        self._play = play
        self._block_ns = block_s * 1e9
        self._buffer_ns = round(buffer_s * 1e9)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clocked-sink", daemon=True)

    def start(self) -> None:
        """Begin to ask for blocks."""
        self._thread.start()

    def close(self) -> None:
        """End; returns when no further block will be asked for."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        self.native_id = threading.get_native_id()
        origin_ns = float(self._clock.now_ns())
        blocks = 0
        while not self._stopping.is_set():
            deadline_ns = round(origin_ns + blocks * self._block_ns)
            self._clock.sleep_until_ns(deadline_ns)
            late_ns = self._clock.now_ns() - deadline_ns
            if late_ns > self._buffer_ns:
                self.underruns += 1
                origin_ns += late_ns
                deadline_ns += late_ns
            self._play(deadline_ns + self._buffer_ns)
            blocks += 1
