"""The course of a live training session, trial after trial: pure, fed with time, force, pain and what people do.

It says which pain to aim at, when to ask, what to send to the trainer, and what the screens are to show.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np

from policies.answer_scales import question
from policies.errors import RatingError
from policies.plan import keyed
from policies.spaces import TASKS
from policies.trainer import FinishTraining, NextTrial, PressDone, Progress, Rated, Skipped, Undo
from robopatient import messages as m
from robopatient.config import FaceConfig, LessonConfig, SessionConfig, VoiceConfig
from robopatient.expression.ppo import Ppo, Slope
from robopatient.levels import HAND_OFF_NEWTON, Flag
from robopatient.patient import PatientProfile
from robopatient.simulation.presses import Palpation, PressProfile
from robopatient.simulation.rig import Rig

__all__ = ["PressOutcomes", "TrialScheduler", "standard_presses"]

READY_NS = 600_000_000
"""Hand off the abdomen so long before the window opens (assumption)."""
TOLD_NS = 900_000_000
"""How long a word of thanks, or why a press comes again, is shown at least."""
BAND_SHARE = 0.12
"""Half width of the band over its middle: wide enough for an untrained hand (assumption)."""
LEAST_NEWTON, MOST_NEWTON = 4.0, 35.0
"""Bands lie within comfortable presses (recorded palpations reach 77 N; facts sheet robopatient_systems, 1.7)."""
LIGHT_SHARE = 0.5
"""A press whose pain stays below this share of the least pain that is taught is no trial."""
PRESS_S = 1.2


class PressOutcomes(NamedTuple):
    """What standard presses lead to, arrays of one shape (n,): peak force, worst pain shown, its steepest rise."""

    newton: np.ndarray
    nrs: np.ndarray
    nrs_per_s: np.ndarray

    def observed(self, nrs: float) -> dict[str, float]:
        """What a press that comes to this pain looks like to a policy, by name."""
        return {"nrs": nrs, "nrs_per_s": float(np.interp(nrs, self.nrs, self.nrs_per_s))}

    def force(self, nrs: float) -> float:
        """Peak force, N, that should cause a pain."""
        return float(np.interp(nrs, self.nrs, self.newton))


def standard_presses(config: SessionConfig, profile: PatientProfile, policy: Ppo) -> PressOutcomes:
    """Presses of ``LEAST_NEWTON`` to ``MOST_NEWTON`` at the worst site.

    Each force is tried on a patient of its own, so that none is sensitised by the last.
    """
    newton = np.linspace(LEAST_NEWTON, MOST_NEWTON, 12)
    shown = np.array([_worst(config, profile, policy, float(force)) for force in newton])
    # Looking up a force by its pain needs pains that never fall.
    return PressOutcomes(newton, *np.maximum.accumulate(shown, axis=0).T)


def _worst(config: SessionConfig, profile: PatientProfile, policy: Ppo, newton: float) -> tuple[float, float]:
    """Worst pain and its steepest rise in one press."""
    alone = SessionConfig(
        seed=config.seed,
        sensing=msgspec.structs.replace(config.sensing, tare_at_start=False),
        control=config.control,
        expression=config.expression,
        voice=VoiceConfig(enabled=False),
        face=FaceConfig(enabled=False),
    )
    rig = Rig(alone, profile)
    half_s = PRESS_S / 2.0
    press = PressProfile(peak_newton=newton, rise_s=half_s, hold_s=0.0, fall_s=half_s, shape="sine")
    hand = Palpation([press], phantom=rig.pipeline.sensing.phantom, sites=profile.sites)
    slope = Slope()
    worst = steepest = 0.0
    for turn in rig.play(hand, PRESS_S):
        nrs = policy.shown(turn.outputs.pain)
        worst, steepest = max(worst, nrs), max(steepest, slope.step(turn.t_ns, nrs))
    return worst, steepest


class TrialScheduler:
    """One sitting.

    Parameters
    ----------
    presses
        What standard presses lead to: the forces that are asked for.
    policy
        Of this client: it acts as the session's own, so it can say what was presented.
    """

    def __init__(self, lesson: LessonConfig, seed: int, presses: PressOutcomes, policy: Ppo) -> None:
        self.phase: m.StudyPhase = "setup"
        self.target: dict[str, float] = {}
        self._lesson, self._seed, self._presses, self._policy = lesson, seed, presses, policy
        self._names = tuple(d.name for d in TASKS[lesson.task].observation)
        self._slope = Slope()
        self._text = "setup"
        self._since_ns = self._off_ns = 0
        self._answers = -1
        self._resumed = False
        self._rested_at = 0
        self._asked: NextTrial | None = None
        self._waiting = False
        self._worst = dict.fromkeys(self._names, 0.0)
        self._newton = 0.0
        self._tried = 0

    # What is told

    def felt(self, force: m.ForceFrame) -> None:
        """The newest force."""
        self._newton = 0.0 if Flag.STALE in force.flags else force.total_newton

    def hurt(self, pain: m.PainState) -> None:
        """The newest pain: the worst of the press, and its steepest rise, are what is learnt from."""
        nrs = self._policy.shown(pain)
        seen = {"nrs": nrs, "nrs_per_s": self._slope.step(pain.t_ns, nrs)}
        if self.phase == "press":
            self._worst = {name: max(worst, seen[name]) for name, worst in self._worst.items()}

    def pressed(self, press: m.Press, now_ns: int) -> None:
        """A press has ended: ask, or let it come again."""
        if self.phase != "press" or self._asked is None or press.t_ns < self._since_ns:
            return
        if self._worst["nrs"] < self._presses.nrs[0] * LIGHT_SHARE or Flag.OVERLOAD in press.flags:
            self._enter("feedback", "feedback.missed", now_ns)
            return
        self._enter("question", "", now_ns)

    def asked(self, asked: NextTrial, now_ns: int) -> None:
        """The trainer has chosen."""
        del now_ns
        self._asked, self._waiting = asked, False

    def learnt(self, progress: Progress, now_ns: int) -> None:
        """The trainer has taken an answer, an undo, or has just begun."""
        first = self._answers < 0
        self._resumed = self._resumed or (first and progress.answers > 0)
        fewer = progress.answers < self._answers
        self._answers = progress.answers
        if first:
            self._rested_at = progress.answers
            return
        self._waiting = False
        if fewer:
            self._rested_at = min(self._rested_at, self._answers)
            self._enter("feedback", "feedback.undone", now_ns)

    def refused(self, now_ns: int) -> None:
        """The trainer could not do it: the trial is tried anew."""
        self._waiting = False
        if self.phase == "feedback":
            self._enter("feedback", "feedback.missed", now_ns)

    def closed(self) -> None:
        """The policy is written."""
        self._waiting = False

    # What people do

    def act(self, action: m.OperatorAction, now_ns: int) -> list[Any]:
        """Orders for the trainer that a wish leads to."""
        match action.action:
            case "next":
                self._next(now_ns)
            case "answer" if self.phase == "question" and self._asked is not None and not self._waiting:
                return self._answer(action, now_ns)
            case "pause" | "hush" | "stop" if self.phase not in ("setup", "consent", "instructions", "done", "aborted"):
                if self.phase == "question":
                    return []  # nothing sounds and there is no time limit: the question waits
                self._enter("paused", "paused", now_ns)
                return self._set_aside()
            case "resume" if self.phase == "paused":
                self._begin(now_ns)
            case "redo" if self.phase in ("press", "question") and self._asked is not None:
                self._enter("feedback", "feedback.missed", now_ns)
                return self._set_aside()
            case "undo" if self._answers > 0 and not self._waiting and self.phase not in ("done", "aborted"):
                self._waiting = True
                orders = self._set_aside()
                self._enter("feedback", "feedback.undone", now_ns)
                return [*orders, Undo()]
            case "abort" if self.phase not in ("done", "aborted"):
                self._enter("aborted", "aborted", now_ns)
                return [FinishTraining()] if self._answers > 0 else []
        return []

    def _answer(self, action: m.OperatorAction, now_ns: int) -> list[Any]:
        asked = self._asked
        if asked is None:
            return []
        try:
            value = float(action.argument)
            question(asked.question).index(value)
        except (ValueError, RatingError):
            return []
        presented = self._policy.acting(self._worst)
        self._asked, self._waiting = None, True
        self._enter("feedback", "feedback.saved", now_ns)
        observed = tuple(self._worst[name] for name in self._names)
        return [Rated(asked.index, value, observed, tuple(presented[name] for name in asked.action))]

    def _set_aside(self) -> list[Any]:
        """The trial in hand gets no answer: it is asked again."""
        asked, self._asked = self._asked, None
        return [Skipped(asked.index)] if asked is not None else []

    def _next(self, now_ns: int) -> None:
        match self.phase:
            case "setup" if self._answers >= 0 and self._resumed:
                self._begin(now_ns)
            case "setup" if self._answers >= 0:
                self._enter("consent", "consent", now_ns)
            case "consent":
                self._enter("instructions", "instructions.lesson", now_ns)
            case "instructions":
                self._begin(now_ns)
            case "break" if self._break_left_s(now_ns) <= 0.0:
                self._rested_at = self._answers
                self._begin(now_ns)

    # What time does

    def turn(self, now_ns: int) -> list[Any]:
        """Once a turn; returns orders for the trainer."""
        if self.phase == "ready":
            if self._newton >= HAND_OFF_NEWTON:
                self._off_ns = now_ns
            if self._asked is not None and now_ns - self._off_ns >= READY_NS:
                self._worst = dict.fromkeys(self._names, 0.0)
                self._enter("press", "press.band", now_ns)
        elif self.phase == "feedback" and not self._waiting and now_ns - self._since_ns >= TOLD_NS:
            return self._go_on(now_ns)
        return self._want(now_ns)

    def _want(self, now_ns: int) -> list[Any]:
        """Ask the trainer for the next expression once the hand is away."""
        del now_ns
        if self.phase != "ready" or self._asked is not None or self._waiting:
            return []
        rng = keyed(self._seed, self._answers + 7919 * self._tried, "press")
        self._tried += 1
        low, high = float(self._presses.nrs[0]), float(self._presses.nrs[-1])
        aimed = self._presses.observed(float(rng.uniform(max(2.5, low), max(2.6, high))))
        self.target = {name: aimed[name] for name in self._names}
        self._waiting = True
        return [PressDone(tuple(self.target.values()))]

    def _go_on(self, now_ns: int) -> list[Any]:
        if self._answers >= self._lesson.ratings:
            self._enter("done", "done", now_ns)
            self._waiting = True
            return [FinishTraining()]
        every = self._lesson.break_every
        if every and self._answers - self._rested_at >= every:
            self._enter("break", "break", now_ns)
            return []
        self._begin(now_ns)
        return []

    def _begin(self, now_ns: int) -> None:
        self._off_ns = now_ns
        self._enter("ready", "ready.main", now_ns)

    def _enter(self, phase: m.StudyPhase, text: str, now_ns: int) -> None:
        self.phase, self._text, self._since_ns = phase, text, now_ns

    def _break_left_s(self, now_ns: int) -> float:
        return max(0.0, self._lesson.break_s - (now_ns - self._since_ns) * 1e-9)

    # What the screens see

    def band(self) -> tuple[float, float]:
        """Force, N, that should cause the pain aimed at: low and high."""
        middle = self._presses.force(self.target["nrs"])
        return middle * (1.0 - BAND_SHARE), middle * (1.0 + BAND_SHARE)

    def state(self, now_ns: int, rater: str) -> m.StudyState:
        """For the participant's and the operator's screen."""
        low, high = self.band() if self.phase == "press" else (0.0, 0.0)
        asked = self._asked.question if self._asked is not None and self.phase == "question" else ""
        flags = ("hand on",) if self.phase == "ready" and self._newton >= HAND_OFF_NEWTON else ()
        return msgspec.structs.replace(
            _STATE,
            t_ns=now_ns,
            participant=rater,
            phase=self.phase,
            trial=max(0, self._answers),
            n_trials=self._lesson.ratings,
            question=asked,
            target_low_newton=low,
            target_high_newton=high,
            force_newton=self._newton,
            time_left_s=self._break_left_s(now_ns) if self.phase == "break" else -1.0,
            text=self._text,
            flags=flags,
        )


_STATE = m.StudyState(0, "lesson", "", "setup", 0, 1, 0, 0, False, "", 0.0, 0.0, 0.0, -1.0, "")
