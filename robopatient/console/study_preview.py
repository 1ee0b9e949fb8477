"""Screens of a study and of a training session without a session, to view and photograph every state.

Type ``python -m robopatient.console.study_preview --help``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from robopatient import messages as m
from robopatient.clock import FakeClock
from robopatient.config import LessonConfig, SessionConfig, StudyConfig
from robopatient.console.model import ConsoleModel
from robopatient.console.participant_model import ParticipantModel
from robopatient.console.preview import PATIENT, PHANTOM, STEP_NS, feed_state, portrait, rehearse
from robopatient.study.questions import QUESTIONS
from robopatient.study.strings import load_strings

__all__ = ["LESSON_STATES", "OPERATOR_STATES", "PARTICIPANT_STATES", "operator_at", "participant_at"]

_STATE = m.StudyState(
    t_ns=0,
    study="congruence_corrected",
    participant="P07",
    phase="press",
    block=0,
    n_blocks=3,
    trial=22,
    n_trials=192,
    practice=False,
    question="",
    target_low_newton=13.0,
    target_high_newton=17.0,
    force_newton=0.0,
    time_left_s=-1.0,
    text="",
)


def _state(phase: m.StudyPhase, **changes: object) -> m.StudyState:
    return msgspec.structs.replace(_STATE, phase=phase, **changes)


PARTICIPANT_STATES: dict[str, tuple[m.StudyState, float]] = {
    "setup": (_state("setup"), 0.0),
    "consent": (_state("consent", text="consent"), 0.0),
    "instructions": (_state("instructions", text="instructions.sound"), 0.0),
    "ready": (_state("ready", text="ready.practice", practice=True, trial=1, n_trials=6), 0.0),
    "ready-hand-on": (_state("ready", text="ready.main", flags=("hand on",)), 3.0),
    "press-below": (_state("press", text="press.band"), 8.0),
    "press-within": (_state("press", text="press.band"), 15.1),
    "press-above": (_state("press", text="press.band"), 22.5),
    "press-again": (_state("press", text="press.again_missed"), 0.0),
    "react": (_state("react", text="react.sound"), 14.0),
    "question-agree": (_state("question", question="agree"), 0.0),
    "question-signed": (_state("question", question="signed"), 0.0),
    "question-nrs": (_state("question", question="nrs"), 0.0),
    "question-magnitude": (_state("question", question="magnitude"), 0.0),
    "answered": (_state("question", question="agree"), 0.0),
    "feedback": (_state("feedback", text="feedback.early"), 0.0),
    "break": (_state("break", text="break", trial=64, time_left_s=74.0), 0.0),
    "break-over": (_state("break", text="break", trial=64, time_left_s=0.0), 0.0),
    "paused": (_state("paused", text="paused"), 0.0),
    "leave": (_state("paused", text="paused"), 0.0),
    "done": (_state("done", text="done", trial=192), 0.0),
    "aborted": (_state("aborted", text="aborted"), 0.0),
    "no-force": (_state("press", text="press.band"), 0.0),
}
"""What the participant's screen is told, and the force."""


def participant_at(name: str, language: str = "english") -> tuple[ParticipantModel, FakeClock]:
    """A participant's model in one of the states, with a clock that stands still."""
    clock = FakeClock(10_000_000_000)
    model = ParticipantModel(load_strings(language, QUESTIONS), QUESTIONS, clock, replays=1)
    state, newton = PARTICIPANT_STATES[name]
    model.feed(state)
    if name != "no-force":
        model.feed(m.ForceFrame(clock.now_ns(), clock.now_ns(), 0, (newton / 4.0,) * 4))
    if name == "answered":
        model.answer(2)
    if name == "leave":
        model.leave()
    if name == "question-magnitude":
        for letter in "12.5":
            model.type_in(letter)
    if name == "question-signed":
        model.point(1)
    return model, clock


_START = m.TrialStart(
    0, 41, 0, "main", {"level_db": -9.5, "f0_semitones": 2.0, "force_newton": 15.0, "voice": "female"}
)

OPERATOR_STATES: dict[str, tuple[m.Message, ...]] = {
    "setup": (_state("setup", n_trials=192, trial=0),),
    "instructions": (_state("instructions", trial=0),),
    "press": (_state("press", time_left_s=2.4), _START),
    "question": (_state("question", question="agree"), _START),
    "question-signed": (_state("question", question="signed"), msgspec.structs.replace(_START, kind="repeat")),
    "break": (_state("break", trial=64, time_left_s=74.0),),
    "paused": (_state("paused", text="paused"), _START),
    "hand-on": (_state("ready", flags=("hand on",)), msgspec.structs.replace(_START, attempt=1)),
    "silent": (_state("ready", flags=("board silent", "not saved")), _START),
    "done": (_state("done", trial=192),),
}
"""What the operator's console is told of a study."""

_CURVE = tuple((n, 0.55 + 0.38 * (1 - 2.7 ** (-n / 14)), 0.32 + 0.5 * (1 - 2.7 ** (-n / 16)),
                0.85 + 0.12 * (1 - 2.7 ** (-n / 10))) for n in range(38))  # fmt: skip
_LESSON = m.LessonState(
    t_ns=0,
    lesson="p07",
    answers=37,
    goal=100,
    worth=(0.9, 0.78, 0.95),
    curve=_CURVE,
    observed=tuple(4.0 + 31.0 * n / 25 for n in range(26)),
    shown={
        "level_db": tuple(-26.0 + 26.0 * (n / 25) ** 0.7 for n in range(26)),
        "f0_ratio": tuple(1.12 - 0.3 * n / 25 for n in range(26)),
    },
    units={"force_newton": "N", "nrs": "NRS", "level_db": "dB", "f0_ratio": "1"},
    presented={"force_newton": 18.9, "nrs": 6.1, "level_db": -8.2, "f0_ratio": 0.94},
    source="thompson",
    model="parametric",
    repeats=4,
    identical=0.5,
    difference_steps=0.8,
)

_FACE = {
    "face_gain": tuple(0.8 + 0.5 * n / 25 for n in range(26)),
    "expressiveness": tuple(1.3 - 0.2 * n / 25 for n in range(26)),
}
LESSON_STATES: dict[str, tuple[m.Message, ...]] = {
    "lesson": (_state("question", study="lesson", question="signed", trial=37, n_trials=100, n_blocks=1), _LESSON),
    "lesson-busy": (
        _state("waiting", study="lesson", trial=37, n_trials=100, n_blocks=1),
        msgspec.structs.replace(_LESSON, busy=True, presented={}, source=""),
    ),
    "lesson-face": (
        _state("question", study="lesson", question="signed", trial=37, n_trials=100, n_blocks=1),
        msgspec.structs.replace(
            _LESSON,
            shown=_LESSON.shown | _FACE,
            units=_LESSON.units | dict.fromkeys(_FACE, "1"),
            presented=_LESSON.presented | {"face_gain": 1.1, "expressiveness": 1.2},
        ),
    ),
    "lesson-frozen": (
        _state("question", study="lesson", question="signed", trial=60, n_trials=100, n_blocks=1),
        msgspec.structs.replace(
            _LESSON, frozen="unrelated: the answers do not depend on what was heard", source="policy"
        ),
    ),
}
"""Messages of a training session for the operator's screen."""


def operator_at(name: str, seconds: float = 15.0) -> tuple[ConsoleModel, FakeClock]:
    """A console's model in one of the states, after some seconds of pressing."""
    lesson = name in LESSON_STATES
    config = SessionConfig(
        study=StudyConfig(name="" if lesson else "congruence_corrected", participant="P07", session=1),
        lesson=LessonConfig(folder="lessons/p07" if lesson else ""),
    )
    clock = FakeClock(10_000_000_000)
    model = ConsoleModel(config, clock, PATIENT, PHANTOM)
    model.study.replays = 0 if lesson else 1
    feed_state(model, clock.now_ns())
    steps = round(seconds * 1e9 / STEP_NS)
    for step in range(steps):
        for message in rehearse(step * STEP_NS * 1e-9, clock.now_ns()):
            model.feed(message)
        clock.advance_s(STEP_NS * 1e-9)
    for message in rehearse(steps * STEP_NS * 1e-9, clock.now_ns()):
        model.feed(message)
    feed_state(model, clock.now_ns())
    model.feed(m.ActorState(clock.now_ns(), "participant", "ready"))
    if name not in ("setup", "instructions", *LESSON_STATES):
        model.feed(_row(clock.now_ns()))
    for message in LESSON_STATES.get(name) or OPERATOR_STATES[name]:
        model.feed(message)
    model.show(512, 512, portrait(512))
    return model, clock


def _row(t_ns: int) -> m.TrialRecord:
    """An answered trial."""
    return m.TrialRecord(
        t_ns, "congruence_corrected", "", "P07", 1, 0, 40, 0, "main", -1,
        {"level_db": -19.1, "f0_semitones": 2.0, "force_newton": 10.0, "voice": "female"}, "done", "agree", "agree",
        3.0, 1.4, t_ns, t_ns - 3_000_000_000, 1, t_ns - 2_982_000_000, 0, 10.2, 16.4, 310.0, -24.0, {}, 0.0, 0, (), 1,
    )  # fmt: skip


def main() -> None:
    """Photograph the states."""
    parser = argparse.ArgumentParser(description="Photograph the screens of a study and of a training session.")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--who", choices=("participant", "operator"), default="participant")
    parser.add_argument("--language", default="english")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--size", default="1280x800", help="width x height, pixels")
    parser.add_argument("--state", help="only this one")
    args = parser.parse_args()

    from PySide6.QtWidgets import QApplication

    from robopatient.console.participant_screen import ParticipantScreen
    from robopatient.console.theme import DARK, LIGHT
    from robopatient.console.window import ConsoleWindow

    app = QApplication([])
    args.out.mkdir(parents=True, exist_ok=True)
    width, height = (int(part) for part in args.size.split("x"))
    theme = LIGHT if args.theme == "light" else DARK
    known = PARTICIPANT_STATES if args.who == "participant" else {**OPERATOR_STATES, **LESSON_STATES}
    for name in [args.state] if args.state else known:
        if args.who == "participant":
            person, _ = participant_at(name, args.language)
            screen = ParticipantScreen(person, lambda action: None)
            screen.set_theme(theme)
            screen.resize(width, height)
            screen.show()
            app.processEvents()
            screen.refresh()
            app.processEvents()
            screen.grab().save(str(args.out / f"{name}.png"))
            screen.closing = True
            screen.close()
        else:
            model, _ = operator_at(name)
            window = ConsoleWindow(model, lambda action: None, None)
            window.resize(width, height)
            window.set_theme(theme)
            window.show()
            app.processEvents()
            window.set_theme(theme)
            app.processEvents()
            window.grab().save(str(args.out / f"{name}.png"))
            window.close()


if __name__ == "__main__":
    main()
