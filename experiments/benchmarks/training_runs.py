"""Simulated training sessions for the policy benchmarks: on all cores or a cluster, kept on disk, resumed later.

A run is a pure function of its job and of the code. What is kept is filed under a digest of both, so that a
changed learner never shows the results of the old one.
"""

from __future__ import annotations

import hashlib
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from policies.errors import PolicyError
from policies.evaluate import TrainingJob, TrainingResult, run_job
from policies.worker_pool import run_in_order

__all__ = ["TrainingRuns"]

POLICIES = Path(__file__).resolve().parents[2] / "policies"


class _KeptResult(msgspec.Struct, frozen=True):
    """One line of the file: digest of job and code, and what came of it."""

    key: str
    lesson: TrainingResult


class TrainingRuns:
    """Where training sessions are run, and where finished ones are kept.

    Parameters
    ----------
    keep
        Folder for finished training sessions, made when new; None keeps nothing.
    workers, ray_address
        As for ``policies.worker_pool.run_in_order``.

    Raises
    ------
    PolicyError
        When the folder cannot be written, or holds something else.
    """

    def __init__(self, keep: Path | None = None, workers: int = 0, ray_address: str = "") -> None:
        self._workers, self._ray_address = workers, ray_address
        self._path = None if keep is None else keep / "lessons.jsonl"
        self._known: dict[str, TrainingResult] = {}
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lines = self._path.read_bytes().splitlines(keepends=True) if self._path.exists() else []
        except OSError as error:
            raise PolicyError(f"{self._path}: cannot be used ({error}); give --keep another folder") from error
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                # Written when the last run was killed: that training session is made again.
                self._path.write_bytes(b"".join(lines[:-1]))
                break
            try:
                row = msgspec.json.decode(line, type=_KeptResult)
            except msgspec.DecodeError as error:
                raise PolicyError(
                    f"{self._path}, line {number}: is no training session ({error}); give --keep another folder"
                ) from error
            self._known[row.key] = row.lesson

    def run(self, what: str, jobs: Sequence[TrainingJob]) -> list[TrainingResult]:
        """Lessons of all jobs, in their order; only those not kept yet are simulated."""
        keys = [_digest(job) for job in jobs]
        todo = [k for k, key in enumerate(keys) if key not in self._known]
        with _bar(what, len(jobs), len(jobs) - len(todo)) as done:

            def take(place: int, lesson: TrainingResult) -> None:
                self._take(keys[todo[place]], lesson)
                done(len(jobs) - len(todo) + place + 1)

            run_in_order(
                run_job,
                [jobs[k] for k in todo],
                workers=self._workers,
                ray_address=self._ray_address if todo else "",
                on_result=take,
            )
        return [self._known[key] for key in keys]

    def _take(self, key: str, lesson: TrainingResult) -> None:
        self._known[key] = lesson
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(_KeptResult(key, lesson)) + b"\n")


@cache
def _code() -> str:
    """Digest of all that a run depends on: modules behind it, shipped weights, and versions of libraries."""
    found = hashlib.sha256()
    files = _modules("evaluate")
    files += [POLICIES.parent / "robopatient" / name for name in ("expression/ppo.py", "study/questions.py")]
    files += [*POLICIES.glob("checkpoints/*/weights.npz"), *POLICIES.glob("populations/*.toml")]
    for path in sorted(files):
        found.update(path.name.encode() + path.read_bytes())
    for package in ("numpy", "scipy", "torch", "stable-baselines3"):
        found.update(version(package).encode())
    return found.hexdigest()


def _modules(first: str) -> list[Path]:
    """Files of a module of the package and of all modules of the package that it imports, near or far."""
    known: set[str] = set()
    todo = [first]
    while todo:
        name = todo.pop()
        if name not in known:
            known.add(name)
            text = _file(name).read_text(encoding="utf-8")
            todo += re.findall(r"^\s*from policies\.([\w.]+) import", text, re.MULTILINE)
    return [_file(name) for name in known]


def _file(name: str) -> Path:
    return POLICIES.joinpath(*name.split(".")).with_suffix(".py")


def _digest(job: TrainingJob) -> str:
    return hashlib.sha256(_code().encode() + msgspec.json.encode(job, enc_hook=_plain)).hexdigest()[:24]


def _plain(value: Any) -> Any:
    """Arrays as lists."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"a job holds a {type(value).__name__}; give _plain a way to write it")


@contextmanager
def _bar(what: str, total: int, already: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, else a line at the end; on stderr, because stdout is the result's."""
    if not sys.stderr.isatty():
        begin = time.perf_counter()
        yield lambda done: None
        kept = f", {already} of them kept" if already else ""
        print(
            f"{what}: {total} training sessions in {time.perf_counter() - begin:.0f} s{kept}",
            file=sys.stderr,
            flush=True,
        )
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        job = bar.add_task(what, total=total, completed=already)
        yield lambda done: bar.update(job, completed=done)
