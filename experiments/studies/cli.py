"""The verb that runs a study with simulated people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robopatient.command import FixedSeed, Overrides, StudyName, Workers

app = typer.Typer()


@app.command("simulate", epilog="Example: robopatient study simulate congruence_corrected --out simulated")
def simulate_study(
    name: StudyName,
    out: Annotated[Path, typer.Option("--out", help="Folder for the sessions.")],
    listeners: Annotated[
        str, typer.Option(help="CSV of rated trials (its people answer), or congruence, psychophysical, noisy, …")
    ] = "congruence",
    participants: Annotated[int, typer.Option(min=1, max=1000, help="Number of people.")] = 20,
    sessions: Annotated[int, typer.Option(min=0, help="Sessions of each; 0: all that the study has.")] = 0,
    speed: Annotated[str, typer.Option(help="max, or times faster than life.")] = "max",
    seed: FixedSeed = 1,
    workers: Workers = 0,
    keep_all: Annotated[bool, typer.Option("--all", help="Record forces, commands and sound too.")] = False,
    effects: Annotated[
        str, typer.Option(help="Of the study's own factors: FACTOR=SDs of an answer, first to last level; by commas.")
    ] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on in --out after a break or a crash.")] = False,
    set_: Overrides = None,
) -> None:
    """Run a study with simulated people through the whole chain, faster than life."""
    from experiments.studies.simulate import simulate

    simulate(name, listeners, participants, out, sessions, seed, workers, keep_all, speed, set_ or [], effects, resume)
