"""What the operator sees and may do in a study or a training session: fed with messages, read by the panels, no Qt.

Factors and presentation appear here and nowhere on the participant's side.
"""

from __future__ import annotations

import collections
import itertools
import math
import statistics
from collections.abc import Mapping

import msgspec

from robopatient import messages as m
from robopatient.clock import Clock
from robopatient.console.lights import State
from robopatient.study.questions import QUESTIONS, Question

__all__ = ["ABORT_ARMED_S", "PHASES", "StudyModel"]

PACE_S = 8.0
"""Time a trial takes before any was measured: that of the published rig, 7 to 8 s (facts sheet policies, 1.4)."""
PACE_TRIALS = 15
"""Trials whose median is the pace."""
LONGEST_TRIAL_S = 45.0
"""A longer gap between two answers was a break or a pause (assumption)."""
ABORT_ARMED_S = 4.0
"""Time to press End again."""
SILENT_S = 3.0
"""A participant's screen that has said nothing for so long hangs."""

PHASES: dict[str, tuple[State, str]] = {
    "setup": ("off", "Ready: G begins, when all are seated"),
    "consent": ("ok", "The participant reads the consent"),
    "instructions": ("ok", "The participant reads the instructions"),
    "waiting": ("ok", "The trainer learns from the last answer and chooses the next trial"),
    "ready": ("ok", "Hand off, then the press window opens"),
    "press": ("ok", "Press window open"),
    "react": ("ok", "The patient reacts"),
    "question": ("ok", "The participant answers"),
    "feedback": ("ok", "Answer taken; it goes onto the disk"),
    "break": ("off", "Break"),
    "paused": ("warn", "Paused: P resumes"),
    "done": ("off", "All trials are done; stop the session with Ctrl Q"),
    "aborted": ("off", "Ended early; stop the session with Ctrl Q"),
}
"""What each phase is in the operator's words."""

FLAGS: dict[str, tuple[State, str]] = {
    "not saved": ("bad", "The last answer is not on the disk: the study waits for it"),
    "disk nearly full": ("bad", "The disk is nearly full: the study pauses before anything is lost"),
    "board silent": ("bad", "The board is silent: no press can be seen"),
    "face not shown": ("bad", "The face is not shown: the study waits. P resumes it once the face is there"),
    "voice not heard": ("bad", "No sound: check the loudspeaker; the study waits. P resumes it once it is heard"),
    "failing": ("warn", "Three trials in a row went wrong: look after the participant"),
    "hand on": ("warn", "A hand lies on the abdomen: the window opens when it has left"),
    "replaying": ("ok", "The reaction is presented once more"),
    "learner chooses": ("ok", "The next trial waits for the trainer; one that has died is started again"),
    "clock jump": ("bad", "The clock jumped: the trial in hand does not count"),
}


SOURCES = {"thompson": "to learn", "policy": "as learnt", "repeat": "hidden repeat", "probe": "check of the scale"}
"""Why the trainer chose an expression, in words."""
NAMES = {
    "level_db": "level", "f0_ratio": "f0 ratio", "roughness_offset": "roughness", "breathiness_offset": "breathiness",
    "face_gain": "face", "nrs": "pain", "nrs_per_s": "rise", "force_newton": "force", "threshold_newton": "force",
    "peak_newton": "peak",
}  # fmt: skip
"""Names of a training session's dimensions."""


class RatingKey(msgspec.Struct, frozen=True):
    """One rating key: what it is labelled with and the text of the action."""

    key: str
    label: str
    argument: str


class StudyModel:
    """The operator's side of trials.

    Parameters
    ----------
    break_every, break_s
        Trials between breaks (0: none) and how long these are: for the time left.
    replays
        How often a reaction may be presented again.
    """

    def __init__(self, clock: Clock, *, break_every: int = 0, break_s: float = 0.0, replays: int = 0) -> None:
        self.clock = clock
        self.state: m.StudyState | None = None
        self.start: m.TrialStart | None = None
        self.last: m.TrialRecord | None = None
        self.lesson: m.LessonState | None = None
        self.participant: m.ActorState | None = None
        self.replays = replays
        self.counts: collections.Counter[str] = collections.Counter()
        self._break_every, self._break_s = break_every, break_s
        self._done_ns: collections.deque[int] = collections.deque(maxlen=PACE_TRIALS + 1)
        self._rows: set[tuple[int, int]] = set()
        self._abort_armed_ns: int | None = None
        self._answered: tuple[str, int] | None = None

    # What is told

    def feed(self, message: m.Message) -> None:
        """Take in one message."""
        match message:
            case m.StudyState():
                if self.state is None or (message.phase, message.trial) != (self.state.phase, self.state.trial):
                    self._answered = None
                self.state = message
            case m.TrialStart():
                self.start = message
            case m.TrialRecord():
                self._take(message)
            case m.LessonState():
                self.lesson = message
            case m.ActorState() if message.actor == "participant":
                self.participant = message

    def _take(self, row: m.TrialRecord) -> None:
        if (row.trial, row.attempt) in self._rows:
            return  # told by the record and by the bus
        self._rows.add((row.trial, row.attempt))
        self.last = row
        self.counts[row.status] += 1
        if row.status == "done":
            self._done_ns.append(row.t_ns)

    # What the operator may do; each returns what to ask for, None when it means nothing now

    def answer(self, index: int) -> m.OperatorAction | None:
        """Answer for the participant, counted from 0."""
        answers = self.answers
        if self._answered is not None or not 0 <= index < len(answers) or self.state is None:
            return None
        self._answered = (self.state.phase, self.state.trial)
        return self._act("answer", answers[index].argument)

    def digit(self, number: int) -> m.OperatorAction | None:
        """A number key: the answer that is labelled with it."""
        keys = [answer.key for answer in self.answers]
        return self.answer(keys.index(str(number))) if str(number) in keys else None

    def replay(self) -> m.OperatorAction | None:
        """Present the reaction once more."""
        return self._act("replay") if self._in("question") and self.replays > 0 else None

    def undo(self) -> m.OperatorAction | None:
        """Take the last answer back by a correcting row."""
        return None if self._in("setup", "consent", "instructions", "done", "aborted") else self._act("undo")

    def redo(self) -> m.OperatorAction | None:
        """Do the trial in hand again, or the last one."""
        return None if self._in("setup", "consent", "instructions", "done", "aborted") else self._act("redo")

    def toggle_pause(self) -> m.OperatorAction | None:
        """Pause, or go on."""
        if self._in("paused"):
            return self._act("resume")
        return None if self._in("setup", "consent", "instructions", "done", "aborted") else self._act("pause")

    def go_on(self) -> m.OperatorAction | None:
        """Begin, or turn the page for the participant, or end a break that is over."""
        if self._in("setup", "consent", "instructions") or (self._in("break") and self.break_over):
            return self._act("next")
        return None

    def press_abort(self) -> m.OperatorAction | None:
        """Arm the end of the participant's session (None), or end it when armed."""
        if self._in("done", "aborted"):
            return None
        if self.abort_armed:
            self._abort_armed_ns = None
            return self._act("abort")
        self._abort_armed_ns = self.clock.now_ns()
        return None

    def trust(self) -> m.OperatorAction | None:
        """In a training session: adapt again although the rater was found unreliable."""
        return self._act("trust") if self.lesson is not None and self.lesson.frozen else None

    # What the panels ask

    @property
    def question(self) -> Question | None:
        """The question that stands, or None."""
        return QUESTIONS.get(self.state.question) if self.state is not None and self._in("question") else None

    @property
    def answers(self) -> tuple[RatingKey, ...]:
        """Rating keys now; none without a question, or when any number is an answer."""
        asked = self.question
        if asked is None:
            return ()
        own = all(label.isdigit() for label in asked.labels)
        return tuple(
            RatingKey(
                (label if len(label) == 1 else "") if own else str(index + 1) if index < 9 else "",
                label,
                str(asked.first + index),
            )
            for index, label in enumerate(asked.labels)
        )

    @property
    def answered(self) -> bool:
        """Whether an answer was just given by this console."""
        return self._answered is not None

    @property
    def abort_armed(self) -> bool:
        """Whether a second press now ends the participant's session."""
        return self._abort_armed_ns is not None and self.clock.now_ns() - self._abort_armed_ns < ABORT_ARMED_S * 1e9

    @property
    def break_over(self) -> bool:
        """Whether the break may end."""
        return self.state is not None and self.state.time_left_s <= 0.0

    def headline(self) -> tuple[State, str]:
        """State and words of what goes on now."""
        state = self.state
        if state is None:
            return "off", "Waiting for the study to begin"
        shape, words = PHASES[state.phase]
        if state.phase == "break":
            left = math.ceil(max(0.0, state.time_left_s))
            words = f"Break: {left // 60}:{left % 60:02d} left" if left else "Break over: G or the participant goes on"
        elif state.time_left_s >= 0.0 and state.phase in ("press", "question"):
            words += f", {state.time_left_s:.0f} s left"
        return shape, words

    def warnings(self) -> list[tuple[State, str]]:
        """What needs a hand, worst first."""
        found = [FLAGS[flag] for flag in (self.state.flags if self.state else ()) if flag in FLAGS]
        found += [("warn", flag) for flag in (self.state.flags if self.state else ()) if flag not in FLAGS]
        told = self.participant
        if told is not None and told.state in ("failed", "degraded"):
            found.append(("bad" if told.state == "failed" else "warn", f"Participant's screen: {told.detail}"))
        elif told is not None and self.clock.now_ns() - told.t_ns > SILENT_S * 1e9 and not self._in("done", "aborted"):
            found.append(("bad", "The participant's screen does not answer; it is started again if it has died"))
        if self.lesson is not None and self.lesson.frozen:
            found.insert(
                0, ("bad", f"Frozen: {self.lesson.frozen.partition(': ')[2] or self.lesson.frozen}. Y adapts again")
            )
        if self.lesson is not None and self.lesson.refused:
            found.append(("warn", self.lesson.refused))
        order = {"bad": 0, "warn": 1, "ok": 2, "off": 3}
        return sorted(found, key=lambda one: order[one[0]])

    def progress(self) -> tuple[float, str, str]:
        """Share done, where in the list, and time left, in words."""
        state = self.state
        if state is None or state.n_trials <= 0:
            return 0.0, "", ""
        number = min(state.n_trials, state.trial + (not self._in("done")))
        what = "Rating" if self.lesson is not None else "Practice" if state.practice else "Trial"
        where = f"{what} {number} of {state.n_trials}"
        if state.n_blocks > 1:
            where += f"  ·  block {state.block + 1} of {state.n_blocks}"
        bad = sum(count for status, count in self.counts.items() if status != "done")
        if bad:
            where += f"  ·  {bad} to repeat or set aside"
        return min(1.0, state.trial / state.n_trials), where, self._left()

    def _left(self) -> str:
        state = self.state
        if state is None or self._in("done", "aborted"):
            return ""
        seconds = self.time_left_s()
        return "less than a minute left" if seconds < 60.0 else f"about {math.ceil(seconds / 60.0)} min left"

    def time_left_s(self) -> float:
        """Estimate for the rest of the session at the pace of the last trials, breaks included."""
        state = self.state
        if state is None:
            return 0.0
        trials = max(0, state.n_trials - state.trial)
        breaks = 0
        if self._break_every and not state.practice:
            breaks = max(0, (state.n_trials - 1) // self._break_every - state.trial // self._break_every)
        resting = max(0.0, state.time_left_s) if state.phase == "break" else 0.0
        return trials * self.pace_s() + breaks * self._break_s + resting

    def pace_s(self) -> float:
        """Median time of a trial, breaks and pauses left out."""
        times = list(self._done_ns)
        gaps = [(after - before) * 1e-9 for before, after in itertools.pairwise(times)]
        usual = [gap for gap in gaps if gap < LONGEST_TRIAL_S]
        return statistics.median(usual) if usual else PACE_S

    def presented(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What kind of trial runs and what it presents: names and levels in words."""
        if self.lesson is not None:
            units = self.lesson.units
            source = SOURCES.get(self.lesson.source, self.lesson.source)
            return source, tuple(
                (NAMES.get(name, _spaced(name)), f"{_number(value)} {units.get(name, '').strip('1')}".strip())
                for name, value in self.lesson.presented.items()
            )
        if self.start is None or self._in("setup", "consent", "instructions", "done", "aborted"):
            return "", ()
        kind = "" if self.start.kind == "main" else self.start.kind
        if self.start.attempt:
            kind = f"{kind}, attempt {self.start.attempt + 1}".removeprefix(", ")
        return kind, tuple(_levels(self.start.factors))

    def last_line(self) -> str:
        """The newest row in words."""
        row = self.last
        if row is None:
            return ""
        parts = [f"“{row.response}” after {row.response_time_s:.1f} s" if row.status == "done" else row.status]
        if row.trigger_ns:
            parts.append(f"peak {row.peak_newton:.1f} N")
        if row.sound_ns and row.trigger_ns:
            parts.append(f"sound {(row.sound_ns - row.trigger_ns) * 1e-6:.0f} ms after the trigger")
        if row.corrects >= 0:
            parts.append("corrects an earlier answer")
        levels = ", ".join(f"{name} {value}" for name, value in _levels(row.factors))
        return f"Last: {', '.join(parts)} ({levels})"

    # Within

    def _in(self, *phases: str) -> bool:
        return self.state is not None and self.state.phase in phases

    def _act(self, action: str, argument: str = "") -> m.OperatorAction:
        return m.OperatorAction(self.clock.now_ns(), action, argument)


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _levels(factors: Mapping[str, float | str]) -> list[tuple[str, str]]:
    """Factors with their units split off: ("force", "15 N")."""
    units = {"newton": "N", "db": "dB", "ms": "ms", "semitones": "semitones", "hz": "Hz", "s": "s", "nrs": "NRS"}
    told = []
    for name, value in factors.items():
        stem, _, unit = name.rpartition("_")
        if unit not in units or not stem:
            stem, unit = name, ""
        text = value if isinstance(value, str) else _number(value)
        told.append((_spaced(stem), f"{text} {units.get(unit, '')}".strip()))
    return told
