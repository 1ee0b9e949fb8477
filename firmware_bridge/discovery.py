"""Which serial ports there are, without opening any of them."""

from __future__ import annotations

import msgspec

from firmware_bridge.errors import PortError, require

__all__ = ["Port", "ports", "resolve"]


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """A serial port of this computer; USB fields are "" for others."""

    path: str
    vid: str
    pid: str
    serial: str
    description: str


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


def resolve(port: str) -> str:
    """Path of a port given as a path or as ``usb:VID:PID[:SERIAL]``.

    Raises
    ------
    PortError
        When nothing, or more than one port, matches; no port is ever guessed.
    """
    if not port:
        raise PortError('board.port is empty: give a path or "usb:VID:PID"; type: robopatient board list')
    if not port.startswith("usb:"):
        return port
    vid, pid, serial, *_ = [*port.removeprefix("usb:").split(":", 2), "", "", ""]
    matching = [
        found
        for found in ports()
        if found.vid == vid.lower() and found.pid == pid.lower() and serial in ("", found.serial)
    ]
    if len(matching) == 1:
        return matching[0].path
    what = "no port matches" if not matching else "more than one port matches; add :SERIAL"
    listed = ", ".join(f"{found.path} (usb:{found.vid}:{found.pid}:{found.serial})" for found in ports() if found.vid)
    raise PortError(f"{port}: {what}; plugged in: {listed or 'no USB serial port'}; type: robopatient board list")
