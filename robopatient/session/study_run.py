"""The verb ``study run``: one participant's session, started, resumed, or refused with the reason."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from robopatient.config import SessionConfig, asset_path, checked_code, decode_toml
from robopatient.errors import RecordError, SessionError
from robopatient.locks import RUNNING_FILE, hold_alone, is_held
from robopatient.record.participants import write_demographics
from robopatient.record.reader import Record
from robopatient.record.schema import FILE_NAME
from robopatient.record.writer import fold_log
from robopatient.session.run import resolve, run_session
from robopatient.session.study_stage import earlier_rows
from robopatient.study.duration import seconds_of
from robopatient.study.log import Log
from robopatient.study.study import SessionPlan, Study, load_study
from robopatient.study.trials import Person

__all__ = ["begun", "lock_of", "needed_mb", "parts_of", "run_study", "study_overrides"]

MB_PER_MINUTE = 25.0
"""What a session leaves: 9 MB a minute of sound, 6 of record, 2 of journal (measured on congruence_corrected), and a
margin."""
LEAST_FREE_MB = 200


def run_study(
    name: str,
    participant: str,
    session: int,
    folder: Path,
    board: str | None,
    headless: bool,
    language: str,
    resume: bool,
    demographics: str,
    overrides: list[str],
) -> int:
    """Run a session of a study; return the exit status.

    Raises
    ------
    ConfigError, AssetError
        When study, participant or a setting will not do.
    SessionError
        When this participant has been through the session, has begun it, or is in it now.
    """
    checked_code(participant, "participant")
    study = load_study(name)
    person = Person(participant, session, study.file.seed)
    plan = study.plan(person)
    study.ready(person)
    decode_toml(asset_path("strings", language), dict)  # what a participant reads must be readable before one comes
    stem = f"{study.name}_{participant}_s{session}"
    folder.mkdir(parents=True, exist_ok=True)
    twin = other_spelling(folder, participant)
    if twin:
        raise SessionError(
            f'participant {participant}: is "{twin}" in {folder}; write it so, or take another code: two codes that '
            "differ in capitals alone are one folder on many disks"
        )
    with hold_alone(lock_of(folder, stem), f"{stem}: is being run already", "end that session first"):
        parts = parts_of(folder, stem)
        for part in parts:
            if is_held(part / RUNNING_FILE):
                raise SessionError(f"{part}: processes of it still run; wait until they left, then type this again")
            fold_log(part)
        before = _goes_on(study, person, parts, resume)
        if demographics:
            write_demographics(folder, participant, demographics)
        place = folder / (stem if not parts else f"{stem}_{len(parts) + 1}")
        given = [
            *study_overrides(study, person, language, before),
            f"record.min_free_mb={needed_mb(study, plan)}",
            *overrides,
        ]
        config = resolve(None, headless, board, None, None, None, given, place)
        return run_session(config, place)


def lock_of(folder: Path, stem: str) -> Path:
    """File beside the sessions that whoever runs this one holds."""
    return folder / f".{stem}.lock"


def other_spelling(folder: Path, participant: str) -> str:
    """Code of somebody in the folder that differs from this one in capitals alone; "" when there is none."""
    codes = (re.search(r"_([A-Za-z0-9-]+)_s\d+(_\d+)?$", path.name) for path in folder.iterdir() if path.is_dir())
    found = {code[1] for code in codes if code}
    alike = sorted(code for code in found if code.lower() == participant.lower())
    return alike[0] if alike and participant not in alike else ""


def needed_mb(study: Study, plan: SessionPlan) -> int:
    """Free space that a session needs, MB."""
    return max(LEAST_FREE_MB, round(seconds_of(study, plan) / 60.0 * MB_PER_MINUTE))


def study_overrides(study: Study, person: Person, language: str = "english", resume: Path | None = None) -> list[str]:
    """A study's own configuration of a session, as ``--set`` takes it.

    Parameters
    ----------
    resume
        The part that it goes on with, beside the new one.
    """
    told: dict[str, Any] = dict(study.session(person))
    told["study"] = {
        "name": study.reference,
        "participant": person.code,
        "session": person.session,
        "language": language,
        "resume": resume.name if resume else "",
    }
    told.setdefault("seed", study.file.seed)
    told["voice"] = {"words": "off"} | told.get("voice", {})  # a stimulus is not to talk, unless the study wants it
    return list(_flat(told))


def _flat(table: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}={json.dumps(value)}"


def parts_of(folder: Path, stem: str) -> list[Path]:
    """Folders of a session, in the order in which they went on with one another."""
    found = []
    number = 1
    while (place := folder / (stem if number == 1 else f"{stem}_{number}")).exists():
        if (place / FILE_NAME).exists():
            found.append(place)
        number += 1
    return found


def _goes_on(study: Study, person: Person, parts: list[Path], resume: bool) -> Path | None:
    """The part to go on with; None for a session that begins.

    Raises
    ------
    SessionError
        When there is something to go on with and that was not asked for, or the reverse.
    """
    newest = next((part for part in reversed(parts) if begun(part)), None)
    who = f"participant {person.code}, session {person.session} of {study.name}"
    if newest is None:
        if resume:
            raise SessionError(f"{who}: no trial of it is recorded; begin it without --resume")
        return None
    log = Log(study, study.plan(person), earlier_rows(newest))
    done, total = log.progress(practice=False)
    if done >= total:
        after = person.session + 1
        following = f"--session {after}, or " if after <= study.file.sessions else ""
        raise SessionError(f"{who}: is complete ({newest}); take {following}another code with --participant")
    if not resume:
        raise SessionError(
            f"{who}: exists already with {done} of {total} trials ({newest}); go on with it by --resume, or take "
            "another code with --participant"
        )
    return newest


def begun(part: Path) -> bool:
    """Whether a part holds any row; one that was killed before its first commit does not count.

    Raises
    ------
    SessionError
        When it cannot be read: what was recorded in it is not to be taken for nothing.
    """
    try:
        if _is_blank(part / FILE_NAME):
            return False
        with Record(part) as record:
            return bool(record.messages("trial"))
    except (RecordError, sqlite3.Error, OSError) as error:
        raise SessionError(
            f"{part}: this part of the session cannot be read: {error}. Bring its record back from a copy, put it "
            f"aside to begin anew (mv {part} ELSEWHERE), or take another code with --participant"
        ) from error


def _is_blank(path: Path) -> bool:
    """Whether nothing was ever laid out in a record."""
    if not path.stat().st_size:
        return True
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        return database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def config_of(study: Study, person: Person, overrides: list[str]) -> SessionConfig:
    """Configuration of a session without windows, for a simulated participant."""
    return resolve(None, True, None, None, None, None, [*study_overrides(study, person), *overrides])
