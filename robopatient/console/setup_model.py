"""What a session is made of before it starts: choices, what they come to, and what is wrong with them. No Qt.

The choices become the arguments of ``robopatient run``; nothing is hidden that could not be typed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

import robopatient
from firmware_bridge.discovery import ports
from firmware_bridge.errors import BridgeError
from robopatient.config import SessionConfig, asset_names, asset_path, load_session, reference
from robopatient.errors import ConfigError, RobopatientError
from robopatient.face.identity import load_identity as load_face
from robopatient.patient import PatientProfile, load_patient
from robopatient.sensing.calibration import load_calibration
from robopatient.voice.identity import load_identity as load_voice

__all__ = ["Options", "Outlook", "SessionChoices", "SetupCheck", "arguments", "look", "options", "parse_checks"]

OWN = ""
"""As the session file, or the patient, has it."""


class SessionChoices(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that may be chosen; "" leaves it to the session file (voice and face: to the patient)."""

    session: str = ""
    study: str = ""
    participant: str = ""
    patient: str = ""
    scenario: str = ""
    trainee: str = ""
    instructor: str = ""
    voice: str = ""
    face: str = ""
    board: str = ""
    calibration: str = ""
    minutes: float = 0.0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to choose from, on this computer, now."""

    session: list[str]
    study: list[str]
    patient: list[str]
    scenario: list[str]
    voice: list[str]
    face: list[str]
    board: list[str]
    calibration: list[str]


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What the choices come to.

    Attributes
    ----------
    trouble
        Why this cannot be started, "" when it can.
    field
        The choice that the trouble is about, "" when it is none of them alone.
    """

    config: SessionConfig | None = None
    patient: PatientProfile | None = None
    calibrated: str = ""
    trouble: str = ""
    field: str = ""


class SetupCheck(msgspec.Struct, frozen=True):
    """One finding of the doctor: a state, what was found, and the command that mends it."""

    thing: str
    state: Literal["ok", "warn", "missing"]
    detail: str
    mend: str = ""


class _Report(msgspec.Struct, frozen=True):
    findings: list[SetupCheck]


def options() -> Options:
    """Look what there is; no port is opened."""
    boards = ["virtual", *(port.path for port in ports())]
    return Options(
        session=asset_names("sessions"),
        study=_studies(),
        patient=asset_names("patients"),
        scenario=asset_names("scenarios"),
        voice=asset_names("voices"),
        face=asset_names("faces"),
        board=boards,
        calibration=[*asset_names("calibration"), *_own_calibrations()],
    )


def arguments(choices: SessionChoices) -> list[str]:
    """The words after ``robopatient`` that start this session."""
    words = ["run"]
    if choices.session:
        words.append(str(_session_path(choices.session)))
    if choices.board:
        words += ["--board", choices.board]
    if choices.minutes:
        words += ["--duration", f"{60.0 * choices.minutes:g}"]
    for text in _overrides(choices):
        words += ["--set", text]
    return words


def look(choices: SessionChoices) -> Outlook:
    """Resolve the choices as ``run`` would, and say what is in the way."""
    field = "session"
    try:
        path = _session_path(choices.session) if choices.session else None
        field = ""
        told = [*_overrides(choices), *reference("robopatient.session.run:board_overrides")(choices.board or None)]
        config = load_session(path, told)
        field = "patient"
        patient = load_patient(config.patient)
        field = "voice"
        load_voice(config.voice.identity or patient.voice)
        field = "face"
        load_face(config.face.identity or patient.face)
        field = "calibration"
        calibration = load_calibration(config.sensing.calibration)
        field = "board"
        reference("robopatient.session.control:open_board")(config)
        field = "scenario"
        if config.scenario:
            asset_path("scenarios", config.scenario)
        field = "participant"
        if config.study.name and not config.study.participant:
            raise ConfigError("a study needs a participant: a pseudonym such as P07, never a name")
    except (RobopatientError, BridgeError, OSError) as error:
        return Outlook(trouble=str(error), field=field)
    whose = f"board {calibration.board_uid}" if calibration.board_uid else "any board"
    calibrated = f"{calibration.date} by {calibration.author}, for {whose}"
    return Outlook(config=config, patient=patient, calibrated=calibrated)


def parse_checks(told: bytes) -> list[SetupCheck]:
    """Findings of ``robopatient doctor --json``; one that says so when it could not be read."""
    try:
        return msgspec.json.decode(told, type=_Report).findings
    except msgspec.DecodeError:
        return [SetupCheck("doctor", "warn", "gave no answer", "robopatient doctor")]


def _session_path(name: str) -> Path:
    return asset_path("sessions", name)


def _overrides(choices: SessionChoices) -> list[str]:
    """``--set`` words of what was chosen."""
    keys = {
        "patient": choices.patient,
        "scenario": choices.scenario,
        "study.name": choices.study,
        "study.participant": choices.participant,
        "training.trainee": choices.trainee,
        "training.instructor": choices.instructor,
        "voice.identity": choices.voice,
        "face.identity": choices.face,
        "sensing.calibration": choices.calibration,
    }
    return [f"{key}={_quoted(value)}" for key, value in keys.items() if value]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _studies() -> list[str]:
    folder = Path(robopatient.__file__).resolve().parent.parent / "experiments" / "studies"
    return sorted(path.parent.name for path in folder.glob("*/study.toml"))


def _own_calibrations() -> list[str]:
    """Calibration files of this lab, in the folder that the calibration proposes."""
    return sorted(os.fspath(path) for path in Path("calibration").glob("*.toml"))
