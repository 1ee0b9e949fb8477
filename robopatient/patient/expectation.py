"""Expectation: felt pain is drawn towards the expected pain, and the expectation is learned from felt pain.

Both forms are those fitted by Onysk et al. (eLife 90634, 27 people; ``nox-lab/tsl_elife_24``): reinforcement learning
and a Kalman filter, which explained their data best. gamma, alpha and K have no unit, so that the 0 to 100 of the
fits and the 0 to 10 of this patient are the same to them.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Protocol

from msgspec import Meta

from robopatient.config import Fraction, NonNegative, Positive
from robopatient.patient.section import PatientSection

__all__ = ["Belief", "Expectation", "KalmanBelief", "LearnedBelief", "lean", "make_belief"]

NOTICED_NRS = 0.5
"""Pain from which expectation has its full say (assumption): it shapes pain and does not make it out of nothing."""


class Expectation(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Published group means (Onysk et al., eLife 90634); the defaults are of the steadiest of the four conditions."""

    form: Literal["rl", "kalman"] = "rl"
    """Published forms; the Kalman filter explained the data best, by 9.6 +/- 5.1 elpd."""
    initial_nrs: Annotated[float, Meta(ge=0, le=10)] = 3.0
    """E0 (assumption: the published one is pulled to 0 by its prior)."""
    gamma: Annotated[float, Meta(ge=0, le=0.6)] = 0.231
    """rl: weight of expectation; published 0.186, 0.247, 0.273, 0.231 by condition."""
    alpha: Fraction = 0.863
    """rl: rate of learning; published 0.732, 0.786, 0.848, 0.863 by condition."""
    alpha_against: Fraction = 0.863
    """rl: rate of learning from pain that goes against what was announced. People learn less from it (Jepma 2018);
    by how much is not published: equal to alpha unless given (assumption)."""
    psi: Positive = 1.19
    """kalman: noise of the input; published 1.08 to 1.23."""
    epsilon: Positive = 1.22
    """kalman: noise of perception; published 0.63 to 1.37."""
    w: Positive = 3.47
    """kalman: uncertainty of the expectation; published value at the end of the experiment 3.27 to 4.03."""
    drift: NonNegative = 0.0
    """kalman: eta, drift of the world; 0: the one under which w stays as it is, as the published gains did."""


class Belief(Protocol):
    """What a patient expects of the next press, NRS."""

    expected_nrs: float
    gamma: float

    def learn(self, pain_nrs: float, against: bool = False) -> None:
        """Take in the pain of a press; ``against``: it contradicted what was announced."""
        ...


class LearnedBelief:
    """``E += alpha (P - E)``."""

    def __init__(self, expectation: Expectation) -> None:
        self.expected_nrs = expectation.initial_nrs
        self.gamma = expectation.gamma
        self._alpha, self._alpha_against = expectation.alpha, expectation.alpha_against

    def learn(self, pain_nrs: float, against: bool = False) -> None:
        """One press."""
        self.expected_nrs += (self._alpha_against if against else self._alpha) * (pain_nrs - self.expected_nrs)


class KalmanBelief:
    """``K = w / (psi^2 + w)``, and gamma falls as the patient becomes less sure."""

    def __init__(self, expectation: Expectation) -> None:
        self.expected_nrs = expectation.initial_nrs
        self._psi2, self._epsilon2 = expectation.psi**2, expectation.epsilon**2
        self._w = expectation.w
        stationary = self._w**2 / (self._epsilon2 + self._psi2 + self._w)
        self._drift2 = expectation.drift**2 or stationary

    @property
    def gamma(self) -> float:
        """Weight of expectation."""
        return self._epsilon2 / (self._epsilon2 + self._psi2 + self._w)

    @property
    def gain(self) -> float:
        """K."""
        return self._w / (self._psi2 + self._w)

    def learn(self, pain_nrs: float, against: bool = False) -> None:
        """One press; the published filter knows no ``against``."""
        self.expected_nrs += self.gain * (pain_nrs - self.expected_nrs)
        noise = self._epsilon2 + self._psi2
        self._w = self._w * noise / (noise + self._w) + self._drift2


def make_belief(expectation: Expectation) -> LearnedBelief | KalmanBelief:
    """The form that the parameters name."""
    return KalmanBelief(expectation) if expectation.form == "kalman" else LearnedBelief(expectation)


def lean(nrs: float, expected_nrs: float, gamma: float) -> float:
    """What expectation adds to this pain (or takes from it), NRS: ``P = (1 - gamma) N + gamma E``."""
    return gamma * -math.expm1(-nrs / NOTICED_NRS) * (expected_nrs - nrs)
