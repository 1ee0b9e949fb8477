"""What presses of usual force lead to: which force to ask for when a pain is aimed at."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np

from robopatient.config import FaceConfig, SessionConfig, VoiceConfig
from robopatient.expression.ppo import Ppo, Slope
from robopatient.patient import PatientProfile
from robopatient.simulation.presses import Palpation, PressProfile
from robopatient.simulation.rig import Rig

__all__ = ["PressOutcomes", "standard_presses"]

LEAST_NEWTON, MOST_NEWTON = 4.0, 35.0
"""Bands lie within comfortable presses (recorded palpations reach 77 N; facts sheet robopatient_systems, 1.7)."""
PRESS_S = 1.2


class PressOutcomes(NamedTuple):
    """What standard presses lead to, arrays of one shape (n,): peak force, worst pain shown, its steepest rise."""

    newton: np.ndarray
    nrs: np.ndarray
    nrs_per_s: np.ndarray

    def observed(self, nrs: float) -> dict[str, float]:
        """What a press that comes to this pain looks like to a policy, by name."""
        return {"nrs": nrs, "nrs_per_s": float(np.interp(nrs, self.nrs, self.nrs_per_s))}

    def force(self, nrs: float) -> float:
        """Peak force, N, that should cause a pain."""
        return float(np.interp(nrs, self.nrs, self.newton))


def standard_presses(config: SessionConfig, profile: PatientProfile, policy: Ppo) -> PressOutcomes:
    """Presses of ``LEAST_NEWTON`` to ``MOST_NEWTON`` at the worst site.

    Each force is tried on a patient of its own, so that none is sensitised by the last.
    """
    newton = np.linspace(LEAST_NEWTON, MOST_NEWTON, 12)
    shown = np.array([_worst(config, profile, policy, float(force)) for force in newton])
    # Looking up a force by its pain needs pains that never fall.
    return PressOutcomes(newton, *np.maximum.accumulate(shown, axis=0).T)


def _worst(config: SessionConfig, profile: PatientProfile, policy: Ppo, newton: float) -> tuple[float, float]:
    """Worst pain and its steepest rise in one press."""
    alone = SessionConfig(
        seed=config.seed,
        sensing=msgspec.structs.replace(config.sensing, tare_at_start=False),
        control=config.control,
        expression=config.expression,
        voice=VoiceConfig(enabled=False),
        face=FaceConfig(enabled=False),
    )
    rig = Rig(alone, profile)
    half_s = PRESS_S / 2.0
    press = PressProfile(peak_newton=newton, rise_s=half_s, hold_s=0.0, fall_s=half_s, shape="sine")
    hand = Palpation([press], phantom=rig.pipeline.sensing.phantom, sites=profile.sites)
    slope = Slope()
    worst = steepest = 0.0
    for turn in rig.play(hand, PRESS_S):
        nrs = policy.admitted(turn.outputs.pain)
        worst, steepest = max(worst, nrs), max(steepest, slope.step(turn.t_ns, nrs))
    return worst, steepest
