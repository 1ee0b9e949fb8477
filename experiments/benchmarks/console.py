"""How smoothly the operator's console turns: with four live plots, abdomen, face and the panels of a training
session, and with the trainer learning beside it. Type ``python -m experiments.benchmarks.console``.

A gap is the time between two turns of the window's event loop, sampled every 5 ms: how long a key would have waited.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from policies.plan import TrainingPlan

__all__ = ["console_gap_ms"]

SAMPLE_MS = 5
PICTURE_MS = 33
WARM_UP_S = 2.0
SIZE = (1280, 800)


def console_gap_ms(seconds: float = 20.0, *, trainer: bool = True, seed: int = 1) -> dict[str, float]:
    """Measure gaps and pictures a second of a console in a process of its own.

    Parameters
    ----------
    trainer
        Whether a training session runs beside it: one simulated answer after the other, a refit after every tenth.

    Returns
    -------
    dict
        "p50", "p99" and "max" of the gaps, ms; "fps"; "picture_p99", ms between pictures; "answers" learnt meanwhile.
    """
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_console, args=(theirs, seconds), daemon=True)
    process.start()
    theirs.close()
    answers = _teach(mine, seed) if trainer else 0
    measured: dict[str, float] = json.loads(mine.recv_bytes())
    process.join(10.0)
    return measured | {"answers": float(answers)}


def _teach(console: Connection, seed: int) -> int:
    """Answer until the console has measured enough; how often."""
    from policies.training_session import TrainingSession  # torch: not for the console's process, which reads this file

    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        session = TrainingSession(Path(folder), plan=TrainingPlan(seed=seed))
        while not console.poll():
            trial = session.press((float(rng.uniform(2.5, 10.0)),))
            values = (-1, 0, 1) if trial.question.name == "signed" else (3, 4, 5)
            session.rated(trial, float(rng.choice(values)))
        session.close()
    return len(session.learner.answers)


def _console(connection: Connection, seconds: float) -> None:
    """The window, its pictures, and the gaps between turns of its loop."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from experiments.benchmarks.rehearsal import LESSON_STATES, feed_state, operator_at, portrait, rehearse
    from robopatient.clock import HostClock
    from robopatient.console.window import ConsoleWindow

    app = QApplication([])
    model, _ = operator_at("lesson", seconds=0.1)
    host: Any = HostClock()
    model.clock = model.study.clock = host
    window = ConsoleWindow(model, lambda action: None, None)
    window.resize(*SIZE)
    window.show()
    pictures = [portrait(512, step / 10) for step in range(8)]
    begun_ns = host.now_ns()
    turns: list[int] = []
    drawn: list[int] = []

    def draw() -> None:
        now_ns = host.now_ns()
        for message in rehearse((now_ns - begun_ns) * 1e-9, now_ns):
            model.feed(message)
        if len(drawn) % 30 == 0:
            feed_state(model, now_ns)
            for message in LESSON_STATES["lesson"]:
                model.feed(message)
        model.show(512, 512, pictures[len(drawn) % len(pictures)])
        window.refresh()
        drawn.append(host.now_ns())

    timers = []
    for milliseconds, what in ((SAMPLE_MS, lambda: turns.append(time.monotonic_ns())), (PICTURE_MS, draw)):
        timer = QTimer()
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(what)
        timer.start(milliseconds)
        timers.append(timer)
    QTimer.singleShot(round((seconds + WARM_UP_S) * 1e3), app.quit)
    app.exec()
    gaps = np.diff([t for t in turns if t - turns[0] > WARM_UP_S * 1e9]) / 1e6
    spaces = np.diff([t for t in drawn if t - drawn[0] > WARM_UP_S * 1e9]) / 1e6
    measured = {
        "p50": float(np.median(gaps)),
        "p99": float(np.percentile(gaps, 99)),
        "max": float(gaps.max()),
        "fps": float(1e3 / spaces.mean()),
        "picture_p99": float(np.percentile(spaces, 99)),
    }
    connection.send_bytes(json.dumps(measured).encode())


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Measure how smoothly the operator's console turns.")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--without-trainer", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = console_gap_ms(args.seconds, trainer=not args.without_trainer)
    if args.json:
        print(json.dumps(found))
        return
    print(
        f"{found['fps']:.1f} pictures a second, {found['picture_p99']:.1f} ms between them at p99; "
        f"gap of the event loop p50 {found['p50']:.1f}, p99 {found['p99']:.1f}, max {found['max']:.1f} ms; "
        f"{found['answers']:.0f} ratings learnt "
        f"meanwhile; load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
