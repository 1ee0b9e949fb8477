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

STATE = np.dtype(
    [
        ("n", "i8"),
        ("gain", "f8"),
        ("head", "i8"),
        ("tail", "i8"),
        ("total", "f8"),
        ("master", "f8"),
        ("x1", "f8"),
        ("x2", "f8"),
        ("x3", "f8"),
    ]
)


class Limiter:
    """Turns blocks of the synthesiser into samples for the DAC.

    Parameters
    ----------
    max_dbfs
        No sample exceeds this peak; points halfway between samples are watched too.
    """

    def __init__(self, sample_rate_hz: float, max_dbfs: float) -> None:
        window = max(3, round(LOOKAHEAD_S * sample_rate_hz))
        self._ceiling = db_to_gain(max_dbfs)
        self._release = 1.0 - math.exp(-1.0 / (RELEASE_S * sample_rate_hz))
        self._sample_rate_hz = float(sample_rate_hz)
        self._state: npt.NDArray[Any] = np.zeros(1, STATE)
        self._delay = np.zeros(window)
        self._minima = np.zeros((window + 1, 2))  # value, index: a queue of rising values
        self._window = np.zeros(window)
        self.reset()

    @property
    def master(self) -> float:
        """Where the fade stands: 0 silent, 1 open."""
        return float(self._state["master"][0])

    def reset(self) -> None:
        """Forget the past, leave the master fade where it is."""
        master = self._state["master"][0]
        self._state[:] = np.zeros(1, STATE)
        self._state["master"] = master
        self._state["gain"] = 1.0
        self._delay[:] = 0.0
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
        return float(
            _limit(
                samples,
                out,
                self._state,
                self._delay,
                self._minima,
                self._window,
                self._ceiling,
                self._release,
                master_to,
                step,
            )
        )


@kernel()
def _limit(samples, out, state, delay, minima, window, ceiling, release, master_to, step):  # type: ignore[no-untyped-def]
    s = state[0]
    size = delay.shape[0]
    at = s.n % size
    n, gain, head, tail, total, master = s.n, s.gain, s.head, s.tail, s.total, s.master
    x1, x2, x3 = s.x1, s.x2, s.x3
    energy = 0.0
    for k in range(samples.shape[0]):
        x = samples[k]
        between = 0.5625 * (x1 + x2) - 0.0625 * (x + x3)
        peak = max(abs(x), abs(x1), abs(between)) / ceiling
        x3, x2, x1 = x2, x1, x
        wanted = 1.0
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
        total += minima[head, 0] - window[at]
        window[at] = minima[head, 0]
        y = delay[at] * min(total / size, 1.0)
        delay[at] = x
        n += 1
        at = at + 1 if at < size - 1 else 0
        y = min(max(y, -ceiling), ceiling)
        master = min(master + step, master_to) if master < master_to else max(master - step, master_to)
        y *= master
        out[k] = y
        energy += y * y
    s.n, s.gain, s.head, s.tail, s.total, s.master = n, gain, head, tail, total, master
    s.x1, s.x2, s.x3 = x1, x2, x3
    return energy / samples.shape[0]
