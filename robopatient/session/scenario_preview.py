"""The verbs ``scenario check`` and ``scenario preview``: what is wrong with a scenario, and how it goes; no hardware.

A preview lets a made-up hand examine the scenario's patient, light and then deep, and lists what the scenario does.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from robopatient.config import asset_names, load_session
from robopatient.errors import ConfigError, RobopatientError
from robopatient.messages import ForceFrame, OperatorAction, Press, ScenarioChange
from robopatient.patient import Patient, load_patient
from robopatient.phantom import REGIONS, Phantom, load_phantom
from robopatient.scenario import Scenario, Script, load_script
from robopatient.scenario.lint import problems

__all__ = ["check", "play", "preview"]

STEP_S = 0.02
PRESS_S = 1.1
"""Length of a press: the median of the published ones."""
PAUSE_S = 0.6
LOOK_S = 3.0
"""Pause before the first press and between light and deep."""
LIGHT_NEWTON, DEEP_NEWTON = 8.0, 30.0
"""Peaks of the made-up hand (assumption; the median of the published free presses is 31 N)."""


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
    """Print what a scenario does while a made-up hand examines its patient."""
    script, path = load_script(name)
    faults = list(problems(script))
    if faults:
        raise ConfigError(f"{path}: {faults[0]}; type: robopatient scenario check {name}")
    who = patient or (script.patients[0] if script.patients else "healthy")
    print(f"{script.title}\n\n{script.brief}\n\npatient {who}; triggers: {', '.join(script.triggers) or 'none'}\n")
    _print_states(script)
    print("\n  time  state            event            why")
    for t_s, change in play(script, who, dict(_timed(text, script) for text in triggers), repeats):
        print(f"{t_s:6.1f}  {change.state:<16} {change.event:<16} {change.why}")
        if change.text:
            print(f"{'':42}“{change.text}”")
    return 0


def play(
    script: Script, patient: str, triggers: dict[float, str] | None = None, repeats: int = 3
) -> Iterator[tuple[float, ScenarioChange]]:
    """Time, s, and each change of a scenario under a made-up examination.

    Parameters
    ----------
    triggers
        Instructor's triggers by time, s.
    repeats
        How often each region is pressed deep.
    """
    phantom = load_phantom(load_session(None).sensing.phantom)
    profile = load_patient(patient)
    felt, scenario = Patient(profile, 1, phantom), Scenario(script)
    wishes = sorted((triggers or {}).items())
    ended = False
    sites = [phantom.plate_mm(site.left_mm, site.head_mm) for site in profile.sites]
    for frame, pressed in _examination(phantom, sites, repeats):
        t_s = frame.t_ns * 1e-9
        due = [name for at_s, name in wishes if at_s <= t_s]
        wishes = wishes[len(due) :]
        actions = [OperatorAction(frame.t_ns, "trigger", name) for name in due]
        step = scenario.step(frame, felt.step(frame), pressed, actions, frame.t_ns)
        yield from ((t_s, change) for change in step.changes)
        for action in step.actions:
            if action.action == "cue":
                felt.cue(action.argument)
            elif action.action == "stress":
                felt.stress = float(action.argument)
            elif action.action == "relief":
                felt.relief = float(action.argument)
            ended = ended or action.action == "quit"
        if ended:
            return


def _examination(
    phantom: Phantom, sites: Sequence[tuple[float, float]], repeats: int
) -> Iterator[tuple[ForceFrame, list[Press]]]:
    """Frames of a hand that presses the middle of every region (or its tender site), the most painful one last."""
    places = sorted(_places(phantom, sites), key=lambda place: -_distance(place, sites))
    plan = [(place, LIGHT_NEWTON) for place in places]
    deep = [(place, DEEP_NEWTON) for place in places for _ in range(repeats)]
    t_s = 0.0
    for index, (place, newton) in enumerate([*plan, *deep]):
        pause_s = LOOK_S if index in (0, len(plan)) else PAUSE_S
        for _ in range(round(pause_s / STEP_S)):
            yield _frame(t_s, 0.0, place), []
            t_s += STEP_S
        begin_s = t_s
        for step in range(round(PRESS_S / STEP_S)):
            yield _frame(t_s, newton * math.sin(math.pi * step * STEP_S / PRESS_S) ** 2, place), []
            t_s += STEP_S
        begin, peak, end = (round(at * 1e9) for at in (begin_s, begin_s + PRESS_S / 2, t_s))
        rise = newton / (PRESS_S / 2)
        yield (
            _frame(t_s, 0.0, place),
            [Press(begin, 0, peak, 0, end, newton, rise, *place, phantom.region(*place))],
        )
        t_s += STEP_S
    for _ in range(round(15.0 / STEP_S)):
        yield _frame(t_s, 0.0, places[0]), []
        t_s += STEP_S


def _places(phantom: Phantom, sites: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    edges = [
        (0.0, *lines, size)
        for lines, size in (
            (phantom.vertical_lines_mm, phantom.width_mm),
            (phantom.horizontal_lines_mm, phantom.height_mm),
        )
    ]
    middles = [[(low + high) / 2 for low, high in itertools.pairwise(edge)] for edge in edges]
    by_region = {phantom.region(x, y): (x, y) for x in middles[0] for y in middles[1]}
    by_region |= {phantom.region(*site): site for site in sites}
    return (by_region[name] for row in REGIONS for name in row)


def _distance(place: tuple[float, float], sites: Sequence[tuple[float, float]]) -> float:
    return min((math.dist(place, site) for site in sites), default=0.0)


def _frame(t_s: float, newton: float, place: tuple[float, float]) -> ForceFrame:
    t_ns = round(t_s * 1e9)
    return ForceFrame(t_ns, t_ns, round(t_s / STEP_S), (newton,), place if newton > 2.0 else None)


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
