"""A process that another one started ends when that one is gone, however it was killed.

The end of a pipe that only the parent holds tells it: at once, whatever killed the parent, also when it died before
this process had begun. (Linux' PR_SET_PDEATHSIG tells too late in that last case, and too early when the thread that
started the process ends before its parent does.)
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

__all__ = ["PATIENCE_S", "leave_with_parent", "parent_is_gone"]

PATIENCE_S = 1.5
"""A process that is told that its parent is gone leaves within this time, or is ended: all are gone within 2 s."""
TERMINAL_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


def leave_with_parent(patience_s: float = PATIENCE_S) -> None:
    r"""Send this process SIGTERM when its parent is gone, and end it ``patience_s`` later; a child calls it first.

    What a terminal sends to all of its processes (Ctrl-C, Ctrl-\, the closed window) is left to the parent. In a
    process that multiprocessing did not start nothing is watched.
    """
    for number in TERMINAL_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGTERM)  # to the main thread: it may be waiting
        time.sleep(patience_s)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def parent_is_gone() -> bool:
    """Whether the process that started this one has ended."""
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()
