"""Checks a scenario beyond its syntax: unknown names, states never reached, loops without time.

Every finding names the key in the notation of the file, so that the author finds the line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from robopatient.config import asset_names
from robopatient.errors import ConfigError
from robopatient.phantom import REGIONS
from robopatient.scenario.script import Rule, ScenarioEvent, Script

__all__ = ["check", "problems"]

QUESTIONS = ("nrs", "where", "quality", "feeling", "history")
KNOWN_REGIONS = tuple(name for row in REGIONS for name in row)


def check(script: Script, path: Path) -> None:
    """Raise ConfigError naming file, key and finding when a scenario cannot be played as it is written."""
    found = list(problems(script))
    if found:
        more = f" (and {len(found) - 1} more: `robopatient scenario check {path}`)" if len(found) > 1 else ""
        raise ConfigError(f"{path}: {found[0]}{more}")


def problems(script: Script) -> Iterator[str]:
    """All findings, each starting with its key."""
    names = [state.name for state in script.states]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f'states: "{name}" is there twice'
    known_patients = asset_names("patients")
    for patient in script.patients:
        if patient not in known_patients:
            yield f'patients: there is no patient "{patient}"; choose of {", ".join(known_patients)}'
    yield from _leads("start", script.start, names)
    for name, event in script.events.items():
        yield from _event(f"events.{name}", event)
    for index, moment in enumerate(script.timeline):
        key = f"timeline[{index}]"
        yield from _names(key, script, moment.event, moment.goto)
        if not moment.event and not moment.goto:
            yield f"{key}: does nothing; give it an event or a goto"
        if script.time_limit_s and moment.at_s > script.time_limit_s:
            yield f"{key}.at_s: {moment.at_s:g} s is after the end ({script.time_limit_s:g} s)"
    for state in script.states:
        key = f"states.{state.name}"
        if state.then:
            yield from _leads(f"{key}.then", state.then, names)
        if bool(state.then) != bool(state.time_limit_s):
            yield f"{key}: time_limit_s and then belong together; give both or none"
        for index, rule in enumerate(state.rules):
            yield from _rule(f"{key}.rules[{index}]", rule, script, state.time_limit_s)
    yield from _unused(script)
    yield from _unreachable(script)
    yield from _loops(script)


def _rule(key: str, rule: Rule, script: Script, limit_s: float) -> Iterator[str]:
    yield from _names(key, script, rule.event, rule.goto)
    if not rule.event and not rule.goto:
        yield f"{key}: does nothing; give it an event or a goto"
    levels = (rule.pain_at_least, rule.pain_at_most, rule.force_at_least)
    if not rule.takes_time and all(level is None for level in levels):
        yield f"{key}: waits for nothing; give it after_s, press, pain_at_least, force_at_least or trigger"
    if rule.for_s and all(level is None for level in levels):
        yield f"{key}.for_s: needs a pain or a force that lasts so long"
    if rule.again and not (rule.press or rule.trigger):
        yield f"{key}.again: would be met at every turn; only a press or a trigger can come again"
    if rule.trigger and rule.trigger not in script.triggers:
        yield f'{key}.trigger: there is no trigger "{rule.trigger}"; known are {_listed(script.triggers)}'
    if limit_s and rule.after_s >= limit_s:
        yield f"{key}.after_s: {rule.after_s:g} s is never reached, the state ends after {limit_s:g} s"
    least, most = rule.pain_at_least, rule.pain_at_most
    if least is not None and most is not None and least > most:
        yield f"{key}: pain_at_least {least:g} is above pain_at_most {most:g}"
    if rule.press is not None:
        press = rule.press
        if press.region and press.region not in KNOWN_REGIONS:
            yield f'{key}.press.region: "{press.region}" is none of {", ".join(KNOWN_REGIONS)}'
        if press.at_most_newton is not None and press.at_least_newton > press.at_most_newton:
            yield f"{key}.press: at_least_newton is above at_most_newton"


def _event(key: str, event: ScenarioEvent) -> Iterator[str]:
    if event == ScenarioEvent():
        yield f"{key}: does nothing; give it cue, ask, stress, relief, tell or end"
    if event.ask and event.ask not in QUESTIONS:
        yield f'{key}.ask: "{event.ask}" is none of {", ".join(QUESTIONS)}'


def _names(key: str, script: Script, event: str, goto: str) -> Iterator[str]:
    if event and event not in script.events:
        yield f'{key}.event: there is no event "{event}"; known are {_listed(script.events)}'
    if goto:
        yield from _leads(f"{key}.goto", goto, [state.name for state in script.states])


def _leads(key: str, to: str, names: list[str]) -> Iterator[str]:
    if to not in names:
        yield f'{key}: there is no state "{to}"; known are {", ".join(names)}'


def _unused(script: Script) -> Iterator[str]:
    rules = [rule for state in script.states for rule in state.rules]
    events = {rule.event for rule in rules} | {moment.event for moment in script.timeline}
    yield from (f"events.{name}: nothing makes it happen" for name in script.events if name not in events)
    triggers = {rule.trigger for rule in rules}
    yield from (f"triggers.{name}: no rule waits for it" for name in script.triggers if name not in triggers)


def _unreachable(script: Script) -> Iterator[str]:
    leads = {state.name: [rule.goto for rule in state.rules] + [state.then] for state in script.states}
    reached: set[str] = set()
    ahead = [script.start, *(moment.goto for moment in script.timeline)]
    while ahead:
        name = ahead.pop()
        if name in leads and name not in reached:
            reached.add(name)
            ahead += leads[name]
    yield from (f"states.{name}: is never reached from {script.start}" for name in leads if name not in reached)


def _loops(script: Script) -> Iterator[str]:
    """Circles of rules that can all be met at once: the scenario would spin without anything happening."""
    leads = {
        state.name: sorted({rule.goto for rule in state.rules if rule.goto and not rule.takes_time})
        for state in script.states
    }
    told: set[frozenset[str]] = set()
    for first in leads:
        paths = [[first]]
        while paths:
            path = paths.pop()
            for name in leads.get(path[-1], []):
                if name == first and frozenset(path) not in told:
                    told.add(frozenset(path))
                    circle = " -> ".join([*path, first])
                    yield f"states.{first}: {circle} is a circle that takes no time; give one rule after_s or for_s"
                elif name not in path:
                    paths.append([*path, name])


def _listed(names: dict[str, str] | dict[str, ScenarioEvent]) -> str:
    return ", ".join(names) or "none"
