"""The verbs that measure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robopatient.command import FixedSeed, Json, Keep, Out, Overrides, Ray, Renders, Workers

app = typer.Typer()


@app.command("generator", epilog="Example: robopatient bench generator --rounds 2 --faces 4 --minutes 2")
def measure_generator(
    checkpoint: Annotated[
        str, typer.Option(help="Name under assets/generators, or a folder; empty: a session's.")
    ] = "",
    rounds: Annotated[int, typer.Option(min=1, help="Number of alternations with the recipe.")] = 6,
    faces: Annotated[int, typer.Option(min=1, help="Number of faces in the drift measurement.")] = 64,
    minutes: Annotated[int, typer.Option(min=2, max=60, help="Length of the drift measurement, minutes.")] = 10,
    seed: FixedSeed = 1,
    json: Json = False,
) -> None:
    """Compare the face generator with the PainDiffusion recipe: speed, size, drift over ten minutes."""
    from experiments.benchmarks.generator import bench_generator

    bench_generator(as_json=json, checkpoint=checkpoint, rounds=rounds, faces=faces, minutes=minutes, seed=seed)


@app.command("face", epilog="Example: robopatient bench face --seconds 5 --presses 0")
def measure_face(
    json: Json = False,
    seconds: Annotated[float, typer.Option(min=2, help="Duration of the live figures, s.")] = 20.0,
    identities: Annotated[int, typer.Option(min=1, max=200, help="Simulated patients for the detector.")] = 24,
    seed: FixedSeed = 1,
    judge: Annotated[str, typer.Option(help="Python with mediapipe 0.10.21, for independent landmarks.")] = "",
    presses: Annotated[
        int, typer.Option(min=0, help="Presses per level of pain, shipped face and patient; 0: none.")
    ] = 20,
) -> None:
    """Measure drawing, rates, labelled frames, PSPI of presses; compare with a detector and landmarks."""
    from experiments.benchmarks.face import bench_face

    bench_face(json, seconds, identities, seed, judge, presses)


@app.command("policy", epilog="Example: robopatient bench policy --n 4 --only score_100")
def measure_policy(
    listeners: Annotated[Path | None, typer.Option(help="Trials of people, CSV, for p_agree.")] = None,
    n: Annotated[int, typer.Option(min=1, help="Simulated listeners per figure.")] = 20,
    only: Annotated[list[str] | None, typer.Option(help="Figure's name, repeatable.")] = None,
    baselines: Annotated[bool, typer.Option(help="Also measure the other methods.")] = True,
    seed: FixedSeed = 1,
    workers: Workers = 0,
    ray: Ray = "",
    keep: Keep = None,
    json: Json = False,
) -> None:
    """Measure the learner's score over the number of ratings, compared with other methods."""
    from experiments.benchmarks.policy import bench_policy

    bench_policy(
        as_json=json, listeners=listeners, n=n, only=only or [], baselines=baselines, seed=seed, workers=workers,
        ray_address=ray, keep=keep,
    )  # fmt: skip


@app.command("latency", epilog="Example: robopatient bench latency --duration 30 --set board.rate_hz=1000")
def measure_latency(
    json: Json = False,
    duration: Annotated[float, typer.Option(min=5, help="Seconds of pressing.")] = 60.0,
    trials: Annotated[int, typer.Option(min=0, help="Presses for lag and SD of the reaction; 0: not.")] = 0,
    loopback: Annotated[
        Path | None, typer.Option(help="Read a recording instead: trigger left, answer right (WAV).")
    ] = None,
    longest: Annotated[float, typer.Option(min=1, help="Longest accepted lag in a recording, ms.")] = 1000.0,
    seed: FixedSeed = 1,
    out: Out = None,
    set_: Overrides = None,
) -> None:
    """Measure latency to sound and face and lost frames in a full session; or read a recording of both."""
    if loopback is not None:
        from experiments.benchmarks.loopback import bench_loopback

        bench_loopback(loopback, json, longest)
        return
    from experiments.benchmarks.latency import bench_latency

    bench_latency(json, duration, seed, out, set_ or [], trials)


@app.command("patient", epilog="Example: robopatient bench patient --json")
def measure_patient(json: Json = False, seed: FixedSeed = 1) -> None:
    """Measure published effects on the virtual patient, and what a step costs."""
    from experiments.benchmarks.patient import bench_patient

    bench_patient(json, seed)


@app.command("study", epilog="Example: robopatient bench study --trials 10 --kills 5 --no-files")
def measure_study(
    json: Json = False,
    trials: Annotated[
        int, typer.Option(min=0, help="Trials of a session in real time, for the latencies; 0: none.")
    ] = 30,
    kills: Annotated[int, typer.Option(min=0, help="Number of simulated sessions that are killed; 0: none.")] = 200,
    files: Annotated[bool, typer.Option(help="Also export and analyse a study of 7,680 trials.")] = True,
    seed: FixedSeed = 1,
) -> None:
    """Measure trigger-to-sound latency and jitter, answers lost when a session is killed, export and analysis."""
    from experiments.benchmarks.study import bench_study

    bench_study(json, trials, kills, seed, files)


@app.command("analysis", epilog="Example: robopatient bench analysis --sets 20")
def measure_analysis(
    sets: Annotated[int, typer.Option(min=1, max=10_000, help="Number of simulated studies per setting.")] = 200,
    keep: Keep = None,
    seed: FixedSeed = 1,
    json: Json = False,
) -> None:
    """Measure how often the intervals of study analyse hold the truth, for 4 to 20 people."""
    from experiments.benchmarks.coverage import bench_coverage

    bench_coverage(sets, keep, json, seed)


@app.command("bridge", epilog="Example: robopatient bench bridge --duration 10 --fuzz 1000000")
def measure_bridge(
    json: Json = False,
    duration: Annotated[float, typer.Option(min=5, help="Seconds of the session at 1 kHz with four cells.")] = 60.0,
    fuzz: Annotated[int, typer.Option(min=0, help="Random bytes for the parser; 100000000 takes some seconds.")] = 10
    ** 7,
    seed: FixedSeed = 1,
    set_: Overrides = None,
) -> None:
    """Measure decoding (compared with two libraries), frame loss in a session, clocks, unplugging."""
    from experiments.benchmarks.bridge import bench_bridge

    bench_bridge(json, duration, fuzz, seed, set_ or [])


@app.command("voice", epilog="Example: robopatient bench voice --duration 10 --seeds 2")
def measure_voice(
    json: Json = False,
    duration: Annotated[float, typer.Option(min=2, help="Seconds of live playing.")] = 30.0,
    seeds: Renders = 10,
    seed: FixedSeed = 1,
    device: Annotated[str, typer.Option(help="Output to play on; none: the clock.")] = "",
) -> None:
    """Measure the voice: cost, latency, alias, monotonicity, bands, pitch shifting."""
    from experiments.benchmarks.voice import bench_voice

    bench_voice(json, duration, seeds, seed, device)


@app.command("dataset", epilog="Example: robopatient bench dataset --rounds 1 --kills 0")
def measure_dataset(
    json: Json = False,
    design: Annotated[str, typer.Option(help="Name under assets/datasets, or path of a TOML file.")] = "demo",
    rounds: Annotated[int, typer.Option(min=0, help="Runs with one and with two Ray workers; 0: none.")] = 3,
    kills: Annotated[int, typer.Option(min=0, help="Number of kill -9 while a set is made; 0: none.")] = 10,
    kill_design: Annotated[str, typer.Option(help="Design of the set that is killed.")] = "small",
    seed: FixedSeed = 1,
) -> None:
    """Measure making a labelled set, its labels, a second Ray worker, and kills."""
    from experiments.benchmarks.dataset import bench_dataset

    bench_dataset(json, design, rounds, kills, kill_design, seed)
