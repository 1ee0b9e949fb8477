"""A serial port that comes back: exclusive, checked, opened again with back-off after an unplug.

Owns the file descriptor and nothing of what the bytes mean.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
import threading
import time
from pathlib import Path
from typing import Any

from firmware_bridge import discovery
from firmware_bridge.errors import PortError, require

__all__ = ["Link"]

BACK_OFF_FIRST_S = 0.05
BACK_OFF_FACTOR = 1.5
BACK_OFF_MAX_S = 0.5
READ_BYTES = 4096
USB_SERIAL = Path("/sys/bus/usb-serial/devices")
FLOOD_BYTES_PER_S = 100_000
"""Nine channels at 1 kHz are 55 kB/s; faster lines may carry twice their nominal rate (USB boards ignore it)."""
FLOOD_BYTES = 262_144
"""A backlog after a stall of this computer is no flood: the kernel keeps at most 64 KiB. Assumption: four times."""
FLOOD_PAUSE_S = 2.0
UDEV_RULE = 'SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{}", MODE="0660", GROUP="dialout", ENV{{ID_MM_DEVICE_IGNORE}}="1"'


class Link:
    """Raw bytes to and from one serial port.

    ``read`` belongs to one thread; ``write`` and ``close`` may be called from another.

    Parameters
    ----------
    port
        A path (/dev/serial/by-id/… is the stable one), ``usb:VID:PID[:SERIAL]`` in hexadecimal, or ``auto``.
    baud
        Bits per second.

    Attributes
    ----------
    generation
        0 while the port is not open, otherwise the number of this opening, from 1.
    openings
        How often the port has been opened.
    error
        Why the port is not open, "" when it is.
    note
        A hint on a setting that costs latency, "" when there is none.
    bytes_received
        All bytes so far.
    """

    def __init__(self, port: str, baud: int) -> None:
        self.port = port
        self.baud = baud
        self.generation = 0
        self.openings = 0
        self.error = "not opened yet"
        self.note = ""
        self.bytes_received = 0
        self._serial: Any = None
        # A descriptor is closed only while no thread waits on it: its number may be another file's a moment later.
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._wanted = False
        self._back_off_s = BACK_OFF_FIRST_S
        self._next_try_s = 0.0
        self._surplus_bytes = 0.0
        self._surplus_s = 0.0

    def open(self) -> None:
        """Open the port for the first time.

        Raises
        ------
        PortError
            When it is absent, forbidden, busy or no serial device.
        """
        self._wanted = True
        self._try_open()

    def read(self, timeout_s: float) -> bytes:
        """Whatever has arrived, at the latest after ``timeout_s``; ``b""`` on time-out and while the port is gone."""
        if self._serial is None:
            self._come_back(timeout_s)
            return b""
        with self._reading:
            if self._serial is None:
                return b""
            fd = self._serial.fd
            try:
                if not select.select([fd], [], [], timeout_s)[0]:
                    return b""
                data = os.read(fd, READ_BYTES)
                error = "" if data else "unplugged"
            except OSError as failure:
                data, error = b"", failure.strerror or str(failure)
        if error:
            self._lose(f"{self.port}: {error}; waiting for it to come back")
        elif self._floods(len(data)):
            limit = f"more than {self._flood_limit() / 1000:.0f} kB/s"
            self._lose(f"{self.port}: floods the line with {limit}: is it a board, and does its firmware run?")
            self._next_try_s = time.monotonic() + FLOOD_PAUSE_S
        self.bytes_received += len(data)
        return data

    def set_baud(self, baud: int) -> None:
        """Go on at another rate, on an open port too; what had arrived is discarded."""
        with self._writing:
            self.baud = baud
            if self._serial is not None:
                with contextlib.suppress(OSError, ValueError):  # a port that is gone is noticed by read()
                    self._serial.baudrate = baud
                    self._serial.reset_input_buffer()

    def write(self, data: bytes) -> bool:
        """Send without waiting; False when the port is gone or its buffer is full (``read`` notices a loss)."""
        with self._writing:
            if self._serial is None or not data:
                return False
            try:
                return os.write(self._serial.fd, data) == len(data)
            except OSError:
                return False

    def close(self) -> None:
        """Give the port back; waits for a ``read`` in another thread to time out."""
        self._wanted = False
        self._lose("closed")

    def _flood_limit(self) -> float:
        return max(FLOOD_BYTES_PER_S, 2 * self.baud / 10)

    def _floods(self, n_bytes: int) -> bool:
        """Whether more has come than any board sends (leaky bucket)."""
        now_s = time.monotonic()
        drained = (now_s - self._surplus_s) * self._flood_limit()
        self._surplus_bytes = max(0.0, self._surplus_bytes - drained) + n_bytes
        self._surplus_s = now_s
        return self._surplus_bytes > FLOOD_BYTES

    def _come_back(self, timeout_s: float) -> None:
        wait_s = min(timeout_s, self._next_try_s - time.monotonic())
        if wait_s > 0:
            time.sleep(wait_s)
        if not self._wanted or time.monotonic() < self._next_try_s:
            return
        try:
            self._try_open()
        except PortError as error:
            self.error = str(error)
            self._back_off_s = min(self._back_off_s * BACK_OFF_FACTOR, BACK_OFF_MAX_S)
            self._next_try_s = time.monotonic() + self._back_off_s

    def _try_open(self) -> None:
        serial = require("serial")
        path = discovery.resolve(self.port)
        _check(path)
        try:
            port = serial.Serial(path, self.baud, timeout=0, write_timeout=0, exclusive=True)
        except (OSError, ValueError) as error:
            raise _explained(path, self.baud, error) from error
        self.note = _low_latency(port, path)
        self._surplus_bytes, self._surplus_s = 0.0, time.monotonic()
        with self._reading, self._writing:
            self._serial = port
            self.openings += 1
            self.generation = self.openings
            self.error = ""
        self._back_off_s = BACK_OFF_FIRST_S

    def _lose(self, why: str) -> None:
        with self._reading, self._writing:
            port, self._serial = self._serial, None
            self.generation = 0
            self.error = why
            self._next_try_s = time.monotonic() + self._back_off_s
            if port is not None:
                with contextlib.suppress(OSError):  # SerialException is one
                    port.close()


def _check(path: str) -> None:
    """Only a character device is ever opened: not a file, a folder or a FIFO of that name."""
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        raise PortError(f"{path}: {error.strerror}; type: robopatient board list") from error
    if not stat.S_ISCHR(mode):
        raise PortError(f"{path}: is not a serial device (character device); type: robopatient board list")


def _explained(path: str, baud: int, error: Exception) -> PortError:
    number = getattr(error, "errno", None)
    if number == errno.EACCES:
        return PortError(
            f"{path}: permission denied; type: sudo usermod -aG dialout $USER (then log in again), "
            f"or add the udev rule {UDEV_RULE.format(discovery.vendor(path) or 'VVVV')}"
        )
    if number in (errno.EAGAIN, errno.EBUSY):
        return PortError(f"{path}: another program has it open; close it (to see which, type: fuser {path})")
    return PortError(f"{path}: cannot be opened at {baud} baud ({error}); type: robopatient board list")


def _low_latency(port: Any, path: str) -> str:
    """Ask an FTDI adapter to pass bytes on at once: its 16 ms latency timer would alone cost 16 ms."""
    with contextlib.suppress(OSError, ValueError, AttributeError, NotImplementedError):
        port.set_low_latency_mode(True)
    timer = USB_SERIAL / Path(path).resolve().name / "latency_timer"
    try:
        if int(timer.read_text()) <= 1:
            return ""
        timer.write_text("1")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError):
        return f"the adapter holds bytes back for up to 16 ms; type: echo 1 | sudo tee {timer}"
    return ""
