"""A data set made by a command that is killed again and again, compared with that of an uninterrupted run.

Kills fall while people are drawn and while they are laid out; every other one hits the command alone, whose workers
must then end by themselves.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.datasets.design import load_design
from experiments.datasets.generate import LOCK, WORK
from experiments.datasets.layout import CHECKSUMS
from experiments.datasets.tables import DIGESTS, checksum_of
from robopatient.errors import SessionError

__all__ = ["Killed", "killed_and_not"]

LAYING_OUT = 0.3
"""Share of the kills that fall after the last person is drawn."""
DRAWING_S = (0.3, 6.0)
"""Time that a command is left to draw before a kill."""
BEGIN_S = 120.0
POLL_S = 0.002


class Killed(NamedTuple):
    """Kills that hit a running command, files of both sets together, and how many of them are the same."""

    kills: int
    files: int
    same: int


def killed_and_not(design: str, folder: Path, kills: int, seed: int, workers: int = 2) -> Killed:
    """Make a set twice below ``folder``, once in peace.

    Raises
    ------
    SessionError
        When the command ends with an error, or does not begin.
    """
    rng = np.random.default_rng(seed)
    calm, killed = folder / "undisturbed", folder / "killed"
    begun = _Command(design, calm, workers)
    begun.wait_until(drawn=True)
    all_drawn = time.monotonic()
    begun.end()
    laying_out_s = time.monotonic() - all_drawn
    hits = 0
    for number in range(3 * kills):  # one that comes after the end is no kill, and the set is begun anew
        if hits == kills:
            break
        if (killed / CHECKSUMS).is_file():
            shutil.rmtree(killed)
        late = hits >= round((1.0 - LAYING_OUT) * kills)
        command = _Command(design, killed, workers)
        command.wait_until(drawn=late)
        time.sleep(rng.uniform(0.0, laying_out_s) if late else rng.uniform(*DRAWING_S))
        hits += command.kill(whole_group=bool(number % 2))
    _Command(design, killed, workers).end()
    one, other = _digests(calm), _digests(killed)
    return Killed(hits, len(one | other), sum(other.get(name) == digest for name, digest in one.items()))


class _Command:
    """A running ``dataset generate``."""

    def __init__(self, design: str, out: Path, workers: int) -> None:
        self._people = load_design(design).balance.people
        self._out = out
        self._lock_ns = self._touched_ns()
        arguments = ["dataset", "generate", design, "--out", str(out), "--workers", str(workers)]
        program = "from robopatient.cli import main; main()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def wait_until(self, drawn: bool) -> None:
        """Return when it has locked the folder, or when all people are drawn, or when it has ended."""
        given_up = time.monotonic() + BEGIN_S
        while self._process.poll() is None and time.monotonic() < given_up:
            if self._touched_ns() != self._lock_ns and (not drawn or self._drawn() == self._people):
                return
            time.sleep(POLL_S)

    def _touched_ns(self) -> int:
        """When a command last took the folder, 0 for never."""
        lock = self._out / WORK / LOCK
        return lock.stat().st_mtime_ns if lock.is_file() else 0

    def _drawn(self) -> int:
        return len(list((self._out / WORK).glob(f"p*[0-9]/{DIGESTS}")))

    def kill(self, whole_group: bool) -> bool:
        """Send SIGKILL; whether it was still running."""
        running = self._process.poll() is None
        if running:
            (os.killpg if whole_group else os.kill)(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        return running

    def end(self) -> None:
        """Let it finish."""
        _, said = self._process.communicate()
        if self._process.returncode:
            raise SessionError(f"dataset generate ended with {self._process.returncode}: {said.strip()[-300:]}")


def _digests(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): checksum_of(path) for path in folder.rglob("*") if path.is_file()}
