"""The verbs that teach: policies by ratings, the face generator by a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robopatient.command import FixedSeed, Force, Headless, Json, Out, Overrides, SessionBoard, print_json

policy = typer.Typer()
face = typer.Typer()


@policy.command("train", epilog="Example: robopatient policy train --simulate psychophysical --ratings 100")
def train_policy(
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
    board: SessionBoard = None,
    headless: Headless = False,
    set_: Overrides = None,
    json: Json = False,
) -> int:
    """Teach a policy by ratings; the same command in its folder resumes. --board, --headless, --set: for --live."""
    if bool(simulate) == bool(live):
        raise typer.BadParameter("give one of --simulate RATER and --live SESSION.toml")
    if live is not None:
        from policies.live import train_live

        return train_live(
            session=live, out=out, task=task, question_name=question, ratings=ratings, start=start, seed=seed,
            board=board, headless=headless, overrides=tuple(set_ or ()),
        )  # fmt: skip
    from policies.simulated_training import train

    taught = train(
        simulate=simulate, out=out, task=task, question_name=question, ratings=ratings, start=start, seed=seed,
        trust=trust, quiet=json,
    )  # fmt: skip
    if json:
        print_json(taught._asdict())
        return 0
    if taught.frozen:
        print(f"Adaptation frozen: {taught.frozen}. The policy is the one it started with; --trust goes on anyway.")
    print(
        f"{taught.answers} ratings in {taught.folder}; policy in {taught.checkpoint}; learning curve in {taught.curve}"
    )
    print(f"Use it: robopatient run --set expression.preset={taught.checkpoint}")
    return 0


@policy.command("list", epilog="Example: robopatient policy list")
def list_policies(json: Json = False) -> None:
    """List the shipped checkpoints: what each maps, from which data, with which hash."""
    from rich.console import Console
    from rich.table import Table

    from policies.checkpoint import list_checkpoints

    rows = [
        {
            "name": card.name,
            "title": card.title,
            "observation": [d.name for d in card.observation],
            "action": [d.name for d in card.action],
            "data": card.data,
            "seed": card.training.get("seed"),
            "sha256": card.sha256,
            "folder": str(folder),
        }
        for folder, card in list_checkpoints()
    ]
    if json:
        print_json({"policies": rows})
        return
    table = Table(box=None)
    table.add_column("name", no_wrap=True)
    for heading in ("maps", "to", "what"):
        table.add_column(heading)
    table.add_column("hash", no_wrap=True)
    for row in rows:
        table.add_row(
            str(row["name"]),
            ", ".join(row["observation"]),  # type: ignore[arg-type]
            ", ".join(row["action"]),  # type: ignore[arg-type]
            str(row["title"]),
            str(row["sha256"])[:12],
        )
    Console().print(table)


@face.command("train", epilog="Example: robopatient face train --out my-face --smoke")
def train_face(
    config: Annotated[
        Path | None, typer.Argument(metavar="CONFIG", help="Training file (TOML); the shipped one.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for state and checkpoint.")] = Path("face-training"),
    smoke: Annotated[
        bool, typer.Option("--smoke", help="A tiny training within a minute, to test the installation.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the interrupted training in --out.")] = False,
) -> None:
    """Train the face generator on simulated or imported faces; can be stopped and resumed bit for bit."""
    from policies.train_face import train

    train(config, out, smoke, resume)


@face.command(
    "import", epilog="Example: robopatient face import openface recordings --out corpus.npz --table trials.csv"
)
def import_faces(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="biovid, unbc, openface or pyfeat.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of the recordings you have a licence for.")],
    out: Annotated[Path, typer.Option("--out", help="Corpus to write (.npz); its card beside it.")],
    table: Annotated[
        Path | None, typer.Option(help="trials.csv: file, subject, kind, split, pain and traits; see the docs.")
    ] = None,
    fps: Annotated[float, typer.Option(min=0, help="Frames per second of the recordings; 0: as in the format.")] = 0.0,
    seed: FixedSeed = 1,
    force: Force = False,
) -> None:
    """Turn recordings of real faces into a corpus that `face train` and `face evaluate` take."""
    from policies.face_import.importer import import_corpus

    import_corpus(kind=kind, path=path, out=out, table=table, fps=fps, seed=seed, force=force)
