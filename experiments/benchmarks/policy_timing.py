"""The trainer's timings: a refit, a console beside it, and a training session killed and taken up again."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import numpy as np

from experiments.benchmarks.figures import Figure, distribution, reference_process, value
from policies.checkpoint import read_weights
from policies.learner import Learner
from policies.listeners import SimulatedRater, draw_listener
from policies.plan import TrainingPlan, keyed
from policies.spaces import TASKS
from policies.train_ppo import warm_up
from policies.training_session import TrainingSession

__all__ = ["console_gap_ms", "kill_resume_difference", "refit_s"]

REFITS = 10
GAP_TICK_S = 0.010


def refit_s(seed: int) -> Figure:
    """Wall time of a refit after 60 ratings, in this process on one thread."""
    listener = draw_listener(np.random.default_rng(1000 + seed))
    learner = Learner(
        TrainingPlan(seed=seed, refit_every=10**9), read_weights("psychophysical", TASKS["pain-to-voice"])[1]
    )
    rater = SimulatedRater(listener)
    for index in range(60):
        trial = learner.suggest(keyed(seed, index, "press").uniform(-1.0, 1.0, 1))
        answer = rater.answer(trial.question, trial.state[None], trial.action[None], keyed(seed, index, "answer"))
        learner.tell(trial, int(answer[0]))
    warm_up()  # as the trainer's process does before the first press
    wall, cpu = [], []
    for _ in range(REFITS):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        learner.refit()
        wall.append(time.perf_counter() - begin)
        cpu.append(time.process_time() - begin_cpu)
    figure = distribution("refit_s", np.array(wall), target={"max": 2.0})
    return msgspec.structs.replace(figure, remark=f"processor time: median {np.median(cpu):.2f}, max {max(cpu):.2f} s")


def _train(folder: Path, seed: int, ratings: int) -> int:
    """Teach by a simulated rater, or go on with it; returns the ratings confirmed."""
    rater = SimulatedRater(draw_listener(np.random.default_rng(1000 + seed)))
    session = TrainingSession(folder, plan=TrainingPlan(seed=seed))
    while (index := len(session.learner.answers)) < ratings:
        trial = session.suggest(keyed(seed, index, "press").uniform(-1.0, 1.0, 1))
        answer = rater.answer(
            trial.question, trial.state[None], trial.action[None], keyed(seed, index, "answer"), index
        )
        session.rated(trial, float(answer[0]))
    return len(session.learner.answers)


def _trainer(connection: Connection, folder: Path, seed: int, ratings: int) -> None:
    """Body of a process that trains, says so, and then waits for its end."""
    connection.send(_train(folder, seed, ratings))
    connection.poll(None)


@contextmanager
def _training(folder: Path, seed: int, ratings: int) -> Iterator[Connection]:
    """A process that trains beside this one, and is killed at the end of the block."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_trainer, args=(theirs, folder, seed, ratings), daemon=True)
    process.start()
    theirs.close()
    try:
        yield mine
    finally:
        process.kill()
        process.join()
        mine.close()


def console_gap_ms(seed: int) -> Figure:
    """Gaps between ticks of a 10 ms loop (a console) while the trainer learns in its own process."""
    ticks: list[int] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with reference_process(folder) as reference, _training(folder / "lesson", seed, 60) as trained:
            while not trained.poll():
                time.sleep(GAP_TICK_S)
                ticks.append(time.monotonic_ns())
        times = np.array(ticks, np.int64)
        gaps_ms = np.diff(times) * 1e-6
        calm = reference[0].calm(times[:-1], times[1:]) if reference else np.ones(len(gaps_ms), bool)
    return distribution("console_gap_ms", gaps_ms, calm, target={"max": 100.0})


def kill_resume_difference(seed: int) -> Figure:
    """Largest difference of weights and next action between a training killed twice and an uninterrupted one."""
    state = np.array([0.25])
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / "whole", Path(name) / "killed"]
        _train(folders[0], seed, 45)
        for stop in (17, 30, 45):
            with _training(folders[1], seed, stop) as trained:
                assert trained.recv() == stop
        sessions = [TrainingSession(folder) for folder in folders]
        actions = [session.suggest(state).action for session in sessions]
        weights = [session.learner.weights for session in sessions]
        worst = max(
            float(np.abs(actions[0] - actions[1]).max()),
            *(float(np.abs(weights[0][k] - weights[1][k]).max()) for k in weights[0]),
        )
        for session in sessions:
            session.close()
    return value("kill_resume_difference", worst, at_most=0.0, n=45)
