"""A scenario as a pure stage: force, pain, presses and operator actions in, changes and actions out.

It sees nothing but what the journal holds and asks no clock, so that a replay plays the same scenario bit for bit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec

from robopatient.levels import Flag
from robopatient.messages import ForceFrame, OperatorAction, PainState, Press, ScenarioChange
from robopatient.scenario.script import PressRule, Rule, ScenarioEvent, Script, State

__all__ = ["SOURCE", "Scenario", "ScenarioStep"]

SOURCE = "scenario"
"""Source of the actions that a scenario takes."""


class ScenarioStep(msgspec.Struct, frozen=True, gc=False):
    """What one turn brought: for the record and the instructor, and for the patient and the session."""

    changes: tuple[ScenarioChange, ...] = ()
    actions: tuple[OperatorAction, ...] = ()


NOTHING = ScenarioStep()


class Waiting:
    """One rule of the present state and what it remembers."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.met = False
        self.matched_s: deque[float] = deque(maxlen=rule.press.count if rule.press else 1)
        self.since_s: float | None = None


class Scenario:
    """Plays a script.

    The clock of the scenario stands still while the session is paused. At most one change of state a turn.

    Parameters
    ----------
    script
        Checked by ``robopatient.scenario.lint``.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.state = ""
        self.elapsed_s = 0.0
        self._states = {state.name: state for state in script.states}
        self._timeline = deque(sorted(script.timeline, key=lambda moment: moment.at_s))
        self._rules: list[Waiting] = []
        self._entered_s = 0.0
        self._t_ns: int | None = None
        self._held = False
        self._ended = False
        self._worst_nrs = 0.0
        self._touched = False
        self._t = 0
        self._seq = 0
        self._changes: list[ScenarioChange] = []
        self._actions: list[OperatorAction] = []

    def step(
        self,
        force: ForceFrame,
        pain: PainState,
        presses: Sequence[Press],
        actions: Sequence[OperatorAction],
        t_ns: int,
    ) -> ScenarioStep:
        """One turn of the loop.

        Parameters
        ----------
        force, pain
            What is felt now.
        presses
            Those that ended since the last turn.
        actions
            Those of the operator since the last turn; others than "trigger" and "scenario" are ignored.
        t_ns
            Time of the turn.
        """
        self._t, self._seq = t_ns, force.seq
        if self._t_ns is not None and Flag.PAUSED not in force.flags:
            self.elapsed_s += max(0.0, (t_ns - self._t_ns) * 1e-9)
        self._t_ns = t_ns
        if not self.state:
            self._enter(self.script.start, "start")
        self._feel(pain)
        triggers = self._obey(actions)
        if not self._held and not self._ended:
            self._follow_timeline()
            self._follow_rules(force, pain, presses, triggers)
            self._keep_time()
        if not self._changes and not self._actions:
            return NOTHING
        step = ScenarioStep(tuple(self._changes), tuple(self._actions))
        self._changes.clear()
        self._actions.clear()
        return step

    def _feel(self, pain: PainState) -> None:
        """Keep the worst pain of the press that is going on, or was last."""
        touched = pain.phase != "rest"
        if touched and not self._touched:
            self._worst_nrs = 0.0
        self._touched = touched
        self._worst_nrs = max(self._worst_nrs, pain.nrs) if touched else self._worst_nrs

    def _obey(self, actions: Sequence[OperatorAction]) -> set[str]:
        """Do what the instructor overrides; return the triggers that were pressed."""
        triggers: set[str] = set()
        for action in actions:
            if action.action == "trigger":
                triggers.add(action.argument)
                if action.argument not in self.script.triggers:
                    self._record_change(f'no trigger "{action.argument}" in this scenario', "refused")
            elif action.action == "scenario":
                verb, _, name = action.argument.partition(" ")
                match verb:
                    case "goto" if name in self._states:
                        self._enter(name, "instructor")
                    case "event" if name in self.script.events:
                        self._happen(name, "instructor")
                    case "hold":
                        self._held = True
                        self._record_change("the scenario waits", "instructor")
                    case "go" if name == "on":
                        self._held = False
                        self._record_change("the scenario goes on", "instructor")
                    case _:
                        self._record_change(f'"{action.argument}" is no state or event of this scenario', "refused")
        return triggers

    def _follow_timeline(self) -> None:
        while self._timeline and self._timeline[0].at_s <= self.elapsed_s:
            moment = self._timeline.popleft()
            why = f"{moment.at_s:g} s have passed"
            if moment.event:
                self._happen(moment.event, why)
            if moment.goto:
                self._enter(moment.goto, why)

    def _follow_rules(self, force: ForceFrame, pain: PainState, presses: Sequence[Press], triggers: set[str]) -> None:
        newton = force.total_newton
        for waiting in self._rules:
            rule = waiting.rule
            if rule.press is not None:
                for press in presses:
                    if _matches(rule.press, press, self._worst_nrs):
                        waiting.matched_s.append(self.elapsed_s)
            if (waiting.met and not rule.again) or not self._is_met(waiting, newton, pain.nrs, triggers):
                continue
            waiting.met = True
            waiting.matched_s.clear()
            why = _why(rule)
            if rule.event:
                self._happen(rule.event, why)
            if rule.goto:
                self._enter(rule.goto, why)
                return

    def _is_met(self, waiting: Waiting, newton: float, nrs: float, triggers: set[str]) -> bool:
        rule, now_s = waiting.rule, self.elapsed_s
        level = (
            (rule.pain_at_least is None or nrs >= rule.pain_at_least)
            and (rule.pain_at_most is None or nrs <= rule.pain_at_most)
            and (rule.force_at_least is None or newton >= rule.force_at_least)
        )
        waiting.since_s = None if not level else now_s if waiting.since_s is None else waiting.since_s
        if waiting.since_s is None or now_s - waiting.since_s < rule.for_s or now_s - self._entered_s < rule.after_s:
            return False
        if rule.trigger and rule.trigger not in triggers:
            return False
        if rule.press is None:
            return True
        matched = waiting.matched_s
        return len(matched) == rule.press.count and (
            rule.press.within_s is None or matched[-1] - matched[0] <= rule.press.within_s
        )

    def _keep_time(self) -> None:
        state = self._states[self.state]
        if state.time_limit_s and self.elapsed_s - self._entered_s >= state.time_limit_s:
            self._enter(state.then, f"{state.time_limit_s:g} s in {state.name}")
        if self.script.time_limit_s and self.elapsed_s >= self.script.time_limit_s and not self._ended:
            self._ended = True
            self._record_change("the time is over", f"{self.script.time_limit_s:g} s have passed")
            self._act("quit")

    def _enter(self, name: str, why: str) -> None:
        state: State = self._states[name]
        self.state = name
        self._entered_s = self.elapsed_s
        self._rules = [Waiting(rule) for rule in state.rules]
        self._record_change(state.tell, why)

    def _happen(self, name: str, why: str) -> None:
        event: ScenarioEvent = self.script.events[name]
        self._changes.append(ScenarioChange(self._t, self._seq, self.state, name, why, event.tell))
        if event.cue:
            self._act("cue", event.cue)
        if event.ask:
            self._act("ask", event.ask)
        if event.stress is not None:
            self._act("stress", f"{event.stress:g}")
        if event.relief is not None:
            self._act("relief", f"{event.relief:g}")
        if event.end:
            self._ended = True
            self._act("quit")

    def _record_change(self, text: str, why: str) -> None:
        self._changes.append(ScenarioChange(self._t, self._seq, self.state, "", why, text))

    def _act(self, action: str, argument: str = "") -> None:
        self._actions.append(OperatorAction(self._t, action, argument, SOURCE))


def _matches(rule: PressRule, press: Press, worst_nrs: float) -> bool:
    return (
        (not rule.region or press.region == rule.region)
        and press.peak_newton >= rule.at_least_newton
        and (rule.at_most_newton is None or press.peak_newton <= rule.at_most_newton)
        and press.rise_newton_per_s >= rule.at_least_newton_per_s
        and worst_nrs >= rule.hurting_nrs
    )


def _why(rule: Rule) -> str:
    """The rule's conditions in words."""
    parts = []
    if rule.trigger:
        parts.append(f"the instructor's “{rule.trigger}”")
    if rule.press is not None:
        press = rule.press
        times = f"{press.count} presses" if press.count > 1 else "a press"
        parts.append(f"{times} on the {press.region} region" if press.region else times)
        if press.at_least_newton:
            parts.append(f"at least {press.at_least_newton:g} N")
        if press.at_most_newton is not None:
            parts.append(f"at most {press.at_most_newton:g} N")
        if press.at_least_newton_per_s:
            parts.append(f"rising {press.at_least_newton_per_s:g} N/s or faster")
        if press.hurting_nrs:
            parts.append(f"hurting {press.hurting_nrs:g} or more")
        if press.within_s is not None:
            parts.append(f"within {press.within_s:g} s")
    if rule.pain_at_least is not None:
        parts.append(f"pain {rule.pain_at_least:g} or more")
    if rule.pain_at_most is not None:
        parts.append(f"pain {rule.pain_at_most:g} or less")
    if rule.force_at_least is not None:
        parts.append(f"force {rule.force_at_least:g} N or more")
    if rule.for_s:
        parts.append(f"for {rule.for_s:g} s")
    if rule.after_s:
        parts.append(f"after {rule.after_s:g} s")
    return ", ".join(parts)
