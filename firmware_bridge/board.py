"""The interface of a sensor board, and its health report."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from firmware_bridge.frames import RawFrame

__all__ = ["Board", "BoardEvent", "LinkHealth", "LinkState"]

LinkState = Literal["closed", "down", "identifying", "starting", "streaming", "silent"]


class LinkHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How a board and its link are doing, all counts since construction.

    Attributes
    ----------
    state
        closed: not opened. down: the port is gone, it is tried again. identifying, starting: the board is asked who
        it is, then to stream. streaming: samples arrive. silent: no sample for max(3 periods, 250 ms).
    detail
        What is wrong and what to do, in a sentence; "" when nothing is.
    board, uid, firmware
        From the board's own identity; uid is 16 hex digits, "" until known.
    note
        What the board's EEPROM keeps on its calibration, "" for nothing; None until it has answered, or where a driver
        has no such thing.
    samples, lost, duplicate, stray, bad
        Samples handed out; frames that never came; repeated ones; out-of-order ones; damaged ones.
    epoch, reconnects
        Reboots of the board seen; times the port was opened again.
    clock
        "synced", or "unsynced": times come from the last good fit or from the quickest frames.
    residual_ms, drift_ppm
        Of the clock's last fit; residual is ``nan`` before there is one.
    status
        ``Status`` bits of the last frame.
    """

    state: LinkState
    detail: str = ""
    board: str = ""
    uid: str = ""
    firmware: str = ""
    note: str | None = None
    device_class: str = ""
    n_channels: int = 0
    rate_hz: float = 0.0
    bytes_received: int = 0
    samples: int = 0
    lost: int = 0
    duplicate: int = 0
    stray: int = 0
    bad: int = 0
    epoch: int = 0
    reconnects: int = 0
    clock: Literal["synced", "unsynced"] = "unsynced"
    residual_ms: float = float("nan")
    drift_ppm: float = 0.0
    status: int = 0


class BoardEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a device said unasked: ``wire.EventCode`` and its value, at host monotonic ``t_ns``."""

    t_ns: int
    epoch: int
    code: int
    value: int


class Board(Protocol):
    """A source of ``RawFrame``; constructing one does no I/O, so ``frames`` alone can replay a record.

    ``read`` may be called from one thread while ``poll``, ``frames`` and ``health`` are called from another.
    """

    name: str
    """For the record; simulated boards begin with "SIM"."""

    def open(self) -> None:
        """Open the port; raises ``BridgeError`` when it cannot be had. Later losses heal by themselves."""
        ...

    def read(self, timeout_s: float) -> bytes:
        """Whatever has arrived; ``b""`` on time-out or while the link is down (it is reopened with back-off)."""
        ...

    def frames(self, received_ns: int, data: bytes) -> list[RawFrame]:
        """Decode bytes read at host monotonic ``received_ns``: equal input, equal output; no I/O, no clock."""
        ...

    def poll(self, now_ns: int) -> None:
        """Keep the board alive: identity, start, heartbeats and sync probes; call at 50 Hz or more."""
        ...

    def health(self) -> LinkHealth:
        """How it is doing, as of the last ``poll``."""
        ...

    def close(self) -> None:
        """Stop the board and free the port; a second call does nothing."""
        ...
