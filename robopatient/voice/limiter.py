"""The last stage before the loudspeaker: a look-ahead limiter with a true ceiling, then the master fade.

Nothing that the synthesiser does can get past the ceiling, and a hush ends in exact zeros.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from robopatient.levels import db_to_gain
from robopatient.voice.kernel import kernel

__all__ = ["LOOKAHEAD_S", "Limiter"]

LOOKAHEAD_S = 0.001
"""A change of the command leaves the loudspeaker this much after the first sample of its block."""
RELEASE_S = 0.06
KNEE = 0.7
"""Fraction of the ceiling from which peaks are rounded, 3 dB below it."""
MARGIN_DB = 0.3
"""What a peak between four points may exceed them, and what the gain's own movement adds (measured: 0.2 dB)."""
TAPS = 16
"""Of the interpolator: band-limited to half a decibel up to 18 kHz at 48 kHz."""
KAISER_BETA = 3.0
MOST_OVERSHOOT = 2.6
"""Largest value between samples over the samples' own: the sum of the interpolator's weights."""

STATE = np.dtype(
    [
        ("n", "i8"),
        ("gain", "f8"),
        ("head", "i8"),
        ("tail", "i8"),
        ("total", "f8"),
        ("master", "f8"),
    ]
)


class Limiter:
    """Turns blocks of the synthesiser into samples for the DAC.

    Parameters
    ----------
    max_dbfs
        No sample exceeds this peak, nor does the curve between the samples (BS.1770-4: four times oversampled).
    """

    def __init__(self, sample_rate_hz: float, max_dbfs: float) -> None:
        delay = max(TAPS, round(LOOKAHEAD_S * sample_rate_hz))
        window = delay - TAPS // 2 - 1  # a peak is known so much later than its sample
        self._ceiling = db_to_gain(max_dbfs - MARGIN_DB)
        self._between = _interpolator()
        self._work = np.zeros((3, TAPS - 1))
        self._release = 1.0 - math.exp(-1.0 / (RELEASE_S * sample_rate_hz))
        self._sample_rate_hz = float(sample_rate_hz)
        self._state: npt.NDArray[Any] = np.zeros(1, STATE)
        self._master = self._state["master"]
        self._delay = np.zeros(delay)
        self._minima = np.zeros((window + 1, 2))  # value, index: a queue of rising values
        self._window = np.zeros(window)
        self.reset()

    @property
    def master(self) -> float:
        """Where the fade stands: 0 silent, 1 open."""
        return float(self._master.item())

    def reset(self) -> None:
        """Forget the past, leave the master fade where it is."""
        master = self._state["master"][0]
        self._state[:] = np.zeros(1, STATE)
        self._state["master"] = master
        self._state["gain"] = 1.0
        self._delay[:] = 0.0
        self._work[:] = 0.0
        self._window[:] = 1.0
        self._state["total"] = float(self._window.size)

    def render(
        self,
        samples: npt.NDArray[np.float64],
        out: npt.NDArray[np.float32],
        master_to: float,
        fade_s: float,
    ) -> float:
        """Limit and fade one block.

        Parameters
        ----------
        master_to, fade_s
            Where the master fade goes, and how long it takes from one end to the other.

        Returns
        -------
        Mean square of ``out``.
        """
        step = 1.0 / (fade_s * self._sample_rate_hz)
        if self._work.shape[1] != len(samples) + TAPS - 1:  # the first block, or one of another length
            self._work = np.zeros((3, len(samples) + TAPS - 1))
        return float(
            _limit(
                samples,
                out,
                self._state,
                self._delay,
                self._minima,
                self._window,
                self._work,
                self._between,
                self._ceiling,
                self._release,
                master_to,
                step,
            )
        )


def _interpolator() -> npt.NDArray[np.float64]:
    """Weights of the last ``TAPS`` samples, newest last, for the points 1/4, 1/2 and 3/4 between the middle two."""
    at = np.arange(TAPS) - (TAPS // 2 - 1) - np.array([0.25, 0.5, 0.75])[:, None]
    kaiser = np.i0(KAISER_BETA * np.sqrt(np.maximum(1.0 - (2.0 * at / TAPS) ** 2, 0.0)))
    weights = np.sinc(at) * kaiser
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


@kernel()
def _find_peaks(samples, work, between, quiet):  # type: ignore[no-untyped-def]
    """Fill row 2 of ``work`` with the peak about the middle of the last ``TAPS`` samples; False when all are quiet.

    Row 0 holds the samples behind those of the block before, row 1 a sum. The taps are the outer loop, so that the
    inner one can be computed four samples at a time.
    """
    n, kept = samples.shape[0], TAPS - 1
    loudest = 0.0
    for k in range(kept):
        work[0, k] = work[0, n + k]
        loudest = max(loudest, abs(work[0, k]))
    for k in range(n):
        work[0, kept + k] = samples[k]
        loudest = max(loudest, abs(samples[k]))
    if loudest * MOST_OVERSHOOT <= quiet:
        return False
    middle = TAPS // 2 - 1
    for k in range(n):
        work[2, k] = max(abs(work[0, k + middle]), abs(work[0, k + middle + 1]))
    for row in range(between.shape[0]):
        work[1, :n] = 0.0
        for tap in range(TAPS):
            weight = between[row, tap]
            for k in range(n):
                work[1, k] += weight * work[0, k + tap]
        for k in range(n):
            work[2, k] = max(work[2, k], abs(work[1, k]))
    return True


@kernel()
def _limit(  # type: ignore[no-untyped-def]
    samples, out, state, delay, minima, window, work, between, ceiling, release, master_to, step
):
    s = state[0]
    size, length = window.shape[0], delay.shape[0]
    at, slot = s.n % length, s.n % size
    n, gain, head, tail, total, master = s.n, s.gain, s.head, s.tail, s.total, s.master
    watch = _find_peaks(samples, work, between, KNEE * ceiling)
    energy = 0.0
    for k in range(samples.shape[0]):
        x = samples[k]
        wanted = 1.0
        if watch:
            peak = work[2, k] / ceiling
            if peak > KNEE:
                wanted = (1.0 - (1.0 - KNEE) * math.exp(-(peak - KNEE) / (1.0 - KNEE))) / peak
        gain = wanted if wanted < gain else gain + (wanted - gain) * release
        # Minimum over the window by a queue of rising values, then its mean: the gain has arrived when the peak does.
        while tail != head:
            last = tail - 1 if tail > 0 else size
            if minima[last, 0] < gain:
                break
            tail = last
        minima[tail, 0] = gain
        minima[tail, 1] = n
        tail = tail + 1 if tail < size else 0
        if minima[head, 1] <= n - size:
            head = head + 1 if head < size else 0
        total += minima[head, 0] - window[slot]
        window[slot] = minima[head, 0]
        y = delay[at] * min(total / size, 1.0)
        delay[at] = x
        n += 1
        at = at + 1 if at < length - 1 else 0
        slot = slot + 1 if slot < size - 1 else 0
        y = min(max(y, -ceiling), ceiling)
        master = min(master + step, master_to) if master < master_to else max(master - step, master_to)
        y *= master
        out[k] = y
        energy += y * y
    s.n, s.gain, s.head, s.tail, s.total, s.master = n, gain, head, tail, total, master
    return energy / samples.shape[0]
