"""Real-time priority for the threads that a person waits for, above ordinary work of a busy machine."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["CONTROL", "FACE", "VOICE", "calm", "hurry", "own_threads"]

CONTROL, VOICE, FACE = 30, 5, 2
"""SCHED_FIFO priorities, all below the kernel's own threads: the loop first, for all wait for it, then the sound, which
may not break off, then the pictures, which take the most time (order: assumption)."""


def hurry(native_ids: Iterable[int], priority: int, heirs: bool = False) -> bool:
    """Give threads a real-time priority; False without the right to it, and then nothing changes.

    Parameters
    ----------
    native_ids
        Threads as the kernel numbers them; 0 is the caller.
    heirs
        Whether threads that these start later have the priority, too.
    """
    policy = getattr(os, "SCHED_FIFO", 0) | (0 if heirs else getattr(os, "SCHED_RESET_ON_FORK", 0))
    done = True
    for native_id in native_ids:
        try:
            os.sched_setscheduler(native_id, policy, os.sched_param(priority))
        except (OSError, AttributeError):
            done = False
    return done


def calm(native_ids: Iterable[int]) -> None:
    """Make threads ordinary again."""
    for native_id in native_ids:
        try:
            os.sched_setscheduler(native_id, os.SCHED_OTHER, os.sched_param(0))
        except (OSError, AttributeError):
            continue


def own_threads() -> list[int]:
    """All threads of this process, those of libraries too, as the kernel numbers them."""
    try:
        return [int(task.name) for task in Path("/proc/self/task").iterdir()]
    except OSError:
        return [0]
