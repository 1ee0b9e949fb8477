"""Screens of a study and of a lesson without a session: to look at every state of them and to photograph it.

Type ``python -m robopatient.console.study_preview --help``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from robopatient import messages as m
from robopatient.clock import FakeClock
from robopatient.console.participant_model import ParticipantModel
from robopatient.console.participant_strings import load_strings
from robopatient.study.questions import QUESTIONS

__all__ = ["PARTICIPANT_STATES", "participant_at"]

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


def main() -> None:
    """Photograph the states."""
    parser = argparse.ArgumentParser(description="Photograph the screens of a study.")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--language", default="english")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--size", default="1280x800", help="width x height, pixels")
    parser.add_argument("--state", help="only this one")
    args = parser.parse_args()

    from PySide6.QtWidgets import QApplication

    from robopatient.console.participant_screen import ParticipantScreen
    from robopatient.console.theme import DARK, LIGHT

    app = QApplication([])
    args.out.mkdir(parents=True, exist_ok=True)
    width, height = (int(part) for part in args.size.split("x"))
    for name in [args.state] if args.state else PARTICIPANT_STATES:
        model, _ = participant_at(name, args.language)
        screen = ParticipantScreen(model, lambda action: None)
        screen.wear(LIGHT if args.theme == "light" else DARK)
        screen.resize(width, height)
        screen.show()
        app.processEvents()
        screen.refresh()
        app.processEvents()
        screen.grab().save(str(args.out / f"{name}.png"))
        screen.closing = True
        screen.close()


if __name__ == "__main__":
    main()
