"""The firmware of the virtual rater: a dial and buttons that are turned and pressed by typed lines."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from firmware_bridge import wire
from firmware_bridge.errors import BoardError
from firmware_bridge.virtual_device import VirtualDevice

__all__ = ["VirtualRater"]

BUTTONS = {"commit": 0, "mark": 1, **{str(line): line for line in range(2, 8)}}
PRESSED = 0x100


class Untouched:
    """Nothing presses a rater's plate: it has none."""

    def forces(self, t_s: NDArray[np.float64], period_s: float) -> NDArray[np.float64]:
        """As ``virtual_device.ForceSource``."""
        return np.zeros((len(t_s), 4))


class VirtualRater(VirtualDevice):
    """Obeys the lines ``dial NUMBER``, ``press BUTTON``, ``release BUTTON``; ``commit`` and ``mark`` are both at once.

    BUTTON is commit, mark or 2 to 7; every other line is a fault.
    """

    device_class: ClassVar[wire.DeviceClass] = wire.DeviceClass.RATER
    n_channels: ClassVar[int] = 3
    period_us: ClassVar[tuple[int, int]] = (5_000, 100_000)
    uid: ClassVar[int] = 0x53494D0000000002

    def boot(self, now_ns: int, cause: wire.ResetCause) -> None:
        """Reset: the dial stays where it is, the count of commits begins again."""
        self._dial = getattr(self, "_dial", 0)
        self._buttons = 0
        self._commits = 0
        self._last_commit = 0
        super().boot(now_ns, cause)

    def obey_line(self, line: str, now_ns: int) -> None:
        """Turn the dial, press and release buttons, or have a fault."""
        word, *rest = line.split()
        if word == "dial" and len(rest) == 1 and rest[0].isdigit() and int(rest[0]) <= 100:
            self._dial = int(rest[0])
        elif word in ("press", "release") and len(rest) == 1 and rest[0] in BUTTONS:
            self._push(BUTTONS[rest[0]], word == "press", now_ns)
        elif word in ("commit", "mark") and not rest:
            self._push(BUTTONS[word], True, now_ns)
            self._push(BUTTONS[word], False, now_ns)
        elif word in ("dial", "press", "release", "load"):
            raise BoardError(f'"{line}": write dial 0 to 100, or press, release and one of {", ".join(BUTTONS)}')
        else:
            super().obey_line(line, now_ns)

    def _push(self, button: int, down: bool, now_ns: int) -> None:
        if bool(self._buttons >> button & 1) == down:
            return
        self._buttons ^= 1 << button
        if button == 0:
            if down:
                self._commits = self._commits % 0xFFFF + 1
                self._last_commit = self._commits << 8 | self._dial
                self._send(now_ns, wire.Type.EVENT, wire.encode_event(wire.EventCode.COMMIT, self._last_commit))
            return
        value = button | (PRESSED if down else 0)
        self._send(now_ns, wire.Type.EVENT, wire.encode_event(wire.EventCode.MARK, value))

    def _act(self, kind: int, payload: bytes, now_ns: int) -> tuple[wire.AckCode, int]:
        if kind == wire.Command.TARE:
            return wire.AckCode.NOT_SUPPORTED, 0
        return super()._act(kind, payload, now_ns)

    def _self_test(self) -> wire.SelfTest:
        rate = round(1e9 / self._period_us)
        return wire.SelfTest(failures=0, ready_mask=7, saturated_mask=0, stuck_mask=0, rate_millihertz=rate)

    def _convert(self) -> None:
        t_us = self._device_us(self._sample_ns(self._index))
        channels = (self._dial, self._buttons, self._last_commit)
        self._out.append(wire.encode_sample(self._seq, t_us, channels, self._status, 7, 0))
        self._seq += 1
        self._index += 1
