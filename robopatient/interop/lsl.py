"""Lab Streaming Layer: force, pain and markers as three outlets, dated by the moment they happened."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from robopatient import messages as m
from robopatient.errors import require
from robopatient.interop.markers import Marker

__all__ = ["LslOutlets"]

CONFIGURATION = """
[ports]
IPv6 = disable
[multicast]
ResolveScope = {scope}
{listen}
[log]
level = -2
"""
LOOPBACK = "ListenAddress = 127.0.0.1"
"""No other machine can find the streams; their data port, for which LSL has no key, is the firewall's."""


class LslOutlets:
    """Streams ``robopatient force``, ``robopatient pain`` and ``robopatient markers``.

    Parameters
    ----------
    session
        Name of the session; part of the streams' source id, so that a recorder finds them again.
    n_cells
        Cells of the phantom.
    rate_hz
        Frames that can differ in a second: the lower one of board rate and loop rate.
    loop_hz
        Rate of the pain.
    scope
        How far the streams can be discovered: "machine", "link" (the subnet) or "site".

    Raises
    ------
    MissingPackageError
        Without pylsl.
    """

    def __init__(self, session: str, n_cells: int, rate_hz: float, loop_hz: float, scope: str = "machine") -> None:
        self._pylsl = pylsl = require("pylsl", "interop")
        pylsl.set_config_content(CONFIGURATION.format(scope=scope, listen=LOOPBACK if scope == "machine" else ""))
        cells = [f"cell{number}" for number in range(1, n_cells + 1)]
        units = ["newton"] * (n_cells + 1) + ["millimetre"] * 2
        self._force = self._outlet("force", "Force", [*cells, "total", "x", "y"], units, rate_hz, session)
        self._pain = self._outlet("pain", "Pain", ["nrs"], ["NRS 0-10"], loop_hz, session)
        info = pylsl.StreamInfo(
            "robopatient markers", "Markers", 1, pylsl.IRREGULAR_RATE, pylsl.cf_string, f"robopatient-{session}-markers"
        )
        self._markers = pylsl.StreamOutlet(info)
        self._n_cells = n_cells
        self._seq = -1
        # Both clocks are CLOCK_MONOTONIC on Linux; elsewhere they may begin at different moments.
        self._offset_s = pylsl.local_clock() - time.monotonic()

    def send(self, message: m.Message) -> None:
        """Pass a message on; a force that is not new, or not of the phantom's cells, is left out."""
        match message:
            case m.ForceFrame() if message.seq != self._seq and len(message.cells_newton) == self._n_cells:
                self._seq = message.seq
                x_mm, y_mm = message.contact_mm or (math.nan, math.nan)
                row = [*message.cells_newton, message.total_newton, x_mm, y_mm]
                self._force.push_sample(row, self._time_s(message.t_ns))
            case m.PainState():
                self._pain.push_sample([message.nrs], self._time_s(message.t_ns))

    def mark(self, marker: Marker) -> None:
        """Pass a marker on."""
        self._markers.push_sample([marker.text], self._time_s(marker.t_ns))

    def close(self) -> None:
        """End the streams."""
        del self._force, self._pain, self._markers

    def _time_s(self, t_ns: int) -> float:
        return t_ns * 1e-9 + self._offset_s

    def _outlet(
        self, name: str, kind: str, labels: Sequence[str], units: Sequence[str], rate_hz: float, session: str
    ) -> Any:
        pylsl = self._pylsl
        source = f"robopatient-{session}-{name}"
        info = pylsl.StreamInfo(f"robopatient {name}", kind, len(labels), rate_hz, pylsl.cf_float32, source)
        channels = info.desc().append_child("channels")
        for label, unit in zip(labels, units, strict=True):
            channel = channels.append_child("channel")
            channel.append_child_value("label", label)
            channel.append_child_value("unit", unit)
        return pylsl.StreamOutlet(info)
