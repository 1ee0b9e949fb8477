"""The tab in which a person's ratings train a policy: ``robopatient policy train --live``. No Qt."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec

from robopatient.checks import Check
from robopatient.config import LessonQuestion, LessonTask
from robopatient.console.setup.model import (
    Field,
    Outlook,
    Tab,
    assets,
    board_field,
    calibration_field,
    code_check,
    configuration_checks,
    option_words,
    set_words,
)
from robopatient.session.doctor import package_check

__all__ = ["TrainingChoices", "TrainingTab"]

LOG = "ratings.sqlite"
"""In a folder of a training that was begun."""


class TrainingChoices(msgspec.Struct, frozen=True, kw_only=True):
    """``folder`` "" is that of the rater under ``lessons``."""

    session: str = "demo"
    patient: str = ""
    rater: str = ""
    task: str = "pain-to-voice"
    question: str = "signed"
    ratings: int = 100
    folder: str = ""
    board: str = ""
    calibration: str = ""


class TrainingTab(Tab):
    """A rater, and what the policy is to learn."""

    name, title, Choices = "training", "Trainin&g by ratings", TrainingChoices

    def fields(self) -> tuple[Field, ...]:
        """As ``Tab``."""
        tasks, questions = (tuple((each, each) for each in get_args(kind)) for kind in (LessonTask, LessonQuestion))
        own = "as in the session file"
        return (
            Field(name="rater", label="Rat&er", group="Rater", example="code, such as P07, never a name", kept=False),
            Field(name="folder", label="Fo&lder", group="Rater", example="lessons/ and the rater's code", kept=False),
            Field(name="task", label="T&ask", group="What is learned", offered=tasks),
            Field(name="question", label="&Question", group="What is learned", offered=questions),
            Field(name="ratings", label="Rati&ngs", group="What is learned", span=(1, 10_000, 0)),
            assets("session", "Sess&ion file", "Session", "sessions", "", typed=True),
            assets("patient", "&Patient", "Session", "patients", own, typed=True),
            board_field(own),
            calibration_field(own),
        )

    def look(self, chosen: TrainingChoices) -> Outlook:
        """As ``Tab``."""
        session = chosen.session or TrainingChoices().session
        folder = Path(chosen.folder or f"lessons/{chosen.rater}")
        goes_on = (folder / LOG).exists()
        rater = list(code_check("Rater", chosen.rater, r"[A-Za-z0-9-]+", "P07"))
        told = set_words(
            {
                "study.participant": chosen.rater,
                "patient": chosen.patient,
                "sensing.calibration": chosen.calibration,
            }
        )
        whose = f"{chosen.rater} {'goes on' if goes_on else 'begins'}: {folder}"
        checks = rater or [Check("Rater", "warn" if goes_on else "ok", whose)]
        packages = package_check("train")
        checks += [packages] if packages.state == "fail" else []
        checks += () if rater else configuration_checks(session, chosen.board, told)
        options = {
            "--live": session,
            "--out": str(folder),
            "--task": chosen.task,
            "--question": chosen.question,
            "--ratings": str(chosen.ratings),
            "--board": chosen.board,
        }
        words = ("policy", "train", *option_words(options, told))
        start = "Go on with this training" if goes_on else "Start"
        return Outlook(checks=tuple(checks), words=words, start=start)
