"""A face at one instant: what the generator says, what the rig draws, what the record keeps."""

from __future__ import annotations

import msgspec

__all__ = ["FacePose"]


class FacePose(msgspec.Struct, frozen=True, gc=False):
    """Action units and rigid motion.

    Attributes
    ----------
    au
        Intensities 0 to 5 by name ("AU4"); "AU4L" or "AU4R" in place of it for one side. Absent units are 0.
    head_deg
        Pitch (nod down positive), yaw (to the patient's left positive), roll (to the patient's left shoulder).
    gaze_deg
        Pitch (down positive), yaw (to the patient's left positive) of both eyes relative to the head.
    breath
        Chest excursion, 0 (exhaled) to 1.
    """

    au: dict[str, float] = {}
    head_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gaze_deg: tuple[float, float] = (0.0, 0.0)
    breath: float = 0.0
