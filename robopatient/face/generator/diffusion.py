"""The live engine of the learned generator: thirty new frames a second, whatever the display does.

A frame that is not ready in time is replaced by the last one drifting on and slowing down, and counted. Neither torch
nor diffusers is loaded: the network's step runs in ONNX Runtime.
"""

from __future__ import annotations

import hashlib
import math
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotReady
from typing import Protocol

import numpy as np

from robopatient.config import FaceConfig
from robopatient.face.generator.checkpoint import STEP, checkpoint_folder, read_stream
from robopatient.face.generator.condition import (
    ARCHETYPES,
    Archetype,
    Conditioner,
    Traits,
    guidance_row,
    index,
    told_of,
)
from robopatient.face.generator.dose import PLAIN, Dose, read_doses
from robopatient.face.generator.idle_motion import GeneratedIdleMotion, smoothstep
from robopatient.face.generator.motion import CHANNELS, MOTION_HZ, REST, clamp, pose_of, settled
from robopatient.face.generator.noise import SETTLE_FRAMES, GeneratorNoise
from robopatient.face.generator.stream import Stepper
from robopatient.face.identity import load_identity
from robopatient.levels import UNTOLD
from robopatient.messages import FaceCommand, FacePose
from robopatient.topics import TOPICS

__all__ = ["Diffusion", "FrameMaker", "traits_of_face"]

TICK_NS = round(1e9 / MOTION_HZ)
MOST_TICKS = 3
"""Frames made up in one step at most, besides those of a slow display: what is further behind is skipped."""
QUIET_S = 0.3
"""To a face without pain when hushed or when commands have gone stale, as the blend engine."""
HOLD_KEEP = 0.7
"""Share of its speed that a face keeps from one missed frame to the next (assumption: still after a quarter second)."""
NOISE_STREAM = 77
OWN_ARCHETYPES: tuple[Archetype, ...] = ("narrowed", "opened", "furrowed")
"""Faces that an identity may have by itself; raised brows and none at all must be asked for, because a trainee is to
see pain."""
LEAST_EXPRESSIVENESS, MOST_EXPRESSIVENESS = 0.15, 2.5
"""Range of the corpus; below it pain itself is scaled down, so that 0 is a stoic face."""

_ARCHETYPES = slice(index(ARCHETYPES[0]), index(ARCHETYPES[0]) + len(ARCHETYPES))
_MAX_AGE_NS = round((TOPICS["face"].max_age_ms or math.inf) * 1e6)


class FrameMaker(Protocol):
    """What makes frames: the ONNX step, or something slow in a test."""

    state: dict[str, np.ndarray]

    def step(self, condition: np.ndarray, noise: np.ndarray, dice: np.ndarray, guidance: np.ndarray) -> np.ndarray:
        """Next frames, shape (faces, D); arguments as those of ``Stepper.step``."""
        ...


class Diffusion:
    """Learned face.

    Parameters
    ----------
    config
        Identity (whose sex, age and habits are told to the network), checkpoint, archetype, emotion, guidance,
        deadline and frame rate of the display.
    seed
        Of the noise: the same seed, commands and times give the same poses while no deadline is missed.
    maker, dose
        In place of the checkpoint's step, and of its dose for the face's archetype.

    Raises
    ------
    RobopatientError
        When the checkpoint or ONNX Runtime cannot be used; the face's process then falls back to the blend engine.
    """

    def __init__(
        self, config: FaceConfig, seed: int, maker: FrameMaker | None = None, dose: Dose | None = None
    ) -> None:
        self._traits = traits_of_face(config)
        if maker is None:
            folder = checkpoint_folder(config.checkpoint)
            card, path, start = read_stream(folder)
            dose = dose or read_doses(folder, card.sha256[STEP]).get(self._traits.archetype)
            maker = Stepper(path, start)
        self._dose = dose or PLAIN
        self._archetypes = self._dose.archetypes(self._traits.archetype)
        self._maker = maker
        self._guidance = guidance_row(config.guidance)[None]
        self._emotion = config.emotion
        self._deadline_s = config.deadline_ms * 1e-3
        self._display_ns = round(1e9 / config.fps)
        self._most_ticks = MOST_TICKS + round(MOTION_HZ / config.fps)
        self._noise = GeneratorNoise([seed, NOISE_STREAM], variety=config.variety)
        self._idle = GeneratedIdleMotion(seed)
        self._conditioner = Conditioner([self._traits])
        self._calm = dict(maker.state)
        self._frame = REST
        for _ in range(SETTLE_FRAMES):
            calm = self._row(None)
            self._frame = self._make(calm, self._noise.draw(calm[None]), fresh=False)
        self._calm = dict(maker.state)
        self._shown = self._before = self._frame
        self._speed = np.zeros(len(CHANNELS))
        self._eased_from = self._frame
        self._eased_s = math.inf
        self._quiet = self._fresh = True
        self._thread = ThreadPoolExecutor(1, "face-generator") if self._deadline_s else None
        self._pending: Future[np.ndarray] | None = None
        self._start_ns: int | None = None
        self._ticks = 0
        self._paused = False
        self.missed = 0
        """Frames held because the network was late, or skipped because the caller was."""

    @property
    def note(self) -> str:
        """What the operator should know, or ""."""
        return f"face generator: {self.missed} frames late" if self.missed else ""

    def pause(self, paused: bool = True) -> None:
        """Stop the inner clock (the face stands still), or let it go on."""
        self._paused = paused
        self._start_ns = None

    def step(self, command: FaceCommand | None, t_ns: int) -> FacePose:
        """Pose at ``t_ns`` (never decreasing), given the newest command.

        Without a command, with one older than the topic allows, or when hushed, the face eases to a calm one.
        """
        if self._paused:
            return pose_of(self._shown)
        if self._start_ns is None:
            self._start_ns, self._ticks = t_ns, -1
        now_ns = t_ns - self._start_ns
        due = (now_ns + self._display_ns // 2) // TICK_NS  # a display at 30 Hz trembles about the ticks
        late = max(0, due - self._ticks - self._most_ticks)
        self.missed += late
        self._ticks += late
        while self._ticks < due:
            self._advance(command if _counts(command, t_ns) else None)
            self._ticks += 1
        share = (now_ns - self._ticks * TICK_NS + self._display_ns) / TICK_NS
        return pose_of(self._before + min(1.0, max(0.0, share)) * (self._shown - self._before))

    def close(self) -> None:
        """Let go of the thread."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _advance(self, command: FaceCommand | None) -> None:
        """One tick of the inner clock."""
        quiet = command is None
        if quiet and not self._quiet:
            self._eased_from, self._eased_s, self._fresh = self._shown, 0.0, True
            self._conditioner = Conditioner([self._traits])
        self._quiet = quiet
        row = self._row(command)
        made = self._next(row)
        if made is None:
            made = clamp(self._frame + self._speed)
            self._speed = self._speed * HOLD_KEEP
            self.missed += 1
        else:
            self._speed = made - self._frame
        self._frame, self._before = made, self._shown
        self._eased_s += 1.0 / MOTION_HZ
        eased = smoothstep(self._eased_s / QUIET_S)
        breath = UNTOLD if command is None else command.breath
        self._shown = self._eased_from + eased * (self._idle.show(made, row, breath) - self._eased_from)

    def _next(self, row: np.ndarray) -> np.ndarray | None:
        """New frame, or None when it is not ready in time."""
        chance = self._noise.draw(row[None])
        if self._thread is None:
            fresh, self._fresh = self._fresh, False
            return self._make(row, chance, fresh)
        try:
            if self._pending is not None and not self._pending.done():
                made = self._pending.result(self._deadline_s)  # what was asked for a tick ago is the newest there is
                self._pending = None
                return made
            fresh, self._fresh = self._fresh, False
            self._pending = self._thread.submit(self._make, row, chance, fresh)
            return self._pending.result(self._deadline_s)
        except NotReady:
            return None

    def _make(self, row: np.ndarray, chance: tuple[np.ndarray, np.ndarray], fresh: bool) -> np.ndarray:
        """Frame from the network; from a calm start when ``fresh`` or when it has lost its way."""
        if fresh:
            self._maker.state = dict(self._calm)
        [frame] = self._maker.step(row[None], *chance, self._guidance)
        if not np.isfinite(frame).all():
            self._maker.state = dict(self._calm)
            return self._frame
        return settled(frame)

    def _row(self, command: FaceCommand | None) -> np.ndarray:
        """Conditions of the next frame, shape (C,): what was asked for, as the archetype's dose has it told."""
        nrs, expressiveness = (0.0, 1.0) if command is None else (command.ask.nrs, command.ask.expressiveness)
        if not math.isfinite(nrs) or not math.isfinite(expressiveness):
            nrs, expressiveness = 0.0, 1.0  # a broken policy must not freeze the face
        if expressiveness < LEAST_EXPRESSIVENESS:
            nrs *= max(0.0, expressiveness) / LEAST_EXPRESSIVENESS
        told = max(expressiveness, LEAST_EXPRESSIVENESS) * self._dose.expressiveness
        row = self._conditioner.step(
            self._dose.told(nrs),
            expressiveness=min(told, MOST_EXPRESSIVENESS),
            emotion=self._emotion,
            **(told_of(command) if command else {}),
        )[0]
        row[_ARCHETYPES] = self._archetypes
        return row.astype(np.float32)


def traits_of_face(config: FaceConfig) -> Traits:
    """Who the network is told that this face is: sex and age of the identity, and habits drawn from its name."""
    if not config.identity:
        archetype: Archetype = "narrowed" if config.archetype == "auto" else config.archetype
        return Traits(archetype=archetype)
    identity = load_identity(config.identity)
    habits = np.random.default_rng(list(hashlib.sha256(identity.name.encode()).digest()))
    drawn: Archetype = OWN_ARCHETYPES[int(habits.integers(len(OWN_ARCHETYPES)))]
    return Traits(
        archetype=drawn if config.archetype == "auto" else config.archetype,
        sex=identity.sex,
        age_years=identity.age_years,
        asymmetry=float(np.clip(0.25 * habits.standard_normal(), -0.6, 0.6)),
        tempo=float(np.clip(0.2 * habits.standard_normal(), -0.4, 0.4)),
    )


def _counts(command: FaceCommand | None, t_ns: int) -> bool:
    """Whether a command is to be followed."""
    return command is not None and not command.hush and t_ns - command.t_ns <= _MAX_AGE_NS
