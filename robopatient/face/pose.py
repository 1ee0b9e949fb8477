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
    flush
        Blood in the skin against this person's own colour: -1 as pale, 1 as red as can be.
    sweat, tears
        0 to 1: a sheen, then beads; wet eyes with red rims, then tracks down the cheeks.
    forward_mm
        How far the head is put forward (AU57), negative: drawn back (AU58).
    """

    au: dict[str, float] = {}
    head_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gaze_deg: tuple[float, float] = (0.0, 0.0)
    breath: float = 0.0
    flush: float = 0.0
    sweat: float = 0.0
    tears: float = 0.0
    forward_mm: float = 0.0

    @property
    def body(self) -> tuple[float, float, float]:
        """Flush, sweat and tears within their limits."""
        return (
            min(max(self.flush, -1.0), 1.0), min(max(self.sweat, 0.0), 1.0), min(max(self.tears, 0.0), 1.0),
        )  # fmt: skip
