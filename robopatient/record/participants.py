"""What is kept of a study's participants beside the records: what they told of themselves, and removing all of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from robopatient.errors import ConfigError, RecordError
from robopatient.record.info import read_info
from robopatient.record.library import Library
from robopatient.record.reader import Record

__all__ = ["delete_participant", "demographics_of", "write_demographics"]

DEMOGRAPHICS = "demographics"
"""Folder beside the sessions, apart from every record."""


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
    told = demographics_of(text)
    place = folder / DEMOGRAPHICS
    place.mkdir(exist_ok=True)
    path = place / f"{participant}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
    return path


def delete_participant(participant: str, folder: Path, yes: bool = False) -> list[str]:
    """Remove a participant's sessions of every study and what they told of themselves; return the names of what went.

    Raises
    ------
    ConfigError
        Without ``yes``: naming what would be removed.
    RecordError
        When nothing of this participant is there.
    """
    if not folder.is_dir():
        raise RecordError(f"{folder}: no such folder; give the folder that holds the sessions with --folder")
    theirs = [place for place in sorted(folder.iterdir()) if place.is_dir() and _is_of(place, participant)]
    told = folder / DEMOGRAPHICS / f"{participant}.json"
    if not theirs and not told.exists():
        raise RecordError(f"{folder}: holds nothing of participant {participant}")
    names = [place.name for place in theirs] + ([f"{DEMOGRAPHICS}/{told.name}"] if told.exists() else [])
    if not yes:
        raise ConfigError(f"participant {participant}: {', '.join(names)} would be removed for good; add --yes")
    with Library(folder) as library:
        library.refresh()
        for place in theirs:
            library.delete(place.name)
            if place.exists():  # what was put there later is theirs too
                shutil.rmtree(place)
    told.unlink(missing_ok=True)
    return names


def _is_of(place: Path, participant: str) -> bool:
    """Whether a folder holds a session of a participant's."""
    try:
        with Record(place) as record:
            config = read_info(record.start)
    except RecordError:
        return False
    return config.study.participant == participant
