"""Detects faulty cells, and why, from their counts alone."""

from __future__ import annotations

from firmware_bridge.frames import RawFrame, Status

__all__ = ["CellWatch"]

TARED = Status.TARED.value
HOLD_US = 100_000
"""A reading that is strange for a shorter time is a spike, which is not the wiring's fault. Assumption."""
STUCK_US = 2_000_000
"""Twice a press: the other cells have moved meanwhile, or have noise."""
FULL_SCALE = 0x7FFFFF
"""Ends of a 24-bit converter; boards with another converter use ``saturated_mask``."""
WORDS = {
    "dead": "does not convert: check its data wire and its supply",
    "ones": "reads all ones (-1): check its clock and data wires",
    "zeros": "reads all zeros: check its clock and data wires",
    "full": "is at full scale: overloaded, or a wire of its bridge is off",
    "stuck": "has not changed by one count while others did: check its converter",
}


class CellWatch:
    """Looks at the newest frame of every read; says what has been wrong for a while."""

    def __init__(self) -> None:
        self._epoch = -1
        self._since_us: list[int] = []
        self._fault: list[str] = []
        self._counts: tuple[int, ...] = ()
        self._changed_us: list[int] = []
        self._now_us = 0

    def look(self, frame: RawFrame) -> None:
        """Take one frame into account."""
        now_us = self._now_us = frame.board_us
        if frame.epoch != self._epoch or len(frame.counts) != len(self._counts):
            self._epoch = frame.epoch
            self._counts = frame.counts
            self._fault = [""] * len(frame.counts)
            self._since_us = [now_us] * len(frame.counts)
            self._changed_us = [now_us] * len(frame.counts)
        for cell, count in enumerate(frame.counts):
            if count != self._counts[cell]:
                self._changed_us[cell] = now_us
            fault = _fault(count, frame, cell)
            if fault != self._fault[cell]:
                self._fault[cell] = fault
                self._since_us[cell] = now_us
        self._counts = frame.counts

    def faults(self) -> dict[int, str]:
        """Words of ``WORDS`` by cell number, from 1."""
        found = {}
        newest_us = max(self._changed_us, default=0)
        for cell, fault in enumerate(self._fault):
            if fault and self._now_us - self._since_us[cell] >= HOLD_US:
                found[cell + 1] = fault
            elif not fault and newest_us - self._changed_us[cell] >= STUCK_US:
                found[cell + 1] = "stuck"
        return found

    def detail(self) -> str:
        """What is wrong, "" when nothing is."""
        return "; ".join(f"cell {cell} {WORDS[fault]}" for cell, fault in self.faults().items())


def _fault(count: int, frame: RawFrame, cell: int) -> str:
    if not frame.ready_mask >> cell & 1:
        return "dead"
    if frame.saturated_mask >> cell & 1 or not -FULL_SCALE - 1 < count < FULL_SCALE:
        return "full"
    if frame.status & TARED:  # then 0 and -1 are ordinary readings
        return ""
    return {-1: "ones", 0: "zeros"}.get(count, "")
