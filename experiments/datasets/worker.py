"""What a worker does for a data set: one person, complete or not at all.

A person is drawn into a folder of a name that no other worker uses, which gets the person's name only when it is
complete: workers may be killed at any time.
"""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from functools import lru_cache

from experiments.datasets.design import DatasetDesign
from experiments.datasets.draw import DrawJob, StillRenderer, draw_person
from experiments.datasets.tables import DIGESTS, ROWS, write_digests, write_rows
from robopatient.errors import RecordError

__all__ = ["PART", "draw"]

PART = ".part"
"""Ends the name of what is not complete yet."""


def draw(job: DrawJob) -> str:
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
        rows, digests = draw_person(DrawJob(job.design, job.person, part), _studio(job.design))
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
def _studio(design: DatasetDesign) -> StillRenderer:
    os.environ.setdefault("LP_NUM_THREADS", "1")  # Mesa's rasteriser: there is one process a core
    return StillRenderer(design)
