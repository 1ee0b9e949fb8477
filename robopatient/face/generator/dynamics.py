"""The numbers behind the attack-decay engine, read from ``blend.toml`` beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from robopatient.config import decode_toml
from robopatient.errors import ConfigError
from robopatient.facs import ACTION_UNITS

__all__ = ["Course", "Dynamics", "HeadMotion", "IdleParameters", "UnitGroup", "load_dynamics"]

Seconds = Annotated[float, Meta(gt=0, le=10)]
Delay = Annotated[float, Meta(ge=0, le=2)]
Rate = Annotated[float, Meta(gt=0, le=120)]
NonNegative = Annotated[float, Meta(ge=0)]


class Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all tables."""


class Course(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Delay after the pain, time constants of a sudden and of a mild rise, and of the decay."""

    delay_s: Delay
    sudden_s: Seconds
    mild_s: Seconds
    decay_s: Seconds


class UnitGroup(Course, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Action units that move together."""

    units: tuple[str, ...]


class HeadMotion(Course, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far, when and how fast the head withdraws at the strongest pain."""

    pitch_deg: float
    yaw_deg: float
    roll_deg: float
    recoil_deg: float
    stiffness_per_s: Rate


class IdleParameters(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a face does without pain: blinks, glances, sway."""

    blinks_per_min: Rate
    blink_refractory_s: Seconds
    blink_close_s: Seconds
    blink_shut_s: Seconds
    blink_open_s: Seconds
    fixation_s: Seconds
    glance_deg: tuple[float, float]
    aversion_deg: tuple[float, float]
    sway_deg: NonNegative


class Dynamics(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of ``blend.toml``; the file says what each number means and where it comes from."""

    hold_s: NonNegative
    startle_nrs: Annotated[float, Meta(gt=0)]
    recent_s: Seconds
    press_gain_sd: NonNegative
    press_delay_spread: Annotated[float, Meta(ge=0, lt=1)]
    flutter: Annotated[float, Meta(ge=0, lt=1)]
    quiet_s: Seconds
    groups: dict[str, UnitGroup]
    head: HeadMotion
    living: IdleParameters


def load_dynamics(path: Path | None = None) -> Dynamics:
    """Time course from a TOML file; None reads the shipped one.

    Raises
    ------
    AssetError, ConfigError
        When the file cannot be read, or a unit is unknown, missing or in two groups.
    """
    path = path or Path(__file__).with_name("blend.toml")
    dynamics = decode_toml(path, Dynamics)
    listed = [unit for group in dynamics.groups.values() for unit in group.units]
    for unit in listed:
        if unit not in ACTION_UNITS or listed.count(unit) > 1:
            raise ConfigError(f"{path}: groups: {unit} is unknown or listed twice; see robopatient/facs.py")
    missing = set(ACTION_UNITS) - set(listed) - {"AU45"}  # blinks are not an expression
    if missing:
        raise ConfigError(f"{path}: groups: no time course for {', '.join(sorted(missing))}")
    return dynamics
