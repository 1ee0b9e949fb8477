"""The tab of a perceptual study: ``robopatient study run``, for one participant after the other. No Qt.

The checks are the functions that a session begins with, so what they allow is what will run.
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from robopatient.checks import Check
from robopatient.config import Pseudonym, asset_names
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
    tried,
)
from robopatient.errors import RobopatientError
from robopatient.locks import is_held
from robopatient.record.participants import demographics_of
from robopatient.session.study_run import begun, lock_of, needed_mb, parts_of, study_overrides
from robopatient.session.study_stage import earlier_rows
from robopatient.study.duration import balance_of, seconds_of
from robopatient.study.log import Log
from robopatient.study.study import SessionPlan, Study, load_study, study_names
from robopatient.study.trials import Person

__all__ = ["StudyTab"]

OWN = "as the study says"


class StudyTab(Tab):
    """A participant's session of a study, begun or gone on with.

    Parameters
    ----------
    folder
        That holds the sessions.
    overrides
        Further ``section.key=value``, as after ``--set``.
    """

    name, title = "study", "St&udy"

    def __init__(self, folder: Path = Path("sessions"), overrides: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._folder, self._overrides = folder, overrides

    def offer(self) -> tuple[Field, ...]:
        """As ``Tab``."""
        studies = tuple((name, load_study(name).file.title) for name in study_names())
        languages = tuple((name, name.capitalize()) for name in asset_names("strings"))
        person = partial(Field, group="Participant", kept=False)
        code, told = "code, such as P01, never a name", "age=34, sex=f; kept apart from the record"
        return (
            Field(name="study", label="Stud&y", group="Study", offered=studies, default=study_names()[0]),
            person(name="participant", label="&Participant", tells="--participant", example=code),
            person(name="session", label="S&ession", tells="--session", span=(1, 99, 0), default=1.0),
            person(name="demographics", label="&Demographics", tells="--demographics", example=told),
            Field(name="language", label="&Language", group="Participant", tells="--language", offered=languages,
                  default="english"),
            assets("patient", "P&atient", "Patient", "patient", "patients", OWN),
            assets("voice", "&Voice", "Patient", "voice.identity", "voices", OWN),
            assets("face", "&Face", "Patient", "face.identity", "faces", OWN),
            board_field(),
            calibration_field("the default"),
        )  # fmt: skip

    def look(self, chosen: Choices) -> Outlook:
        """As ``Tab``."""
        try:
            study = load_study(chosen["study"])
            person = Person(chosen["participant"] or "P01", int(chosen["session"]), study.file.seed)
            numbered = tried("Participant", lambda: str(person.number))
            if numbered.state == "fail":
                return Outlook(checks=(numbered,))
            plan = study.plan(person)
            study.ready(person)
        except RobopatientError as error:
            return Outlook(checks=(Check("Study", "fail", str(error)),))
        participant, goes_on = self._participant(study, plan, chosen["participant"])
        given = [*study_overrides(study, person, chosen["language"]), *self.told(chosen), *self._overrides]
        checks = [_balance(study, plan), participant]
        if chosen["demographics"]:
            checks.append(tried("Demographics", lambda: ", ".join(demographics_of(chosen["demographics"]))))
        checks += [*configuration_checks("", chosen["board"], given), self._disk(study, plan)]
        words = ("study", "run", chosen["study"], *self.words(chosen, self._overrides), "--folder", str(self._folder))
        if goes_on:
            return Outlook(checks=tuple(checks), words=(*words, "--resume"), start="Go on with this session")
        return Outlook(checks=tuple(checks), words=words)

    def _participant(self, study: Study, plan: SessionPlan, code: str) -> tuple[Check, bool]:
        """The check, and whether the session goes on with one that was begun."""
        session = plan.person.session
        if not code:
            return Check("Participant", "fail", "needs a code, never a name: for example P01"), False
        for wrong in code_check("Participant", code, Pseudonym, "P01"):
            return wrong, False
        stem = f"{study.name}_{code}_s{session}"
        if is_held(lock_of(self._folder, stem)):
            return Check("Participant", "fail", f"{code} is in this session now, on another console"), False
        try:
            parts = parts_of(self._folder, stem)
            rows = next((earlier_rows(part) for part in reversed(parts) if begun(part)), [])
            done, total = Log(study, plan, rows).progress(practice=False)
        except RobopatientError as error:
            return Check("Participant", "fail", str(error)), False
        if not rows:
            return Check("Participant", "ok", f"{code}, session {session} of {study.file.sessions}: new"), False
        if done >= total:
            complete = f"{code} has completed session {session}: take the next, or a new code"
            return Check("Participant", "fail", complete), False
        return Check("Participant", "warn", f"{code} goes on: {done} of {total} trials are done"), True

    def _disk(self, study: Study, plan: SessionPlan) -> Check:
        need_mb = needed_mb(study, plan)
        free_mb = shutil.disk_usage(self._folder if self._folder.exists() else Path()).free // 1_000_000
        text = f"{free_mb / 1000:.1f} GB free, {need_mb / 1000:.1f} GB needed"
        if free_mb >= need_mb:
            return Check("Disk", "ok", text)
        return Check("Disk", "fail", text, "free some space, or choose another folder with --folder")


def _balance(study: Study, plan: SessionPlan) -> Check:
    trials = sum(len(block.trials) for block in plan.blocks)
    text = f"{study.name}: {trials} trials, about {seconds_of(study, plan) / 60.0:.0f} min"
    if study.file.design.order == "independent" or balance_of(study, plan).is_balanced:
        return Check("Study", "ok", text)
    return Check("Study", "fail", f"{text}; not balanced", f"robopatient study check {study.name}")
