"""Many independent jobs on this machine's cores or on a Ray cluster; the results are the same, bit for bit.

A job is a pure function of its arguments; results come back in the order of the jobs.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from policies.errors import PolicyError
from robopatient.errors import require

__all__ = ["sweep"]

J = TypeVar("J")
R = TypeVar("R")


def sweep(
    function: Callable[[J], R],
    jobs: Sequence[J],
    *,
    workers: int = 1,
    ray_address: str = "",
    on_result: Callable[[int, R], None] | None = None,
) -> list[R]:
    """Results of a module-level function for all jobs.

    Parameters
    ----------
    workers
        Processes; 1 runs in this one, 0 takes one per core but one.
    ray_address
        "" none, "local" a cluster of this machine, else the address of a running one.
    on_result
        Told the place and the result of every job as soon as it and all before it are done.

    Raises
    ------
    MissingPackageError
        When Ray is asked for and not installed.
    PolicyError
        When no cluster answers at the address.
    """
    done: list[R] = []

    def keep(result: R) -> None:
        done.append(result)
        if on_result:
            on_result(len(done) - 1, result)

    if ray_address:
        ray: Any = require("ray", "cluster")
        address = None if ray_address == "local" else ray_address
        try:
            ray.init(address=address, ignore_reinit_error=True, log_to_driver=False)
        except (ConnectionError, ValueError) as error:
            raise PolicyError(
                f"no Ray cluster at {ray_address!r} ({error}); begin one with: ray start --head, or use --ray local"
            ) from error
        remote = ray.remote(num_cpus=1)(function)
        for reference in [remote.remote(job) for job in jobs]:
            keep(ray.get(reference))
        return done
    workers = workers or max(1, (os.cpu_count() or 2) - 1)
    if workers == 1:
        for job in jobs:
            keep(function(job))
        return done
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for result in pool.map(function, jobs):
            keep(result)
    return done
