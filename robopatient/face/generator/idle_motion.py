"""Idle motion of the face: blinks, glances, breath and small movements, independent of pain.

The breath is the patient's where it is told (``FaceCommand.breath``).

Each part is a function of continuous time with its own seeded stream, so that the frame rate changes nothing.

Blinks and glances are point processes and breath is an oscillator: a network that gets noise frame by frame cannot
count the time to the next one. The generator computes how far pain closes the lids and turns the head;
``GeneratedIdleMotion`` adds the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from robopatient.breathing import HOLD_NRS, ChestMotion, breaths_per_min
from robopatient.face.generator.condition import index
from robopatient.face.generator.dynamics import IdleParameters, load_dynamics
from robopatient.face.generator.motion import MOTION_HZ, column, pspi
from robopatient.levels import MAX_NRS, UNTOLD
from robopatient.messages import Phase

__all__ = ["IDLE_CHANNELS", "Blinks", "Chest", "Eyes", "Gaze", "GeneratedIdleMotion", "Waver", "smoothstep"]

Direction = tuple[float, float]

MAX_GAZE_DEG = 25.0
"""How far the eyes turn in the head before the head must follow (assumption; the lids of the rig follow less far)."""

IDLE_CHANNELS = ("gaze_pitch_deg", "gaze_yaw_deg", "blink", "breath")
"""Channels that are filled in here; the network is not taught them."""
AVERTING_PSPI = 10.0
"""Shown pain from which the eyes look away at every glance (assumption)."""
STREAM = 78
"""Number of this random stream, so that it differs from those of ``GeneratorNoise``."""
HANDOVER_S = 0.25
"""Time constant in which a chest goes over from its own breath to one that is told, or back (assumption)."""
SOME_NRS, RISING_NRS = 0.5, 0.3
"""Pain that is any, and how far above its mean over 0.3 s it is setting in (assumption)."""

_PAIN, _MEAN = index("pain"), index("pain_0.3s")
_AU43, _HEAD, _GAZE, _BLINK, _BREATH = (
    column(name) for name in ("AU43", "head_pitch_deg", "gaze_pitch_deg", "blink", "breath")
)


def smoothstep(x: float) -> float:
    """Ease from 0 at ``x <= 0`` to 1 at ``x >= 1`` with zero slope at both ends."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


class Waver:
    """Slow, smooth, never repeating noise in ``n`` channels: three sines each, at seeded rates of 0.1 to 1.3 Hz."""

    def __init__(self, n: int, rng: np.random.Generator) -> None:
        bands = np.array([[0.1, 0.25], [0.3, 0.6], [0.7, 1.3]])
        self._omega = 2.0 * np.pi * rng.uniform(bands[:, 0], bands[:, 1], (n, 3))
        self._phase = rng.uniform(0.0, 2.0 * np.pi, (n, 3))
        self._weight = np.array([0.5, 0.3, 0.2])

    def at(self, t_s: float) -> np.ndarray:
        """Values within -1 to 1, shape (n,)."""
        values: np.ndarray = np.sin(self._omega * t_s + self._phase) @ self._weight
        return values


class Blinks:
    """Spontaneous blinks: a Poisson process with a refractory time, silent while pain closes the eyes."""

    def __init__(self, living: IdleParameters, rng: np.random.Generator) -> None:
        self._living = living
        self._rng = rng
        self._start_s = -math.inf
        self._next_s = self._wait_s()

    def _wait_s(self) -> float:
        """Time to the next blink; its mean is the published rate, refractory time included."""
        mean_s = 60.0 / self._living.blinks_per_min
        refractory_s = min(self._living.blink_refractory_s, 0.5 * mean_s)
        return refractory_s + self._rng.exponential(mean_s - refractory_s)

    def at(self, t_s: float, eyes_closing: float) -> float:
        """AU45, 0 to 5, at a time that never decreases.

        Parameters
        ----------
        eyes_closing
            AU43 of the moment: a blink due while it is above 1 is left out, one under way adds only what is missing.
        """
        while t_s >= self._next_s:
            if eyes_closing <= 1.0:
                self._start_s = self._next_s
            self._next_s += self._wait_s()
        return max(0.0, 5.0 * self._closure(t_s - self._start_s) - eyes_closing)

    def _closure(self, age_s: float) -> float:
        """Share of the lid's way, 0 open to 1 shut."""
        opening_s = age_s - self._living.blink_close_s - self._living.blink_shut_s
        return smoothstep(age_s / self._living.blink_close_s) - smoothstep(opening_s / self._living.blink_open_s)


class Gaze:
    """Fixations on the examiner, glances beside, and eyes turned away in pain, joined by saccades.

    A saccade of amplitude A lasts 21 ms + 2.2 ms/degree (main sequence, Carpenter 1988).
    """

    def __init__(self, living: IdleParameters, rng: np.random.Generator) -> None:
        self._living = living
        self._rng = rng
        self._from = self._to = (0.0, 0.0)
        self._start_s = 0.0
        self._duration_s = 0.021
        self._next_s = rng.exponential(living.fixation_s)
        self.averted = 0.0
        """How much the eyes avoid the examiner: 0 they keep looking while the head turns, 1 they go with it."""

    def at(self, t_s: float, pain: float) -> tuple[float, float]:
        """Pitch and yaw in the room, degrees, at a time that never decreases; ``pain`` shown, 0 to 1."""
        while t_s >= self._next_s:
            self._glance(self._next_s, pain)
        share = smoothstep((t_s - self._start_s) / self._duration_s)
        pitch, yaw = (a + share * (b - a) for a, b in zip(self._from, self._to, strict=True))
        return pitch, yaw

    def hurry(self, t_s: float, delay_s: float) -> None:
        """Look elsewhere soon: at the onset of pain and at its end."""
        self._next_s = min(self._next_s, t_s + delay_s)

    def _glance(self, t_s: float, pain: float) -> None:
        """Begin a saccade at ``t_s`` and draw when the next one is due."""
        rng, living = self._rng, self._living
        away = rng.random() < pain
        side = rng.choice([-1.0, 1.0])
        size, offset = rng.uniform(0.5, 1.0), rng.normal(size=2)
        wait_s = living.fixation_s * rng.uniform(0.3, 1.7)
        look_at_examiner = rng.random() < 0.6
        if away:
            pitch, yaw = living.aversion_deg[0] * size, living.aversion_deg[1] * size * side
        elif look_at_examiner:
            pitch, yaw = 0.0, 0.0
        else:
            pitch, yaw = living.glance_deg[0] * offset[0], living.glance_deg[1] * offset[1]
        self._from, self._to = self._to, (float(pitch), float(yaw))
        self._start_s = t_s
        self._duration_s = 0.021 + 0.0022 * math.dist(self._from, self._to)
        self._next_s = t_s + max(wait_s, 2.0 * self._duration_s)
        self.averted = 1.0 if away else 0.0


class Eyes:
    """Blinks and glances of one face, told how its press goes."""

    def __init__(self, living: IdleParameters, blinks: np.random.Generator, gaze: np.random.Generator) -> None:
        self._blinks = Blinks(living, blinks)
        self._gaze = Gaze(living, gaze)
        self._phase: Phase = "rest"

    def notice(self, phase: Phase, t_s: float) -> None:
        """Look elsewhere soon when pain sets in and when it ends."""
        if phase == "onset" and self._phase != "onset":
            self._gaze.hurry(t_s, 0.2)
        elif phase in ("release", "rest") and self._phase in ("onset", "hold"):
            self._gaze.hurry(t_s, 0.6)
        self._phase = phase

    def calm(self, t_s: float) -> None:
        """Look elsewhere at once: the face has been hushed."""
        self._gaze.hurry(t_s, 0.1)

    def at(self, t_s: float, closing: float, pain: float, head_deg: Sequence[float]) -> tuple[float, Direction]:
        """AU45, 0 to 5, and pitch and yaw of the eyes in the head, degrees, at a time that never decreases.

        Parameters
        ----------
        closing
            AU43 of the moment.
        pain
            Shown, 0 to 1.
        head_deg
            Pitch and yaw of the head (more are allowed): eyes that look at someone stay there while it moves.
        """
        blink = self._blinks.at(t_s, closing)
        pitch, yaw = self._gaze.at(t_s, pain)
        fixed = 1.0 - self._gaze.averted
        return blink, (_within(pitch - fixed * head_deg[0]), _within(yaw - fixed * head_deg[1]))


def _within(angle_deg: float) -> float:
    return min(max(angle_deg, -MAX_GAZE_DEG), MAX_GAZE_DEG)


class Chest:
    """Chest excursion of a face: the patient's, as it is told; by itself while nobody tells.

    Parameters
    ----------
    cycle
        Where in its cycle a chest that nobody tells begins, 0 to 1.
    """

    def __init__(self, cycle: float = 0.0) -> None:
        self._alone = ChestMotion(cycle)
        self._told = False
        self._gap = 0.0
        self.excursion = self._alone.excursion
        """0 (exhaled) to 1."""

    def advance(self, dt_s: float, phase: Phase, nrs: float, told: float) -> None:
        """Move on by ``dt_s``; ``told`` is the patient's chest, negative where nobody tells it.

        ``phase`` and ``nrs`` are those of the press and the pain of the moment: by them it breathes alone.
        """
        held = phase in ("onset", "hold") and nrs >= HOLD_NRS
        self._alone.advance(dt_s, held, breaths_per_min(min(nrs, MAX_NRS)))
        is_told = told >= 0.0
        here = min(told, 1.0) if is_told else self._alone.excursion
        if is_told != self._told:
            self._told, self._gap = is_told, self.excursion - here
        self._gap *= math.exp(-dt_s / HANDOVER_S)
        self.excursion = min(max(here + self._gap, 0.0), 1.0)


class GeneratedIdleMotion:
    """Blinks, glances and breath of one face; equal seeds give equal ones, ``at`` tells faces side by side apart."""

    def __init__(self, seed: int, at: int = 0) -> None:
        blinks, gaze, breath = np.random.default_rng([seed, STREAM + at]).spawn(3)
        living = load_dynamics().living
        self._eyes = Eyes(living, blinks, gaze)
        self._chest = Chest(float(breath.random()))
        self._t_s = 0.0

    def show(self, frame: np.ndarray, condition: np.ndarray, breath: float = UNTOLD) -> np.ndarray:
        """The next frame with gaze, blink and breath filled in, shape (D,), for its conditions, shape (C,).

        ``breath``: the patient's chest excursion, 0 to 1; negative: not told.
        """
        phase = _phase_of(condition)
        self._t_s += 1.0 / MOTION_HZ
        self._eyes.notice(phase, self._t_s)
        self._chest.advance(1.0 / MOTION_HZ, phase, float(condition[_PAIN]), breath)
        averting = min(1.0, float(pspi(frame)) / AVERTING_PSPI)
        blink, gaze_deg = self._eyes.at(self._t_s, float(frame[_AU43]), averting, frame[_HEAD : _HEAD + 2].tolist())
        alive = frame.copy()
        alive[_GAZE : _GAZE + 2] = gaze_deg
        alive[_BLINK] = blink / 5.0
        alive[_BREATH] = self._chest.excursion
        return alive


def _phase_of(condition: np.ndarray) -> Phase:
    """Where in a stimulus the conditions of a frame are."""
    pain, ahead = condition[_PAIN], condition[_PAIN] - condition[_MEAN]
    if pain < SOME_NRS:
        return "rest"
    if ahead > RISING_NRS:
        return "onset"
    return "release" if ahead < -RISING_NRS else "hold"
