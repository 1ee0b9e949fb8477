"""What is kept of a study's participants beside the records: what they told of themselves, and removing all of it."""

from __future__ import annotations

import gzip
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from robopatient.config import checked_code
from robopatient.errors import ConfigError, RecordError, SessionError, require
from robopatient.locks import RUNNING_FILE, is_held
from robopatient.record.info import read_info
from robopatient.record.library import Library
from robopatient.record.reader import Record
from robopatient.record.schema import FILE_NAME

__all__ = ["Deletion", "delete_participant", "demographics_of", "write_demographics"]

DEMOGRAPHICS = "demographics"
"""Folder beside the sessions, apart from every record."""
LOG_FILE = "deletions.log"
"""Beside the sessions: when a participant was removed, and how many sessions; never who."""
SILENT = (".wav", ".mp4", ".mkv", ".png", ".jpg", ".npz", ".journal")
"""Sound, pictures and numbers: no code is written in them, and their bytes would hold any short one by chance."""
CHUNK_BYTES = 1 << 20
LONGEST_CODE_BYTES = 64


def demographics_of(text: str) -> dict[str, str]:
    """What a participant told of themselves: ``"age=34, sex=f, handedness=right"``.

    Raises
    ------
    ConfigError
        When it is no list of ``key=value``.
    """
    told: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals or not key.strip().isidentifier():
            raise ConfigError(f'--demographics "{text}": write key=value, key=value; for example age=34, sex=f')
        told[key.strip()] = value.strip()
    return told


def write_demographics(folder: Path, participant: str, text: str) -> Path:
    """Keep what a participant told of themselves, ``text`` as in ``demographics_of``, apart from their sessions."""
    checked_code(participant, "participant")
    told = demographics_of(text)
    place = folder / DEMOGRAPHICS
    place.mkdir(exist_ok=True)
    path = place / f"{participant}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
    return path


class Deletion(NamedTuple):
    """What was removed of a participant, and what still names them: paths below the folder of the sessions."""

    removed: list[str]
    remains: list[str]


def delete_participant(participant: str, folder: Path, yes: bool = False) -> Deletion:
    """Remove a participant's sessions of every study, at any depth, what they told of themselves, and every lock.

    What was made of several people's sessions (tables, reports, exports) is not ours to remove: every file that holds
    the code is named. A line without the code is added to ``deletions.log``.

    Raises
    ------
    ConfigError
        Without ``yes``: naming what would be removed.
    SessionError
        When one of the sessions is running; nothing is removed then.
    RecordError
        When nothing of this participant is there, or something cannot be removed.
    """
    if not folder.is_dir():
        raise RecordError(f"{folder}: no such folder; give the folder that holds the sessions with --folder")
    places = sorted({path.parent for path in folder.rglob(FILE_NAME)} | _named_after(participant, folder))
    theirs = [place for place in places if _is_of(place, participant)]
    theirs = [place for place in theirs if not any(other in place.parents for other in theirs)]
    locks = sorted(folder.rglob(f".*_{participant}_s*.lock"))
    told = sorted(folder.rglob(f"{DEMOGRAPHICS}/{participant}.json"))
    names = [str(path.relative_to(folder)) for path in (*theirs, *told, *locks)]
    if not names:
        left = _naming(participant, folder)
        also = f"; these name them: {', '.join(left)}" if left else ""
        raise RecordError(f"{folder}: holds no session of participant {participant}{also}")
    for path in (*(place / RUNNING_FILE for place in theirs), *locks):
        if is_held(path):
            raise SessionError(f"{path.parent}: a session of participant {participant} is running; end it first")
    if not yes:
        raise ConfigError(f"participant {participant}: {', '.join(names)} would be removed for good; add --yes")
    try:
        for place in theirs:
            shutil.rmtree(place)
        for path in (*told, *locks):
            path.unlink()
        with Library(folder) as library:
            library.refresh()  # forgets them; freed pages are overwritten
        with (folder / LOG_FILE).open("a", encoding="utf-8") as log:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            log.write(f"{now} {len(theirs)} sessions of one participant were removed\n")
    except OSError as error:
        raise RecordError(f"{error.filename}: cannot be removed ({error.strerror}); type the command again") from error
    return Deletion(names, _naming(participant, folder))


def _named_after(participant: str, folder: Path) -> set[Path]:
    """Folders that carry the name of one of the participant's sessions, whatever lies in them."""
    name = re.compile(rf".+_{re.escape(participant)}_s\d+(_\d+)?")
    return {path for path in folder.rglob(f"*_{participant}_s*") if path.is_dir() and name.fullmatch(path.name)}


def _is_of(place: Path, participant: str) -> bool:
    """Whether a folder holds a session of a participant's; one that cannot be read tells it by its name."""
    try:
        with Record(place) as record:
            return read_info(record.start).study.participant == participant
    except (RecordError, msgspec.DecodeError):
        return place in _named_after(participant, place.parent)


def _naming(participant: str, folder: Path) -> list[str]:
    """Files and folders that hold a participant's code, outside others' sessions; records that cannot be read."""
    label = re.sub("[^0-9A-Za-z]", "", participant)  # as a BIDS export spells it
    either = "|".join(re.escape(one) for one in sorted({participant, label}))
    code = re.compile(rf"(?<![0-9A-Za-z])({either})(?![0-9A-Za-z])".encode())
    found, others = [], set()
    for record in sorted(folder.rglob(FILE_NAME)):
        try:
            Record(record).close()
            others.add(record.parent)
        except RecordError as error:
            found.append(f"{record.relative_to(folder)} (cannot be read: {error})")
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not others.isdisjoint((path, *path.parents)) or path.suffix in SILENT or path.name == FILE_NAME:
            continue
        if path.is_dir():
            if code.search(path.name.encode()):
                found.append(name)
            continue
        try:
            if code.search(path.name.encode()) or _holds(path, code):
                found.append(name)
        except (OSError, EOFError) as error:
            found.append(f"{name} (cannot be read: {error})")
    return found


def _holds(path: Path, code: re.Pattern[bytes]) -> bool:
    """Whether a file, unpacked if it is compressed, holds the code."""
    if path.suffix == ".parquet":
        table = require("pyarrow.parquet", "study").read_table(path)
        cells = (value for column in table.columns for value in column.unique().to_pylist())
        return any(code.search(str(value).encode()) for value in cells)
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        tail = b""
        while chunk := file.read(CHUNK_BYTES):
            if code.search(tail + chunk):
                return True
            tail = chunk[-LONGEST_CODE_BYTES:]
    return False
