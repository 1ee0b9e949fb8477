"""The verb that analyses a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robopatient.command import FixedSeed, Force, Json, print_json

app = typer.Typer()


@app.command("analyse", epilog="Example: robopatient study analyse export/trials.csv --out analysis")
def analyse_study(
    source: Annotated[Path, typer.Argument(metavar="RECORD|CSV", help="Session, folder of sessions, or a table.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for report, figures and tables.")],
    factors: Annotated[
        str, typer.Option(help="What was varied: names of columns, by commas; empty: those that look like factors.")
    ] = "",
    seed: FixedSeed = 1,
    force: Force = False,
    json: Json = False,
) -> None:
    """Model the answers of a study: report.html, figures, tables; the published table is read as it is."""
    from experiments.analysis.folder import write_analysis
    from experiments.analysis.words import in_short

    written = write_analysis(source, out, force, [name.strip() for name in factors.split(",") if name.strip()])
    if json:
        print_json({each.results.trials.question: each.numbers for each in written})
        return
    for folder, results, _ in written:
        people, trials = len(results.trials.participants), len(results.trials.main)
        print(f"{folder / 'report.html'}: {people} people, {trials} trials")
        for line in in_short(results):
            print(f"  {line}")
        for name, why in results.skipped.items():
            print(f"  left out, {name}: {why}")
