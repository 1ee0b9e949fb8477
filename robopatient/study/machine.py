"""The trial machine: press, reaction, question, answer, and how failures of each are handled.

Pure: time, force and the actions of people in; what to show, what to record and the state out.
It has no clock, no screen and no file; fed the same, it does the same, which is how a crashed session goes on.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence

import msgspec

from robopatient.errors import ConfigError
from robopatient.levels import Flag
from robopatient.messages import ForceFrame, OperatorAction, StudyPhase, StudyState, TrialRecord, TrialStart
from robopatient.study.attempt import Attempt
from robopatient.study.chooser import LearnerChooser, Suggestion
from robopatient.study.log import Log
from robopatient.study.presented import Draft
from robopatient.study.questions import Question, question
from robopatient.study.reaction import REST, ReactionStimulus, react
from robopatient.study.study import SessionPlan, Study
from robopatient.study.trials import Factors, Stimulus

__all__ = ["Machine", "MachineOutputs"]

STATE_NS = 33_000_000
JUMP_NS = 1_000_000_000
"""A turn this long after the last one: the machine slept, and what was shown is unknown."""
LEFT_NS = 100_000_000
"""The hand has left when no force came for so long."""
TOLD_S = 1.2
"""How long a participant reads why a trial comes again."""
UNSAVED_NS = 2_000_000_000
PEAK_DROP_NEWTON, PEAK_DROP_SHARE = 0.5, 0.02
"""The force has passed its peak when it has dropped by so much."""
FAILED_IN_A_ROW = 3
PASSED_ON = tuple(flag for flag in Flag if flag.meaning.in_trial)
"""Words of the force that belong into the row."""
IN_TRIAL = ("press", "react", "question")
UNDER_WAY = ("waiting", "ready", *IN_TRIAL, "feedback", "break")


class MachineOutputs(msgspec.Struct, frozen=True):
    """What one turn has to say: the state for the screens, rows to be saved, remarks (level, text)."""

    state: StudyState | None
    drafts: tuple[Draft, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()


class Machine:
    """Runs the list of one participant's session.

    Parameters
    ----------
    plan
        Made by ``study``.
    earlier
        Rows of the sessions that this one goes on with, oldest first; what is done in them is not asked again.

    Raises
    ------
    ConfigError
        When ``earlier`` are rows of another design, participant or session.
    """

    def __init__(self, study: Study, plan: SessionPlan, earlier: Sequence[TrialRecord] = ()) -> None:
        self.study, self.plan = study, plan
        self.log = Log(study, plan, earlier)
        self.phase: StudyPhase = "setup"
        self.stimulus: Stimulus | None = None
        """Of the trial under way, for gains and delays; None between trials."""
        self._resumed = bool(earlier)
        self._press, self._rules = study.file.press, study.rules
        self._now_ns: int | None = None
        self._since_ns = 0
        self._attempt: Attempt | None = None
        self._last: Attempt | None = None
        self._block = -1
        self._queue: list[int] = []
        self._since_break = 0
        self._serial = self._saved = 0
        self._sent_ns = 0
        self._text = "setup"
        self._failed = 0
        self._why_again: dict[int, str] = {}
        self._replay_ns = 0
        self._undoing = False
        self._pause_next = ""
        self._held = ""
        self._used = _channels(
            [self.study.stimulus(plan.person, trial.factors) for trial in plan.trials if not trial.staircase]
        )
        self._force = 0.0
        self._slope = 0.0
        self._drafts: list[Draft] = []
        self._notes: list[tuple[str, str]] = []
        self._board_silent = self._stopped = False
        self._told_ns = 0
        self._told_key: tuple[object, ...] = ()

    @property
    def serial(self) -> int:
        """Number of the newest row."""
        return self._serial

    @property
    def factors(self) -> Factors | None:
        """Levels of the trial under way; None between trials."""
        return self._attempt.factors if self._attempt is not None else None

    @property
    def needs(self) -> frozenset[str]:
        """Of "voice" and "face" what must work now; nothing between blocks and in a pause.

        What any trial of the list uses is needed in all of them: a neutral face is a stimulus, too.
        """
        waits = self.phase == "question" and self._rules.question == "waits"
        if waits or self.phase not in ("ready", *IN_TRIAL, "feedback"):
            return frozenset()
        return self._used | (_channels([self._attempt.stimulus]) if self._attempt is not None else frozenset())

    def started(self, t_ns: int) -> TrialStart | None:
        """The trial that is about to run or runs, for the operator; None between trials."""
        attempt = self._attempt
        if attempt is None or self.phase not in ("ready", *IN_TRIAL):
            return None
        return TrialStart(t_ns, attempt.number, attempt.attempt, attempt.trial.kind, attempt.factors)

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.phase in ("done", "aborted")

    def step(self, t_ns: int, force: ForceFrame, actions: Sequence[OperatorAction] = ()) -> MachineOutputs:
        """One turn of the loop.

        Parameters
        ----------
        t_ns
            Now; a clock that runs backwards stands still, and one that jumps ahead voids the trial under way.
        force
            Newest force; flagged "stale" or "paused" it means that nothing is known.
        """
        before_ns = self._now_ns
        self._now_ns = t_ns = t_ns if before_ns is None else max(t_ns, before_ns)
        self._force, self._slope = force.total_newton, force.rate_newton_per_s
        self._board_silent, self._stopped = Flag.STALE in force.flags, Flag.PAUSED in force.flags
        if before_ns is not None and t_ns - before_ns > JUMP_NS and self.phase in ("press", "react"):
            self._void("clock jump", t_ns)
        for action in actions:
            self._act(action, t_ns)
        match self.phase:
            case "waiting" if self._chosen():
                self._go_on(t_ns)
            case "ready":
                self._ready(t_ns)
            case "press":
                self._pressing(t_ns, force)
            case "react":
                self._reacting(t_ns, force)
            case "question":
                self._asking(t_ns)
            case "feedback":
                self._feedback(t_ns)
        return self._outputs(t_ns)

    def shown(self, t_ns: int) -> ReactionStimulus:
        """What voice and face are to do in this turn, after ``step``."""
        attempt = self._attempt
        if attempt is None or self.phase not in ("press", "react"):
            return REST
        if self._replay_ns:
            since_ns = t_ns - self._replay_ns
            newton, slope = attempt.pressed(since_ns)
            return react(attempt.stimulus, since_ns * 1e-9, newton, slope)
        since_s = (t_ns - attempt.triggered_ns) * 1e-9 if attempt.triggered_ns else None
        newton = self._force if self._force >= self._press.hand_newton else 0.0
        return react(attempt.stimulus, since_s, newton, self._slope)

    def hurt(self, nrs: float) -> None:
        """The pain that the patient has shown in this turn, where the patient acts."""
        if self._attempt is not None and self.phase in ("press", "react"):
            self._attempt.worst_nrs = max(self._attempt.worst_nrs, nrs)

    def commanded(self, t_ns: int) -> None:
        """The loop has sent the first command of the reaction."""
        attempt = self._attempt
        if attempt is not None and attempt.triggered_ns and not attempt.command_ns:
            attempt.command_ns = t_ns

    # What people do.

    def _act(self, action: OperatorAction, t_ns: int) -> None:
        match action.action:
            case "saved" if action.source == "record":
                self._saved = max(self._saved, int(action.argument))
            case "next":
                self._next(t_ns)
            case "answer":
                self._answer(action, t_ns)
            case "replay":
                self._replay(t_ns)
            case "undo":
                self._undo(t_ns)
            case "redo":
                self._redo(t_ns)
            case "pause" if action.source == "record":
                self._pause_next = action.argument or "paused"
            case "pause" if action.source == "control":
                self._hold(action.argument or "paused", t_ns)
            case "pause" | "stop" | "hush":
                self._pause("stopped" if action.action != "pause" else "paused", t_ns)
            case "resume":
                if self.phase == "paused" and not (self._held and action.source == "participant"):
                    self._pause_next = self._held = ""
                    self._enter("feedback", "feedback.saved", t_ns)  # goes on once all is on the disk
            case "abort":
                self._abort(t_ns)
            case "suggest" | "learnt" | "begun" if self.log.learner is not None:
                self._hear(self.log.learner, action, t_ns)

    def _hear(self, learner: LearnerChooser, action: OperatorAction, t_ns: int) -> None:
        """A learner has chosen, has taken in so many answers, or has (again) begun with so many."""
        if action.action == "suggest":
            with contextlib.suppress(msgspec.DecodeError):
                learner.suggest(msgspec.json.decode(action.argument, type=Suggestion))
            return
        if not action.argument.isdecimal():
            return
        learner.answers = int(action.argument)
        if action.action == "learnt":
            return
        learner.forget()
        self.log.in_force(learner.answers)
        self._resumed = learner.answers > 0
        if self.phase in ("waiting", "ready", *IN_TRIAL):
            self._set_aside("learner began anew", t_ns)
            self._attempt = None
            self._enter("feedback", "feedback.saved", t_ns)

    def _next(self, t_ns: int) -> None:
        match self.phase:
            case "setup" if self.log.learner is not None and self.log.learner.answers < 0:
                pass  # it says whether this goes on with an earlier sitting
            case "setup" if self._resumed:
                self._go_on(t_ns)
            case "setup":
                self._enter("consent", "consent", t_ns)
            case "consent":
                self._enter("instructions", f"instructions.{self.study.file.instructions}", t_ns)
            case "instructions":
                self._go_on(t_ns)
            case "break" if self._time_left_s(t_ns) <= 0.0:
                self._since_break = 0
                self._go_on(t_ns)

    def _answer(self, action: OperatorAction, t_ns: int) -> None:
        attempt = self._attempt
        if self.phase != "question" or attempt is None:
            return  # a key pressed twice, or by two people: the first counts
        asked = self._question(attempt)
        try:
            label, value = asked.read(action.argument)
        except ConfigError as error:
            self._notes.append(("warning", str(error)))
            return
        given_ns = min(max(action.t_ns, attempt.asked_ns), t_ns)
        self._record(attempt, "done", t_ns, label, value, given_ns)
        self._failed = 0
        self._why_again.pop(attempt.number, None)
        self._last = attempt if self._rules.undo == "question" else None
        self._since_break += attempt.trial.kind != "practice" and attempt.corrects < 0
        self._enter("feedback", "feedback.saved", t_ns)

    def _replay(self, t_ns: int) -> None:
        attempt = self._attempt
        if self.phase != "question" or attempt is None or not attempt.triggered_ns:
            return
        if attempt.replays >= self._press.replays:
            self._notes.append(("info", f"trial {attempt.number}: no more than {self._press.replays} replays"))
            return
        attempt.replays += 1
        self._replay_ns = t_ns
        self.stimulus = attempt.stimulus
        self._enter("react", _react_text(attempt.stimulus), t_ns)

    def _undo(self, t_ns: int) -> None:
        """Ask the last question again; its earlier row stays, and the new one says what it corrects."""
        last = self._last
        if self._rules.undo == "press" and self.phase in UNDER_WAY:
            self._take_back(t_ns)
        if last is None or self.phase not in UNDER_WAY:
            return
        if self._attempt is not last:
            self._set_aside("set aside", t_ns)
        self._put_back()
        self._replay_ns = 0
        self._attempt, self._last = last, None
        last.attempt += 1
        last.corrects = last.number
        last.flag("undone")
        last.replays = 0
        self._undoing = True
        self._enter("feedback", "feedback.undone", t_ns)

    def _take_back(self, t_ns: int) -> None:
        """The newest answer no longer counts, as a row says; its trial is done anew."""
        newest = self.log.newest
        if newest is None:
            return
        self._set_aside("set aside", t_ns)
        number, factors = newest
        self.log.take_back(number)
        undone = self._make(number, factors)
        undone.corrects = number
        undone.flag("undone")
        self._record(undone, "aborted", t_ns)
        self._since_break = max(0, self._since_break - 1)
        self._attempt = None
        self._enter("feedback", "feedback.undone", t_ns)

    def _set_aside(self, why: str, t_ns: int) -> None:
        """The trial under way, if there is one, is recorded as no trial."""
        attempt = self._attempt
        if self.phase in IN_TRIAL and attempt is not None:
            attempt.flag(why)
            self._record(attempt, "aborted", t_ns)

    def _redo(self, t_ns: int) -> None:
        """Do the trial under way again, or, between trials, the last one."""
        attempt = self._attempt
        if self.phase in IN_TRIAL and attempt is not None:
            attempt.flag("redone")
            self._record(attempt, "invalid", t_ns)
            self._queue.insert(0, attempt.number)
            self._attempt = None
            self._enter("feedback", "feedback.saved", t_ns)
        elif self._last is not None and self.phase in ("ready", "feedback", "break", "paused"):
            last, self._last = self._last, None
            self._put_back()
            self._attempt = None
            self._queue.insert(0, last.number)
            if self.phase in ("ready", "break"):
                self._enter("feedback", "feedback.saved", t_ns)

    def _pause(self, why: str, t_ns: int) -> None:
        if self.phase in ("setup", "consent", "instructions", "paused") or self.over:
            return
        if self.phase == "question" and self._rules.question == "waits":
            self._pause_next = why  # nothing sounds, and there is no hurry
            return
        attempt = self._attempt
        if self.phase in IN_TRIAL and attempt is not None:
            self._set_aside(why, t_ns)
            self._queue.insert(0, attempt.number)
        elif self.phase == "feedback" and self._undoing and attempt is not None:
            self._last = attempt  # the answer that was taken back stands until it is given anew
        elif self.phase == "ready":
            self._put_back()
        self._undoing = False
        self._attempt = None
        self._enter("paused", "paused", t_ns)

    def _hold(self, why: str, t_ns: int) -> None:
        """Pause because something does not work; only the operator goes on."""
        self._pause(why, t_ns)
        if self.phase == "paused":
            self._held = why

    def _abort(self, t_ns: int) -> None:
        if self.over:
            return
        if self.phase in IN_TRIAL and self._attempt is not None:
            self._record(self._attempt, "aborted", t_ns)
        self._attempt = None
        self._enter("aborted", "aborted", t_ns)

    # What time and force do.

    def _ready(self, t_ns: int) -> None:
        """Hand off, then the window opens; a trial without a press begins at once."""
        attempt = self._attempt
        if attempt is None:
            return
        if self._stopped or (self._board_silent and attempt.stimulus.trigger != "begin"):
            self._since_ns = t_ns
            return
        if self._force >= self._press.hand_newton and self._press.early == "queue":
            self._since_ns = t_ns
        if t_ns - self._since_ns < round(self._press.ready_s * 1e9):
            return
        attempt.opened_ns = t_ns
        self.stimulus = attempt.stimulus
        if attempt.stimulus.trigger == "begin":
            self._trigger(attempt, t_ns, t_ns, -1, 0.0)
            return
        again = self._why_again.get(attempt.number, "")
        usual = "press.band" if attempt.stimulus.target_high_newton > 0.0 else "press.threshold"
        self._enter("press", f"press.again_{again}" if again else usual, t_ns)

    def _pressing(self, t_ns: int, force: ForceFrame) -> None:
        attempt = self._attempt
        if attempt is not None and attempt.triggered_ns:
            self._reacting(t_ns, force)  # the bar stays until the hand has left
            return
        if attempt is None or self._silent(t_ns):
            return
        self._follow(attempt, t_ns, force)
        touched = self._force >= self._press.hand_newton
        if touched and t_ns - attempt.opened_ns < round(self._press.early_s * 1e9):
            if self._press.early == "queue":
                self._fail(attempt, "early contact", "early", t_ns)
                return
            attempt.flag("early contact")
        stimulus = attempt.stimulus
        reached = attempt.peak >= stimulus.trigger_newton
        if stimulus.trigger == "peak":
            drop = max(PEAK_DROP_NEWTON, PEAK_DROP_SHARE * attempt.peak)
            reached = reached and self._force < attempt.peak - drop
        if reached:
            self._trigger(attempt, t_ns, force.t_ns, force.seq, self._force)
        elif self._press.window_s and t_ns - attempt.opened_ns >= round(self._press.window_s * 1e9):
            self._miss(attempt, t_ns)

    def _trigger(self, attempt: Attempt, t_ns: int, frame_ns: int, seq: int, newton: float) -> None:
        attempt.triggered_ns, attempt.trigger_ns, attempt.trigger_seq = t_ns, frame_ns, seq
        attempt.force_at_trigger = newton
        if self._rules.band == "asked":
            self._enter("react", _react_text(attempt.stimulus), t_ns)

    def _reacting(self, t_ns: int, force: ForceFrame) -> None:
        """The reaction runs; over when its time has passed and, where that counts, the hand has left."""
        attempt = self._attempt
        if attempt is None:
            return
        stimulus = attempt.stimulus
        if self._replay_ns:
            length_ns = max(round(stimulus.react_s * 1e9), attempt.trace[-1][0] if attempt.trace else 0)
            if t_ns - self._replay_ns > length_ns:
                self._replay_ns = 0
                self._ask(attempt, t_ns)
            return
        least_ns = attempt.triggered_ns + round(stimulus.react_s * 1e9)
        if stimulus.trigger == "begin":
            if t_ns >= least_ns:
                self._ask(attempt, t_ns)
            return
        if self._silent(t_ns):
            return
        self._follow(attempt, t_ns, force)
        window_ns = attempt.opened_ns + round(self._press.window_s * 1e9) if self._press.window_s else math.inf
        if self._press.ends == "time":
            over = t_ns >= max(window_ns, least_ns)
        else:
            left = self._force < self._press.hand_newton and t_ns - attempt.left_ns >= LEFT_NS
            over = t_ns >= least_ns and (left or t_ns >= window_ns + round(stimulus.react_s * 1e9))
        if not over:
            return
        if attempt.least_nrs and (attempt.worst_nrs < attempt.least_nrs or Flag.OVERLOAD in attempt.flags):
            self._fail(attempt, "missed", "missed", t_ns)
            return
        if self._rules.band == "advice":
            self._ask(attempt, t_ns)
            return
        if attempt.peak < stimulus.target_low_newton:
            attempt.flag("below band")
            self._miss(attempt, t_ns)
            return
        if 0.0 < stimulus.target_high_newton < attempt.peak:
            attempt.flag("above band")
            if self._press.above == "queue":
                self._fail(attempt, "invalid", "", t_ns)
                return
        self._ask(attempt, t_ns)

    def _follow(self, attempt: Attempt, t_ns: int, force: ForceFrame) -> None:
        """Keep what the hand does."""
        attempt.peak = max(attempt.peak, self._force)
        if self._force >= self._press.hand_newton:
            attempt.left_ns = t_ns
        for word in PASSED_ON:
            if word in force.flags:
                attempt.flag(word)
        if attempt.triggered_ns and self._press.replays:
            newton = self._force if self._force >= self._press.hand_newton else 0.0
            attempt.trace.append((t_ns - attempt.triggered_ns, newton, self._slope))

    def _miss(self, attempt: Attempt, t_ns: int) -> None:
        if self._press.missed == "ask":
            attempt.flag("missed")
            self._ask(attempt, t_ns)
        else:
            self._fail(attempt, "missed", "missed", t_ns)

    def _ask(self, attempt: Attempt, t_ns: int) -> None:
        attempt.ended_ns = attempt.ended_ns or t_ns
        attempt.asked_ns = t_ns
        self._enter("question", "", t_ns)

    def _asking(self, t_ns: int) -> None:
        attempt = self._attempt
        limit_s = self._press.answer_s
        if attempt is not None and limit_s and t_ns - self._since_ns >= round(limit_s * 1e9):
            attempt.flag("unanswered")
            self._fail(attempt, "missed", "", t_ns)

    def _feedback(self, t_ns: int) -> None:
        """Until the row is on the disk: only then does the next trial begin."""
        pause_s = self._press.pause_s if self._text == "feedback.saved" else TOLD_S
        if self._saved < self._serial or t_ns - self._since_ns < round(pause_s * 1e9):
            return
        if self._undoing and self._attempt is not None:
            self._undoing = False
            attempt = self._attempt
            attempt.asked_ns = t_ns
            self._enter("question", "", t_ns)
            return
        self._attempt = None
        if self._pause_next:
            self._enter("paused", "paused", t_ns)
            return
        self._go_on(t_ns)

    def _silent(self, t_ns: int) -> bool:
        """Whether the board has fallen silent in the middle of a press: the force is unknown."""
        if self._board_silent or self._stopped:
            self._void("board silent" if self._board_silent else "stopped", t_ns)
        return self._board_silent or self._stopped

    def _void(self, why: str, t_ns: int) -> None:
        attempt = self._attempt
        if attempt is not None:
            attempt.flag(why)
            self._fail(attempt, "invalid", "", t_ns)

    def _fail(self, attempt: Attempt, status: str, again: str, t_ns: int) -> None:
        """The attempt is recorded, and the trial comes again at the end of its block."""
        self._record(attempt, status, t_ns)
        self._failed += 1
        self._why_again[attempt.number] = again
        self._queue.append(attempt.number)
        self._replay_ns = 0
        self._attempt = None
        self._enter("feedback", f"feedback.{again}" if again else "feedback.saved", t_ns)

    # The list.

    def _go_on(self, t_ns: int) -> None:
        """Next trial, break, block or end."""
        design = self.study.file.design
        self.stimulus = None
        if self._rules.again == "at once" and self._block >= 0:
            self._queue = self.log.left(self._block)
        if self.log.waiting:
            self._wait(t_ns)
            return
        while not self._queue:
            if self._block + 1 >= len(self.plan.blocks):
                self._enter("done", "done", t_ns)
                return
            rested = self._block < 0 or not self._since_break
            if not rested and design.break_s:
                self._enter("break", "break", t_ns)
                return
            self._block += 1
            self._since_break = 0
            self._queue = self.log.left(self._block)
        if design.break_every and self._since_break >= design.break_every:
            self._enter("break", "break", t_ns)
            return
        number = self._queue[0]
        factors = self.log.factors(number)
        if factors is None:
            self._wait(t_ns)
            return
        self._queue.pop(0)
        attempt = self._attempt = self._make(number, factors)
        attempt.corrects = number if self.log.is_done(number) else -1
        attempt.least_nrs = self.log.learner.least_nrs if self.log.learner is not None else 0.0
        self._replay_ns = 0
        self._enter("ready", "ready.practice" if attempt.trial.kind == "practice" else "ready.main", t_ns)

    def _make(self, number: int, factors: Factors) -> Attempt:
        stimulus = self.study.stimulus(self.plan.person, factors)
        attempt = Attempt(number, self._block, self.plan.trials[number], factors, stimulus)
        attempt.attempt = self.log.attempts(number)
        return attempt

    def _wait(self, t_ns: int) -> None:
        """For the learner; the word of thanks stays meanwhile."""
        self._enter("waiting", "feedback.saved" if self.phase == "feedback" else "ready.main", t_ns)

    def _chosen(self) -> bool:
        """Whether what was waited for is there."""
        return not (self.log.waiting or (self._queue and self.log.factors(self._queue[0]) is None))

    def _put_back(self) -> None:
        """The trial that was about to begin, or had, waits its turn again; not one that has its answer."""
        attempt, self._attempt = self._attempt, None
        if attempt is not None and attempt is not self._last and self.phase in ("ready", *IN_TRIAL):
            self._queue.insert(0, attempt.number)

    def _record(
        self, attempt: Attempt, status: str, t_ns: int, label: str = "", value: float = math.nan, given_ns: int = 0
    ) -> None:
        self._serial += 1
        self._sent_ns = t_ns
        row = attempt.row(self.plan, status, self._question(attempt).name, t_ns, label, value, given_ns)
        self.log.add(row)
        end_ns = attempt.ended_ns or t_ns
        self._drafts.append(Draft(self._serial, row, attempt.trigger_seq, attempt.triggered_ns, end_ns))

    def _question(self, attempt: Attempt) -> Question:
        return question(attempt.stimulus.question or self.study.file.question)

    # What the screens see.

    def _enter(self, phase: StudyPhase, text: str, t_ns: int) -> None:
        self.phase, self._text, self._since_ns = phase, text, t_ns

    def _time_left_s(self, t_ns: int) -> float:
        """Of the window, the answer or the break; negative without a limit."""
        limit_s = {
            "press": self._press.window_s or -1.0,
            "question": self._press.answer_s or -1.0,
            "break": self.study.file.design.break_s,
        }.get(self.phase, -1.0)
        return max(0.0, limit_s - (t_ns - self._since_ns) * 1e-9) if limit_s >= 0.0 else -1.0

    def _outputs(self, t_ns: int) -> MachineOutputs:
        drafts, self._drafts = tuple(self._drafts), []
        notes, self._notes = tuple(self._notes), []
        flags = self._flags(t_ns)
        attempt = self._attempt
        practice = attempt is not None and attempt.trial.kind == "practice"
        done, total = self.log.progress(practice)
        key = (self.phase, self._text, flags, done, self._block, practice, attempt.number if attempt else -1)
        if key == self._told_key and t_ns - self._told_ns < STATE_NS:
            return MachineOutputs(None, drafts, notes)
        self._told_key, self._told_ns = key, t_ns
        stimulus = attempt.stimulus if attempt is not None else None
        state = StudyState(
            t_ns=t_ns,
            study=self.plan.study,
            participant=self.plan.person.code,
            phase=self.phase,
            block=max(0, self._block),
            n_blocks=len(self.plan.blocks),
            trial=done,
            n_trials=total,
            practice=practice,
            question=self._question(attempt).name if attempt is not None and self.phase == "question" else "",
            target_low_newton=stimulus.target_low_newton if stimulus else 0.0,
            target_high_newton=stimulus.target_high_newton if stimulus else 0.0,
            force_newton=self._force,
            time_left_s=self._time_left_s(t_ns),
            text=self._text,
            flags=flags,
            media=stimulus.media if stimulus and self.phase == "react" else (),
        )
        return MachineOutputs(state, drafts, notes)

    def _flags(self, t_ns: int) -> tuple[str, ...]:
        """What the operator must know."""
        flags = []
        if self._saved < self._serial and t_ns - self._sent_ns > UNSAVED_NS:
            flags.append("not saved")
        if self._pause_next:
            flags.append(self._pause_next)
        if self._held and self.phase == "paused":
            flags += self._held.split(", ")
        if self._board_silent:
            flags.append("board silent")
        if self._stopped:
            flags.append("stopped")
        if self.phase == "waiting" or (self.log.learner is not None and self.log.learner.answers < 0):
            flags.append("learner chooses")
        if self._replay_ns:
            flags.append("replaying")
        if self._failed >= FAILED_IN_A_ROW:
            flags.append("failing")
        if self.phase == "ready" and self._force >= self._press.hand_newton and self._press.early == "queue":
            flags.append("hand on")
        return tuple(flags)


def _channels(stimuli: Sequence[Stimulus]) -> frozenset[str]:
    """Of "voice" and "face" what these use."""
    voice = any(stimulus.voice.mode != "silent" for stimulus in stimuli)
    face = any(stimulus.face.mode != "neutral" for stimulus in stimuli)
    return frozenset(["voice"] * voice + ["face"] * face)


def _react_text(stimulus: Stimulus) -> str:
    voice, face = stimulus.voice.mode != "silent", stimulus.face.mode != "neutral" or bool(stimulus.media)
    return "react.both" if voice and face else "react.face" if face else "react.sound"
