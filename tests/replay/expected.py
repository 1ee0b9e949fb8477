"""What is read of the golden folder, by name: the recorder writes it down, the tests compare with it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from replay import reading

__all__ = ["FILES", "READINGS", "SESSIONS", "expected", "inside"]

SESSIONS = (
    "sessions/virtual", "sessions/replayed", "sessions/training", "studies/study_P01_s1", "studies/study_P01_s1_2",
    "lesson/sessions/001",
)  # fmt: skip
"""With a journal: computed again bit for bit."""
FILES = {
    "session": "inputs/every_key.toml",
    "patient": "inputs/patient.toml",
    "phantom": "inputs/phantom.toml",
    "calibration": "inputs/calibration.toml",
    "matrix": "inputs/matrix.toml",
    "loudness": "inputs/loudness.toml",
    "voice": "inputs/voice.toml",
    "face": "inputs/face.toml",
    "expression": "inputs/expression.toml",
    "scenario": "inputs/every_scenario.toml",
    "display": "inputs/display.toml",
    "dataset": "inputs/every_dataset.toml",
    "face_training": "inputs/every_face_training.toml",
    "study": "inputs/every_study",
}
"""Files of 0.1 by kind, which together give every key of their kind."""

READINGS: dict[str, Callable[[], Any]] = {
    **{f"replay of {name}": lambda name=name: reading.replayed(name) for name in SESSIONS},
    **{f"rows of {name}": lambda name=name: reading.recorded(name) for name in SESSIONS},
    "presses of sessions/virtual": lambda: reading.presses("sessions/virtual", Path()),
    "presses of sessions/training": lambda: reading.presses("sessions/training", Path()),
    "debrief of sessions/training": lambda: reading.debrief("sessions/training", Path()),
    "library of sessions": lambda: reading.library("sessions"),
    "library of studies": lambda: reading.library("studies"),
    "sound of sessions/virtual": lambda: reading.sound("sessions/virtual", Path("virtual.wav")),
    "sound of sessions/replayed": lambda: reading.sound("sessions/replayed", Path("replayed.wav")),
    "trials of studies": lambda: reading.trials("studies", Path("studies-out"), bids=True),
    "analysis of simulated": lambda: reading.analysis("simulated", Path("analysed")),
    "face of a course of pain": lambda: reading.face_of("inputs/pain.csv", "inputs/face.toml", Path("face-frames")),
    "gains of calibration/plate.toml": lambda: reading.calibration_gains("calibration/plate.toml"),
    "actions of inputs/policy": lambda: reading.policy_actions("inputs/policy"),
    "actions of lesson/policy": lambda: reading.policy_actions("lesson/policy"),
    "actions of taught/policy": lambda: reading.policy_actions("taught/policy"),
    "worth of lesson": lambda: reading.lesson_worth(Path("lesson")),
    "worth of taught": lambda: reading.lesson_worth(Path("taught")),
    "output of checkpoints/generator": lambda: reading.generator_output("checkpoints/generator"),
    **{
        f"judgement of checkpoints/{kind}": lambda kind=kind: reading.judgement(f"checkpoints/{kind}")
        for kind in ("ridge", "lstm", "course-gru", "voice")
    },
    **{f"{kind} file": lambda kind=kind, path=path: reading.loaded(kind, path) for kind, path in FILES.items()},
}


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder: the sessions name their files relative to it."""
    with contextlib.chdir(folder):
        yield


def expected(folder: Path) -> dict[str, Any]:
    """Everything that is read, of a golden folder that was unpacked."""
    with inside(folder):
        return {name: read() for name, read in READINGS.items()}
