"""Effects from outside the package: a patient's file names a class as ``"module:name"`` and gives its parameters.

A class is a dataclass: its fields are the parameters, their defaults are its own, and ``step`` says what it adds.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Annotated, Any, Protocol, cast

import msgspec
from msgspec import Meta

from robopatient.config import reference
from robopatient.errors import ConfigError
from robopatient.messages import ForceFrame
from robopatient.patient.section import PatientSection

__all__ = ["OwnEffect", "PainEffect", "make_effect"]


class PainEffect(Protocol):
    """What a class of one's own has to do.

    A field ``seed`` that the file does not give is the seed of the session. Equal fields and equal steps must give
    equal results, so that a record can be felt again: no clock, no random numbers but by ``seed``.
    """

    def step(self, nrs: float, force: ForceFrame, dt_s: float) -> float:
        """Pain that the effect adds in this step, NRS; what relieves is negative.

        Parameters
        ----------
        nrs
            Pain that all effects before it have made, 0 to 10.
        force
            The frame that is felt; its flags are those of ``robopatient.levels.FLAGS``.
        dt_s
            Time since the last step, s.
        """
        ...


class OwnEffect(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An effect of one's own, after the package's and before endogenous pain; several act in the order of the file.

    Its numbers are its author's, published or assumption. The module must be where Python finds it (``PYTHONPATH``).
    """

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*$")]
    """Unique in the patient; its part of the pain is in the record as `own_NAME`."""
    kind: str
    """Reference `module:name` of a dataclass with a method `step(nrs, force, dt_s)`."""
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    """Fields of the dataclass by name; what is not given has its default."""


def make_effect(effect: OwnEffect, seed: int) -> PainEffect:
    """The effect that a patient's file names.

    Raises
    ------
    ConfigError
        When the class cannot be loaded or is none of an effect, or a parameter is unknown, missing or of a wrong type.
    """
    at = f'effects "{effect.name}"'
    try:
        kind = reference(effect.kind)
    except ConfigError as error:
        raise ConfigError(f"{at}: {error}; Python looks in the folders of PYTHONPATH") from error
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind) and callable(getattr(kind, "step", None))):
        raise ConfigError(f"{at}: {effect.kind} is no dataclass with a method step(nrs, force, dt_s)")
    known = [field.name for field in dataclasses.fields(kind) if field.init]
    unknown = sorted(set(effect.parameters) - set(known))
    if unknown:
        raise ConfigError(f"{at}: {effect.kind} has no parameter {', '.join(unknown)}; it has {', '.join(known)}")
    for name, value in effect.parameters.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{at}: parameters.{name} = {value} is no number that a patient can have")
    given = {"seed": seed, **effect.parameters} if "seed" in known else effect.parameters
    try:
        made: Any = msgspec.convert(given, kind)  # its step was looked for above
    except (msgspec.ValidationError, TypeError) as error:
        raise ConfigError(f"{at}: parameters of {effect.kind}: {error}") from error
    return cast(PainEffect, made)
