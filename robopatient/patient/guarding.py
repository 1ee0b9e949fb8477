"""Guarding (muscles brace) and rebound tenderness (pain on release): the two signs of an irritated peritoneum."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from robopatient.config import Fraction, NonNegative, Positive
from robopatient.levels import MAX_NRS
from robopatient.patient.section import PatientSection, approach, share_of_rest

__all__ = ["Brace", "Guarding", "Rebound", "Release"]

FASTEST_RELEASE_NEWTON_PER_S = 400.0
"""Faster changes are no hand's (95th percentile of the published slopes, facts sheet robopatient_systems, 1.7)."""


class Guarding(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Bracing that follows strong or repeated pain and makes the next press hurt more. All values are assumptions."""

    gain: Fraction = 0.12
    """Share by which full bracing raises the pain of a press."""
    from_nrs: Annotated[float, Meta(ge=0, lt=10)] = 3.0
    """Pain from which the muscles brace."""
    build_s: Positive = 1.0
    """Time constant of bracing."""
    relax_s: Positive = 6.0
    """Time constant of letting go."""
    rigid: Fraction = 0.0
    """Bracing that is there before any touch: the board-like abdomen of peritonitis."""


class Release(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Rebound: pain when the hand lets go fast, k_r (-dF/dt)+ (facts sheet patient_model, 2). Values: assumptions."""

    nrs_per_newton_per_s: NonNegative = 0.0
    """Gain k_r at the end of the worst press; less in proportion when the press hurt less."""
    decay_ms: Positive = 300.0
    """Time constant of its fading."""


class Brace:
    """How tense the muscles are, 0 to 1."""

    def __init__(self, guarding: Guarding) -> None:
        self.tension = guarding.rigid
        self._guarding = guarding

    def step(self, nociception_nrs: float, dt_s: float) -> None:
        """Brace against this pain, or relax."""
        guarding = self._guarding
        over = max(0.0, nociception_nrs - guarding.from_nrs) / (MAX_NRS - guarding.from_nrs)
        wanted = max(guarding.rigid, over)
        self.tension = approach(
            self.tension, wanted, dt_s, guarding.build_s if wanted > self.tension else guarding.relax_s
        )

    def added(self, nrs: float) -> float:
        """Pain that bracing adds to this one, NRS."""
        return self._guarding.gain * self.tension * share_of_rest(nrs)

    def fade(self, share: float) -> None:
        """Keep a share."""
        self.tension = self._guarding.rigid + (self.tension - self._guarding.rigid) * share


class Rebound:
    """Pain of letting go, NRS."""

    def __init__(self, release: Release) -> None:
        self.nrs = 0.0
        self._release = release

    def step(self, nociception_nrs: float, rate_newton_per_s: float, dt_s: float) -> None:
        """The pain of the press scales it: what did not hurt to press does not hurt to let go."""
        faded = approach(self.nrs, 0.0, dt_s, self._release.decay_ms * 1e-3)
        letting_go = min(max(0.0, -rate_newton_per_s), FASTEST_RELEASE_NEWTON_PER_S)
        depth = nociception_nrs / MAX_NRS
        self.nrs = max(faded, min(MAX_NRS, self._release.nrs_per_newton_per_s * depth * letting_go))

    def fade(self, share: float) -> None:
        """Keep a share."""
        self.nrs *= share
