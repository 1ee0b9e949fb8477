"""The tab of a training session, or of a free one: ``robopatient run``. No Qt."""

from __future__ import annotations

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

__all__ = ["OWN", "SessionTab"]

OWN = "as in the session file"


class SessionTab(Tab):
    """A patient, perhaps a scenario, and a trainee; what is left open is the session file's."""

    name, title = "session", "&Session"

    def offer(self) -> tuple[Field, ...]:
        """As ``Tab``."""
        code, patients = "code, such as T07, never a name", "the patient's own"
        return (
            assets("session", "S&ession file", "Session", "", "sessions", "default session", typed=True),
            assets("patient", "&Patient", "Session", "patient", "patients", OWN, typed=True),
            assets("scenario", "S&cenario", "Session", "scenario", "scenarios", OWN, typed=True),
            Field(
                name="minutes", label="&Minutes", group="Session", span=(0, 600, 1), default=0.0, empty="until stopped"
            ),
            Field(name="trainee", label="&Trainee", group="Who", tells="training.trainee", example=code),
            Field(name="instructor", label="&Instructor", group="Who", tells="training.instructor", example="code"),
            assets("voice", "&Voice", "Voice and face", "voice.identity", "voices", patients),
            assets("face", "&Face", "Voice and face", "face.identity", "faces", patients),
            board_field(OWN),
            calibration_field(OWN),
        )

    def look(self, chosen: Choices) -> Outlook:
        """As ``Tab``."""
        checks = [*code_check("Trainee", chosen["trainee"]), *code_check("Instructor", chosen["instructor"])]
        checks += () if checks else configuration_checks(chosen["session"], chosen["board"], self.told(chosen))
        file = (chosen["session"],) if chosen["session"] else ()
        duration = ("--duration", f"{60.0 * chosen['minutes']:g}") if chosen["minutes"] else ()
        return Outlook(checks=tuple(checks), words=("run", *file, *duration, *self.words(chosen)))
