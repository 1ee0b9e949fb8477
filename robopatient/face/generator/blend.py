"""The baseline engine: every action unit rises and decays at its own pace after its own delay.

It runs on an inner clock of 8 ms, on which every exponential is exact, and shows what lies between its ticks by
interpolation, so that the poses do not depend on the frame rate; ``blend.toml`` holds the numbers.
"""

from __future__ import annotations

import math

import numpy as np

from robopatient.config import FaceConfig
from robopatient.face.apex import apex_au
from robopatient.face.generator.dynamics import Course, Dynamics, load_dynamics
from robopatient.face.generator.idle_motion import Chest, Eyes, Waver, smoothstep
from robopatient.facs import ACTION_UNITS
from robopatient.levels import MAX_INTENSITY, UNTOLD
from robopatient.messages import FaceCommand, FacePose, Phase
from robopatient.topics import TOPICS

__all__ = ["Blend"]

TICK_NS = 8_000_000
TICK_S = TICK_NS * 1e-9
MAX_GAP_TICKS = 250
"""A pause of the process longer than 2 s counts as 2 s: by then the face is where it would be."""

VISIBLE = 0.01
"""Intensities below this are left out of the pose."""

UNITS = tuple(unit for unit in ACTION_UNITS if unit != "AU45")
HEAD = len(UNITS)
"""Row of the head's withdrawal, which rises and decays like a unit; its intensity is pain over 2."""

_MAX_AGE_NS = round((TOPICS["face"].max_age_ms or math.inf) * 1e6)


class Blend:
    """Attack-decay face.

    Parameters
    ----------
    config
        Unused by this engine: it has no options.
    seed
        Of everything that varies: blinks, glances, wavering, strength and delay of each unit in each press.
    """

    def __init__(self, config: FaceConfig, seed: int, dynamics: Dynamics | None = None) -> None:
        del config
        self._dynamics = dynamics or load_dynamics()
        presses, blinks, gaze, waver = (np.random.default_rng([seed, stream]) for stream in range(4))
        self._rng = presses
        self._rise = _Rise(self._dynamics)
        self._neck = _Neck(self._dynamics)
        self._neck.vary(presses)
        self._eyes = Eyes(self._dynamics.living, blinks, gaze)
        self._chest = Chest()
        self._waver = Waver(HEAD + 3, waver)
        self._start_ns: int | None = None
        self._ticks = 0
        self._before = self._now = self._state()
        self._phase: Phase = "rest"
        self._quiet_age_s: float | None = None

    def step(self, command: FaceCommand | None, t_ns: int) -> FacePose:
        """Pose at ``t_ns`` (never decreasing); ``command`` is taken to hold since the previous step.

        Without a command, with one older than the topic allows, or when hushed, the face eases to neutral.
        """
        if self._start_ns is None:
            self._start_ns = t_ns - TICK_NS  # so that the very first pose already moves
        due, rest_ns = divmod(t_ns - self._start_ns, TICK_NS)
        self._ticks = max(self._ticks, due - MAX_GAP_TICKS)
        quiet = command is None or command.hush or t_ns - command.t_ns > _MAX_AGE_NS
        nrs, expressiveness, breath = 0.0, 1.0, UNTOLD
        phase: Phase = "rest"
        if command is not None and not quiet:
            nrs, expressiveness, phase = command.ask.nrs, command.ask.expressiveness, command.phase
            breath = command.breath
            if not math.isfinite(nrs) or not math.isfinite(expressiveness):
                nrs, expressiveness = 0.0, 0.0  # a broken policy must not freeze the face
        self._notice(phase, quiet)
        target = self._target(nrs, expressiveness)
        for _ in range(due - self._ticks):
            self._advance(target, nrs, phase, breath)
        self._ticks = max(self._ticks, due)
        between = self._before + rest_ns / TICK_NS * (self._now - self._before)
        return self._pose(between, (t_ns - self._start_ns) * 1e-9)

    def _notice(self, phase: Phase, quiet: bool) -> None:
        """Act on what has changed since the previous step."""
        now_s = self._ticks * TICK_S
        if phase == "onset" and self._phase != "onset":
            self._rise.vary(self._rng)
            self._neck.vary(self._rng)
        self._eyes.notice(phase, now_s)
        self._phase = phase
        if not quiet:
            self._quiet_age_s = None
        elif self._quiet_age_s is None:
            self._quiet_age_s = 0.0
            self._eyes.calm(now_s)

    def _target(self, nrs: float, expressiveness: float) -> np.ndarray:
        """Where the units and the head would settle, shape (n_units + 1,)."""
        apex = apex_au(nrs, expressiveness)
        target = np.array([apex.get(unit, 0.0) for unit in UNITS] + [0.0])
        target[HEAD] = 0.5 * min(max(nrs, 0.0), 10.0) * min(max(expressiveness, 0.0), 1.5)
        return target

    def _advance(self, target: np.ndarray, nrs: float, phase: Phase, breath: float) -> None:
        """One tick of the inner clock."""
        if self._quiet_age_s is not None:
            before = smoothstep(self._quiet_age_s / self._dynamics.quiet_s)
            self._quiet_age_s += TICK_S
            after = smoothstep(self._quiet_age_s / self._dynamics.quiet_s)
            remains = (1.0 - after) / (1.0 - before) if before < 1.0 else 0.0
            self._rise.fade(remains)
            self._neck.fade(remains)
        self._rise.advance(target, nrs)
        self._neck.advance(self._rise.level[HEAD] / MAX_INTENSITY, self._rise.surprise)
        self._chest.advance(TICK_S, phase, nrs, breath)
        self._before, self._now = self._now, self._state()

    def _state(self) -> np.ndarray:
        """Units, withdrawal, three angles of the neck and the breath in one row."""
        return np.concatenate((self._rise.level, self._neck.angle_deg, (self._chest.excursion,)))

    def _pose(self, state: np.ndarray, t_s: float) -> FacePose:
        """What a state looks like at ``t_s``, wavering and living included."""
        living, waver = self._dynamics.living, self._waver.at(t_s)
        level = np.clip(state[:HEAD] * (1.0 + self._dynamics.flutter * waver[:HEAD]), 0.0, MAX_INTENSITY)
        au = {unit: value for unit, value in zip(UNITS, level.tolist(), strict=True) if value > VISIBLE}
        pain, *neck_deg, breath = state[HEAD:].tolist()
        pitch, yaw, roll = (np.array(neck_deg) + living.sway_deg * waver[HEAD : HEAD + 3]).tolist()
        pitch -= 0.6 * breath  # the chest lifts the chin a little (assumption)
        blink, gaze_deg = self._eyes.at(t_s, au.get("AU43", 0.0), min(1.0, pain / MAX_INTENSITY), (pitch, yaw))
        if blink > VISIBLE:
            au["AU45"] = blink
        return FacePose(
            au=au,
            head_deg=(pitch, yaw, roll),
            gaze_deg=gaze_deg,
            breath=min(max(breath, 0.0), 1.0),
        )


class _Rise:
    """Delay, attack, hold and decay of every unit and of the head."""

    def __init__(self, dynamics: Dynamics) -> None:
        rows = {unit: group for group in dynamics.groups.values() for unit in group.units}
        order: list[Course] = [*(rows[unit] for unit in UNITS), dynamics.head]
        self._dynamics = dynamics
        self._delay_s = np.array([row.delay_s for row in order])
        self._sudden_s = np.array([row.sudden_s for row in order])
        self._mild_s = np.array([row.mild_s for row in order])
        self._fall = -np.expm1(-TICK_S / np.array([row.decay_s for row in order]))
        self._recent_share = -math.expm1(-TICK_S / dynamics.recent_s)
        self._columns = np.arange(len(order))
        longest_s = self._delay_s.max() * (1.0 + dynamics.press_delay_spread)
        self._past = np.zeros((int(longest_s / TICK_S) + 2, len(order)))
        self._row = 0
        self._recent_nrs = 0.0
        self._held = np.zeros(len(order))
        self._held_s = np.zeros(len(order))
        self._gain = np.ones(len(order))
        self._lag = self._lags(1.0)
        self.level = np.zeros(len(order))
        """Intensity 0-5 of each unit, shape (n_units + 1,)."""
        self.surprise = 0.0
        """How sudden the pain of the moment is, 0 to 1."""

    def _lags(self, factor: float | np.ndarray) -> np.ndarray:
        lags: np.ndarray = np.rint(self._delay_s * factor / TICK_S).astype(int)
        return lags

    def vary(self, rng: np.random.Generator) -> None:
        """Draw this press's strength and delays: no two presses look the same."""
        sd, spread = self._dynamics.press_gain_sd, self._dynamics.press_delay_spread
        self._gain = np.exp(sd * np.clip(rng.standard_normal(len(self.level)), -2.0, 2.0))
        self._lag = self._lags(rng.uniform(1.0 - spread, 1.0 + spread, len(self.level)))

    def fade(self, factor: float) -> None:
        """Take everything towards neutral, what is still on its way included."""
        self.level *= factor
        self._past[:] = 0.0
        self._held[:] = 0.0

    def advance(self, target: np.ndarray, nrs: float) -> None:
        """One tick towards ``target``; the rise is the faster, the further ``nrs`` is above its recent mean."""
        self.surprise = min(max((nrs - self._recent_nrs) / self._dynamics.startle_nrs, 0.0), 1.0)
        self._recent_nrs += (nrs - self._recent_nrs) * self._recent_share
        self._row = (self._row + 1) % len(self._past)
        self._past[self._row] = target
        wanted = self._past[self._row - self._lag, self._columns] * self._gain
        rising = wanted >= self._held
        self._held_s = np.where(rising, 0.0, self._held_s + TICK_S)
        self._held = np.where(rising | (self._held_s > self._dynamics.hold_s), wanted, self._held)
        attack_s = self._mild_s + self.surprise * (self._sudden_s - self._mild_s)
        share = np.where(self._held > self.level, -np.expm1(-TICK_S / attack_s), self._fall)
        self.level += (self._held - self.level) * share


class _Neck:
    """The head withdraws as a critically damped spring."""

    def __init__(self, dynamics: Dynamics) -> None:
        self._head = dynamics.head
        self._reach_deg = np.zeros(3)
        self._decay = math.exp(-dynamics.head.stiffness_per_s * TICK_S)
        self._speed = np.zeros(3)
        self.angle_deg = np.zeros(3)
        """Pitch, yaw, roll without sway."""

    def vary(self, rng: np.random.Generator) -> None:
        """Draw this press's direction: down, and to one side (we are not told where the hand is)."""
        side = rng.choice([-1.0, 1.0])
        head = self._head
        if abs(self.angle_deg[1]) > 0.2 * head.yaw_deg:
            side = math.copysign(1.0, self.angle_deg[1])  # still turned from the last press: nobody tosses the head
        self._reach_deg = rng.uniform(0.6, 1.1, 3) * (head.pitch_deg, side * head.yaw_deg, -side * head.roll_deg)

    def fade(self, factor: float) -> None:
        """Take the head towards rest."""
        self.angle_deg *= factor
        self._speed *= factor

    def advance(self, pain: float, surprise: float) -> None:
        """One tick; exact for a goal that stands still during it."""
        stiffness = self._head.stiffness_per_s
        goal = pain * self._reach_deg
        goal[0] -= self._head.recoil_deg * surprise
        gap = self.angle_deg - goal
        pull = (self._speed + stiffness * gap) * TICK_S
        self.angle_deg = goal + (gap + pull) * self._decay
        self._speed = (self._speed - stiffness * pull) * self._decay
