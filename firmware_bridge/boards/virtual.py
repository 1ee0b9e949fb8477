"""The virtual board: what a simulated hand, a recording or a person at a rater does, as wire bytes on a port."""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from firmware_bridge import wire
from firmware_bridge.boards.spawned import SpawnedBoard
from firmware_bridge.errors import BoardError
from firmware_bridge.faults import parse_fault
from firmware_bridge.virtual_process import VirtualOptions

__all__ = ["VirtualBoard"]

BOARD_KEYS = ("source", "rate_hz", "file", "site_mm", "loop", "seed")
"""The first fields of ``VirtualOptions``: keys of ``[board]`` itself, not of its options."""


class VirtualBoard(SpawnedBoard):
    """Presses by a simulated hand, or a recording, through the bytes of a real board.

    Parameters
    ----------
    options
        ``VirtualOptions`` by name.

    Raises
    ------
    BoardError
        When an option is unknown or out of range.
    """

    def __init__(self, **options: Any) -> None:
        try:
            self.options = msgspec.convert(options, VirtualOptions)
        except msgspec.ValidationError as error:
            known = ", ".join(VirtualOptions.__struct_fields__[len(BOARD_KEYS) :])
            raise BoardError(f"board.options: {error}; known are {known}") from error
        for fault in self.options.faults:
            parse_fault(fault)
        what = {"replay": f"replay {self.options.file}", "presses": f"presses seed {self.options.seed}"}
        name = f"SIM {what.get(self.options.source, self.options.source)}"
        kind = wire.DeviceClass.RATER if self.options.source == "rater" else wire.DeviceClass.ABDOMEN
        super().__init__(name, self.options.host_baud, self.options.rate_hz, kind)

    def command(self) -> list[str]:
        """The virtual board's process."""
        return [sys.executable, "-m", "firmware_bridge.virtual_process", msgspec.json.encode(self.options).decode()]

    def inject(self, fault: str) -> None:
        """Give the board a fault now (``firmware_bridge.faults``), for tests and demonstrations."""
        parse_fault(fault)
        self.type_line(fault)

    def load(self, newton: float, x_mm: float, y_mm: float) -> None:
        """Lay a weight on the plate, in place of the hand or the weight that was there."""
        self.type_line(f"load {newton} {x_mm} {y_mm}")
