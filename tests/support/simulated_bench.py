"""A board and its virtual firmware on one simulated clock: no port, no process, no waiting."""

from __future__ import annotations

from firmware_bridge import wire
from firmware_bridge.boards.serial import SerialBoard
from firmware_bridge.faults import parse_fault
from firmware_bridge.frames import RawFrame
from firmware_bridge.uart import as_heard
from firmware_bridge.virtual_device import Load, VirtualDevice

MS = 1_000_000


class Cable:
    """Stands for the link: what is written reaches the device at once."""

    def __init__(self, device: VirtualDevice, baud: int, device_baud: int) -> None:
        self.device = device
        self.baud = baud
        self.device_baud = device_baud or baud
        self.generation = self.openings = 1
        self.error = self.note = ""
        self.bytes_received = 0
        self.now_ns = 0

    def set_baud(self, baud: int) -> None:
        self.baud = baud

    def write(self, data: bytes) -> bool:
        if data:
            self.device.receive(as_heard(data, self.baud, self.device_baud), self.now_ns)
        return True

    def read(self) -> bytes:
        data = as_heard(b"".join(self.device.run(self.now_ns)), self.device_baud, self.baud)
        self.bytes_received += len(data)
        return data


class Bench:
    """Both ends, stepped by ``run``."""

    def __init__(
        self,
        *,
        rate_hz: float = 250.0,
        baud: int = 500_000,
        device_baud: int = 0,
        device: VirtualDevice | None = None,
        device_class: wire.DeviceClass = wire.DeviceClass.ABDOMEN,
    ) -> None:
        self.device = device or VirtualDevice(Load(0.0), now_ns=0, rate_hz=rate_hz)
        self.board = SerialBoard("simulated", baud, rate_hz, device_class)
        self.cable = Cable(self.device, self.board.link.baud, device_baud)
        self.board.link = self.cable  # type: ignore[assignment]
        self.samples: list[RawFrame] = []
        self.details: list[str] = []
        self.states: list[str] = []

    def fault(self, text: str) -> None:
        self.device.inject(parse_fault(text), self.cable.now_ns)

    def run(self, seconds: float, *, deaf: bool = False) -> None:
        """Let time pass; ``deaf``: the host hangs meanwhile and says nothing."""
        for _ in range(round(seconds * 250)):
            self.cable.now_ns += 4 * MS
            data = self.cable.read()
            if deaf:
                continue
            if data:
                self.samples += self.board.frames(self.cable.now_ns, data)
            self.board.poll(self.cable.now_ns)
            health = self.board.health()
            if not self.states or health.state != self.states[-1]:
                self.states.append(health.state)
            if health.detail and (not self.details or health.detail != self.details[-1]):
                self.details.append(health.detail)
