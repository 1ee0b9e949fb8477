"""The trainer's timings: a refit, a console beside it, and a training session killed and taken up again."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from experiments.benchmarks.figures import Figure, distribution, reference_process, value
from policies.answer_scales import question
from policies.checkpoint import read_weights
from policies.learner import Learner
from policies.listeners import SimulatedRater, draw_listener
from policies.plan import TrainingPlan, keyed
from policies.spaces import TASKS, physical
from policies.train_ppo import warm_up
from policies.trainer import BeginTraining, NextTrial, PressDone, Progress, Rated, TrainerClient
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


def _train_in_process(
    trainer: TrainerClient, folder: Path, seed: int, ratings: int, while_waiting: Callable[[], None]
) -> int:
    """Drive a training session with the trainer in its own process; returns the ratings confirmed."""
    listener = draw_listener(np.random.default_rng(1000 + seed))
    rater, space = SimulatedRater(listener), TASKS["pain-to-voice"]

    def ask(order: BeginTraining | PressDone | Rated) -> object:
        trainer.send(order)
        while (reply := trainer.receive(0.0)) is None:
            while_waiting()
        return reply

    progress = ask(BeginTraining(str(folder), plan=TrainingPlan(seed=seed)))
    assert isinstance(progress, Progress), progress
    while progress.answers < ratings:
        index = progress.answers
        state = keyed(seed, index, "press").uniform(-1.0, 1.0, 1)
        asked = ask(PressDone(tuple(physical(space.observation, state).tolist())))
        assert isinstance(asked, NextTrial), asked
        answer = rater.answer(
            question(asked.question), state[None], np.array([asked.coordinates]), keyed(seed, index, "answer"), index
        )
        progress = ask(Rated(index, float(answer[0])))
        assert isinstance(progress, Progress), progress
    return progress.answers


def console_gap_ms(seed: int) -> Figure:
    """Gaps between ticks of a 10 ms loop (a console) while the trainer learns in its own process."""
    ticks: list[int] = []

    def tick() -> None:
        time.sleep(GAP_TICK_S)
        ticks.append(time.monotonic_ns())

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with reference_process(folder) as reference, TrainerClient() as trainer:
            _train_in_process(trainer, folder / "lesson", seed, 60, tick)
        times = np.array(ticks, np.int64)
        gaps_ms = np.diff(times) * 1e-6
        calm = reference[0].calm(times[:-1], times[1:]) if reference else np.ones(len(gaps_ms), bool)
    return distribution("console_gap_ms", gaps_ms, calm, target={"max": 100.0})


def kill_resume_difference(seed: int) -> Figure:
    """Largest difference of weights and next action between a training killed twice and an uninterrupted one."""
    state = np.array([0.25])
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / "whole", Path(name) / "killed"]
        with TrainerClient() as trainer:
            _train_in_process(trainer, folders[0], seed, 45, lambda: time.sleep(0.001))
        for stop in (17, 30, 45):
            trainer = TrainerClient()
            confirmed = _train_in_process(trainer, folders[1], seed, stop, lambda: time.sleep(0.001))
            assert confirmed == stop
            if stop < 45 and trainer.pid:
                os.kill(trainer.pid, signal.SIGKILL)
            trainer.close()
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
