"""Locks that the kernel holds for as long as a process lives, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from robopatient.errors import SessionError

__all__ = ["RUNNING_FILE", "hold_alone", "hold_shared", "is_held"]

RUNNING_FILE = ".running"
"""In the folder of a session: held, shared, by every one of its processes."""


@contextlib.contextmanager
def hold_alone(path: Path, taken: str, advice: str) -> Iterator[None]:
    """Hold a lock that no other process can hold meanwhile; its file is made when it is not there.

    Raises
    ------
    SessionError
        When another process holds it: ``taken``, the number of that process, ``advice``.
    """
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise SessionError(f"{taken} (process {file.read().strip() or 'unknown'}); {advice}") from None
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


def hold_shared(path: Path) -> IO[str]:
    """Hold a lock that others may share, until the file is closed or this process ends."""
    file = path.open("a+")
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock, alone or shared."""
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # it is not there, or lies on a disk that nobody can write
        return False
    return False
