"""The verb ``run``: resolve the configuration, supervise the session, then leave something to watch and read."""

from __future__ import annotations

import contextlib
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from firmware_bridge.board import Board
from firmware_bridge.recordings import load_recording
from robopatient.config import SessionConfig, load_session, override
from robopatient.errors import ConfigError, SessionError
from robopatient.face.identity import load_identity as load_face
from robopatient.patient import load_patient
from robopatient.record.reader import Record
from robopatient.record.writer import fold_log
from robopatient.sensing import Sensing
from robopatient.session.control import open_board
from robopatient.session.finish import finish, summary
from robopatient.session.scenario_stage import make_scenario
from robopatient.session.study_stage import make_study
from robopatient.session.supervisor import Row, Supervisor
from robopatient.study.questions import QUESTIONS
from robopatient.study.strings import load_strings
from robopatient.voice.calibration import capped
from robopatient.voice.identity import load_identity as load_voice

__all__ = ["board_overrides", "new_folder", "open_named", "quoted", "resolve", "run_session"]


def new_folder() -> Path:
    """Where a session goes whose folder nobody chose: ``sessions`` and the time of day."""
    return Path("sessions") / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"


def run_session(config: SessionConfig, folder: Path, extra: tuple[Row, ...] = (), sockets: Path | None = None) -> int:
    """Run a session with a settled configuration into a folder, with further clients; return the exit status.

    ``sockets`` is as for ``Supervisor``.
    """
    supervisor = Supervisor(config, folder, _tell, extra=extra, sockets=sockets)
    _tell(f"session in {folder}; Ctrl-C ends it")
    status = supervisor.run()
    if not (folder / "record.sqlite").exists():
        raise SessionError(f"{folder}: the control process ended ({status}) before it could write a record")
    fold_log(folder)
    with Record(folder) as record:
        stop = record.stop
    if stop is None:
        _tell(f"the control process died ({status}); the record up to then is readable")
    elif stop.reason == "failed":
        raise SessionError(f"{stop.detail}; the record is in {folder}; `robopatient doctor` says what is missing")
    if config.record.report:
        finish(folder, _tell, film=config.record.film)
    for line in summary(folder):
        _tell(line)
    return 0 if stop is not None else 1


def resolve(
    session: Path | str | None,
    headless: bool,
    board: str | None,
    duration_s: float | None,
    seed: int | None,
    like: Path | None,
    overrides: list[str],
    folder: Path | None = None,
) -> SessionConfig:
    """Configuration of a session: file (or a recorded session), then options, then ``--set``.

    Parameters
    ----------
    folder
        Where the session will lie, if that is settled already; a study looks beside it for what it goes on with.
    """
    if session is not None and like is not None:
        raise ConfigError(f"{session} and --like {like}: give one or the other")
    options = [*board_overrides(board)]
    if duration_s is not None:
        options.append(f"duration_s={duration_s}")
    if seed is not None:
        options.append(f"seed={seed}")
    if headless:
        options += ["console.enabled=false", "participant.enabled=false", 'face.window="no"']
    if like is not None:
        data: dict[str, Any] = msgspec.json.decode(Record(like).start.config_json)
        for text in (*options, *overrides):
            override(data, text)
        try:
            config = msgspec.convert(data, SessionConfig)
        except msgspec.ValidationError as error:
            raise ConfigError(f"{like}: recorded configuration: {error}") from error
    else:
        config = load_session(session, [*options, *overrides])
    return _settled(config, folder)


def _settled(config: SessionConfig, folder: Path | None) -> SessionConfig:
    """Configuration with the patient's own voice and face filled in; what does not exist fails before any start."""
    patient = load_patient(config.patient)
    voice = msgspec.structs.replace(config.voice, identity=config.voice.identity or patient.voice)
    face = msgspec.structs.replace(config.face, identity=config.face.identity or patient.face)
    if voice.enabled:
        load_voice(voice.identity)
        capped(voice)
    if face.enabled:
        load_face(face.identity)
    open_board(config)
    Sensing(config.sensing)
    make_scenario(config)
    if config.participant.enabled and (config.study.name or config.lesson.folder):
        load_strings(config.study.language, QUESTIONS)
    make_study(config, folder)
    if config.board.file:
        load_recording(config.board.file, config.board.site_mm)
    return msgspec.structs.replace(config, voice=voice, face=face)


def board_overrides(board: str | None) -> list[str]:
    """``--board`` in terms of configuration keys."""
    if board is None:
        return []
    driver, colon, rest = board.partition(":")
    if driver == "replay" and colon:
        return ['board.driver="replay"', f"board.file={quoted(rest)}"]
    if driver == "simavr" and colon:
        return ['board.driver="simavr"', f"board.file={quoted(rest)}", 'sensing.calibration="simavr"']
    if board == "auto" or driver == "usb":
        return ['board.driver="serial"', f"board.port={quoted(board)}"]
    if board.startswith("/"):
        return ['board.driver="serial"', f"board.port={quoted(board)}"]
    return [f"board.driver={quoted(board)}"]


def open_named(name: str, rate_hz: float = 1000.0) -> Board:
    """A board named as ``run --board`` names it, not yet opened."""
    return open_board(load_session(None, [*board_overrides(name), f"board.rate_hz={rate_hz}"]))


def quoted(text: str) -> str:
    """Text as a value of ``--set``."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _tell(line: str) -> None:
    with contextlib.suppress(OSError):  # the terminal was closed: the session is finished without it
        print(line, file=sys.stderr, flush=True)
