"""Pitch-synchronous overlap-add, live: one recording with pitch, duration, formants and level moved independently.

Moulines and Charpentier 1990. Cycles are copied, not modelled, so that the roughness of a hurt voice survives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from robopatient.voice.kernel import kernel
from robopatient.voice.recordings import RATE_HZ, SoundRecording

__all__ = ["Psola", "shifted"]

RING = 8192
FADE_FRAMES = 240
"""A recording that is begun fades in over 5 ms."""
STATE = np.dtype([("at", "f8"), ("due", "f8"), ("n", "i8"), ("period", "f8")])


class Psola:
    """Plays one recording; the ratios may change at any block."""

    def __init__(self, recording: SoundRecording) -> None:
        self._recording = recording
        self._state: npt.NDArray[Any] = np.zeros(1, STATE)
        self._ring = np.zeros(RING)
        self.restart()

    def restart(self) -> None:
        """Back to the beginning."""
        self._state[0] = (0.0, 0.0, 0, 0.0)
        self._ring[:] = 0.0

    @property
    def done(self) -> bool:
        """Whether all of it has sounded."""
        state = self._state[0]
        return bool(state["at"] >= len(self._recording.samples) and state["n"] > state["due"] + 1000.0)

    @property
    def f0_hz(self) -> float:
        """Pitch of the newest cycle, 0 without one."""
        period = float(self._state["period"][0])
        return RATE_HZ / period if period > 0.0 else 0.0

    def render(
        self, out: npt.NDArray[np.float64], f0_ratio: float, duration_ratio: float, formant_ratio: float
    ) -> None:
        """Fill ``out``, shape (n,), n at most 2048; past the end it is zeros."""
        recording = self._recording
        _overlap_add(
            out,
            recording.samples,
            recording.marks,
            recording.periods,
            self._state,
            self._ring,
            min(max(f0_ratio, 0.25), 4.0),
            1.0 / min(max(duration_ratio, 0.1), 10.0),
            min(max(formant_ratio, 0.5), 2.0),
        )


def shifted(
    recording: SoundRecording, f0_ratio: float = 1.0, duration_ratio: float = 1.0, formant_ratio: float = 1.0
) -> npt.NDArray[np.float64]:
    """All of a recording, moved: shape (round(n * duration_ratio),)."""
    voice = Psola(recording)
    out = np.zeros(round(len(recording.samples) * duration_ratio))
    for begin in range(0, len(out), 1024):
        voice.render(out[begin : begin + 1024], f0_ratio, duration_ratio, formant_ratio)
    return out


@kernel(nogil=True)
def _overlap_add(out, sound, marks, periods, state, ring, f0_ratio, speed, formant):  # type: ignore[no-untyped-def]
    s = state[0]
    size = ring.shape[0]
    count = marks.shape[0]
    # Grains are laid half a ring ahead of the reader at most; a grain begins up to two periods before its centre.
    for k in range(out.shape[0]):
        while s.due <= s.n + 1024.0 and s.at < sound.shape[0]:
            # Nearest mark to the place in the recording, by bisection.
            low, high = 0, count - 1
            while low < high:
                middle = (low + high) // 2
                if marks[middle] < s.at:
                    low = middle + 1
                else:
                    high = middle
            if low > 0 and s.at - marks[low - 1] < marks[low] - s.at:
                low -= 1
            period = abs(periods[low])
            voiced = periods[low] > 0.0
            ratio = f0_ratio if voiced else 1.0
            step = period / ratio
            s.period = step if voiced else 0.0
            reach = min(period / formant, 1000.0)
            gain = formant**0.5 / ratio**0.5
            centre = s.due
            begin = int(np.ceil(centre - reach))
            end = int(np.floor(centre + reach))
            for i in range(max(begin, s.n), end + 1):
                away = i - centre
                place = marks[low] + away * formant
                a = int(np.floor(place))
                if a < 0 or a >= sound.shape[0] - 1:
                    continue
                b = place - a
                value = sound[a] * (1.0 - b) + sound[a + 1] * b
                ring[i % size] += gain * value * (0.5 + 0.5 * np.cos(np.pi * away / reach))
            s.due += step
            s.at += step * speed
        place = s.n % size
        # The first grain is laid whole, wherever in its cycle the recording begins.
        out[k] = ring[place] * min(1.0, s.n / FADE_FRAMES)
        ring[place] = 0.0
        s.n += 1
