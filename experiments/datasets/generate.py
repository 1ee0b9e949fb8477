"""``dataset generate``: people drawn side by side, each once and whole, then laid out; kill it and type it again.

A person is drawn into a folder of its own that gets its name only when complete. Everything after that is a function of
these folders alone, so the bytes at the end do not depend on workers, kills or order.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from experiments.datasets.design import Design, Person, load_design
from experiments.datasets.draw import Job, draw_person
from experiments.datasets.layout import CHECKSUMS, finish, write_rows
from robopatient.errors import MissingPackageError, RecordError, SessionError, require

__all__ = ["generate"]

WORK = "work"
FRAME_BYTES = {"jpg": 60_000, "png": 500_000, "mp4": 12_000, "mkv": 400_000}
"""Of a 512 px frame with its labels, for the check of free space.

jpg is the demonstration set's 36 kB (``du``), rounded up; the others are assumptions. Shards hold everything once more.
"""
RETRIES = 3


def generate(
    design: str,
    out: Path,
    workers: int = 0,
    ray: str = "",
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True),
) -> None:
    """Make a data set, or go on where it was stopped.

    Parameters
    ----------
    design
        Name under ``assets/datasets`` or path of a TOML file.
    out
        Folder; a half-made one of the same design is continued.
    workers
        Processes; 0 takes one per core.
    ray
        "" none, "local" a cluster of this machine, else the address of a running one (workers must see ``out``).

    Raises
    ------
    RobopatientError
        Naming what is wrong: a design that cannot be balanced, a folder of another design, a full disk.
    """
    plan = load_design(design)
    people = plan.people()
    _open(out, plan, len(people))
    work = out / WORK
    if (out / CHECKSUMS).is_file():
        shutil.rmtree(work, ignore_errors=True)
        say(f"{out}: is complete; check it with: robopatient dataset verify {out}")
        return
    work.mkdir(exist_ok=True)
    missing = [person for person in people if not (work / person.name).is_dir()]
    progress = _Progress(len(people), len(people) - len(missing), plan.frames_a_person, say)
    count = workers or os.cpu_count() or 1
    runner = _ray(plan, missing, work, ray) if ray else _processes(plan, missing, work, count)
    for worker in runner:
        progress.one(worker)
    finish(out, plan, people, work)
    shutil.rmtree(work)
    progress.end(out)


def _open(out: Path, plan: Design, people: int) -> None:
    """Claim the folder for this design."""
    file = out / "dataset.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        if file.is_file():
            found = json.loads(file.read_text())["design_sha256"]
            if found != plan.digest:
                raise SessionError(
                    f"{out}: holds a data set of another design ({found[:12]}…, not {plan.digest[:12]}…); "
                    "give another --out, or delete that folder"
                )
        elif [path for path in out.iterdir() if path.name != "dataset.json.part"]:
            raise SessionError(f"{out}: is not empty and holds no data set; give another --out")
        else:
            _check_space(out, plan, people)
            part = out / "dataset.json.part"
            part.write_text(json.dumps({"design_sha256": plan.digest, "title": plan.title}))
            part.replace(file)
    except (OSError, ValueError, KeyError) as error:
        raise RecordError(f"{out}: cannot be used as the folder of a data set ({error}); give another --out") from error


def _check_space(out: Path, plan: Design, people: int) -> None:
    wanted = people * plan.frames_a_person * FRAME_BYTES[plan.picture.file] * (plan.picture.size_px / 512) ** 2
    wanted *= 1 + plan.extra.webdataset
    free = shutil.disk_usage(out).free
    if free < 1.2 * wanted:
        raise RecordError(
            f"{out}: {free / 1e9:.1f} GB are free, about {wanted / 1e9:.1f} GB are needed; give another --out, fewer "
            "balance.people or a smaller picture.size_px"
        )


def _draw(job: Job) -> str:
    """One person, complete or not at all; returns who drew."""
    final = job.folder
    part = final.with_name(final.name + ".part")
    if final.is_dir():
        return str(os.getpid())
    shutil.rmtree(part, ignore_errors=True)
    try:
        write_rows(draw_person(Job(job.design, job.person, part)), part / "rows.parquet")
        part.replace(final)
    except OSError as error:
        raise RecordError(f"{part}: cannot be written ({error}); free some space and type the command again") from error
    return str(os.getpid())


def _processes(plan: Design, people: list[Person], work: Path, workers: int) -> Iterator[str]:
    jobs = [Job(plan, person, work / person.name) for person in people]
    if workers == 1:
        for job in jobs:
            yield _draw(job)
        return
    for attempt in range(RETRIES):
        try:
            with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
                for done in as_completed([pool.submit(_draw, job) for job in jobs if not job.folder.is_dir()]):
                    yield done.result()
                return
        except BrokenProcessPool:  # a worker was killed: what it had not finished is drawn again
            if attempt == RETRIES - 1:
                raise SessionError(f"{work}: workers died {RETRIES} times; try --workers 1 to see why") from None


def _ray(plan: Design, people: list[Person], work: Path, address: str) -> Iterator[str]:
    try:
        ray: Any = require("ray", "cluster")
    except MissingPackageError as error:
        raise MissingPackageError(f"--ray {address}: {error}") from error
    try:
        ray.init(address=None if address == "local" else address, ignore_reinit_error=True, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise SessionError(
            f"--ray {address}: no cluster answers there ({error}); start one with: ray start --head, or use --ray local"
        ) from error
    remote = ray.remote(num_cpus=1, max_retries=RETRIES)(_draw)
    waiting = [remote.remote(Job(plan, person, work.resolve() / person.name)) for person in people]
    try:
        while waiting:
            done, waiting = ray.wait(waiting)
            yield ray.get(done[0])
    except ray.exceptions.RayError as error:
        raise SessionError(
            f"--ray {address}: the cluster was lost ({error}); type the command again to go on"
        ) from error
    finally:
        if address == "local":
            ray.shutdown()


class _Progress:
    """A line for every person (a bar on a terminal), time left, and throughput of each worker at the end."""

    def __init__(self, total: int, done: int, frames: int, say: Callable[[str], None]) -> None:
        self._total, self._done, self._frames, self._say = total, done, frames, say
        self._start = time.monotonic()
        self._here = 0
        self._by_worker: dict[str, int] = {}
        if done:
            say(f"{done} of {total} people are there already")

    def one(self, worker: str) -> None:
        self._done += 1
        self._here += 1
        self._by_worker[worker] = self._by_worker.get(worker, 0) + 1
        spent = time.monotonic() - self._start
        left = spent / self._here * (self._total - self._done)
        rate = self._here * self._frames / spent
        text = f"{self._done} of {self._total} people, {rate:.0f} labelled frames/s, about {left:.0f} s left"
        if sys.stderr.isatty():
            print(f"\r{text}   ", end="", file=sys.stderr, flush=True)
        elif self._done == self._total or self._done * 10 // self._total > (self._done - 1) * 10 // self._total:
            self._say(text)

    def end(self, out: Path) -> None:
        spent = time.monotonic() - self._start
        if sys.stderr.isatty():
            print(file=sys.stderr)
        for worker, count in sorted(self._by_worker.items()):
            self._say(f"worker {worker}: {count} people, {count * self._frames / spent:.1f} frames/s")
        self._say(f"{out}: {self._total * self._frames} labelled frames in {spent:.0f} s")
