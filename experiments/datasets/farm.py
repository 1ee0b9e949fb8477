"""People drawn side by side, by processes of this machine or by a Ray cluster; whoever dies, nobody is drawn in half.

A person is drawn into a folder of a name that nobody else uses, which becomes the person's own only when it is whole.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from experiments.datasets.design import Design
from experiments.datasets.draw import Job, Studio, draw_person
from experiments.datasets.tables import DIGESTS, ROWS, write_digests, write_rows
from robopatient.errors import MissingPackageError, RecordError, SessionError, require

__all__ = ["PART", "Cluster", "cluster", "draw", "joined", "processes"]

PART = ".part"
"""Ends the name of what is not whole yet."""
RETRIES = 3
AHEAD = 3
"""People that wait for each worker: enough that none idles, few enough that a million need no list."""
PARENT_EVERY_S = 0.5
HEAD_EVERY_S, HEAD_SILENT_S, HEARD_S = 2.0, 10.0, 5.0
"""How often a cluster's head is called, after what silence it counts as lost, and how soon that must be told."""


def draw(job: Job) -> str:
    """One person, complete or not at all; returns who drew.

    Raises
    ------
    RecordError
        When the folder cannot be written.
    """
    final = job.folder
    who = f"{socket.gethostname()}/{os.getpid()}"
    if final.is_dir():
        return who
    part = final.with_name(f"{final.name}-{uuid.uuid4().hex[:12]}{PART}")
    try:
        rows, digests = draw_person(Job(job.design, job.person, part), _studio(job.design))
        write_rows(rows, part / ROWS)
        write_digests(digests, part / DIGESTS)
        part.replace(final)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        if not final.is_dir():  # else a worker that was thought lost has drawn the same person
            raise RecordError(
                f"{part}: cannot be written ({error}); free some space and type the command again"
            ) from error
    return who


@lru_cache(maxsize=1)
def _studio(design: Design) -> Studio:
    os.environ.setdefault("LP_NUM_THREADS", "1")  # Mesa's rasteriser: there is one process a core
    return Studio(design)


def processes(jobs: list[Job], workers: int) -> Iterator[str]:
    """Draw by so many processes of this machine; yields who drew, as people are finished.

    Raises
    ------
    SessionError
        When workers die again and again.
    """
    if workers == 1:
        yield from map(draw, jobs)
        return
    for attempt in range(RETRIES):
        left = iter([job for job in jobs if not job.folder.is_dir()])
        try:
            context = multiprocessing.get_context("spawn")
            with _one_thread_each(), ProcessPoolExecutor(workers, context, _mortal, (os.getpid(),)) as pool:
                running = {pool.submit(draw, job) for job in islice(left, AHEAD * workers)}
                try:
                    while running:
                        done, running = wait(running, return_when=FIRST_COMPLETED)
                        running |= {pool.submit(draw, job) for job in islice(left, len(done))}
                        yield from (one.result() for one in done)
                finally:
                    pool.shutdown(wait=False, cancel_futures=True)  # one error is told at once, not after the rest
        except BrokenProcessPool:  # a worker was killed: what it had not finished is drawn again
            if attempt == RETRIES - 1:
                raise SessionError(
                    f"{jobs[0].folder.parent}: workers died {RETRIES} times; try --workers 1 to see why"
                ) from None
        else:
            return


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that are started within do their arithmetic in one thread, as there is one of them a core."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _mortal(parent: int) -> None:
    """Let this worker die with its parent, which cannot tell its pool when it is killed with -9."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class Cluster(NamedTuple):
    """Ray, connected; the event is set when its head has been silent for long."""

    ray: Any
    address: str
    silent: threading.Event


@contextmanager
def joined(address: str) -> Iterator[Cluster]:
    """A cluster of this machine for "local", else the one whose head is at ``address``.

    Raises
    ------
    MissingPackageError, SessionError
        When Ray is not installed, or nobody answers.
    """
    try:
        ray: Any = require("ray", "cluster")
    except MissingPackageError as error:
        raise MissingPackageError(f"--ray {address}: {error}") from error
    if address != "local" and not _answers(address):
        raise SessionError(_no_cluster(address, "nobody listens there"))
    try:
        own = {"include_dashboard": False} if address == "local" else {}
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise SessionError(_no_cluster(address, str(error))) from error
    with _watched(address) as silent:
        try:
            yield Cluster(ray, address, silent)
        finally:
            ray.shutdown()


def _no_cluster(address: str, why: str) -> str:
    return (
        f"--ray {address}: no cluster answers ({why}); start one with: ray start --head, or use --ray local; a cluster "
        "that asks for a token (Ray's default) needs RAY_AUTH_MODE=token here, too"
    )


def cluster(found: Cluster, jobs: Iterable[Job], at_once: int = 0) -> Iterator[str]:
    """Draw on a cluster; yields who drew, as people are finished.

    Parameters
    ----------
    at_once
        People being drawn at any moment; 0 keeps every core of the cluster busy, also one that joins later.

    Raises
    ------
    SessionError
        When the cluster is lost; what is drawn stays.
    """
    ray, address, silent = found
    remote = ray.remote(num_cpus=1, max_retries=RETRIES)(draw)
    left = iter(jobs)
    waiting: list[Any] = []
    room = at_once
    try:
        while True:
            if silent.is_set():
                raise SessionError(_lost(address, "its head is silent"))
            if address == "local" or _answers(address):  # of a head that may be gone nothing is asked
                room = at_once or AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
            waiting += [remote.remote(job) for job in islice(left, max(0, room - len(waiting)))]
            if not waiting:
                return
            done, waiting = ray.wait(waiting, timeout=HEAD_EVERY_S)
            yield from ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise SessionError(_lost(address, str(error))) from error


@contextmanager
def _watched(address: str) -> Iterator[threading.Event]:
    """Set the event when a cluster's head has been silent for long; end the command when even that is not heard.

    Ray itself waits for a lost head within its calls, and then aborts the process without a word for the user.
    """
    silent, over = threading.Event(), threading.Event()

    def watch() -> None:
        heard = time.monotonic()
        while not over.wait(HEAD_EVERY_S):
            now = time.monotonic()
            heard = now if _answers(address) else heard
            if now - heard > HEAD_SILENT_S:
                silent.set()
            if now - heard > HEAD_SILENT_S + HEARD_S:
                print(f"robopatient: {_lost(address, 'its head is silent')}", file=sys.stderr, flush=True)
                os._exit(1)

    if address != "local":
        threading.Thread(target=watch, daemon=True).start()
    try:
        yield silent
    finally:
        over.set()


def _lost(address: str, why: str) -> str:
    return f"--ray {address}: the cluster was lost ({why}); what is drawn is safe: type the command again to go on"


def _answers(address: str) -> bool:
    """Whether something listens at HOST:PORT; other spellings ("auto") are Ray's to judge."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return True
    try:
        with socket.create_connection((host, int(port)), timeout=HEAD_EVERY_S):
            return True
    except OSError:
        return False
