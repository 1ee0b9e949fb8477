"""FACS names of head and eye positions (AU51 to AU58, AU61 to AU64) as the angles that a pose carries, and back.

A controller needs degrees, so poses keep them; the names are for people who code and command faces in FACS.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from robopatient.errors import ConfigError
from robopatient.facs import ACTION_UNITS, unit_of_name
from robopatient.levels import MAX_INTENSITY
from robopatient.messages import FacePose

__all__ = ["HEAD_UNITS", "head_units", "posed"]

HEAD_UNITS: dict[str, tuple[str, str, int, float]] = {
    "AU51": ("head turn left", "head_deg", 1, 30.0),
    "AU52": ("head turn right", "head_deg", 1, -30.0),
    "AU53": ("head up", "head_deg", 0, -22.0),
    "AU54": ("head down", "head_deg", 0, 25.0),
    "AU55": ("head tilt left", "head_deg", 2, 25.0),
    "AU56": ("head tilt right", "head_deg", 2, -25.0),
    "AU57": ("head forward", "forward_mm", 0, 30.0),
    "AU58": ("head back", "forward_mm", 0, -30.0),
    "AU61": ("eyes turn left", "gaze_deg", 1, 25.0),
    "AU62": ("eyes turn right", "gaze_deg", 1, -25.0),
    "AU63": ("eyes up", "gaze_deg", 0, -20.0),
    "AU64": ("eyes down", "gaze_deg", 0, 20.0),
}
"""Name, field of ``FacePose``, element, and value at intensity 5 (assumption: within what the meshes are kept for)."""


def posed(units: Mapping[str, float], pose: FacePose | None = None) -> FacePose:
    """Pose with action units of face, head and eyes by their FACS names; opposite ones subtract.

    Raises
    ------
    ConfigError
        When a head or eye unit is outside 0 to 5. Units of the face are checked where they are drawn.
    """
    pose = pose or FacePose()
    angles = {"head_deg": list(pose.head_deg), "gaze_deg": list(pose.gaze_deg), "forward_mm": [pose.forward_mm]}
    au = dict(pose.au)
    for name, intensity in units.items():
        if name not in HEAD_UNITS:
            if unit_of_name(name) not in ACTION_UNITS:
                raise ConfigError(
                    f'action unit "{name}" is unknown; there are {", ".join((*ACTION_UNITS, *HEAD_UNITS))} '
                    "(units of the face also with L or R)"
                )
            au[name] = intensity
            continue
        if not (math.isfinite(intensity) and 0.0 <= intensity <= MAX_INTENSITY):
            raise ConfigError(f"action unit {name} is {intensity:g}; intensities are 0 to 5")
        _, field, element, full = HEAD_UNITS[name]
        angles[field][element] += full * intensity / MAX_INTENSITY
    return msgspec.structs.replace(
        pose,
        au=au,
        head_deg=tuple(angles["head_deg"]),
        gaze_deg=tuple(angles["gaze_deg"]),
        forward_mm=angles["forward_mm"][0],
    )


def head_units(pose: FacePose) -> dict[str, float]:
    """Intensities 0-5 of the head and eye units that a pose shows, above 0 only."""
    values = {"head_deg": pose.head_deg, "gaze_deg": pose.gaze_deg, "forward_mm": (pose.forward_mm,)}
    shown = {
        name: min(MAX_INTENSITY, MAX_INTENSITY * values[field][element] / full)
        for name, (_, field, element, full) in HEAD_UNITS.items()
    }
    return {name: intensity for name, intensity in shown.items() if intensity > 0.0}
