"""``robopatient bench study``: how soon and how evenly a trigger sounds, and whether a killed session loses an answer.

The first two are taken from a whole session in real time: virtual board at 1 kHz, control and voice in processes of
their own, a program in the participant's place. The third kills simulated sessions with SIGKILL at random moments.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from experiments.benchmarks.figures import (
    Baseline,
    Figure,
    distribution,
    machine,
    new_result,
    reference_process,
    show,
    value,
)
from experiments.benchmarks.study_files import file_figures
from experiments.studies.lab import RATE_HZ, SimulatedSession
from experiments.studies.simulated_people import people_of
from robopatient.bus import ActorPort, Endpoints, make_endpoints
from robopatient.clock import HostClock
from robopatient.config import SessionConfig, reference
from robopatient.errors import RecordError, SessionError
from robopatient.messages import OperatorAction, SessionStop, StudyState, TrialRecord
from robopatient.parent import leave_with_parent
from robopatient.record.reader import Record
from robopatient.session.study_run import config_of
from robopatient.study.study import load_study
from robopatient.study.trials import Person

__all__ = ["bench_study", "onsets", "ratings_lost"]

PUBLISHED_BLOCK_MS = 200.0
"""The published rigs look once in 200 scans at 1 kHz (facts on the RoboPatient systems, 1.1)."""
PUBLISHED_SAVED_EVERY = 64
"""The published rig writes its answers at trials 64, 128 and 192: a crash loses up to 63."""
LONGEST_LIFE_S = 0.6
"""A simulated session is killed within so long of its first trial."""
SESSION_S = 900.0
ACTORS = ("robopatient.session.control:main", "robopatient.voice.process:main")


class Onsets(NamedTuple):
    """Latencies of trials, ms, shapes (n,), and which of them ran while the machine was calm."""

    command_ms: np.ndarray
    sound_ms: np.ndarray
    calm: np.ndarray


def bench_study(as_json: bool, trials: int, kills: int, seed: int, files: bool = True) -> None:
    """Measure, and print beside the published rigs, whether or not targets are met."""
    figures: list[Figure] = []
    baselines: list[Baseline] = []
    if trials:
        found = onsets(trials, seed)
        figures.append(distribution("trigger_to_command_ms", found.command_ms, found.calm, {"p99": 10.0}))
        figures.append(distribution("trigger_to_sound_ms", found.sound_ms, found.calm))
        figures.append(_spread(found))
        waits_ms = np.random.default_rng(seed).uniform(0.0, PUBLISHED_BLOCK_MS, len(found.command_ms))
        blocks = [distribution("trigger_to_command_ms", waits_ms)]
        blocks.append(value("onset_sd_ms", round(float(waits_ms.std(ddof=1)), 1), n=len(waits_ms)))
        baselines.append(Baseline("published 200 ms blocks (modelled: uniform)", blocks))
    if kills:
        lost, confirmed = ratings_lost(kills, seed)
        figures.append(value("ratings_lost", lost, at_most=0, n=kills))
        figures.append(value("ratings_confirmed", confirmed, n=kills))
        worst = value("ratings_lost", PUBLISHED_SAVED_EVERY - 1, n=1)
        baselines.append(Baseline("published rig, written every 64 trials (the most that one crash loses)", [worst]))
    if files:
        figures += file_figures(seed)
    show(new_result("study", figures, baselines, machine(), seed), as_json)


def _spread(found: Onsets) -> Figure:
    """SD of the onsets of calm trials, beside that of all."""
    calm = found.sound_ms[found.calm]
    raw = {"value": round(float(found.sound_ms.std(ddof=1)), 3)} if len(found.sound_ms) > 1 else {}
    if len(calm) < 2:
        return Figure(
            "onset_sd_ms", n=len(calm), target={"value": 2.0}, met=False, remark=f"no calm trials; all: {raw}"
        )
    figure = value("onset_sd_ms", round(float(calm.std(ddof=1)), 3), at_most=2.0, n=len(calm))
    return msgspec.structs.replace(figure, remark=f"all, calm or not: {raw.get('value')}")


def onsets(trials: int, seed: int) -> Onsets:
    """Latencies of ``trials`` one-shot trials of the replication in real time."""
    study = load_study("congruence_replication")
    person = Person("P01", 1, study.file.seed)
    wanted = ["voice.device=none", "board.driver=virtual", f"seed={seed}", "record.report=false"]
    config = config_of(study, person, wanted)
    rows: list[TrialRecord] = []
    with tempfile.TemporaryDirectory(prefix="robopatient-bench-") as scratch:
        folder = Path(scratch) / "session"
        folder.mkdir()
        endpoints = make_endpoints(Path(scratch))
        with reference_process(Path(scratch)) as stalls, _processes(config, endpoints, folder):
            _take_part(endpoints, trials)
        with Record(folder) as record:
            rows = record.messages("trial")
    (stall,) = stalls
    sounded = [row for row in rows if row.trigger_ns and row.command_ns and row.sound_ns]
    if not sounded:
        raise SessionError("bench study: no trial sounded; `robopatient doctor` says what is missing")
    trigger, command, sound = (
        np.array([getattr(row, name) for row in sounded]) for name in ("trigger_ns", "command_ns", "sound_ns")
    )
    return Onsets((command - trigger) * 1e-6, (sound - trigger) * 1e-6, stall.calm(trigger, sound))


def ratings_lost(kills: int, seed: int) -> tuple[int, int]:
    """Answers that were confirmed and are not in the record, and answers confirmed, over ``kills`` killed sessions."""
    rng = np.random.default_rng(seed)
    study = load_study("psychophysics")
    person = Person("P01", 1, study.file.seed)
    quiet = ["voice.enabled=false", "face.enabled=false", f"board.rate_hz={RATE_HZ:g}"]
    config = config_of(study, person, [*quiet, "record.min_free_mb=1", "record.report=false"])
    lost = confirmed = 0
    with tempfile.TemporaryDirectory(prefix="robopatient-bench-") as scratch:
        for number in range(kills):
            folder = Path(scratch) / str(number)
            said = _killed(config, folder, seed + number, float(rng.uniform(0.0, LONGEST_LIFE_S)))
            kept = _answered(folder)
            lost += len(said - kept)
            confirmed += len(said)
    return lost, confirmed


def _killed(config: SessionConfig, folder: Path, seed: int, life_s: float) -> set[int]:
    """Run a session and kill it ``life_s`` after its first answer; the trials whose answers it had confirmed."""
    ear, mouth = os.pipe()
    pid = os.fork()  # not spawned: everything is imported already, and a thousand sessions are wanted
    if pid == 0:
        os.close(ear)
        try:
            simulated = people_of("psychophysical", 1, seed)[0]
            SimulatedSession(config, folder, simulated, confirmed=lambda trial: _say(mouth, trial)).run()
        finally:
            os._exit(0)
    os.close(mouth)
    with os.fdopen(ear, "rb") as told:
        said = told.readline()
        time.sleep(life_s)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        said += told.read()
    os.waitpid(pid, 0)
    return {int(line) for line in said.split(b"\n")[:-1] if line}


def _say(mouth: int, trial: int) -> None:
    os.write(mouth, b"%d\n" % trial)


def _answered(folder: Path) -> set[int]:
    """Trials with an answer in a record; none when it was killed before there was one."""
    try:
        with Record(folder) as record:
            return {row.trial for row in record.messages("trial") if row.status == "done"}
    except RecordError:
        return set()


@contextlib.contextmanager
def _processes(config: SessionConfig, endpoints: Endpoints, folder: Path) -> Iterator[None]:
    """Control and voice, each in a process of its own."""
    context = multiprocessing.get_context("spawn")
    children: list[BaseProcess] = []
    given = (msgspec.json.encode(config), msgspec.json.encode(endpoints), str(folder))
    for main in ACTORS:
        child: Any = context.Process(target=_enter, args=(main, *given))
        child.start()
        children.append(child)
    try:
        yield
    finally:
        for child in children:
            child.join(timeout=15.0)
            if child.is_alive():
                child.terminate()


def _enter(main: str, config: bytes, endpoints: bytes, folder: str) -> None:
    leave_with_parent()
    reference(main)(
        msgspec.json.decode(config, type=SessionConfig), msgspec.json.decode(endpoints, type=Endpoints), Path(folder)
    )


def _take_part(endpoints: Endpoints, trials: int) -> None:
    """Go on from page to page, answer every question at once, and end the session after ``trials`` answers."""
    clock = HostClock()
    port = ActorPort(endpoints, ("study", "stop"))
    answered = 0
    phase = ""
    deadline_ns = clock.now_ns() + round(SESSION_S * 1e9)
    try:
        while clock.now_ns() < deadline_ns:
            for message in port.receive(timeout_ms=50):
                if isinstance(message, SessionStop):
                    return
                if not isinstance(message, StudyState):
                    continue
                fresh, phase = message.phase != phase, message.phase
                if phase in ("setup", "consent", "instructions", "break") and message.time_left_s <= 0.0:
                    port.tell(OperatorAction(clock.now_ns(), "next", source="participant"))
                elif phase == "question" and fresh:
                    port.tell(OperatorAction(clock.now_ns(), "answer", "3", source="participant"))
                    answered += 1
                if answered >= trials or phase in ("done", "aborted"):
                    port.tell(OperatorAction(clock.now_ns(), "quit", source="participant"))
                    return
    finally:
        port.close()
