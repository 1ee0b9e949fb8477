"""A simulated board: a process of its own speaks wire bytes over a pseudo-terminal, opened here as any serial port."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
from typing import Any

import msgspec

from firmware_bridge.boards.serial import SerialBoard
from firmware_bridge.errors import BoardError
from firmware_bridge.faults import parse_fault
from firmware_bridge.virtual_process import VirtualOptions

__all__ = ["VirtualBoard"]

START_TIMEOUT_S = 20.0
"""A cold import of numpy from a slow disk. Assumption."""
LEAVE_TIMEOUT_S = 2.0
BOARD_KEYS = ("source", "rate_hz", "file", "site_mm", "loop", "seed")
"""The first fields of ``VirtualOptions``: keys of ``[board]`` itself, not of its options."""


class VirtualBoard(SerialBoard):
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
        super().__init__("", self.options.host_baud, self.options.rate_hz)
        what = {"replay": f"replay {self.options.file}", "presses": f"presses seed {self.options.seed}"}
        self.name = f"SIM {what.get(self.options.source, self.options.source)}"
        self._process: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Start the process and open its port.

        Raises
        ------
        BoardError
            With the process's own words when it does not start.
        """
        command = [sys.executable, "-m", "firmware_bridge.virtual_process", msgspec.json.encode(self.options).decode()]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            self.link.port = self._hello(self._process)["port"]
            super().open()
        except BaseException:
            self.close()
            raise

    def inject(self, fault: str) -> None:
        """Give the board a fault now (``firmware_bridge.faults``), for tests and demonstrations."""
        parse_fault(fault)
        self.type_line(fault)

    def load(self, newton: float, x_mm: float, y_mm: float) -> None:
        """Lay a weight on the plate, in place of the hand or the weight that was there."""
        self.type_line(f"load {newton} {x_mm} {y_mm}")

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
