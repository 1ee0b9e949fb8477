"""The last seconds of one quantity, ready to draw: a ring buffer whose window is contiguous without copying."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["CAPACITY", "SPAN_S", "Trace"]

SPAN_S = 20.0
"""How much of the past the console shows: some ten presses at the pace of the recorded palpations."""
CAPACITY = 4096
"""Samples kept: over 20 s at 200 Hz, six times what a console at 30 Hz is given."""
GAP_S = 0.5
"""Samples further apart than this are not joined by a line (the longest ``max_age_ms`` of the streams drawn)."""


class Trace:
    """Values against host monotonic time.

    Every sample is written twice, ``capacity`` apart, so that the newest ones always lie in one piece.

    Parameters
    ----------
    capacity
        Samples kept.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._t_ns = np.zeros(2 * capacity, dtype=np.int64)
        self._values = np.full(2 * capacity, np.nan)
        self._written = 0

    @property
    def latest_ns(self) -> int | None:
        """Time of the newest sample, or None before the first."""
        return int(self._t_ns[(self._written - 1) % self._capacity]) if self._written else None

    @property
    def latest(self) -> float:
        """Newest value; NaN before the first and where the quantity is undefined (f0 of silence)."""
        return float(self._values[(self._written - 1) % self._capacity]) if self._written else float("nan")

    def append(self, t_ns: int, value: float) -> None:
        """Add one sample; one that is not newer than the last is dropped, and NaN marks a gap in time."""
        last_ns = self.latest_ns
        if last_ns is not None:
            if t_ns <= last_ns:
                return
            if t_ns - last_ns > GAP_S * 1e9:
                self._write(t_ns - 1, float("nan"))
        self._write(t_ns, value)

    def window(self, now_ns: int, span_s: float = SPAN_S) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Samples of the last ``span_s`` seconds.

        Returns
        -------
        age_s
            Time relative to now, negative, shape (n,).
        values
            View of the values, shape (n,), valid until the next ``append``.
        """
        count = min(self._written, self._capacity)
        stop = self._written % self._capacity + self._capacity
        t_ns = self._t_ns[stop - count : stop]
        first = int(np.searchsorted(t_ns, now_ns - round(span_s * 1e9)))
        return (t_ns[first:] - now_ns).astype(np.float64) * 1e-9, self._values[stop - count + first : stop]

    def peak(self, now_ns: int, span_s: float = SPAN_S) -> float:
        """Largest value of the last ``span_s`` seconds, 0 when there is none."""
        values = self.window(now_ns, span_s)[1]
        finite = values[np.isfinite(values)]
        return float(finite.max()) if finite.size else 0.0

    def _write(self, t_ns: int, value: float) -> None:
        at = self._written % self._capacity
        for index in (at, at + self._capacity):
            self._t_ns[index] = t_ns
            self._values[index] = value
        self._written += 1
