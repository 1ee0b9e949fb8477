"""Many independent jobs on this machine's cores or on a Ray cluster.

A job is a pure function of its arguments, so results do not depend on where it ran or how often. A worker may be killed
at any time: what it had not finished is done again.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from robopatient.errors import MissingPackageError, SessionError, require

__all__ = ["RayCluster", "on_cluster", "on_cores", "ray_cluster", "run_in_order"]

J = TypeVar("J")
R = TypeVar("R")

RETRIES = 3
AHEAD = 3
"""Jobs that wait for each worker: enough that none idles, few enough that a million need no list."""
PARENT_EVERY_S = 0.5
HEAD_EVERY_S, HEAD_SILENT_S, HEARD_S = 2.0, 10.0, 5.0
"""How often a cluster's head is called, after what silence it counts as lost, and how soon that must be reported."""


def run_in_order(
    function: Callable[[J], R],
    jobs: Sequence[J],
    *,
    workers: int = 1,
    ray_address: str = "",
    on_result: Callable[[int, R], None] | None = None,
) -> list[R]:
    """Results of a module-level function for all jobs, in the order of the jobs.

    Parameters
    ----------
    workers
        Processes; 1 runs in this one, 0 takes one per core but one.
    ray_address
        "" none, "local" a cluster of this machine, else the address of a running one.
    on_result
        Called with the index and the result of every job as soon as it and all before it are done.

    Raises
    ------
    MissingPackageError, SessionError
        When Ray is asked for and not installed, or no cluster answers at the address.
    """
    done: list[R] = []
    early: dict[int, R] = {}

    def keep(results: Iterable[tuple[int, R]]) -> list[R]:
        for index, result in results:
            early[index] = result
            while len(done) in early:
                done.append(early.pop(len(done)))
                if on_result:
                    on_result(len(done) - 1, done[-1])
        return done

    if ray_address:
        with ray_cluster(ray_address) as cluster:
            return keep(on_cluster(cluster, function, jobs))
    return keep(on_cores(function, jobs, workers or max(1, (os.cpu_count() or 2) - 1)))


def on_cores(function: Callable[[J], R], jobs: Sequence[J], workers: int) -> Iterator[tuple[int, R]]:
    """Index and result of each job, as they are finished, by so many processes of this machine.

    Raises
    ------
    SessionError
        When workers die again and again.
    """
    if workers == 1:
        yield from ((index, function(job)) for index, job in enumerate(jobs))
        return
    missing = dict(enumerate(jobs))
    for attempt in range(RETRIES):
        left = iter(list(missing.items()))
        try:
            context = multiprocessing.get_context("spawn")
            with _one_thread_each(), ProcessPoolExecutor(workers, context, _end_with, (os.getpid(),)) as pool:

                def submit(count: int, pool: ProcessPoolExecutor = pool, left: Iterator[Any] = left) -> dict[Any, int]:
                    return {pool.submit(function, job): index for index, job in islice(left, count)}

                running = submit(AHEAD * workers)
                try:
                    while running:
                        done, _ = wait(running, return_when=FIRST_COMPLETED)
                        for one in done:
                            result, index = one.result(), running.pop(one)
                            del missing[index]
                            yield index, result
                        running |= submit(len(done))
                finally:
                    pool.shutdown(wait=False, cancel_futures=True)  # an error is reported at once, not after the rest
        except BrokenProcessPool:
            if attempt == RETRIES - 1:
                raise SessionError(f"workers died {RETRIES} times; try --workers 1 to see why") from None
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


def _end_with(parent: int) -> None:
    """End this worker when its parent ends, which cannot stop its pool when it is killed with -9."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class RayCluster(NamedTuple):
    """Ray, connected; the event is set when its head has been silent for long."""

    ray: Any
    address: str
    silent: threading.Event


@contextmanager
def ray_cluster(address: str) -> Iterator[RayCluster]:
    """A cluster of this machine for "local", else the one whose head is at ``address``.

    Raises
    ------
    MissingPackageError, SessionError
        When Ray is not installed, or no cluster answers.
    """
    try:
        ray: Any = require("ray", "cluster")
    except MissingPackageError as error:
        raise MissingPackageError(f"--ray {address}: {error}") from error
    if address != "local" and not _answers(address):
        raise SessionError(_no_cluster(address, "nothing listens there"))
    try:
        own = {"include_dashboard": False} if address == "local" else {}
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise SessionError(_no_cluster(address, str(error))) from error
    with _watched(address) as silent:
        try:
            yield RayCluster(ray, address, silent)
        finally:
            ray.shutdown()


def _no_cluster(address: str, why: str) -> str:
    return (
        f"--ray {address}: no cluster answers ({why}); start one with: ray start --head, or use --ray local; a cluster "
        "that asks for a token (Ray's default) needs RAY_AUTH_MODE=token here, too"
    )


def on_cluster(
    cluster: RayCluster, function: Callable[[J], R], jobs: Iterable[J], at_once: int = 0
) -> Iterator[tuple[int, R]]:
    """Index and result of each job, as they are finished, on a cluster.

    Parameters
    ----------
    at_once
        Jobs being done at any moment; 0 keeps every core of the cluster busy, also one that joins later.

    Raises
    ------
    SessionError
        When the cluster is lost; what is done stays.
    """
    ray, address, silent = cluster
    remote = ray.remote(num_cpus=1, max_retries=RETRIES)(function)
    left = enumerate(jobs)
    running: dict[Any, int] = {}
    room = at_once
    try:
        while True:
            if silent.is_set():
                raise SessionError(_lost(address, "its head is silent"))
            if address == "local" or _answers(address):  # of a head that may be gone nothing is asked
                room = at_once or AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
            running |= {remote.remote(job): index for index, job in islice(left, max(0, room - len(running)))}
            if not running:
                return
            done, _ = ray.wait(list(running), timeout=HEAD_EVERY_S)
            for one in done:
                yield running.pop(one), ray.get(one)
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
    return f"--ray {address}: the cluster was lost ({why}); what is done is kept: type the command again to go on"


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
