"""The verbs ``scenario check`` and ``scenario preview``: what is wrong with a scenario, and how it goes; no hardware.

A preview lets a simulated hand examine the scenario's patient, light and then deep, and lists what the scenario does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from robopatient.config import FaceConfig, SensingConfig, SessionConfig, VoiceConfig, asset_names
from robopatient.errors import ConfigError, RobopatientError
from robopatient.messages import ScenarioChange
from robopatient.patient import PatientProfile, load_patient
from robopatient.phantom import REGIONS, Phantom
from robopatient.scenario import Script, load_script
from robopatient.scenario.lint import problems
from robopatient.simulation.presses import Palpation, PressProfile
from robopatient.simulation.rig import Rig

__all__ = ["check", "play", "preview"]

STEP_S = 0.02
PRESS_S = 1.1
"""Length of a press: the median of the published ones."""
PAUSE_S = 0.6
END_S = 15.0
"""Untouched after the last press."""
LOOK_S = 3.0
"""Pause before the first press and between light and deep."""
LIGHT_NEWTON, DEEP_NEWTON = 8.0, 30.0
"""Peaks of the simulated hand (assumption; the median of the published free presses is 31 N)."""


def check(names: Sequence[str]) -> int:
    """Print every fault of the named scenarios (none named: all that are shipped); 1 when there is one."""
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


def preview(name: str, patient: str, triggers: Sequence[str], repeats: int) -> int:
    """Print what a scenario does while a simulated hand examines its patient."""
    script, path = load_script(name)
    faults = list(problems(script))
    if faults:
        raise ConfigError(f"{path}: {faults[0]}; type: robopatient scenario check {name}")
    who = patient or (script.patients[0] if script.patients else "healthy")
    print(f"{script.title}\n\n{script.brief}\n\npatient {who}; triggers: {', '.join(script.triggers) or 'none'}\n")
    _print_states(script)
    print("\n  time  state            event            why")
    for t_s, change in play(name, who, dict(_timed(text, script) for text in triggers), repeats):
        print(f"{t_s:6.1f}  {change.state:<16} {change.event:<16} {change.why}")
        if change.text:
            print(f"{'':42}“{change.text}”")
    return 0


def play(
    name: str, patient: str, triggers: dict[float, str] | None = None, repeats: int = 3
) -> Iterator[tuple[float, ScenarioChange]]:
    """Time, s, and each change of a scenario under a simulated examination.

    Parameters
    ----------
    triggers
        Instructor's triggers by time, s.
    repeats
        How often each region is pressed deep.
    """
    script, _ = load_script(name)
    profile = load_patient(patient)
    config = SessionConfig(
        scenario=name,
        patient=script.patients[0] if script.patients else patient,  # any other may be tried out here
        sensing=SensingConfig(tare_at_start=False),
        voice=VoiceConfig(enabled=False),
        face=FaceConfig(enabled=False),
    )
    rig = Rig(config, profile, tick_s=STEP_S)
    phantom = rig.pipeline.sensing.phantom
    examination = Palpation(_examination(phantom, profile, repeats), phantom=phantom, sites=profile.sites)
    wishes = sorted((triggers or {}).items())
    t_s = np.arange(0.0, round((examination.end_s + END_S) / STEP_S)) * STEP_S
    for at_s, cells in zip(t_s.tolist(), examination.forces(t_s, STEP_S), strict=True):
        while wishes and wishes[0][0] <= at_s:
            rig.act("trigger", wishes.pop(0)[1])
        outputs = rig.turn(round(at_s * 1e9), cells_newton=cells).outputs
        yield from ((at_s, change) for change in outputs.changes)
        if any(action.action == "quit" for action in outputs.actions):
            return


def _examination(phantom: Phantom, profile: PatientProfile, repeats: int) -> Iterator[PressProfile]:
    """Every region (or its tender site) light and then deep, the most painful one last."""
    sites = [(site.left_mm, site.head_mm) for site in profile.sites]

    def distance_mm(region: str) -> float:
        place = PressProfile(peak_newton=0.0, region=region).place_mm(phantom, profile.sites)
        return min((math.dist(place, site) for site in sites), default=0.0)

    regions = sorted((name for row in REGIONS for name in row), key=distance_mm, reverse=True)
    plan = [(region, LIGHT_NEWTON) for region in regions]
    deep = [(region, DEEP_NEWTON) for region in regions for _ in range(repeats)]
    onset_s = 0.0
    for index, (region, newton) in enumerate([*plan, *deep]):
        onset_s += LOOK_S if index in (0, len(plan)) else PAUSE_S
        half_s = PRESS_S / 2
        yield PressProfile(peak_newton=newton, region=region, rise_s=half_s, hold_s=0.0, fall_s=half_s, onset_s=onset_s)
        onset_s += PRESS_S


def _timed(text: str, script: Script) -> tuple[float, str]:
    name, _, at_s = text.rpartition("@")
    try:
        when = float(at_s)
    except ValueError:
        when = math.nan
    if name not in script.triggers or not math.isfinite(when):
        raise ConfigError(f'--trigger "{text}": write NAME@SECONDS; names are {", ".join(script.triggers) or "none"}')
    return when, name


def _print_states(script: Script) -> None:
    for state in script.states:
        leads = [rule.goto for rule in state.rules if rule.goto]
        if state.then:
            leads.append(f"{state.then} after {state.time_limit_s:g} s")
        start = " (start)" if state.name == script.start else ""
        print(f"  {state.name}{start}: leads to {', '.join(dict.fromkeys(leads)) or 'nowhere'}")
