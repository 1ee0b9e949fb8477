"""Start `robopatient` as a user would: in its own process, through its command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from robopatient.session.control import ACTORS_READY_S

COMMAND = [sys.executable, "-c", "from robopatient.cli import main; main()"]

START_S = ACTORS_READY_S + 60.0
"""How long the first session with empty caches may take to begin; later ones take seconds."""


def robopatient(
    *arguments: str | Path, timeout_s: float = START_S + 240, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, **environment},
    )


def default_signals() -> None:
    """Take what a terminal sends as a program does at a terminal: the runner of the tests may ignore it (nohup, &)."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Running:
    """A session in the background; leaves nothing behind."""

    def __init__(self, *arguments: str | Path) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=default_signals,
        )

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)

    def processes(self) -> dict[int, str]:
        """Every process of the session that lives, with its command line."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state, _, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(session) == self.process.pid and state != "Z":
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
            except (FileNotFoundError, ProcessLookupError):
                continue
        return found

    def signal(self, number: int) -> None:
        """Send a signal to the supervisor alone."""
        self.process.send_signal(number)

    def finish(self, timeout_s: float = 120) -> tuple[int, str]:
        """Exit status and output."""
        output, _ = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, output


def wait_until(ask, what: str, timeout_s: float = START_S, every_s: float = 0.1):
    """First true answer; a session on a busy machine, with empty caches, needs minutes to start."""
    for _ in range(round(timeout_s / every_s)):
        answer = ask()
        if answer:
            return answer
        time.sleep(every_s)
    raise AssertionError(f"never happened within {timeout_s:.0f} s: {what}")


def press_recording(path: Path, duration_s: float = 7.5) -> Path:
    """A four-cell recording of our own making: three presses on the right iliac fossa, one away from it.

    Columns as in the published files: four cells, total (floored at 1 N), x, y; 1 kHz.
    """
    t_s = np.arange(round(duration_s * 1000)) / 1000.0
    cells = np.zeros((len(t_s), 4))
    for begin_s, peak_newton, x_mm, y_mm in PRESSES:
        shape = np.sin(np.pi * np.clip((t_s - begin_s) / 0.8, 0.0, 1.0)) ** 2
        x, y = x_mm / 290.0, y_mm / 290.0
        # F1 + F4 = y F, F2 + F4 = x F; the rest shared so that all cells push
        f4 = min(x, y) / 2
        share = np.array([y - f4, x - f4, 1.0 - x - y + f4, f4])
        cells += peak_newton * shape[:, None] * share
    total = cells.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        x_mm = np.where(total > 0.5, 290.0 * (cells[:, 1] + cells[:, 3]) / total, 0.0)
        y_mm = np.where(total > 0.5, 290.0 * (cells[:, 0] + cells[:, 3]) / total, 0.0)
    table = np.column_stack([cells, np.maximum(total, 1.0), x_mm, y_mm]).astype(np.float32)
    np.savez(path, four_presses=table)
    return path


PRESSES = ((0.6, 12.0, 200.0, 152.0), (2.3, 25.0, 200.0, 152.0), (4.0, 38.0, 200.0, 152.0), (6.0, 25.0, 70.0, 150.0))
"""Begin in s, peak in N, x and y in mm."""
