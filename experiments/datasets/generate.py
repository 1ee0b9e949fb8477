"""``dataset generate``: people are drawn in parallel, then laid out; after an interruption, run the command again.

A person is drawn into a folder of its own that gets its name only when complete. Everything after that is a function of
these folders alone, so the bytes at the end do not depend on workers, kills or order.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from experiments.datasets.design import DatasetDesign, load_design
from experiments.datasets.draw import DrawJob
from experiments.datasets.layout import CHECKSUMS, finish
from experiments.datasets.tables import is_whole
from experiments.datasets.worker import PART, draw
from policies.worker_pool import on_cluster, on_cores, ray_cluster
from robopatient.errors import RecordError, SessionError
from robopatient.locks import hold_alone

__all__ = ["generate"]

WORK, LOCK = "work", "lock"
FRAME_BYTES = {"jpg": 60_000, "png": 500_000, "mp4": 12_000, "mkv": 400_000}
"""Of a 512 px frame with its labels, for the check of free space.

jpg is the demonstration set's 36 kB (``du``), rounded up; the others are assumptions. Shards hold everything once more.
"""


def generate(
    design: str | DatasetDesign,
    out: Path,
    workers: int = 0,
    ray: str = "",
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True),
) -> None:
    """Make a data set, or go on where it was stopped.

    Parameters
    ----------
    design
        Name under ``assets/datasets``, path of a TOML file, or the design itself.
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
    plan = load_design(design) if isinstance(design, str) else design
    people = plan.people()
    _open(out, plan)
    work = out / WORK
    if (out / CHECKSUMS).is_file():
        shutil.rmtree(work, ignore_errors=True)
        say(f"{out}: is complete; check it with: robopatient dataset verify {out}")
        return
    work.mkdir(exist_ok=True)
    alone = hold_alone(work / LOCK, f"{out}: another process is making this set", "wait for it")
    with alone, ExitStack() as stack:
        jobs = [DrawJob(plan, person, work.resolve() / person.name) for person in people]
        missing = _left(jobs)
        _check_space(out, plan, len(people) - len(missing))
        progress = _DrawProgress(len(people), len(people) - len(missing), plan.frames_a_person, say)
        if missing and ray:
            finished = on_cluster(stack.enter_context(ray_cluster(ray)), draw, missing)
        else:
            finished = on_cores(draw, missing, min(workers or os.cpu_count() or 1, max(1, len(missing))))
        for _, worker in finished:
            progress.one(worker)
        try:
            finish(out, plan, people, work)
        except OSError as error:
            raise RecordError(
                f"{error.filename or out}: cannot be written ({error.strerror or error}); what is drawn is safe: free "
                "some space and type the command again"
            ) from error
        shutil.rmtree(work)
    progress.end(out)


def _open(out: Path, plan: DatasetDesign) -> None:
    """Claim the folder for this design."""
    file = out / "dataset.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        if file.is_file():
            found = json.loads(file.read_text(encoding="utf-8"))["design_sha256"]
            if found != plan.digest:
                raise SessionError(
                    f"{out}: holds a data set of another design ({found[:12]}…, not {plan.digest[:12]}…); "
                    "give another --out, or delete that folder"
                )
        elif [path for path in out.iterdir() if path.name != "dataset.json.part"]:
            raise SessionError(f"{out}: is not empty and holds no data set; give another --out")
        else:
            part = out / "dataset.json.part"
            part.write_text(json.dumps({"design_sha256": plan.digest, "title": plan.title}), encoding="utf-8")
            part.replace(file)
    except (OSError, ValueError, KeyError) as error:
        raise RecordError(f"{out}: cannot be used as the folder of a data set ({error}); give another --out") from error


def _left(jobs: list[DrawJob]) -> list[DrawJob]:
    """People still to be drawn; what is half there is cleared away."""
    work = jobs[0].folder.parent
    for part in work.glob(f"*{PART}"):
        shutil.rmtree(part, ignore_errors=True)
    left = [job for job in jobs if not is_whole(job.folder, job.design.frames_a_person)]
    for job in left:
        shutil.rmtree(job.folder, ignore_errors=True)
    return left


def _check_space(out: Path, plan: DatasetDesign, drawn: int) -> None:
    """Stop before the disk is full."""
    a_person = plan.frames_a_person * FRAME_BYTES[plan.picture.file] * (plan.picture.size_px / 512) ** 2
    wanted = a_person * (plan.balance.people * (1 + plan.extra.webdataset) - drawn)
    free = shutil.disk_usage(out).free
    if free < 1.2 * wanted:
        raise RecordError(
            f"{out}: {free / 1e9:.1f} GB are free, about {wanted / 1e9:.1f} GB are needed; give another --out, fewer "
            "balance.people or a smaller picture.size_px"
        )


class _DrawProgress:
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
