"""A hand that presses by the clock: frames, pain and presses for a scenario, without board or patient."""

from __future__ import annotations

import msgspec
import pytest

from robopatient.messages import ForceFrame, OperatorAction, PainState, Press
from robopatient.scenario import Scenario, ScenarioStep, Script

PERIOD_S = 0.02


class Stage:
    """Steps a scenario at 50 Hz and keeps what it said."""

    def __init__(self, **script: object) -> None:
        script.setdefault("title", "test")
        script.setdefault("brief", "test")
        script.setdefault("start", "a")
        self.scenario = Scenario(msgspec.convert(script, Script))
        self.t_s = 0.0
        self.said: list[ScenarioStep] = []

    def wait(self, seconds: float, *, newton: float = 0.0, nrs: float = 0.0, paused: bool = False) -> Stage:
        for _ in range(round(seconds / PERIOD_S)):
            self.turn(newton=newton, nrs=nrs, paused=paused)
        return self

    def press(self, region: str = "umbilical", newton: float = 10.0, nrs: float = 0.0, rise: float = 50.0) -> Stage:
        """Half a second of contact; the press is told in the turn after the release."""
        self.wait(0.5, newton=newton, nrs=nrs)
        t_ns = round(self.t_s * 1e9)
        self.turn(presses=[Press(t_ns - 500_000_000, 0, t_ns, 0, t_ns, newton, rise, 0.0, 0.0, region)])
        return self

    def wish(self, action: str, argument: str) -> Stage:
        self.turn(actions=[OperatorAction(round(self.t_s * 1e9), action, argument)])
        return self

    def turn(self, *, newton=0.0, nrs=0.0, presses=(), actions=(), paused=False) -> ScenarioStep:
        self.t_s += PERIOD_S
        t_ns = round(self.t_s * 1e9)
        force = ForceFrame(t_ns, t_ns, round(self.t_s * 1000), (newton,), flags=("paused",) if paused else ())
        pain = PainState(t_ns, force.seq, nrs, "", "hold" if newton else "rest")
        step = self.scenario.step(force, pain, presses, actions, t_ns)
        if step.changes or step.actions:
            self.said.append(step)
        return step

    @property
    def states(self) -> list[str]:
        return [change.state for step in self.said for change in step.changes if not change.event]

    @property
    def events(self) -> list[str]:
        return [change.event for step in self.said for change in step.changes if change.event]

    @property
    def actions(self) -> list[tuple[str, str]]:
        return [(action.action, action.argument) for step in self.said for action in step.actions]


@pytest.fixture
def stage():
    return Stage
