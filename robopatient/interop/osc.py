"""Open Sound Control: force, pain, voice, face and markers as messages over UDP, for media software."""

from __future__ import annotations

import math

from robopatient import messages as m
from robopatient.errors import ConfigError, require
from robopatient.interop.markers import Marker

__all__ = ["OscSender", "parse_address"]


class OscSender:
    """Sends to one address by UDP; a receiver is not required.

    Parameters
    ----------
    address
        ``HOST:PORT``.

    Raises
    ------
    MissingPackageError, ConfigError
        Without python-osc; when the address is none.
    """

    def __init__(self, address: str) -> None:
        host, port = parse_address(address)
        self._client = require("pythonosc.udp_client", "interop").SimpleUDPClient(host, port)
        self._seq = -1

    def send(self, message: m.Message) -> None:
        """Pass a message on.

        Raises
        ------
        OSError
            When the network refuses it.
        """
        match message:
            case m.ForceFrame() if message.seq != self._seq:
                self._seq = message.seq
                x_mm, y_mm = message.contact_mm or (math.nan, math.nan)
                self._client.send_message("/robopatient/force", [message.total_newton, x_mm, y_mm])
                self._client.send_message("/robopatient/cells", list(message.cells_newton))
            case m.PainState():
                self._client.send_message("/robopatient/pain", [message.nrs, message.phase, message.site])
            case m.Heard():
                self._client.send_message("/robopatient/heard", [message.level_dbfs, message.f0_hz, message.call])
            case m.Seen():
                self._client.send_message("/robopatient/seen", [message.pspi])
            case m.Press():
                values = [message.peak_newton, message.rise_newton_per_s, message.x_mm, message.y_mm, message.region]
                self._client.send_message("/robopatient/press", values)

    def mark(self, marker: Marker) -> None:
        """Pass a marker on; as ``send``."""
        self._client.send_message("/robopatient/marker", [marker.text])

    def close(self) -> None:
        """Nothing is held open that would need it."""


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``; ConfigError when it is none."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]")  # as IPv6 addresses are written
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise ConfigError(f'interop.osc is "{text}"; write HOST:PORT, for example --set interop.osc=127.0.0.1:9000')
    return host, int(port)
