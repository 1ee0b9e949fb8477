"""Derived arrays on disk: what takes seconds to build once is an .npz in the user's cache folder afterwards.

Files are written whole or not at all. One that cannot be read is built again; a folder that cannot be written is no
error.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from robopatient.folders import user_cache

__all__ = ["cache_folder", "cached_arrays", "not_stored"]

Arrays = dict[str, np.ndarray]


def cache_folder() -> Path:
    """Folder of the cache."""
    return user_cache() / "face"


def cached_arrays(key: str, build: Callable[[], Arrays]) -> Arrays:
    """Arrays stored under ``key``, built and stored when they are not there.

    Parameters
    ----------
    key
        File name without suffix; the caller puts versions and hashes of all inputs into it.
    build
        Makes the arrays; called at most once.
    """
    path = cache_folder() / f"{key}.npz"
    unreadable = contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
    with unreadable, path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
    arrays = build()
    if _storing:
        with contextlib.suppress(OSError):
            _store(path, arrays)
    return arrays


_storing = True


@contextlib.contextmanager
def not_stored() -> Iterator[None]:
    """Within it nothing new is written: simulated people are never met again, and each takes 13 MB."""
    global _storing
    before, _storing = _storing, False
    try:
        yield
    finally:
        _storing = before


def _store(path: Path, arrays: Arrays) -> None:
    """Write beside the target and rename: a reader sees the old file or the new one, never half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
