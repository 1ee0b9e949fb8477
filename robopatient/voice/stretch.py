"""Recorded sound slower or faster at its own pitch, for replays: waveform-similarity overlap-add.

Verhelst and Roelands 1993. The sound is copied in windows, each shifted within some milliseconds to where it continues
the one before best, so that a groan at half speed is the same groan.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["Stretcher"]

HOP_S = 0.016
"""Half a window (assumption: two periods of the lowest voice, 75 Hz, must fit into a window)."""
SEARCH_S = 0.008
"""How far a window may be shifted: half a period of the lowest voice to either side, and a little."""
COARSE = 4
"""The best shift is looked for at a quarter of the rate, which is 12 kHz: finer than anybody hears a seam."""

Read = Callable[[int, int], npt.NDArray[np.float32]]
"""``read(first, count)``: samples of the source, zeros outside of it."""


class Stretcher:
    """Hands out hops of sound, one after the other.

    Parameters
    ----------
    read
        The source.
    first
        Sample of the source at which to begin.
    speed
        Above 1 is faster. At exactly 1 the samples are the source's own.

    Attributes
    ----------
    hop
        Samples of one ``next_hop``.
    """

    def __init__(self, read: Read, first: int, speed: float, sample_rate_hz: int) -> None:
        self.hop = round(HOP_S * sample_rate_hz)
        self._read = read
        self._first = first
        self._speed = speed
        self._search = round(SEARCH_S * sample_rate_hz) // COARSE * COARSE
        self._rise = (np.sin(0.5 * np.pi * (np.arange(self.hop) + 0.5) / self.hop) ** 2).astype(np.float32)
        self._hops = 0
        self._tail: npt.NDArray[np.float32] | None = None
        self._follows = first

    def next_hop(self) -> npt.NDArray[np.float32]:
        """The next samples, shape (hop,)."""
        due = self._first + round(self._hops * self.hop * self._speed)
        self._hops += 1
        if self._speed == 1.0:
            return self._read(due, self.hop)
        if self._tail is None:
            at = due
            body = self._read(at, self.hop)
        else:
            at = due + self._best_shift(due)
            fresh = self._read(at, self.hop)
            body = fresh * self._rise + self._tail * (1.0 - self._rise)
        self._follows = at + self.hop
        self._tail = self._read(self._follows, self.hop)
        return body

    def _best_shift(self, due: int) -> int:
        """Shift at which the source resembles what would follow the last window."""
        wanted = self._tail
        if wanted is None or not np.any(wanted):
            return 0
        there = self._read(due - self._search, self.hop + 2 * self._search)[::COARSE]
        wanted = wanted[::COARSE]
        likeness = np.correlate(there, wanted, mode="valid")
        squares = np.concatenate([[0.0], np.cumsum(np.square(there, dtype=np.float64))])
        energy = squares[len(wanted) :] - squares[: len(squares) - len(wanted)]
        return int(np.argmax(likeness / np.sqrt(energy + 1e-9))) * COARSE - self._search
