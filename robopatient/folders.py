"""Folders of the user and of the machine: caches, settings and sockets, also where there is no home.

Containers, cluster jobs and services run without ``HOME``, without an entry in passwd, on read-only disks, or with a
``TMPDIR`` too long for a socket. What is kept for speed alone then lies in the system's temporary folder.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

__all__ = ["home", "new_socket_folder", "place_numba_cache", "user_cache", "user_path", "user_settings"]

SOCKET_PATH_BYTES = 107
"""Longest path of a Unix socket (Linux: sun_path of 108 bytes with its end)."""
SOCKET_NAME_BYTES = 40
"""Kept free for the folder's and the socket's own names."""


def home() -> Path:
    """The user's home; a private folder among the temporary ones for a user without one."""
    try:
        own = Path.home()
    except RuntimeError:
        own = Path("/nonexistent")
    return own if own.is_dir() else Path(tempfile.gettempdir()) / f"robopatient-{os.getuid()}"


def user_path(text: str | Path) -> Path:
    """A path as the user wrote it, ``~`` replaced by the home."""
    path = Path(text)
    if path.parts[:1] == ("~",):
        return home().joinpath(*path.parts[1:])
    with contextlib.suppress(RuntimeError):  # ~somebody whom the machine does not know is a name like any other
        return path.expanduser()
    return path


def user_cache() -> Path:
    """``$XDG_CACHE_HOME/robopatient``, by default under ``~/.cache``; a temporary folder where that is read-only."""
    return _writable(_base("XDG_CACHE_HOME", ".cache"), "cache")


def user_settings() -> Path:
    """``$XDG_CONFIG_HOME/robopatient``, by default under ``~/.config``."""
    return _base("XDG_CONFIG_HOME", ".config") / "robopatient"


def new_socket_folder() -> Path:
    """A new private folder whose path is short enough for the sockets of a session.

    Raises
    ------
    OSError
        Naming TMPDIR, when neither it nor the system's own temporary folders will do.
    """
    for base in (tempfile.gettempdir(), os.environ.get("XDG_RUNTIME_DIR", ""), "/tmp", "/var/tmp"):
        if base and len(os.fsencode(base)) + SOCKET_NAME_BYTES <= SOCKET_PATH_BYTES:
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="robopatient-", dir=base))
    raise OSError(
        f"TMPDIR {tempfile.gettempdir()} is too long for the sockets of a session (at most "
        f"{SOCKET_PATH_BYTES - SOCKET_NAME_BYTES} bytes), and /tmp cannot be written: set TMPDIR to a shorter folder"
    )


def place_numba_cache() -> None:
    """Give numba a place for what it compiles where the installation is read-only: without one it refuses to work."""
    if "NUMBA_CACHE_DIR" not in os.environ and not os.access(Path(__file__).parent, os.W_OK):
        os.environ["NUMBA_CACHE_DIR"] = str(user_cache() / "numba")


def _base(variable: str, below_home: str) -> Path:
    own = os.environ.get(variable, "")
    return Path(own) if Path(own).is_absolute() else home() / below_home


def _writable(base: Path, name: str) -> Path:
    folder = base / "robopatient"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    if os.access(folder, os.W_OK):
        return folder
    return Path(tempfile.gettempdir()) / f"robopatient-{os.getuid()}" / name
