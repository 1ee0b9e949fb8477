"""The verbs of labelled face data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robopatient.command import FixedSeed, Json, Ray, Workers, print_json

app = typer.Typer()

DataSet = Annotated[Path, typer.Argument(help="Folder of a data set.")]

TOLD = 5
"""Findings named of each check; the rest is counted."""


@app.command("generate", epilog="Example: robopatient dataset generate small --out faces")
def generate_dataset(
    design: Annotated[str, typer.Argument(help="Name under assets/datasets, or path of a TOML file.")],
    out: Annotated[Path, typer.Option("--out", help="Folder; an unfinished one is continued.")],
    workers: Workers = 0,
    ray: Ray = "",
) -> None:
    """Draw a balanced, labelled set of faces. Resumable: after an interruption run it again, the bytes are the same."""
    from experiments.datasets.generate import generate

    generate(design, out, workers, ray)


@app.command("verify", epilog="Example: robopatient dataset verify faces")
def verify_dataset(folder: DataSet, json: Json = False) -> int:
    """Check hashes, balance, labels, splits and duplicates of a data set; exit status 1 when anything is wrong."""
    from experiments.datasets.verify import verify

    checks = verify(folder)
    if json:
        print_json({"folder": str(folder), "checks": [{**c._asdict(), "passed": c.passed} for c in checks]})
    else:
        for check in checks:
            print(f"{'ok  ' if check.passed else 'FAIL'}  {check.name}: {check.agree} of {check.total}")
            for line in check.wrong[:TOLD]:
                print(f"        {line}")
            if len(check.wrong) > TOLD:
                print(f"        and {len(check.wrong) - TOLD} more")
    return 0 if all(check.passed for check in checks) else 1


@app.command("audit", epilog="Example: robopatient dataset audit faces --judge pixels")
def audit_dataset(
    folder: DataSet,
    judge: Annotated[
        str, typer.Option(help="pixels, face-mesh:PYTHON, py-feat:PYTHON, openface:PROGRAM or command:PROGRAM.")
    ] = "pixels",
    seed: FixedSeed = 1,
    json: Json = False,
) -> None:
    """Compare a pain detector's hit and false-alarm rates across groups of people, on a data set of stills."""
    from experiments.datasets.audit import audit
    from experiments.judges.judge import KINDS
    from experiments.judges.pictures import make_picture_judge

    if judge in KINDS:
        print(f"{judge}: not applicable: it sees action units or hears a voice, no picture; audit a judge of pictures")
        return
    report = audit(folder, make_picture_judge(judge), seed)
    if json:
        print_json(report)
        return
    print(
        f"{report['judge']} at {report['threshold']:.2f} NRS: {report['found_face']:.1%} of faces found; "
        f"pain where there is some {report['tpr']:.3f}, where there is none {report['fpr']:.3f}"
    )
    for attribute, row in report["attributes"].items():
        print(f"{attribute}:")
        for group, rates in row["groups"].items():
            print(
                f"  {group:10} true positives {rates['tpr']:.3f}, false {rates['fpr']:.3f} ({rates['people']} people)"
            )
        for rate in ("tpr", "fpr"):
            gap = row["gaps"][rate]
            print(
                f"  widest gap in {rate}: {gap['gap']:.3f} (95 % {gap['low']:.3f} to {gap['high']:.3f}); chance alone "
                f"leaves up to {gap['null_95']:.3f} in 95 of 100, p {gap['p']:.3f}"
            )
