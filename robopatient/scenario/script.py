"""The contents of a scenario file: states, rules on palpation, events, triggers and a timeline. One TOML file each.

A scenario is in one state at a time. There its rules wait for what the hand does, what the patient feels, how long it
takes and what the instructor wants; a rule that is met lets an event happen, leads to another state, or both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from robopatient.config import Fraction, NonNegative, Positive, asset_path, decode_toml

__all__ = ["PressRule", "Rule", "ScenarioEvent", "Script", "State", "TimedEvent", "load_script"]

Nrs = Annotated[float, Meta(ge=0, le=10)]


class ScenarioSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the sections of a scenario file."""


class PressRule(ScenarioSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Finished presses of a kind, counted from the entry of the state. A limit that is not given does not limit."""

    region: str = ""
    """One of the nine regions; "" is any."""
    at_least_newton: NonNegative = 0.0
    at_most_newton: Positive | None = None
    at_least_newton_per_s: NonNegative = 0.0
    """Slope of the rise: how suddenly it came."""
    hurting_nrs: Nrs = 0.0
    """Pain that the press reached at least."""
    count: Annotated[int, Meta(ge=1, le=100)] = 1
    within_s: Positive | None = None
    """All ``count`` of them in this time: repetition."""


class Rule(ScenarioSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All conditions that are given must hold; then ``event`` happens and the state becomes ``goto``."""

    after_s: NonNegative = 0.0
    """Time in the state."""
    press: PressRule | None = None
    pain_at_least: Nrs | None = None
    pain_at_most: Nrs | None = None
    force_at_least: NonNegative | None = None
    """Total force now, N."""
    for_s: NonNegative = 0.0
    """How long pain and force must have been so without a break."""
    trigger: str = ""
    """Waits for this of the instructor's buttons."""
    event: str = ""
    goto: str = ""
    again: bool = False
    """Whether it may be met more than once in one stay in the state."""

    @property
    def takes_time(self) -> bool:
        """Whether it cannot be met in the very turn in which its state is entered."""
        return bool(self.after_s or self.press or self.trigger or self.for_s)


class State(ScenarioSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the story stands."""

    name: str
    tell: str = ""
    """What the instructor reads on entering."""
    time_limit_s: NonNegative = 0.0
    """0: none."""
    then: str = ""
    """Where the time limit leads."""
    rules: tuple[Rule, ...] = ()


class ScenarioEvent(ScenarioSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What happens: to the patient, to the instructor's screen, or to the session."""

    cue: str = ""
    """Announced to the patient: "this may hurt"."""
    ask: str = ""
    """Asked of the patient: "nrs", "where", "quality", "feeling", "history"."""
    stress: Fraction | None = None
    relief: Fraction | None = None
    tell: str = ""
    """What the instructor reads."""
    end: bool = False
    """Ends the session."""


class TimedEvent(ScenarioSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What happens at a time of the scenario, whatever its state."""

    at_s: NonNegative
    event: str = ""
    goto: str = ""


class Script(ScenarioSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole scenario.

    Attributes
    ----------
    patients
        Names under assets/patients for whom it was written; none: any patient.
    brief
        Text for the trainee before the start.
    triggers
        The instructor's buttons: name, and what it stands for.
    """

    title: str
    brief: str
    start: str
    patients: tuple[str, ...] = ()
    objectives: tuple[str, ...] = ()
    time_limit_s: NonNegative = 0.0
    """Ends the session; 0: never."""
    triggers: dict[str, str] = {}
    events: dict[str, ScenarioEvent] = {}
    timeline: tuple[TimedEvent, ...] = ()
    states: Annotated[tuple[State, ...], Meta(min_length=1)]


def load_script(name: str) -> tuple[Script, Path]:
    """Scenario of ``assets/scenarios`` or of a user's file, and where it lies; its logic is not yet checked.

    Raises
    ------
    AssetError, ConfigError
        Naming the file and the key that is wrong.
    """
    path = asset_path("scenarios", name)
    return decode_toml(path, Script), path
