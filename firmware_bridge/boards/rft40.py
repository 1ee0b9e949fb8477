"""A commercial six-axis sensor under the middle of the plate, as a board: Robotous RFT40, ``driver = "…:Rft40"``.

An example of a driver for a device that speaks a protocol of its own: it touches no other file
(docs/howto/write_a_driver.md).
"""

from __future__ import annotations

import struct

from firmware_bridge.board import LinkHealth, LinkState
from firmware_bridge.errors import BoardError
from firmware_bridge.frames import RawFrame
from firmware_bridge.link import Link

__all__ = ["Rft40", "packet"]

HEAD, TAIL = 0x55, 0xAA
STOP, START, SET_RATE = 0x0C, 0x0B, 0x17
RATES_HZ = {10: 1, 20: 2, 50: 3, 100: 4, 200: 0, 333: 6, 500: 7, 1000: 8}
"""Rate and its code in SET_RATE (public example nsaitarun-git/Robotous_RFT40_MATLAB_Example)."""
FRAME_BYTES = 19
BITS_PER_FRAME = 10 * FRAME_BYTES
PER_NEWTON, PER_NEWTON_METRE = 50, 1000
COUNTS_PER_NEWTON = 1000
"""Of the four cells that are computed: write it into the calibration file."""
SILENT_NS = 250_000_000
_AXES = struct.Struct(">6h")


def packet(command: int, argument: int = 0) -> bytes:
    """A command: head, 8 bytes, their sum modulo 256, tail."""
    body = bytes((command, argument, 0, 0, 0, 0, 0, 0))
    return bytes((HEAD, *body, sum(body) & 0xFF, TAIL))


class Rft40:
    """Force and moments of one sensor, converted to the four cells of a square plate that it carries.

    The frames bear neither number nor time: a lost one is not noticed, and each is dated by its arrival.

    Parameters
    ----------
    port, baud, rate_hz
        As in ``[board]``; the sensor's own baud rate is 115 200. The fastest of its rates that is not above ``rate_hz``
        and that the line carries is used.
    side_mm
        Distance of the cells of the phantom that the sensor stands in for.
    sign
        1 when a press reads as positive Fz, -1 when the sensor is mounted the other way up.
    """

    def __init__(
        self, port: str, baud: int, rate_hz: float, side_mm: float = 290.0, sign: int = 1, **_others: object
    ) -> None:
        possible = [hz for hz in RATES_HZ if hz <= min(rate_hz, baud / BITS_PER_FRAME)]
        if not possible or side_mm <= 0.0 or sign not in (1, -1):
            raise BoardError(
                f"Rft40: baud {baud}, rate_hz {rate_hz:g}, side_mm {side_mm:g}, sign {sign}: no rate fits "
                "or side_mm is not above 0 or sign neither 1 nor -1; for example baud = 115200, rate_hz = 500"
            )
        self.name = f"RFT40 {port}"
        self.link = Link(port, baud)
        self._rate_hz = max(possible)
        self._lever_m = side_mm / 2000.0
        self._sign = sign
        self._pending = b""
        self._bad = self._seq = self._generation = 0
        self._t_ns = self._sample_ns = 0
        self._state: LinkState = "closed"

    def open(self) -> None:
        """Open the port; raises ``PortError``."""
        self.link.open()

    def read(self, timeout_s: float) -> bytes:
        """Whatever has arrived; ``b""`` on time-out or while the link is down."""
        return self.link.read(timeout_s)

    def frames(self, received_ns: int, data: bytes) -> list[RawFrame]:
        """Decode bytes; a byte that begins no whole frame is skipped and counted."""
        found = []
        rest = self._pending + data
        while len(rest) >= FRAME_BYTES:
            body = rest[1:17]
            if rest[0] == HEAD and rest[18] == TAIL and body[0] == START and sum(body) & 0xFF == rest[17]:
                found.append(self._frame(received_ns, body))
                rest = rest[FRAME_BYTES:]
            else:
                self._bad += 1
                rest = rest[1:]
        self._pending = rest
        return found

    def poll(self, now_ns: int) -> None:
        """Start the stream after every opening, and again when it falls silent."""
        if self.link.generation == 0:
            self._state, self._generation = "down", 0
        elif self.link.generation != self._generation or now_ns - self._sample_ns > SILENT_NS:
            self._state = "starting" if self.link.generation != self._generation else "silent"
            self._generation, self._sample_ns = self.link.generation, now_ns
            self.link.write(packet(STOP) + packet(SET_RATE, RATES_HZ[self._rate_hz]) + packet(START))

    def health(self) -> LinkHealth:
        """How it is doing."""
        words = {"down": self.link.error, "silent": "no sample for 250 ms: check cable, supply and baud rate"}
        return LinkHealth(
            state=self._state,
            detail=words.get(self._state, self.link.note),
            board="RFT40",
            n_channels=4,
            rate_hz=self._rate_hz,
            bytes_received=self.link.bytes_received,
            samples=self._seq,
            bad=self._bad,
            reconnects=max(0, self.link.openings - 1),
        )

    def close(self) -> None:
        """Stop the stream and give the port back."""
        self.link.write(packet(STOP))
        self._state = "closed"
        self.link.close()

    def _frame(self, received_ns: int, body: bytes) -> RawFrame:
        _, _, fz, tx, ty, _ = _AXES.unpack_from(body, 1)
        force = self._sign * fz / PER_NEWTON
        # A force at (x, y) from the middle has the moments Tx = y Fz and Ty = -x Fz.
        x, y = (-self._sign * ty / PER_NEWTON_METRE / self._lever_m, self._sign * tx / PER_NEWTON_METRE / self._lever_m)
        corners = ((-1, 1), (1, -1), (-1, -1), (1, 1))  # cells 1 to 4, firmware_bridge/phantom.py
        cells = tuple(round(COUNTS_PER_NEWTON * (force + sx * x + sy * y) / 4) for sx, sy in corners)
        self._seq += 1
        self._t_ns = max(received_ns, self._t_ns + 1)
        self._sample_ns, self._state = received_ns, "streaming"
        return RawFrame(self._t_ns, received_ns, self._t_ns // 1000, self._seq, 0, cells, 0, 0b1111, 0)
