"""The verb that analyses a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robopatient.command import FixedSeed, Force, Json, print_json

if TYPE_CHECKING:
    from experiments.analysis.trials import Trials

app = typer.Typer()


@app.command("analyse", epilog="Example: robopatient study analyse export/trials.csv --out analysis")
def analyse_study(
    source: Annotated[Path, typer.Argument(metavar="RECORD|CSV", help="Session, folder of sessions, or a table.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for report, figures and tables.")],
    factors: Annotated[
        str, typer.Option(help="What was varied: names of columns, by commas; empty: those that look like factors.")
    ] = "",
    study: Annotated[str, typer.Option(help="Which study, where the sessions are of several.")] = "",
    check: Annotated[
        int, typer.Option(min=0, max=10_000, help="Simulated studies of this design, to test the intervals; 0: none.")
    ] = 0,
    seed: FixedSeed = 1,
    force: Force = False,
    json: Json = False,
) -> int:
    """Model the answers of a study: report.html, figures, tables; the published table is read as it is."""
    from experiments.analysis.folder import write_analysis
    from experiments.analysis.words import in_short, settled

    named = [name.strip() for name in factors.split(",") if name.strip()]
    written = write_analysis(source, out, force, named, study)
    status = 1 if any(each.results.trials.unreadable for each in written) else 0
    checks = {each.results.trials.question: _check(each.results.trials, check, seed) for each in written if check}
    if json:
        print_json(
            {question: each.numbers | ({"check": checks[question]} if check else {}) for each in written
             for question in (each.results.trials.question,)}
        )  # fmt: skip
        return status
    for folder, results, _ in written:
        trials = results.trials
        print(f"{folder / 'report.html'}: {len(trials.participants)} people, {len(trials.main)} trials")
        for line in (*in_short(results), *settled(results), *trials.remarks):
            print(f"  {line}")
        for name, why in results.skipped.items():
            print(f"  left out, {name}: {why}")
        for row in checks.get(trials.question, []):
            print(
                f"  check, {row['model']}, {row['term']}: the interval holds the truth ({row['truth']:+.3f}) in "
                f"{row['holds_truth']:.1%} of {row['quoted']} simulated studies; {row['sets']} were drawn"
            )
    return status


def _check(trials: Trials, sets: int, seed: int) -> list[dict[str, Any]]:
    from experiments.analysis.coverage import check_design, summary

    return summary([one for each in check_design(trials, sets, seed) for one in each])
