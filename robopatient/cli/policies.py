"""Verbs of policies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robopatient.cli.common import FixedSeed, Json, Keep, Out, Ray, Workers, do, policy


@policy.command("train")
def policy_train(
    simulate: Annotated[str, typer.Option(help="Simulated rater, such as psychophysical, or FILE.csv:PERSON.")] = "",
    live: Annotated[Path | None, typer.Option(help="Session TOML: a person presses, hears, sees and rates.")] = None,
    out: Out = None,
    task: Annotated[
        str, typer.Option(help="Inputs and outputs of the policy: see docs/howto/teach_a_policy.md.")
    ] = "pain-to-voice",
    question: Annotated[str, typer.Option(help="signed, agree, … ; empty: the task's own.")] = "",
    ratings: Annotated[int, typer.Option(min=1, help="Number of ratings in total.")] = 100,
    start: Annotated[str, typer.Option(help="Checkpoint to start from; empty: the shipped one.")] = "",
    seed: FixedSeed = 1,
    trust: Annotated[bool, typer.Option("--trust", help="Continue with a rater found to be unreliable.")] = False,
    board: Annotated[str | None, typer.Option(help="With --live: virtual, /dev/…, replay:FILE.")] = None,
    headless: Annotated[bool, typer.Option("--headless", help="With --live: no windows.")] = False,
    set_: Annotated[list[str] | None, typer.Option("--set", help="With --live: section.key=value, repeatable.")] = None,
    json: Json = False,
) -> None:
    """Teach a policy by ratings; the same command with the same folder resumes."""
    if bool(simulate) == bool(live):
        raise typer.BadParameter("give one of --simulate RATER and --live SESSION.toml")
    common = {"out": out, "task": task, "question_name": question, "ratings": ratings, "start": start, "seed": seed}
    if live is not None:
        overrides = tuple(set_ or ())
        do("policies.live:train_live", session=live, board=board, headless=headless, overrides=overrides, **common)
    else:
        do("policies.verbs:train", simulate=simulate, trust=trust, as_json=json, **common)


@policy.command("list")
def policy_list(json: Json = False) -> None:
    """Shipped checkpoints: what each maps, from which data."""
    do("policies.verbs:list_policies", as_json=json)


@policy.command("evaluate")
def policy_evaluate(
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
    do(
        "experiments.benchmarks.policy_evaluate:evaluate",
        listeners=listeners,
        bandit=bandit,
        checkpoint=checkpoint,
        ratings=ratings,
        seeds=seeds,
        seed=seed,
        workers=workers,
        ray_address=ray,
        keep=keep,
        as_json=json,
        **({"methods": methods} if methods else {}),
    )
