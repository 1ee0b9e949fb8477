"""A force-controlled hand: presses a patient for fitting, preview and tests, and returns the felt pain.

Time is the hand's own, so a minute of palpation takes a second.
"""

from __future__ import annotations

import numpy as np

from firmware_bridge.phantom import spread
from robopatient.config import FaceConfig, SensingConfig, SessionConfig, VoiceConfig
from robopatient.messages import PainState
from robopatient.patient import Patient, PatientProfile
from robopatient.simulation.presses import course
from robopatient.simulation.rig import TICK_S, Rig

__all__ = ["GuidedHand"]

TICK_NS = round(TICK_S * 1e9)


class GuidedHand:
    """Presses one patient of whom nothing is heard or seen; every method gives what was felt, turn by turn.

    Parameters
    ----------
    seed
        Of all that the patient draws.
    """

    def __init__(self, profile: PatientProfile, seed: int = 0) -> None:
        config = SessionConfig(
            seed=seed,
            sensing=SensingConfig(tare_at_start=False),  # the simulated cells have no drift to take away
            voice=VoiceConfig(enabled=False),
            face=FaceConfig(enabled=False),
        )
        self.rig = Rig(config, profile)
        self.t_ns = 0
        self._newton = 0.0

    @property
    def patient(self) -> Patient:
        """Who is pressed."""
        return self.rig.pipeline.patient

    def press(
        self,
        newton: float,
        at_mm: tuple[float, float],
        *,
        hold_s: float = 0.6,
        rise_s: float = 0.2,
        fall_s: float = 0.2,
    ) -> list[PainState]:
        """Force up, held and down at a place of the body (left, head)."""
        return [
            *self.lead(newton, at_mm, rise_s),
            *self.lead(newton, at_mm, hold_s),
            *self.lead(0.0, at_mm, fall_s),
        ]

    def lead(self, newton: float, at_mm: tuple[float, float], seconds: float) -> list[PainState]:
        """Bring the force to a value within a time (raised cosine) and leave it there."""
        steps = max(1, round(seconds / TICK_S))
        share = course(np.arange(1, steps + 1), rise_s=steps, hold_s=1.0, fall_s=1.0)
        total = self._newton + (newton - self._newton) * share
        self._newton = newton
        cells = spread(total, *self.rig.pipeline.sensing.phantom.plate_mm(*at_mm))
        return [self._turn(row) for row in cells]

    def wait(self, seconds: float) -> list[PainState]:
        """Do not touch."""
        return self.lead(0.0, (0.0, 0.0), seconds)

    def skip(self, seconds: float) -> PainState:
        """Do not touch, in one stride: for minutes."""
        self._newton = 0.0
        self.t_ns += round(seconds * 1e9) - TICK_NS
        return self._turn(np.zeros(4))

    def _turn(self, cells_newton: np.ndarray) -> PainState:
        self.t_ns += TICK_NS
        return self.rig.turn(self.t_ns, cells_newton=cells_newton).outputs.pain
