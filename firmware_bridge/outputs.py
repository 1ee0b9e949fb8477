"""Files that a command writes: an input or a file that exists is never replaced unasked, no file is left incomplete.

Names are checked and a part is made beside each before the work starts, so that errors come first; the parts
get their names when the work is done.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from firmware_bridge.errors import OutputError

__all__ = ["check_outputs", "claim_folder", "new_files", "new_folder"]


def check_outputs(paths: Iterable[Path], inputs: Iterable[Path | str] = (), force: bool = False) -> None:
    """Refuse names before anything is done.

    Raises
    ------
    OutputError
        When a path is among the inputs, is a folder, or is a file that exists and ``force`` is not given.
    """
    read = [Path(each) for each in inputs if str(each)]
    for path in paths:
        if any(_is_same(path, each) for each in read):
            raise OutputError(f"{path}: is read by this command and never written over; choose another --out")
        if path.is_dir():
            raise OutputError(f"{path}: is a folder; name a file with --out")
        if path.is_file() and not force:
            raise OutputError(f"{path}: exists; choose another --out, or write over it with --force")


@contextlib.contextmanager
def new_files(
    *paths: Path, inputs: Iterable[Path | str] = (), force: bool = False, keep_partial: bool = False
) -> Iterator[tuple[Path, ...]]:
    """Paths to write to in place of ``paths``, which they become when the block is left; none of them when it fails.

    A device such as /dev/null is written as it is.

    Parameters
    ----------
    inputs
        What the command reads; ``""`` and names that are no files do no harm.
    keep_partial
        After a failure keep what was written, if there is something in every file: under its name where that is free,
        else beside it.

    Raises
    ------
    OutputError
        As ``check_outputs``, or when a folder cannot be written, before the block begins.
    """
    check_outputs(paths, inputs, force)
    parts: list[Path] = []
    try:
        parts.extend(map(_part, paths))
        yield tuple(parts)
    except BaseException:
        if not (keep_partial and len(parts) == len(paths) and all(part.stat().st_size for part in parts)):
            for part, path in zip(parts, paths, strict=False):
                if part != path:
                    part.unlink(missing_ok=True)
        elif not any(path.exists() for path in paths):
            _put(parts, paths)
        raise
    if not force:
        check_outputs([path for part, path in zip(parts, paths, strict=True) if part != path])  # made meanwhile
    _put(parts, paths)


@contextlib.contextmanager
def new_folder(path: Path, inputs: Iterable[Path | str] = (), force: bool = False) -> Iterator[Path]:
    """A folder to fill, whose files go into ``path`` when the block is left; with ``force`` also beside others there.

    A folder within it takes the place of one of the same name.

    Raises
    ------
    OutputError
        When there is something in ``path`` and ``force`` is not given, or it cannot be written.
    """
    _refuse_file(path)
    if path.is_dir() and any(path.iterdir()) and not force:
        raise OutputError(f"{path}: holds files already; choose another --out, or write into it with --force")
    try:
        path.mkdir(parents=True, exist_ok=True)
        part = path / f".part-{os.getpid()}"
        part.mkdir()
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        yield part
        check_outputs([path / each.name for each in part.iterdir() if each.is_file()], inputs, force)
        for each in sorted(part.iterdir()):
            if each.is_dir() and (path / each.name).is_dir():
                shutil.rmtree(path / each.name)
            each.replace(path / each.name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        with contextlib.suppress(OSError):  # not empty, as it should be
            path.rmdir()


def claim_folder(path: Path) -> None:
    """Make a folder that a command fills step by step and may find half full: it goes on with what is there.

    Raises
    ------
    OutputError
        When it is a file, or cannot be written.
    """
    _refuse_file(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        (probe := path / f".part-{os.getpid()}").touch()
        probe.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def _refuse_file(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise OutputError(f"{path}: is a file; name a folder with --out")


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:  # one of them is not there
        return path.absolute() == other.absolute()


def _part(path: Path) -> Path:
    """An empty file beside ``path`` with its ending; a device itself."""
    if path.exists() and not path.is_file():
        return path
    part = path.with_name(f"{path.stem}.part-{os.getpid()}{path.suffix}")
    try:
        part.touch(exist_ok=False)
    except OSError as error:
        raise _unwritable(path, error) from error
    return part


def _put(parts: Iterable[Path], paths: Iterable[Path]) -> None:
    for part, path in zip(parts, paths, strict=True):
        if part == path:
            continue
        try:
            with part.open("rb") as file:
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            raise OutputError(f"{path}: cannot be put in place ({error.strerror}); it lies in {part}") from error


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path}: cannot be written ({error.strerror}); choose another --out")
