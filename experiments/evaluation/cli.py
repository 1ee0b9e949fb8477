"""The verbs that say what a voice, a face generator or a policy is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robopatient.command import FixedSeed, Force, Json, Keep, Ray, Renders, Workers

voice = typer.Typer()
face = typer.Typer()
policy = typer.Typer()


@voice.command("evaluate", epilog="Example: robopatient voice evaluate --out voices.html --identity mei --seeds 3")
def evaluate_voices(
    out: Annotated[Path | None, typer.Option("--out", help="HTML page to write; none: only print.")] = None,
    identity: Annotated[
        list[str] | None, typer.Option(help="Name under assets/voices, repeatable; all when not given.")
    ] = None,
    seeds: Renders = 10,
    force: Force = False,
    json: Json = False,
) -> None:
    """Measure how well the voice distinguishes pain and people, compared with published sounds."""
    from experiments.evaluation.voice import evaluate_voice

    evaluate_voice(identity or [], seeds, out, force, json)


@face.command("evaluate", epilog="Example: robopatient face evaluate --quick --out face-evaluation")
def evaluate_face(
    generator: Annotated[
        str, typer.Option(help="Name under assets/generators, a folder, or a baseline; empty: that of a session.")
    ] = "",
    corpus: Annotated[
        Path | None, typer.Option(help="Corpus (.npz) of `face import`; none: the simulated one.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for report.html.")] = Path("face-evaluation"),
    baseline: Annotated[list[str] | None, typer.Option(help="Compare with this one only; repeatable.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A tiny corpus and seconds of training, to test the installation.")
    ] = False,
    faces: Annotated[bool, typer.Option(help="Draw faces and a film into the report.")] = True,
    seed: FixedSeed = 1,
    force: Force = False,
    json: Json = False,
) -> None:
    """Measure a face generator and every baseline on held-out people; write a report with plots, tables and films."""
    from experiments.evaluation.generator import evaluate_generator

    evaluate_generator(
        generator=generator, corpus=corpus, out=out, baselines=tuple(baseline) if baseline else None, quick=quick,
        faces=faces, seed=seed, force=force, as_json=json,
    )  # fmt: skip


@face.command("calibrate", epilog="Example: robopatient face calibrate my-face/checkpoint")
def calibrate_face(
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="Name under assets/generators, or a folder.")
    ] = "default",
    repeats: Annotated[int, typer.Option(min=1, help="Repeats of every press on every shipped face.")] = 3,
    seed: FixedSeed = 1,
) -> None:
    """Measure the PSPI a generator shows for a press; write the dose that makes all faces show about the same."""
    from experiments.evaluation.dose import calibrate

    calibrate(checkpoint, repeats, seed)


@policy.command("evaluate", epilog="Example: robopatient policy evaluate --listeners rated.csv --ratings 100")
def evaluate_policies(
    listeners: Annotated[
        Path | None, typer.Option(help="Trials of people, CSV; each is left out of every prior.")
    ] = None,
    bandit: Annotated[Path | None, typer.Option(help="Logged random trials, CSV, for offline estimates.")] = None,
    checkpoint: Annotated[str, typer.Option(help="Checkpoint that is evaluated on the logged trials.")] = "congruence",
    methods: Annotated[list[str] | None, typer.Option("--method", help="Repeatable; none: all.")] = None,
    ratings: Annotated[int, typer.Option(min=1, help="Number of ratings of a training session.")] = 200,
    seeds: Annotated[int, typer.Option(min=1, help="Training sessions per person.")] = 2,
    seed: FixedSeed = 1,
    workers: Workers = 0,
    ray: Ray = "",
    keep: Keep = None,
    json: Json = False,
) -> None:
    """Run every method on people fitted to their own trials: score curves, P(agree), time to target."""
    from experiments.evaluation.policy import evaluate
    from policies.evaluate import METHODS

    evaluate(
        listeners=listeners, bandit=bandit, checkpoint=checkpoint, methods=methods or METHODS, ratings=ratings,
        seeds=seeds, seed=seed, workers=workers, ray_address=ray, keep=keep, as_json=json,
    )  # fmt: skip
