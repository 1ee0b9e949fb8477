"""A frame of a sensor board in counts: the only type that crosses from the bridge into the patient."""

from __future__ import annotations

import enum

import msgspec

__all__ = ["RawFrame", "Status"]


class Status(enum.IntFlag):
    """Status bits of a sample frame (wire format, docs/reference/protocol.md)."""

    NOT_READY = 1 << 0
    SATURATED = 1 << 1
    OVERLOAD = 1 << 2
    TX_DROP = 1 << 3
    RX_ERR = 1 << 4
    WATCHDOG = 1 << 5
    TARED = 1 << 6
    CAL_VALID = 1 << 7
    SELFTEST_FAIL = 1 << 8
    BROWNOUT_RESET = 1 << 9
    CLOCK_UNSYNCED = 1 << 16
    """Set by the host, beyond the 16 bits of the wire: ``t_ns`` comes from the last good line or from the arrival."""


class RawFrame(msgspec.Struct, frozen=True, gc=False):
    """One conversion of all cells.

    Attributes
    ----------
    t_ns
        Host monotonic ns of the conversion, mapped from ``board_us``.
    received_ns
        Host monotonic ns at which the bytes reached this computer.
    board_us
        Device time, us, unwrapped to 64 bits.
    seq
        Device sequence number, unwrapped; it never goes back within one epoch.
    epoch
        How often the board has rebooted since the link was opened.
    counts
        Raw counts, one per cell, shape (n_cells,).
    status
        ``Status`` bits.
    ready_mask, saturated_mask
        One bit per cell.
    """

    t_ns: int
    received_ns: int
    board_us: int
    seq: int
    epoch: int
    counts: tuple[int, ...]
    status: int
    ready_mask: int
    saturated_mask: int
