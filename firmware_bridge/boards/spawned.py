"""A simulated board: a process of its own behind a pseudo-terminal, which is opened here as any serial port."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
from abc import ABC, abstractmethod

from firmware_bridge import wire
from firmware_bridge.boards.serial import SerialBoard
from firmware_bridge.errors import BoardError

__all__ = ["SpawnedBoard"]

START_TIMEOUT_S = 20.0
"""A cold import of numpy from a slow disk. Assumption."""
LEAVE_TIMEOUT_S = 2.0


class SpawnedBoard(SerialBoard, ABC):
    """A board whose process prints its port as JSON, takes lines on standard input, and leaves when that ends."""

    def __init__(
        self, name: str, baud: int, rate_hz: float, device_class: wire.DeviceClass = wire.DeviceClass.ABDOMEN
    ) -> None:
        super().__init__("", baud, rate_hz, device_class)
        self.name = name
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """What to run; may raise ``BoardError``."""

    def open(self) -> None:
        """Start the process and open its port.

        Raises
        ------
        BoardError
            With the process's own words when it does not start.
        """
        self._process = subprocess.Popen(self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            self.link.port = self._hello(self._process)["port"]
            super().open()
        except BaseException:
            self._process.terminate()
            self.close()
            raise

    def type_line(self, line: str) -> None:
        """Say a line to the process."""
        if self._process is None or self._process.stdin is None:
            raise BoardError(f"{self.name}: is not open; call open() first")
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """Give the port back and end the process."""
        super().close()
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            process.wait(LEAVE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _hello(self, process: subprocess.Popen[bytes]) -> dict[str, str]:
        """First line of the process: its port."""
        stdout = process.stdout
        if stdout is None or not select.select([stdout], [], [], START_TIMEOUT_S)[0]:
            raise BoardError(f"{self.name}: its process did not start within {START_TIMEOUT_S:g} s; try again")
        line = stdout.readline()
        hello: dict[str, str] = json.loads(line) if line else {"error": "its process ended before it spoke"}
        if "error" in hello:
            raise BoardError(f"{self.name}: {hello['error']}")
        return hello
