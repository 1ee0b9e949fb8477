"""The verbs of training scenarios."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from robopatient.scenario import Script

app = typer.Typer()


@app.command("check", epilog="Example: robopatient scenario check murphy")
def check_scenarios(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names under assets/scenarios, or .toml files; all.")
    ] = None,
) -> int:
    """Check scenarios; list every fault with file and key; exit status 1 if there is one."""
    from robopatient.config import asset_names
    from robopatient.errors import RobopatientError
    from robopatient.scenario import load_script
    from robopatient.scenario.lint import problems

    faults = 0
    for name in names or asset_names("scenarios"):
        try:
            script, path = load_script(name)
            found = [f"{path}: {line}" for line in problems(script)]
        except RobopatientError as error:
            found = [str(error)]
        else:
            if not found:
                rules = sum(len(state.rules) for state in script.states)
                print(f"{path}: good ({len(script.states)} states, {rules} rules, {len(script.events)} events)")
        for line in found:
            print(line)
        faults += len(found)
    return 1 if faults else 0


@app.command("preview", epilog="Example: robopatient scenario preview murphy --patient cholecystitis --repeats 1")
def preview_scenario(
    name: Annotated[str, typer.Argument(help="Name under assets/scenarios, or a .toml file.")],
    patient: Annotated[str, typer.Option(help="Name under assets/patients; the scenario's first.")] = "",
    trigger: Annotated[
        list[str] | None, typer.Option(help="NAME@SECONDS: what the instructor does; repeatable.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, max=20, help="Deep presses on each region.")] = 3,
) -> None:
    """Examine the scenario's patient with a simulated hand; list what the scenario does and why."""
    from robopatient.errors import ConfigError
    from robopatient.scenario import load_script
    from robopatient.scenario.lint import problems
    from robopatient.simulation.scenario_preview import play

    script, path = load_script(name)
    faults = list(problems(script))
    if faults:
        raise ConfigError(f"{path}: {faults[0]}; type: robopatient scenario check {name}")
    who = patient or (script.patients[0] if script.patients else "healthy")
    triggers = dict(_timed(text, script) for text in trigger or [])
    print(f"{script.title}\n\n{script.brief}\n\npatient {who}; triggers: {', '.join(script.triggers) or 'none'}\n")
    for state in script.states:
        leads = [rule.goto for rule in state.rules if rule.goto]
        if state.then:
            leads.append(f"{state.then} after {state.time_limit_s:g} s")
        start = " (start)" if state.name == script.start else ""
        print(f"  {state.name}{start}: leads to {', '.join(dict.fromkeys(leads)) or 'nowhere'}")
    print("\n  time  state            event            why")
    for t_s, change in play(name, who, triggers, repeats):
        print(f"{t_s:6.1f}  {change.state:<16} {change.event:<16} {change.why}")
        if change.text:
            print(f"{'':42}“{change.text}”")


def _timed(text: str, script: Script) -> tuple[float, str]:
    from robopatient.errors import ConfigError

    name, _, at_s = text.rpartition("@")
    try:
        when = float(at_s)
    except ValueError:
        when = math.nan
    if name not in script.triggers or not math.isfinite(when):
        raise ConfigError(f'--trigger "{text}": write NAME@SECONDS; names are {", ".join(script.triggers) or "none"}')
    return when, name
