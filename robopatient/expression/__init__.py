"""Expression: maps pain to the voice and the face that the patient shows."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from robopatient.config import ExpressionConfig, reference
from robopatient.messages import Expression, PainState

__all__ = ["Character", "Policy", "SuggestiblePolicy", "make_policy"]

POLICIES = {"prior": "robopatient.expression.prior:Prior", "ppo": "robopatient.expression.ppo:Ppo"}


class Character(Protocol):
    """What a policy may know about the patient (a ``PatientProfile`` fits)."""

    @property
    def sex(self) -> str:
        """Of the voice: "female" or "male"."""
        ...

    @property
    def expressiveness(self) -> float:
        """0 stoic, 1 typical, 2 dramatic."""
        ...


class Policy(Protocol):
    """A mapper from pain to expression; built as ``Policy(preset, character)``."""

    name: str

    def step(self, pain: PainState) -> Expression:
        """What to show of it."""
        ...


@runtime_checkable
class SuggestiblePolicy(Policy, Protocol):
    """A policy that a trainer can ask to act differently for a while."""

    def suggest(self, label: str, observed: dict[str, float], action: dict[str, float]) -> None:
        """Until the next suggestion, do ``action`` where ``observed`` is observed; an empty action ends it.

        Physical units by name; ``label`` is added to ``name``. KeyError: an observation is missing.
        """
        ...

    def admitted(self, pain: PainState) -> float:
        """Pain that the voice admits, 0 to 10: what a rating of it is about."""
        ...


def make_policy(config: ExpressionConfig, character: Character | None = None) -> Policy:
    """Policy that a session asks for.

    Raises
    ------
    ConfigError, AssetError
        When policy or preset do not exist.
    """
    policy: Policy = reference(config.kind, POLICIES)(config.preset, character)
    return policy
