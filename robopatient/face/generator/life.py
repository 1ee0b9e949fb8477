"""What a generated face does besides showing pain: it blinks, looks and breathes, by clocks of its own.

Blinks and glances are point processes and breath is an oscillator: each is one of two or three numbers waited for,
which a network that gets noise frame by frame cannot count. The generator says how far pain has closed the lids and
turned the head; these say what goes on beside it.
"""

from __future__ import annotations

import numpy as np

from robopatient.face.generator.condition import index
from robopatient.face.generator.dynamics import load_dynamics
from robopatient.face.generator.living import ChestMotion, Eyes
from robopatient.face.generator.motion import MOTION_HZ, column, pspi
from robopatient.messages import Phase

__all__ = ["LIVING", "Life"]

LIVING = ("gaze_pitch_deg", "gaze_yaw_deg", "blink", "breath")
"""Channels that are filled in here; the network is not taught them."""
AVERTING_PSPI = 10.0
"""Shown pain from which the eyes look away at every glance (assumption)."""
STREAM = 78
"""Keeps these dice apart from those of ``Chance``."""
SOME_NRS, RISING_NRS = 0.5, 0.3
"""Pain that is any, and how far above its mean over 0.3 s it is setting in (assumption)."""

_PAIN, _MEAN = index("pain"), index("pain_0.3s")
_AU43, _HEAD, _GAZE, _BLINK, _BREATH = (
    column(name) for name in ("AU43", "head_pitch_deg", "gaze_pitch_deg", "blink", "breath")
)


class Life:
    """Blinks, glances and breath of one face; equal seeds give equal ones, ``at`` tells faces side by side apart."""

    def __init__(self, seed: int, at: int = 0) -> None:
        blinks, gaze, breath = np.random.default_rng([seed, STREAM + at]).spawn(3)
        living = load_dynamics().living
        self._eyes = Eyes(living, blinks, gaze)
        self._breath = ChestMotion(living, cycle=float(breath.random()))
        self._t_s = 0.0

    def show(self, frame: np.ndarray, condition: np.ndarray) -> np.ndarray:
        """The next frame with gaze, blink and breath filled in, shape (D,), for its conditions, shape (C,)."""
        phase = _phase_of(condition)
        self._t_s += 1.0 / MOTION_HZ
        self._eyes.notice(phase, self._t_s)
        self._breath.advance(1.0 / MOTION_HZ, phase, float(condition[_PAIN]))
        averting = min(1.0, float(pspi(frame)) / AVERTING_PSPI)
        blink, gaze_deg = self._eyes.at(self._t_s, float(frame[_AU43]), averting, frame[_HEAD : _HEAD + 2].tolist())
        alive = frame.copy()
        alive[_GAZE : _GAZE + 2] = gaze_deg
        alive[_BLINK] = blink / 5.0
        alive[_BREATH] = self._breath.excursion
        return alive


def _phase_of(condition: np.ndarray) -> Phase:
    """Where in a stimulus the conditions of a frame are."""
    pain, ahead = condition[_PAIN], condition[_PAIN] - condition[_MEAN]
    if pain < SOME_NRS:
        return "rest"
    if ahead > RISING_NRS:
        return "onset"
    return "release" if ahead < -RISING_NRS else "hold"
