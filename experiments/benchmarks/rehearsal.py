"""Rehearsals of the operator's and the participant's windows: an examination, a study and a training without a session.

Tests, the benchmark of the console and the pictures of the docs use them; every state is photographed by
``python -m experiments.benchmarks.rehearsal --help``.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from robopatient import messages as m
from robopatient.clock import FakeClock
from robopatient.config import FaceConfig, LessonConfig, SensingConfig, SessionConfig, StudyConfig
from robopatient.console.model import ConsoleModel
from robopatient.console.participant_model import ParticipantModel
from robopatient.patient import PatientProfile, TenderSite
from robopatient.phantom import load_phantom
from robopatient.simulation.presses import Palpation, PressProfile
from robopatient.simulation.rig import Rig, RigTurn
from robopatient.study.questions import QUESTIONS
from robopatient.study.strings import load_strings

__all__ = [
    "LESSON_STATES",
    "OPERATOR_STATES",
    "PARTICIPANT_STATES",
    "feed_state",
    "operator_at",
    "participant_at",
    "portrait",
    "rehearse",
    "still",
]

PHANTOM = load_phantom(SessionConfig().sensing.phantom)
PATIENT = PatientProfile(
    name="Margaret Ellis",
    age_years=58,
    sex="female",
    complaint="Pain in the right lower belly since last night",
    history="",
    voice="margaret",
    face="margaret",
    sites=(
        TenderSite(name="McBurney's point", region="right iliac", left_mm=-80.0, head_mm=-58.0),
        TenderSite(name="periumbilical", region="umbilical", left_mm=0.0, head_mm=4.0, sigma_mm=20.0, strength=0.4),
    ),
)
PLACES = (
    (88.0, 72.0),
    (10.0, 74.0),
    (-84.0, 70.0),
    (-92.0, 8.0),
    (8.0, 6.0),
    (84.0, -84.0),
    (-82.0, -60.0),
)
"""Where the rehearsed hand presses, mm from the navel to the left and towards the head."""
PRESS_S = 1.3
PERIOD_S = 2.6
STEP_NS = 33_333_333


def rehearse(t_s: float, t_ns: int) -> Iterator[m.Message]:
    """What a session would say at ``t_s`` seconds of a steady examination, told at ``t_ns``."""
    turns = _examination()
    turn = turns[round(t_s * 1e9 / STEP_NS) % len(turns)]
    since_ns = t_ns - turn.t_ns
    outputs = turn.outputs
    yield msgspec.structs.replace(outputs.force, t_ns=t_ns, received_ns=t_ns)
    yield msgspec.structs.replace(outputs.pain, t_ns=t_ns)
    yield msgspec.structs.replace(turn.sound[-1].heard, t_ns=t_ns)
    yield msgspec.structs.replace(turn.frames[-1].seen, t_ns=t_ns)
    for press in outputs.presses:
        times = {name: getattr(press, name) + since_ns for name in ("t_ns", "peak_t_ns", "release_t_ns")}
        yield msgspec.structs.replace(press, **times)


@cache
def _examination() -> list[RigTurn]:
    """Every turn of a hand that goes round ``PLACES`` with forces that change from press to press."""
    config = SessionConfig(sensing=SensingConfig(tare_at_start=False), face=FaceConfig(engine="blend"))
    rig = Rig(config, PATIENT, tick_s=STEP_NS * 1e-9)
    presses = [
        PressProfile(
            peak_newton=12.0 + 7.0 * (index % 4),
            at_mm=PLACES[index % len(PLACES)],
            rise_s=PRESS_S / 2,
            hold_s=0.0,
            fall_s=PRESS_S / 2,
            onset_s=index * PERIOD_S,
        )
        for index in range(4 * len(PLACES))
    ]
    return list(rig.play(Palpation(presses, phantom=PHANTOM), len(presses) * PERIOD_S))


def feed_state(model: ConsoleModel, t_ns: int, link: str = "streaming", face: str = "ready") -> None:
    """What the parts report once a second."""
    model.feed(m.ActorState(t_ns, "voice", "ready", "Speakers, 48 kHz, 5.3 ms blocks"))
    detail = "numba at 512 px: no GL driver" if face == "degraded" else "OpenGL, 512 px"
    model.feed(m.ActorState(t_ns, "face", face, detail))
    model.feed(m.Health(t_ns, link, "SIM square-290", 1000.0, 51_200, 0, 0, 0.04, 0, 220.0, True, False))


def portrait(size_px: int, t_s: float = 0.0) -> bytes:
    """A stand-in for the mirrored face: soft shapes of light, RGB bytes."""
    y, x = np.mgrid[-1.0 : 1.0 : size_px * 1j, -1.0 : 1.0 : size_px * 1j]
    head = np.clip(1.25 - ((x / 0.62) ** 2 + ((y + 0.05) / 0.82) ** 2), 0, 1) ** 0.35
    eyes = sum(np.exp(-(((x - side * 0.24) / 0.09) ** 2 + ((y + 0.12) / 0.045) ** 2)) for side in (-1, 1))
    mouth = np.exp(-((x / 0.2) ** 2 + ((y - 0.42 - 0.01 * math.sin(t_s)) / 0.05) ** 2))
    shade = head * (1 - 0.18 * x) * (1 - 0.75 * np.clip(eyes, 0, 1)) * (1 - 0.5 * mouth)
    ground = 0.16 + 0.05 * (1 - y)
    rgb = np.stack([np.where(head > 0, shade * tint, ground) for tint in (0.86, 0.68, 0.58)], axis=-1)
    return np.ascontiguousarray((255 * np.clip(rgb, 0, 1)).astype(np.uint8)).tobytes()


def still(seconds: float = 24.3, link: str = "streaming", face: str = "ready") -> tuple[ConsoleModel, FakeClock]:
    """A model as it stands after some seconds of rehearsal, with a clock that stands still."""
    clock = FakeClock(10_000_000_000)
    model = ConsoleModel(SessionConfig(), clock, PATIENT, PHANTOM)
    _examine(model, clock, seconds)
    feed_state(model, clock.now_ns(), link, face)
    model.show(512, 512, portrait(512))
    return model, clock


def _examine(model: ConsoleModel, clock: FakeClock, seconds: float) -> None:
    """Feed a model with the examination, and turn its clock to the last message."""
    feed_state(model, clock.now_ns())
    for step in range(round(seconds * 1e9 / STEP_NS)):
        if step:
            clock.advance_s(STEP_NS * 1e-9)
        for message in rehearse(step * STEP_NS * 1e-9, clock.now_ns()):
            model.feed(message)


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
    _examine(model, clock, seconds)
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
