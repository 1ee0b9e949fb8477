"""The tab of a training session, or of a free one: ``robopatient run``. No Qt."""

from __future__ import annotations

import msgspec

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

__all__ = ["SessionChoices", "SessionTab"]

OWN = "as in the session file"


class SessionChoices(msgspec.Struct, frozen=True, kw_only=True):
    """Empty text leaves it to the session file (voice and face: to the patient). ``minutes`` 0: until stopped."""

    session: str = ""
    patient: str = ""
    scenario: str = ""
    trainee: str = ""
    instructor: str = ""
    minutes: float = 0.0
    voice: str = ""
    face: str = ""
    board: str = ""
    calibration: str = ""


class SessionTab(Tab):
    """A patient, perhaps a scenario, and a trainee."""

    name, title, Choices = "session", "&Session", SessionChoices

    def fields(self) -> tuple[Field, ...]:
        """As ``Tab``."""
        return (
            assets("session", "S&ession file", "Session", "sessions", "default session", typed=True),
            assets("patient", "&Patient", "Session", "patients", OWN, typed=True),
            assets("scenario", "S&cenario", "Session", "scenarios", OWN, typed=True),
            Field(name="minutes", label="&Minutes", group="Session", span=(0.0, 600.0, 1), empty="until stopped"),
            Field(name="trainee", label="&Trainee", group="Who", example="code, such as T07, never a name"),
            Field(name="instructor", label="&Instructor", group="Who", example="code"),
            assets("voice", "&Voice", "Voice and face", "voices", "the patient's own"),
            assets("face", "&Face", "Voice and face", "faces", "the patient's own"),
            board_field(OWN),
            calibration_field(OWN),
        )

    def look(self, chosen: SessionChoices) -> Outlook:
        """As ``Tab``."""
        told = set_words(
            {
                "patient": chosen.patient,
                "scenario": chosen.scenario,
                "training.trainee": chosen.trainee,
                "training.instructor": chosen.instructor,
                "voice.identity": chosen.voice,
                "face.identity": chosen.face,
                "sensing.calibration": chosen.calibration,
            }
        )
        checks = [*code_check("Trainee", chosen.trainee), *code_check("Instructor", chosen.instructor)]
        checks += () if checks else configuration_checks(chosen.session, chosen.board, told)
        duration = f"{60.0 * chosen.minutes:g}" if chosen.minutes else ""
        words = option_words({"--board": chosen.board, "--duration": duration}, told)
        return Outlook(checks=tuple(checks), words=("run", *filter(None, (chosen.session,)), *words))
