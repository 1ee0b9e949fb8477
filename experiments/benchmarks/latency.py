"""``robopatient bench latency``: touch to sound, touch to face, frames lost, with everything running.

A whole session on the virtual board at 1 kHz and four cells, voice and face in their own processes, measured from its
own record. Beside it: a reference process (see ``figures.py``), the sound server's monitor where there is one, and the
published rig's 200 ms blocks applied to the very same touches.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from experiments.benchmarks.figures import (
    Baseline,
    Figure,
    ReferenceLateness,
    distribution,
    machine,
    new_result,
    reference_process,
    show,
    value,
)
from experiments.benchmarks.monitor import Capture, capture_monitor, delays_ms
from experiments.benchmarks.trial_latency import TrialLags, lag_figures, trial_lags
from experiments.benchmarks.voice import count_underruns, underrun_figures
from robopatient.config import SessionConfig
from robopatient.errors import require
from robopatient.record.latency import Answers, touch_to_face, touch_to_sound
from robopatient.record.reader import Record
from robopatient.record.visibility import load_visibility
from robopatient.session.run import resolve
from robopatient.session.supervisor import Supervisor
from robopatient.voice.engine import LOOKAHEAD_S

__all__ = ["bench_latency"]

ENOUGH_CALM = 200
"""Calm samples wanted of each latency before the bench stops extending itself."""
MOST_RUNS = 3
MOST_TRIAL_RUNS = 100
"""Runs for ``trials``: a minute has some twenty presses."""
PUBLISHED_BLOCK_S = 0.2
"""The published rigs decide once in 200 scans at 1 kHz (facts on the RoboPatient systems, 1.1)."""
AUDIBLE_DBFS = -50.0
"""The idle breath stays below -55 dBFS; what is louder is a reaction."""


class Run(msgspec.Struct, frozen=True):
    """What one session left to measure."""

    sound: Answers
    face: Answers
    sound_trials: TrialLags
    face_trials: TrialLags
    monitor_delay_ms: np.ndarray
    reference: ReferenceLateness
    frames: int
    frames_lost: int
    face_fps: float
    dropped: int
    underruns: tuple[int, int]
    blocks: int
    loop_late_p99_us: np.ndarray
    start_to_sound_s: float


def bench_latency(
    as_json: bool, duration_s: float, seed: int, out: Path | None, overrides: list[str], trials: int = 0
) -> None:
    """Run sessions until there are enough calm samples, print the figures.

    Parameters
    ----------
    trials
        Presses over which to report lag and SD as well; sessions go on until there are as many. 0: not.
    """
    runs: list[Run] = []
    with tempfile.TemporaryDirectory(prefix="robopatient-bench-") as scratch:
        root = out or Path(scratch)
        for number in range(MOST_TRIAL_RUNS if trials else MOST_RUNS):
            config = resolve(None, True, None, duration_s, seed + number, None, ["record.report=false", *overrides])
            runs.append(_session(config, root / f"run-{number + 1}"))
            calm = min(int(_calm(runs, "sound").sum()), int(_calm(runs, "face").sum()))
            pressed = sum(len(run.sound_trials.received_ns) for run in runs)
            print(f"run {number + 1}: {calm} calm samples, {pressed} presses so far", file=sys.stderr)
            if calm >= ENOUGH_CALM and pressed >= trials:
                break
    figures = _figures(runs)
    if trials:
        references = [run.reference for run in runs]
        figures += lag_figures("force_to_sound", [run.sound_trials for run in runs], references, trials)
        figures += lag_figures("force_to_face", [run.face_trials for run in runs], references, trials)
    baselines = [Baseline("published 200 ms blocks, same touches (modelled)", [_published(runs)])]
    show(new_result("latency", figures, baselines, _machine(runs), seed), as_json)


def _session(config: SessionConfig, folder: Path) -> Run:
    folder.mkdir(parents=True)
    supervisor = Supervisor(config, folder / "session", lambda line: print(line, file=sys.stderr))
    with reference_process(folder) as reference, capture_monitor(folder) as captured:
        supervisor.run()
    with Record(folder / "session") as record:
        heard, seen, health = record.table("heard"), load_visibility(record).table(), record.table("health")
        sound = touch_to_sound(record.table("voice"), heard)
        face = touch_to_face(record.table("face"), seen)
        force = record.table("force", "received_ns", "total_newton")
        span_s = float(seen["t_ns"][-1] - seen["t_ns"][0]) * 1e-9 if len(seen["t_ns"]) > 1 else float("nan")
        loud = heard["t_ns"][heard["level_dbfs"] > AUDIBLE_DBFS]
        return Run(
            sound=sound,
            face=face,
            sound_trials=trial_lags(force, sound),
            face_trials=trial_lags(force, face),
            monitor_delay_ms=_monitor_delays(config, folder, captured, heard, sound),
            reference=reference[0],
            frames=int(health["frames"][-1]),
            frames_lost=int(health["frames_lost"][-1]),
            face_fps=(len(seen["t_ns"]) - 1) / span_s,
            dropped=int(seen["dropped"].sum()),
            underruns=count_underruns(heard["t_ns"], heard["underruns"], reference[0]),
            blocks=len(heard["t_ns"]),
            loop_late_p99_us=health["loop_late_p99_us"],
            start_to_sound_s=float(loud[0] - supervisor.started_ns) * 1e-9 if len(loud) else float("nan"),
        )


def _monitor_delays(
    config: SessionConfig, folder: Path, captured: list[Capture], heard: dict[str, Any], sound: Answers
) -> np.ndarray:
    """For each answer, how much later the monitor heard it than PortAudio said, ms; empty without a monitor."""
    path = folder / "session" / "voice.wav"
    if not captured or not path.exists() or config.voice.sample_rate_hz != 48_000:
        return np.array([])
    voice, _ = require("soundfile", "audio").read(path, dtype="float32")
    block = heard["block"][np.searchsorted(heard["t_ns"], sound.answered_ns)]
    sample = block * config.voice.block_frames + round(LOOKAHEAD_S * config.voice.sample_rate_hz)
    return delays_ms(captured[0], voice, sound.answered_ns, sample)


def _figures(runs: list[Run]) -> list[Figure]:
    sound, face = _all(runs, "sound"), _all(runs, "face")
    figures = [distribution("touch_to_sound_ms", sound, _calm(runs, "sound"), {"p50": 15.0, "p95": 25.0})]
    heard = [(run.sound.latency_ms + run.monitor_delay_ms) for run in runs if len(run.monitor_delay_ms)]
    if heard:
        known = np.concatenate(heard)
        calm = np.concatenate([_calm([run], "sound") for run in runs if len(run.monitor_delay_ms)])
        found = np.isfinite(known)
        figures.append(distribution("touch_to_monitor_ms", known[found], calm[found]))
    else:
        figures.append(Figure("touch_to_monitor_ms", n=0, remark="no PulseAudio sink with a monitor is running"))
    frames, lost = sum(run.frames for run in runs), sum(run.frames_lost for run in runs)
    fps = float(np.mean([run.face_fps for run in runs]))
    late_us = np.concatenate([run.loop_late_p99_us for run in runs])
    ours, everything = (sum(counts) for counts in zip(*(run.underruns for run in runs), strict=True))
    return [
        *figures,
        distribution("touch_to_face_ms", face, _calm(runs, "face"), {"p50": 80.0, "p95": 120.0}),
        *underrun_figures(ours, everything, sum(run.blocks for run in runs)),
        value("frames_lost", lost, at_most=0, n=frames),
        value("face_fps", round(fps, 2), at_least=25.0, n=sum(run.dropped for run in runs)),
        value("start_to_first_sound_s", round(min(run.start_to_sound_s for run in runs), 2), at_most=5.0),
        distribution("loop_lateness_us", late_us),
    ]


def _published(runs: list[Run]) -> Figure:
    """The same touches, had they waited for the end of a 200 ms block before the same playback."""
    block_ns = round(PUBLISHED_BLOCK_S * 1e9)
    waits = [(-run.sound.received_ns % block_ns) * 1e-6 for run in runs]
    playback = [np.full(len(run.sound.received_ns), np.median(run.sound.latency_ms)) for run in runs]
    latency = np.concatenate(waits) + np.concatenate(playback)
    return distribution("touch_to_sound_ms", latency, _calm(runs, "sound"))


def _all(runs: list[Run], channel: str) -> np.ndarray:
    return np.concatenate([getattr(run, channel).latency_ms for run in runs])


def _calm(runs: list[Run], channel: str) -> np.ndarray:
    parts = []
    for run in runs:
        answers: Answers = getattr(run, channel)
        parts.append(run.reference.calm(answers.received_ns, answers.answered_ns))
    return np.concatenate(parts)


def _machine(runs: list[Run]) -> dict[str, Any]:
    due = np.concatenate([run.reference.due_ns for run in runs])
    late = np.concatenate([run.reference.late_ms for run in runs])
    return machine(ReferenceLateness(due, late)) | {"runs": len(runs)}
