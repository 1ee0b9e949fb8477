"""The motion latent: a face in time as a table, 30 rows a second, one column a channel, in physical units.

It can be read without a renderer (``pspi``) and without a decoder (``pose_of``); nothing here needs more than numpy.
"""

from __future__ import annotations

import numpy as np

from robopatient.facs import AU43_CLOSED, intensity, sides, unit_of_name
from robopatient.messages import FacePose

__all__ = [
    "ACTION_UNIT_CHANNELS",
    "CHANNELS",
    "HIGH",
    "LOW",
    "MOTION_HZ",
    "REST",
    "clamp",
    "column",
    "frame_of",
    "pose_of",
    "pspi",
    "pspi_no_au43",
    "settled",
    "sided",
]

MOTION_HZ = 30.0
"""Rows a second."""

ACTION_UNIT_CHANNELS: tuple[str, ...] = (
    "AU1", "AU2", "AU4", "AU5", "AU6L", "AU6R", "AU7L", "AU7R", "AU9", "AU10L", "AU10R", "AU12L", "AU12R",
    "AU15", "AU17", "AU20L", "AU20R", "AU24", "AU25", "AU43",
)  # fmt: skip
"""Intensities 0 to 5; left and right apart where faces are seen to be lopsided."""

RIGID_CHANNELS = (
    "jaw_mm", "head_pitch_deg", "head_yaw_deg", "head_roll_deg", "gaze_pitch_deg", "gaze_yaw_deg", "blink", "breath",
)  # fmt: skip
CHANNELS: tuple[str, ...] = ACTION_UNIT_CHANNELS + RIGID_CHANNELS
"""Columns of a motion. ``jaw_mm`` opens the jaw (AU26, then AU27), ``blink`` is the way of the lids in a blink, 0 open
to 1 shut (AU45), ``breath`` the chest's excursion, 0 to 1; angles have the signs of ``FacePose``."""

JAW_DROP_MM, JAW_STRETCH_MM = 20.0, 40.0
"""Opening between the teeth at AU26 = 5 and at AU27 = 5 (assumption: half and all of a comfortable opening)."""

_LIMITS = {
    **dict.fromkeys(ACTION_UNIT_CHANNELS, (0.0, 5.0)),
    "jaw_mm": (0.0, JAW_STRETCH_MM),
    "head_pitch_deg": (-25.0, 30.0),
    "head_yaw_deg": (-40.0, 40.0),
    "head_roll_deg": (-25.0, 25.0),
    "gaze_pitch_deg": (-25.0, 25.0),
    "gaze_yaw_deg": (-25.0, 25.0),
    "blink": (0.0, 1.0),
    "breath": (0.0, 1.0),
}
LOW = np.array([_LIMITS[name][0] for name in CHANNELS])
HIGH = np.array([_LIMITS[name][1] for name in CHANNELS])
"""Range of every channel; angles within what a neck and eyes at rest on a pillow do (assumption). Shape (D,)."""

REST = np.zeros(len(CHANNELS))
"""A face that does nothing."""

_TRACE = dict.fromkeys(ACTION_UNIT_CHANNELS, 0.05) | {"jaw_mm": 0.2, "blink": 0.05}
TRACE = np.array([_TRACE.get(name, 0.0) for name in CHANNELS])
"""Movement below this rests: a tenth of the least that FACS scores ("trace", half an intensity), 1 % of a dropped jaw
and a twentieth of a blink (assumption). Most units rest most of the time, exactly; what is made from noise never does
by itself. Shape (D,)."""

VISIBLE = 0.01
"""Intensities below this are left out of a pose."""

_INDEX = {name: at for at, name in enumerate(CHANNELS)}
_PLAIN = tuple((name, at) for name, at in _INDEX.items() if name.startswith("AU"))


def column(name: str) -> int:
    """Index of a channel; KeyError for a name that is none."""
    return _INDEX[name]


def clamp(motion: np.ndarray) -> np.ndarray:
    """Motion held within the range of every channel; what is not finite rests. Any shape (..., D)."""
    finite: np.ndarray = np.where(np.isfinite(motion), motion, 0.0)
    return np.clip(finite, LOW, HIGH)


def settled(motion: np.ndarray) -> np.ndarray:
    """Motion within its range in which what moves less than ``TRACE`` rests, shape (..., D)."""
    held = clamp(motion)
    result: np.ndarray = np.where(np.abs(held) < TRACE, 0.0, held)
    return result


def sided(motion: np.ndarray, unit: str) -> np.ndarray:
    """Intensity of an action unit, as ``robopatient.facs.intensity``; shape (...) of (..., D)."""
    if unit in _INDEX:
        values: np.ndarray = motion[..., _INDEX[unit]]
        return values
    if unit in ("AU26", "AU27"):
        drop, stretch = _jaw_units(motion[..., _INDEX["jaw_mm"]])
        return drop if unit == "AU26" else stretch
    return np.maximum(motion[..., _INDEX[f"{unit}L"]], motion[..., _INDEX[f"{unit}R"]])


def pspi_no_au43(motion: np.ndarray) -> np.ndarray:
    """PSPI without eye closure of every row, 0 to 15, shape (n,) of (n, D)."""
    orbit = np.maximum(sided(motion, "AU6"), sided(motion, "AU7"))
    levator = np.maximum(sided(motion, "AU9"), sided(motion, "AU10"))
    return np.asarray(motion[..., _INDEX["AU4"]] + orbit + levator)


def pspi(motion: np.ndarray) -> np.ndarray:
    """PSPI of every row, 0 to 16, shape (n,) of (n, D) (Prkachin and Solomon 2008; as ``robopatient.facs.pspi``)."""
    return pspi_no_au43(motion) + (motion[..., _INDEX["AU43"]] >= AU43_CLOSED)


def pose_of(frame: np.ndarray) -> FacePose:
    """Pose that a row of a motion means, shape (D,)."""
    row = clamp(np.asarray(frame, dtype=float)).tolist()
    au = {name: row[at] for name, at in _PLAIN if row[at] > VISIBLE}
    drop, stretch = _jaw_units(np.asarray(row[_INDEX["jaw_mm"]]))
    lids_and_jaw = {"AU26": float(drop), "AU27": float(stretch), "AU45": 5.0 * row[_INDEX["blink"]]}
    au |= {unit: value for unit, value in lids_and_jaw.items() if value > VISIBLE}
    at = _INDEX["head_pitch_deg"]
    pitch, yaw, roll, gaze_pitch, gaze_yaw = row[at : at + 5]
    return FacePose(au, (pitch, yaw, roll), (gaze_pitch, gaze_yaw), row[_INDEX["breath"]])


def frame_of(pose: FacePose) -> np.ndarray:
    """Row of a motion that shows a pose, shape (D,); units that have no channel (AU14, AU22 …) are left out.

    A unit without side counts on both sides; of one that has no sides here, the stronger side counts.
    """
    frame = np.zeros(len(CHANNELS))
    for name, at in _PLAIN:
        unit = unit_of_name(name)
        frame[at] = intensity(pose.au, unit) if name == unit else sides(pose.au, unit)[name.endswith("R")]
    drop, stretch = intensity(pose.au, "AU26") / 5.0, intensity(pose.au, "AU27") / 5.0
    opened = JAW_DROP_MM + stretch * (JAW_STRETCH_MM - JAW_DROP_MM) if stretch > 0.0 else drop * JAW_DROP_MM
    frame[_INDEX["jaw_mm"]] = opened
    frame[_INDEX["blink"]] = intensity(pose.au, "AU45") / 5.0
    frame[_INDEX["breath"]] = pose.breath
    at = _INDEX["head_pitch_deg"]
    frame[at : at + 5] = (*pose.head_deg, *pose.gaze_deg)
    return clamp(frame)


def _jaw_units(jaw_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AU26 and AU27 of an opening: the jaw first drops, then stretches the mouth."""
    drop = 5.0 * np.clip(jaw_mm / JAW_DROP_MM, 0.0, 1.0)
    stretch = 5.0 * np.clip((jaw_mm - JAW_DROP_MM) / (JAW_STRETCH_MM - JAW_DROP_MM), 0.0, 1.0)
    return drop, stretch
