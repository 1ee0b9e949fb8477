"""Faults that the virtual board can have, written as ``KIND[:CELL][@AT][+FOR]`` (seconds).

``unplug@5+1.5`` pulls the plug 5 s after the first start for 1.5 s; ``dead:2@8`` kills cell 2 for good; without ``@`` a
fault begins at once.
"""

from __future__ import annotations

import re

import msgspec

from firmware_bridge.errors import BoardError

__all__ = ["KINDS", "Fault", "parse_fault"]

KINDS = {
    "silent": "the firmware hangs: neither samples nor answers",
    "reboot": "the board resets and says so",
    "unplug": "the port vanishes and comes back after FOR seconds (default 1), the board having lost power",
    "garbage": "random bytes between the frames",
    "truncated": "one frame in ten is cut short",
    "flipped": "one frame in ten has a wrong bit",
    "duplicate": "one frame in ten comes twice",
    "dropped": "one frame in ten is lost in the board (TX_DROP)",
    "reordered": "one frame in ten comes after its successor",
    "flood": "random bytes as fast as the port takes them",
    "text": "lines of text instead of frames, as a modem or a receiver says them",
    "version": "all frames are of protocol 2",
    "slow": "commands are obeyed 0.4 s late",
    "brownout": "the supply sags and the board resets",
    "eeprom": "the note in the EEPROM is damaged",
    "dead": "cell CELL (1 to 4) does not convert",
    "stuck": "cell CELL repeats its last value",
    "saturated": "cell CELL is at full scale",
    "ones": "cell CELL reads all ones (its wires)",
    "zeros": "cell CELL reads all zeros (its wires)",
}
_OF_A_CELL = ("dead", "stuck", "saturated", "ones", "zeros")
_PATTERN = re.compile(r"(?P<kind>[a-z]+)(:(?P<cell>\d+))?(@(?P<at>\d*\.?\d+))?(\+(?P<length>\d*\.?\d+))?")


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault; ``at_s`` counts from the board's first start, None: at once; ``for_s`` is inf when it stays."""

    kind: str
    cell: int = 0
    at_s: float | None = None
    for_s: float = float("inf")


def parse_fault(text: str) -> Fault:
    """Read one fault.

    Raises
    ------
    BoardError
        Naming the text and what may be written.
    """
    match = _PATTERN.fullmatch(text.strip())
    kind = match["kind"] if match else ""
    cell = int(match["cell"] or 0) if match else 0
    if match is None or kind not in KINDS or (kind in _OF_A_CELL) != (1 <= cell <= 4):
        raise BoardError(
            f'fault "{text}": write KIND[:CELL][@AT][+FOR] with KIND one of {", ".join(KINDS)} '
            f"(CELL 1 to 4 for {', '.join(_OF_A_CELL)} only), for example unplug@5+1.5 or dead:2@8"
        )
    at_s = float(match["at"]) if match["at"] else None
    for_s = float(match["length"]) if match["length"] else {"unplug": 1.0}.get(kind, float("inf"))
    return Fault(kind=kind, cell=cell, at_s=at_s, for_s=for_s)
