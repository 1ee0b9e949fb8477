"""The words that a force frame or a press may carry, and what each one means to the operator."""

from __future__ import annotations

__all__ = ["FLAGS"]

FLAGS: dict[str, str] = {
    "untared": "The zero is that of the calibration file: no quiet moment has been found yet to set a new one.",
    "spike": "A reading that jumped and came back at once was dropped.",
    "saturated": "A cell is at the end of its converter's range: the true force is larger.",
    "dead_cell": "A cell does not answer: the total is too small and the place of the hand unknown.",
    "heavy": "The total force is above sensing.warn_newton.",
    "overload": "The total force is above sensing.limit_newton, or a cell is above its capacity.",
    "early_contact": "The hand lay on the abdomen when the session began.",
    "stale": "No fresh frame from the board: the force is taken as zero (set by the loop).",
    "paused": "The session is not running: the force is not felt (set by the loop).",
    "clock_unsynced": "The board's clock is not mapped to this computer's: times are those of arrival.",
    "split": "Press: the hand went on from or to another press without leaving the abdomen.",
    "brief": "Press: shorter than 50 ms, rather a touch or a glitch than a palpation.",
    "interrupted": "Press: the frames stopped before the hand let go.",
    "no_site": "Press: the place is unknown; x_mm and y_mm are 0 and the region is empty.",
}
"""Meaning by word."""
