"""The tab in which a person's ratings train a policy: ``robopatient policy train --live``. No Qt."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import get_args

import msgspec

from robopatient.checks import Check
from robopatient.config import LessonQuestion, LessonTask, Pseudonym
from robopatient.console.setup.model import (
    Choices,
    Field,
    Outlook,
    Tab,
    assets,
    board_field,
    calibration_field,
    code_check,
    configuration_checks,
)
from robopatient.console.setup.session_tab import OWN
from robopatient.session.doctor import package_check

__all__ = ["TrainingTab"]

LOG = "ratings.sqlite"
"""In a folder of a training that was begun."""


class TrainingTab(Tab):
    """A rater, and what the policy is to learn; the folder is that of the rater under ``lessons`` when left open."""

    name, title = "training", "Trainin&g by ratings"

    def offer(self) -> tuple[Field, ...]:
        """As ``Tab``."""
        tasks, questions = (tuple((each, each) for each in get_args(kind)) for kind in (LessonTask, LessonQuestion))
        rater, learned = partial(Field, group="Rater", kept=False), partial(Field, group="What is learned")
        sessions = assets("session", "Sess&ion file", "Session", "--live", "sessions", "", typed=True)
        code = "code, such as P07, never a name"
        return (
            rater(name="rater", label="Rat&er", tells="study.participant", example=code),
            rater(name="folder", label="Fo&lder", example="lessons/ and the rater's code"),
            learned(name="task", label="T&ask", tells="--task", offered=tasks, default=tasks[0][0]),
            learned(name="question", label="&Question", tells="--question", offered=questions, default="signed"),
            learned(name="ratings", label="Rati&ngs", tells="--ratings", span=(1, 10_000, 0), default=100.0),
            msgspec.structs.replace(sessions, default="demo"),
            assets("patient", "&Patient", "Session", "patient", "patients", OWN, typed=True),
            board_field(OWN),
            calibration_field(OWN),
        )

    def look(self, chosen: Choices) -> Outlook:
        """As ``Tab``."""
        rater = chosen["rater"]
        folder = chosen["folder"] or f"lessons/{rater}"
        goes_on = (Path(folder) / LOG).exists()
        checks = [*code_check("Rater", rater or " ", Pseudonym, "P07")]
        if not checks:
            whose = f"{rater} {'goes on' if goes_on else 'begins'}: {folder}"
            checks = [Check("Rater", "warn" if goes_on else "ok", whose)]
            checks += configuration_checks(chosen["session"] or "demo", chosen["board"], self.told(chosen))
        packages = package_check("train")
        checks += [packages] if packages.state == "fail" else []
        words = ("policy", "train", "--out", folder, *self.words(chosen | {"session": chosen["session"] or "demo"}))
        start = "Go on with this training" if goes_on else "Start"
        return Outlook(checks=tuple(checks), words=words, start=start)
