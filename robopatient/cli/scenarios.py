"""Verbs of training scenarios."""

from __future__ import annotations

from typing import Annotated

import typer

from robopatient.cli.common import do, scenario


@scenario.command("check")
def scenario_check(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names under assets/scenarios, or .toml files; all.")
    ] = None,
) -> None:
    """Check scenarios; list every fault with file and key; exit status 1 if there is one."""
    do("robopatient.simulation.scenario_preview:check", names=names or [])


@scenario.command("preview")
def scenario_preview(
    name: Annotated[str, typer.Argument(help="Name under assets/scenarios, or a .toml file.")],
    patient: Annotated[str, typer.Option(help="Name under assets/patients; the scenario's first.")] = "",
    trigger: Annotated[
        list[str] | None, typer.Option(help="NAME@SECONDS: what the instructor does; repeatable.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, max=20, help="Deep presses on each region.")] = 3,
) -> None:
    """Examine the scenario's patient with a simulated hand; list what the scenario does and why."""
    do(
        "robopatient.simulation.scenario_preview:preview",
        name=name,
        patient=patient,
        triggers=trigger or [],
        repeats=repeats,
    )
