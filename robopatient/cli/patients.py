"""Verbs of patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robopatient.cli.common import Force, Json, do, patient


@patient.command("list")
def patient_list(json: Json = False) -> None:
    """List the patients that can be played."""
    do("robopatient.simulation.patients:list_patients", as_json=json)


@patient.command("show")
def patient_show(
    name: Annotated[str, typer.Argument(metavar="PATIENT", help="Name under assets/patients, or a .toml file.")],
    json: Json = False,
) -> None:
    """Describe a patient and the pain that presses cause."""
    do("robopatient.simulation.patients:show", name=name, as_json=json)


@patient.command("parameters")
def patient_parameters() -> None:
    """Print every key of a patient file with unit, range and source, as Markdown."""
    do("robopatient.simulation.patients:parameters")


@patient.command("fit")
def patient_fit(
    wishes: Annotated[str, typer.Argument(help='Such as "NRS 7 at 20 N on the right iliac, mild elsewhere, stoic".')],
    out: Annotated[Path | None, typer.Option("--out", help="File to write; without it, print.")] = None,
    force: Force = False,
) -> None:
    """Make a patient file from a short description."""
    do("robopatient.simulation.patients:fit", wishes=wishes, out=out, force=force)
