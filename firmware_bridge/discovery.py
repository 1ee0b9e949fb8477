"""Lists the serial ports without opening any of them."""

from __future__ import annotations

import msgspec

from firmware_bridge.errors import PortError, require

__all__ = ["ALLOWED", "Port", "ports", "resolve", "vendor"]

ALLOWED = {
    ("2341", ""): "Arduino",
    ("2a03", ""): "Arduino",
    ("0403", "6001"): "FTDI FT232R",
    ("0403", "6015"): "FTDI FT231X",
    ("1a86", "7523"): "CH340",
    ("10c4", "ea60"): "CP210x",
    ("303a", "1001"): "Espressif",
}
"""Vendors and products ("" any) that ``port = "auto"`` may open: boards and adapters that the wiring guide names. Any
other port, a modem or a pump, is opened only when it is named."""


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """A serial port of this computer; USB fields are "" for others."""

    path: str
    vid: str
    pid: str
    serial: str
    description: str

    @property
    def is_allowed(self) -> bool:
        """Whether ``port = "auto"`` may open it."""
        return (self.vid, self.pid) in ALLOWED or (self.vid, "") in ALLOWED


def ports() -> list[Port]:
    """All serial ports, USB ones first."""
    found = [
        Port(
            path=info.device,
            vid=f"{info.vid:04x}" if info.vid is not None else "",
            pid=f"{info.pid:04x}" if info.pid is not None else "",
            serial=info.serial_number or "",
            description=" ".join(filter(None, (info.manufacturer, info.product))) or info.description or "",
        )
        for info in require("serial.tools.list_ports").comports()
    ]
    return sorted(found, key=lambda port: (not port.vid, port.path))


def vendor(path: str) -> str:
    """USB vendor of a port, four hexadecimal digits, "" when it has none."""
    return next((port.vid for port in ports() if port.path == path), "")


def resolve(port: str) -> str:
    """Path of a port given as a path, as ``usb:VID:PID[:SERIAL]``, or as ``auto``: the only one that is allowed.

    Raises
    ------
    PortError
        When nothing, or more than one port, matches; no port is ever guessed.
    """
    if not port:
        raise PortError('board.port is empty: give a path, "usb:VID:PID" or "auto"; type: robopatient board list')
    if port == "auto":
        matching = [found for found in ports() if found.is_allowed]
    elif port.startswith("usb:"):
        vid, pid, serial, *_ = [*port.removeprefix("usb:").split(":", 2), "", "", ""]
        matching = [
            found
            for found in ports()
            if found.vid == vid.lower() and found.pid == pid.lower() and serial in ("", found.serial)
        ]
    else:
        return port
    if len(matching) == 1:
        return matching[0].path
    what = "no port matches" if not matching else "more than one port matches; name one as usb:VID:PID:SERIAL"
    listed = ", ".join(f"{found.path} (usb:{found.vid}:{found.pid}:{found.serial})" for found in ports() if found.vid)
    raise PortError(f"{port}: {what}; plugged in: {listed or 'no USB serial port'}; type: robopatient board list")
