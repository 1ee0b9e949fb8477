"""State and actions of a participant: fed with messages, read by the screen, no Qt, blind to the design.

It hears the study's state, the force and the dial; factors, truth and what is presented never reach it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from robopatient import messages as m
from robopatient.clock import Clock
from robopatient.study.strings import Page, Strings

__all__ = ["FULL_NEWTON", "Band", "ParticipantModel", "ParticipantView"]

FULL_NEWTON = 30.0
"""Top of the force bar: half as much again as the largest published target (20 N), the same in every trial."""
FORCE_MAX_AGE_S = 0.5
"""Force older than this is not drawn; the participant is told (assumption: longer than any hiccup of the host)."""
ANSWER_SETTLES_S = 3.0
"""An answer that nothing has followed for so long may be given again (assumption: the message was lost)."""
MOST_DIGITS = 7
Verdict = Literal["below", "within", "above", "done"]


class PromptedQuestion(Protocol):
    """What is needed of a row of the table of questions."""

    @property
    def prompt(self) -> str:
        """Wording in English."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Answers in English; none for a number of one's own."""
        ...

    @property
    def first(self) -> int:
        """Value of the first answer."""
        ...


class Band(msgspec.Struct, frozen=True):
    """The force bar: shares of its height, 0 to 1."""

    force: float
    low: float
    high: float
    verdict: Verdict
    word: str


class ParticipantView(msgspec.Struct, frozen=True):
    """One picture of the screen, apart from the force bar.

    Attributes
    ----------
    kind
        "words", "press" (with the force bar), "question" (with labelled answers), "number" (typed in) or "film".
    forward, back, aside
        Words on the buttons; "" hides one. ``aside`` is the replay.
    progress
        Share of the trials that are done, 0 to 1; negative without trials.
    labels, caps, ends
        The answers, the key of each (none when the label is its own key), and words for the two ends of the scale.
    chosen, pointed
        Answer that was given, answer that dial or arrows point at; -1 for none.
    typed
        Number typed so far.
    """

    kind: Literal["words", "press", "question", "number", "film"]
    title: str
    paragraphs: tuple[str, ...] = ()
    forward: str = ""
    back: str = ""
    aside: str = ""
    stop: str = ""
    labels: tuple[str, ...] = ()
    caps: tuple[str, ...] = ()
    ends: tuple[str, str] = ("", "")
    typed: str = ""
    chosen: int = -1
    pointed: int = -1
    clock: str = ""
    tag: str = ""
    count: str = ""
    progress: float = -1.0
    hint: str = ""
    trouble: str = ""
    media: tuple[str, ...] = ()


class ParticipantModel:
    """The participant's side of a session.

    Parameters
    ----------
    strings
        The language.
    questions
        The table of questions.
    replays
        How often a reaction may be had again before the answer.
    dial
        Whether there is a rater device, for the hint beneath a question.
    """

    def __init__(
        self,
        strings: Strings,
        questions: Mapping[str, PromptedQuestion],
        clock: Clock,
        *,
        replays: int = 0,
        dial: bool = False,
    ) -> None:
        self.strings = strings
        self.clock = clock
        self.state: m.StudyState | None = None
        self.stop: m.SessionStop | None = None
        self.leaving = False
        self.muted = False
        self._questions = questions
        self._dial = dial
        self._replays = replays
        self._replayed = 0
        self._page = 0
        self._pages_of: tuple[str, str] = ("", "")
        self._force: m.ForceFrame | None = None
        self._chosen = -1
        self._answered_ns = 0
        self._pointed = -1.0
        self._arrow = -1
        self._typed = ""

    # What is told

    def feed(self, message: m.Message) -> None:
        """Take in one message."""
        match message:
            case m.StudyState():
                self._take(message)
            case m.ForceFrame():
                self._force = message
            case m.Dial():
                self._pointed = message.position
            case m.Health():
                self.muted = message.hushed
            case m.SessionStop():
                self.stop = message

    def _take(self, state: m.StudyState) -> None:
        before, self.state = self.state, state
        if (state.phase, state.text) != self._pages_of:
            self._pages_of, self._page = (state.phase, state.text), 0
        if before is None or (state.phase, state.trial, state.question) != (
            before.phase,
            before.trial,
            before.question,
        ):
            self._chosen = self._arrow = -1
            self._typed = ""
        if state.phase in ("ready", "press", "feedback"):
            self._replayed = 0
        if state.phase in ("done", "aborted"):
            self.leaving = False

    # What the participant may do; None when it means nothing now

    def forward(self) -> m.OperatorAction | None:
        """Turn the page, agree, begin, go on: whatever the button says."""
        if self.leaving:
            return self.stay()
        if self.state is None:
            return None
        if self.state.phase == "question":
            return self.commit()
        if not self.view().forward:
            return None
        if self.state.phase == "instructions" and self._page < len(self._here().text) - 1:
            self._page += 1
            return None
        return self._act("next")

    def back(self) -> None:
        """Turn the page back."""
        self._page = max(0, self._page - 1)

    @property
    def turning(self) -> bool:
        """Whether there are pages to turn."""
        return self.state is not None and self.state.phase == "instructions" and not self.leaving

    def answer(self, index: int) -> m.OperatorAction | None:
        """Give an answer, counted from 0; a second one before the first has been taken means nothing."""
        asked = self._asked()
        if asked is None or not 0 <= index < len(asked.labels) or not self._open():
            return None
        self._chosen, self._answered_ns = index, self.clock.now_ns()
        return self._act("answer", str(asked.first + index))

    def digit(self, number: int) -> m.OperatorAction | None:
        """A number key: the answer whose cap it is, or a digit of a number."""
        asked = self._asked()
        if asked is None:
            return None
        if not asked.labels:
            self.type_in(str(number))
            return None
        return self.answer(number - asked.first if _own_keys(asked) else number - 1)

    def type_in(self, letter: str) -> None:
        """A digit, "." or "<" (take the last one back) of a number."""
        asked = self._asked()
        if asked is None or asked.labels or not self._open():
            return
        if letter == "<":
            self._typed = self._typed[:-1]
        elif len(self._typed) < MOST_DIGITS and (letter.isdigit() or (letter == "." and "." not in self._typed)):
            self._typed += letter

    def point(self, step: int) -> None:
        """Move the pointer by arrow keys."""
        asked = self._asked()
        if asked is None or not asked.labels or not self._open():
            return
        last = len(asked.labels) - 1
        start = (last + (step > 0)) // 2
        self._arrow = start if self._arrow < 0 else min(last, max(0, self._arrow + step))

    def commit(self) -> m.OperatorAction | None:
        """Give the answer that the arrows point at, or the number that was typed."""
        asked = self._asked()
        if asked is None or not self._open():
            return None
        if asked.labels:
            return self.answer(self._arrow)
        try:
            value = float(self._typed)
        except ValueError:
            return None
        if value <= 0.0:
            return None
        self._chosen, self._answered_ns = 0, self.clock.now_ns()
        return self._act("answer", f"{value:g}")

    def replay(self) -> m.OperatorAction | None:
        """See or hear the reaction once more, before the answer."""
        if not self._again():
            return None
        self._replayed += 1
        return self._act("replay")

    def hush(self) -> m.OperatorAction:
        """No sound, at once."""
        self.muted = True
        return self._act("hush")

    def leave(self) -> m.OperatorAction | None:
        """Ask whether to end; the session waits meanwhile."""
        if self.state is None or self.leaving or self.state.phase in ("done", "aborted"):
            return None
        self.leaving = True
        return self._act("pause")

    def stay(self) -> m.OperatorAction | None:
        """Do not end after all; with the sound switched off it is the operator who goes on."""
        if not self.leaving:
            return None
        self.leaving = False
        return None if self.muted else self._act("resume")

    def confirm_leave(self) -> m.OperatorAction | None:
        """End."""
        if not self.leaving:
            return None
        self.leaving = False
        return self._act("abort")

    # What the screen asks

    def view(self) -> ParticipantView:
        """What is to be seen now."""
        words, buttons = self.strings.words, self.strings.buttons
        state = self.state
        if state is None:
            return ParticipantView("words", self.strings.page("setup", "setup").title, self.strings.pages["setup"].text)
        if self.leaving:
            page = self.strings.pages["leave"]
            return ParticipantView("words", page.title, page.text, forward=buttons.stay, back=buttons.leave)
        page, phase = self._here(), state.phase
        asked = self._asked()
        tag, count, progress = self._progress(state)
        view = ParticipantView(
            kind="words",
            title=page.title,
            paragraphs=page.text,
            stop="" if phase in ("setup", "done", "aborted") else buttons.stop,
            tag=tag,
            count=count,
            progress=progress,
            hint=words.muted if self.muted else words.mute if phase in ("press", "react", "question") else "",
        )
        change = msgspec.structs.replace
        if asked is not None:
            told = self.strings.questions.get(state.question)
            labels = told.labels if told is not None and len(told.labels) == len(asked.labels) else asked.labels
            view = change(
                view,
                title=told.prompt if told is not None else asked.prompt,
                paragraphs=(),
                aside=buttons.listen_again if self._again() else "",
                chosen=self._chosen,
                clock=self._time(state),
            )
            if not labels:
                view = change(view, kind="number", typed=self._typed, hint=words.number)
                return change(view, forward=buttons.enter if self._typed and self._chosen < 0 else "")
            own = _own_keys(asked)
            hint = words.dial if self._dial else "" if own else words.keys.format(levels=len(labels))
            return change(
                view,
                kind="question",
                labels=labels,
                caps=() if own else tuple(str(number) for number in range(1, len(labels) + 1)),
                ends=(words.least, words.most) if own else ("", ""),
                pointed=self._point(len(labels)),
                hint=words.muted if self.muted else hint,
            )
        if phase == "react" and state.media:
            return change(view, kind="film", media=state.media)
        if phase in ("press", "react"):
            return change(view, kind="press", trouble="" if self._fresh() else words.no_force)
        if phase == "instructions":
            last = self._page >= len(page.text) - 1
            return change(
                view,
                paragraphs=page.text[self._page : self._page + 1],
                forward=buttons.begin if last else buttons.next,
                back=buttons.back if self._page else "",
                count=words.page.format(page=self._page + 1, pages=max(1, len(page.text))),
                progress=-1.0,
            )
        if phase == "break":
            over = state.time_left_s <= 0.0
            return change(view, clock="" if over else self._time(state), forward=buttons.go_on if over else "")
        if phase == "ready":
            return change(view, trouble=words.lift if "hand on" in state.flags else "")
        return change(view, forward=buttons.agree if phase == "consent" else "")

    def band(self) -> Band:
        """The force bar now."""
        state, words = self.state, self.strings.words
        if state is None:
            return Band(0.0, 0.0, 0.0, "below", "")
        top = FULL_NEWTON
        if state.target_high_newton > 0.85 * top:
            top = 10.0 * math.ceil(1.3 * state.target_high_newton / 10.0)
        newton = self._force.total_newton if self._force is not None and self._fresh() else 0.0
        low, high = state.target_low_newton, state.target_high_newton
        verdict: Verdict = "below"
        if state.phase == "react":
            verdict, word = "done", words.done
        elif high <= 0.0:
            word = ""
        elif newton > high:
            verdict, word = "above", words.above
        elif newton >= low:
            verdict, word = "within", words.within
        else:
            word = words.below
        return Band(min(1.0, max(0.0, newton / top)), low / top, min(1.0, high / top), verdict, word)

    # Within

    def _again(self) -> bool:
        """Whether the reaction may be had once more."""
        asked = self._asked() is not None and not self.leaving
        return asked and self._chosen < 0 and self._replayed < self._replays

    def _open(self) -> bool:
        """Whether an answer can be given now."""
        waiting = self._chosen >= 0 and self.clock.now_ns() - self._answered_ns < ANSWER_SETTLES_S * 1e9
        return not self.leaving and not waiting

    def _here(self) -> Page:
        state = self.state
        return Page("") if state is None else self.strings.page(state.text, state.phase)

    def _asked(self) -> PromptedQuestion | None:
        state = self.state
        return self._questions.get(state.question) if state is not None and state.phase == "question" else None

    def _point(self, levels: int) -> int:
        if self._arrow >= 0 or self._pointed < 0.0:
            return self._arrow
        return min(levels - 1, int(self._pointed * levels))

    def _fresh(self) -> bool:
        force = self._force
        return force is not None and self.clock.now_ns() - force.t_ns < FORCE_MAX_AGE_S * 1e9

    def _time(self, state: m.StudyState) -> str:
        if state.time_left_s < 0.0:
            return ""
        minutes, seconds = divmod(math.ceil(state.time_left_s), 60)
        return self.strings.words.time_left.format(minutes=minutes, seconds=seconds)

    def _progress(self, state: m.StudyState) -> tuple[str, str, float]:
        """Tag, count in words, and share of the trials that are done."""
        words = self.strings.words
        if state.phase in ("setup", "consent", "instructions", "aborted") or state.n_trials <= 0:
            return "", "", -1.0
        done = min(1.0, state.trial / state.n_trials)
        if state.practice:
            return words.practice, "", done
        if state.phase == "done":
            return "", "", 1.0
        return "", words.trial.format(trial=min(state.n_trials, state.trial + 1), trials=state.n_trials), done

    def _act(self, action: str, argument: str = "") -> m.OperatorAction:
        return m.OperatorAction(self.clock.now_ns(), action, argument, "participant")


def _own_keys(asked: PromptedQuestion) -> bool:
    """Whether the answers are numbers, so that each is its own key."""
    return bool(asked.labels) and all(label.isdigit() for label in asked.labels)
