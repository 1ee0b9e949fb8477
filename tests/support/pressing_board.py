"""A virtual board whose hand does what a test tells it: forces come as datagrams, newtons as text."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from firmware_bridge.boards.virtual import VirtualBoard


class PressingBoard(VirtualBoard):
    """Lays on the plate what it is told.

    Parameters
    ----------
    hand
        Path of the socket that tells.
    """

    def __init__(self, *, hand: str, rate_hz: float, seed: int, **_: Any) -> None:
        super().__init__(rate_hz=rate_hz, seed=seed)
        self._path = hand
        self._socket: socket.socket | None = None

    def open(self) -> None:
        super().open()
        self.load(0.0, 145.0, 145.0)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(self._path)

    def poll(self, now_ns: int) -> None:
        super().poll(now_ns)
        if self._socket is not None:
            with contextlib.suppress(BlockingIOError):
                self.load(float(self._socket.recv(64)), 145.0, 145.0)
