"""How a training scenario goes without hardware: a simulated hand examines its patient, light and then deep."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from robopatient.config import FaceConfig, SensingConfig, SessionConfig, VoiceConfig
from robopatient.messages import ScenarioChange
from robopatient.patient import PatientProfile, load_patient
from robopatient.phantom import REGIONS, Phantom
from robopatient.scenario import load_script
from robopatient.simulation.presses import Palpation, PressProfile
from robopatient.simulation.rig import Rig

__all__ = ["play"]

STEP_S = 0.02
PRESS_S = 1.1
"""Length of a press: the median of the published ones."""
PAUSE_S = 0.6
END_S = 15.0
"""Untouched after the last press."""
LOOK_S = 3.0
"""Pause before the first press and between light and deep."""
LIGHT_NEWTON, DEEP_NEWTON = 8.0, 30.0
"""Peaks of the simulated hand (assumption; the median of the published free presses is 31 N)."""


def play(
    name: str, patient: str, triggers: dict[float, str] | None = None, repeats: int = 3
) -> Iterator[tuple[float, ScenarioChange]]:
    """Time, s, and each change of a scenario under a simulated examination.

    Parameters
    ----------
    triggers
        Instructor's triggers by time, s.
    repeats
        How often each region is pressed deep.
    """
    script, _ = load_script(name)
    profile = load_patient(patient)
    config = SessionConfig(
        scenario=name,
        patient=script.patients[0] if script.patients else patient,  # any other may be tried out here
        sensing=SensingConfig(tare_at_start=False),
        voice=VoiceConfig(enabled=False),
        face=FaceConfig(enabled=False),
    )
    rig = Rig(config, profile, tick_s=STEP_S)
    phantom = rig.pipeline.sensing.phantom
    examination = Palpation(_examination(phantom, profile, repeats), phantom=phantom, sites=profile.sites)
    wishes = sorted((triggers or {}).items())
    t_s = np.arange(0.0, round((examination.end_s + END_S) / STEP_S)) * STEP_S
    for at_s, cells in zip(t_s.tolist(), examination.forces(t_s, STEP_S), strict=True):
        while wishes and wishes[0][0] <= at_s:
            rig.act("trigger", wishes.pop(0)[1])
        outputs = rig.turn(round(at_s * 1e9), cells_newton=cells).outputs
        yield from ((at_s, change) for change in outputs.changes)
        if any(action.action == "quit" for action in outputs.actions):
            return


def _examination(phantom: Phantom, profile: PatientProfile, repeats: int) -> Iterator[PressProfile]:
    """Every region (or its tender site) light and then deep, the most painful one last."""
    sites = [(site.left_mm, site.head_mm) for site in profile.sites]

    def distance_mm(region: str) -> float:
        place = PressProfile(peak_newton=0.0, region=region).place_mm(phantom, profile.sites)
        return min((math.dist(place, site) for site in sites), default=0.0)

    regions = sorted((name for row in REGIONS for name in row), key=distance_mm, reverse=True)
    plan = [(region, LIGHT_NEWTON) for region in regions]
    deep = [(region, DEEP_NEWTON) for region in regions for _ in range(repeats)]
    onset_s = 0.0
    for index, (region, newton) in enumerate([*plan, *deep]):
        onset_s += LOOK_S if index in (0, len(plan)) else PAUSE_S
        half_s = PRESS_S / 2
        yield PressProfile(peak_newton=newton, region=region, rise_s=half_s, hold_s=0.0, fall_s=half_s, onset_s=onset_s)
        onset_s += PRESS_S
