"""Clocks: time is passed in, stages never read the clock of the operating system.

All times on the bus and in the record are host monotonic nanoseconds (``t_ns``).
"""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "FakeClock", "HostClock", "Metronome"]


class Clock(Protocol):
    """Something that tells monotonic nanoseconds and can wait until one of them."""

    def now_ns(self) -> int:
        """Monotonic time, ns."""
        ...

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Return at ``deadline_ns`` or at once when it has passed."""
        ...


class HostClock:
    """The machine's monotonic clock (CLOCK_MONOTONIC, shared by all processes of one host)."""

    def now_ns(self) -> int:
        """Monotonic time, ns."""
        return time.monotonic_ns()

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Sleep until an absolute deadline.

        Python 3.11 sleeps by ``clock_nanosleep`` on the monotonic clock; no spinning, because a spinning
        real-time thread starves the kernel workers that deliver serial data (measured, facts sheet 5.1).
        """
        remaining_ns = deadline_ns - time.monotonic_ns()
        if remaining_ns > 0:
            time.sleep(remaining_ns * 1e-9)


class FakeClock:
    """A clock that tests turn by hand: a minute of palpation passes in milliseconds."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """Monotonic time, ns."""
        return self._now_ns

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Jump to the deadline."""
        self._now_ns = max(self._now_ns, deadline_ns)

    def advance_s(self, seconds: float) -> None:
        """Turn the clock forward."""
        self._now_ns += round(seconds * 1e9)


class Metronome:
    """Absolute deadlines at a fixed rate; missed ticks are counted and skipped, never made up in a burst."""

    def __init__(self, clock: Clock, rate_hz: float) -> None:
        self.clock = clock
        self.period_ns = round(1e9 / rate_hz)
        self.missed = 0
        self._deadline_ns = clock.now_ns() + self.period_ns

    def wait(self) -> int:
        """Sleep until the next deadline; return how late the wake-up was, ns."""
        self.clock.sleep_until_ns(self._deadline_ns)
        late_ns = max(0, self.clock.now_ns() - self._deadline_ns)
        skipped = late_ns // self.period_ns
        self.missed += skipped
        self._deadline_ns += (skipped + 1) * self.period_ns
        return late_ns
