"""Verbs of data sets and of judges."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robopatient.cli.common import FixedSeed, Force, Json, dataset, do, judge


@dataset.command("generate")
def dataset_generate(
    design: Annotated[str, typer.Argument(help="Name under assets/datasets, or path of a TOML file.")],
    out: Annotated[Path, typer.Option("--out", help="Folder; an unfinished one is continued.")],
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 takes one per core.")] = 0,
    ray: Annotated[str, typer.Option(metavar="local|ADDRESS", help="Draw on a Ray cluster.")] = "",
) -> None:
    """Draw a balanced, labelled set of faces. Resumable: after an interruption run it again, the bytes are the same."""
    do("experiments.datasets.verbs:generate", design=design, out=out, workers=workers, ray=ray)


@dataset.command("verify")
def dataset_verify(folder: Annotated[Path, typer.Argument(help="Folder of a data set.")], json: Json = False) -> None:
    """Check hashes, balance, labels, splits and duplicates of a data set."""
    do("experiments.datasets.verbs:verify_folder", folder=folder, as_json=json)


@dataset.command("audit")
def dataset_audit(
    folder: Annotated[Path, typer.Argument(help="Folder of a data set of stills.")],
    judge: Annotated[
        str, typer.Option(help="pixels, face-mesh:PYTHON, py-feat:PYTHON, openface:PROGRAM or command:PROGRAM.")
    ] = "pixels",
    seed: FixedSeed = 1,
    json: Json = False,
) -> None:
    """Compare a pain detector's hit and false-alarm rates across groups of people."""
    do("experiments.datasets.audit:audit_folder", folder=folder, judge=judge, seed=seed, as_json=json)


@judge.command("list")
def judge_list() -> None:
    """Kinds of judges, and sources of clips."""
    do("experiments.judges.verbs:list_judges")


@judge.command("train")
def judge_train(
    kind: Annotated[str, typer.Argument(help="A kind of: robopatient judge list.")],
    source: Annotated[
        str, typer.Argument(help="corpus, engine:NAME, voice:NAME, dataset:FOLDER, session:FOLDER, table:CSV.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the judge.")],
    seed: FixedSeed = 1,
    force: Force = False,
) -> None:
    """Train a judge on one source and freeze it with a card and a hash."""
    do("experiments.judges.verbs:train_judge", kind=kind, source=source, out=out, seed=seed, force=force)


@judge.command("score")
def judge_score(
    judge: Annotated[Path, typer.Argument(help="Folder of a judge.")],
    source: Annotated[str, typer.Argument(help="As for training; refused when both share a lineage.")],
    seed: FixedSeed = 1,
    json: Json = False,
) -> None:
    """Score clips of another lineage with a frozen judge, with intervals and negative controls."""
    do("experiments.judges.verbs:score_clips", judge=judge, source=source, seed=seed, as_json=json)
