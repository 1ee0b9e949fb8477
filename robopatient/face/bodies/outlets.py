"""Where a body's frames go: VMC messages over OSC, an LSL stream, or lines of JSON."""

from __future__ import annotations

import socket
import time
from typing import Any, Protocol

import msgspec

from robopatient.errors import RecordError, require
from robopatient.face.bodies.arkit import ARKIT_52, BodyFrame, quaternion
from robopatient.folders import user_path

__all__ = ["BodyOutlet", "JsonLines", "LslFace", "VmcSender", "address"]


class BodyOutlet(Protocol):
    """Takes one frame after another."""

    def send(self, t_ns: int, frame: BodyFrame) -> None:
        """Pass a frame on.

        Raises
        ------
        OSError
            When the network or the disk refuses it.
        """
        ...

    def close(self) -> None:
        """End."""
        ...


def address(text: str) -> tuple[str, int] | None:
    """Host and port of ``HOST:PORT``, None when it is no such thing."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]")  # as IPv6 addresses are written
    return (host, int(port)) if host and port.isdecimal() and 1 <= int(port) <= 65_535 else None


class VmcSender:
    """VMC protocol: one OSC bundle a frame with 52 blend shapes, head and eyes.

    Messages: ``/VMC/Ext/Blend/Val name value`` for each weight, ``/VMC/Ext/Blend/Apply``, ``/VMC/Ext/Bone/Pos name``
    with place 0 and quaternion for Head, LeftEye and RightEye, ``/VMC/Ext/OK 1``, ``/VMC/Ext/T seconds``.

    Raises
    ------
    MissingPackageError
        Without python-osc.
    """

    def __init__(self, host: str, port: int) -> None:
        self._messages = require("pythonosc.osc_message_builder", "interop")
        self._bundles = require("pythonosc.osc_bundle_builder", "interop")
        self._client = require("pythonosc.udp_client", "interop").UDPClient(host, port)

    def send(self, t_ns: int, frame: BodyFrame) -> None:
        """Pass a frame on in one datagram."""
        bundle = self._bundles.OscBundleBuilder(self._bundles.IMMEDIATELY)

        def add(where: str, *values: object) -> None:
            message = self._messages.OscMessageBuilder(where)
            for value in values:
                message.add_arg(value)
            bundle.add_content(message.build())

        for name, weight in frame.weights.items():
            add("/VMC/Ext/Blend/Val", name, float(weight))
        add("/VMC/Ext/Blend/Apply")
        eyes = quaternion(*frame.gaze_deg)
        for bone, turn in (("Head", quaternion(*frame.head_deg)), ("LeftEye", eyes), ("RightEye", eyes)):
            add("/VMC/Ext/Bone/Pos", bone, 0.0, 0.0, 0.0, *turn)
        add("/VMC/Ext/OK", 1)
        add("/VMC/Ext/T", t_ns * 1e-9)
        self._client.send(bundle.build())

    def close(self) -> None:
        """Nothing is held open that would need it."""


LSL_CHANNELS = (*ARKIT_52, "head_pitch", "head_yaw", "head_roll", "gaze_pitch", "gaze_yaw")
LSL_SETTINGS = "[ports]\nIPv6 = disable\n[multicast]\nResolveScope = {scope}\n{listen}\n[log]\nlevel = -2\n"


class LslFace:
    """LSL stream ``robopatient face``: 52 weights, then head and gaze in degrees, dated by the frame's moment.

    Parameters
    ----------
    scope
        How far it can be discovered: "machine", "link" or "site".

    Raises
    ------
    MissingPackageError
        Without pylsl.
    """

    def __init__(self, session: str, fps: float, scope: str = "machine") -> None:
        pylsl: Any = require("pylsl", "interop")
        listen = "ListenAddress = 127.0.0.1" if scope == "machine" else ""
        pylsl.set_config_content(LSL_SETTINGS.format(scope=scope, listen=listen))
        name, count = "robopatient face", len(LSL_CHANNELS)
        info = pylsl.StreamInfo(name, "Expression", count, fps, pylsl.cf_float32, f"robopatient-{session}-face")
        channels = info.desc().append_child("channels")
        for label in LSL_CHANNELS:
            channel = channels.append_child("channel")
            channel.append_child_value("label", label)
            channel.append_child_value("unit", "degrees" if "_" in label else "0-1")
        self._outlet = pylsl.StreamOutlet(info)
        # Both clocks are CLOCK_MONOTONIC on Linux; elsewhere they may begin at different moments.
        self._offset_s = pylsl.local_clock() - time.monotonic()

    def send(self, t_ns: int, frame: BodyFrame) -> None:
        """Pass a frame on."""
        row = [*frame.weights.values(), *frame.head_deg, *frame.gaze_deg]
        self._outlet.push_sample(row, t_ns * 1e-9 + self._offset_s)

    def close(self) -> None:
        """End the stream."""
        del self._outlet


class JsonLines:
    """One JSON object a frame: ``t_ns``, ``weights`` above 0, ``head_deg``, ``gaze_deg``; to a file or over UDP.

    Parameters
    ----------
    target
        ``HOST:PORT``, or the path of a file, which is begun anew.

    Raises
    ------
    RecordError
        When the file cannot be written.
    """

    def __init__(self, target: str) -> None:
        self._to = address(target)
        self._socket: socket.socket | None = None
        self._file: Any = None
        if self._to is not None:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            return
        try:
            self._file = user_path(target).open("wb")
        except OSError as error:
            raise RecordError(
                f'interop.face_lines = "{target}": cannot be written ({error.strerror}); give HOST:PORT or a file'
            ) from error

    def send(self, t_ns: int, frame: BodyFrame) -> None:
        """Pass a frame on."""
        line = msgspec.json.encode(
            {
                "t_ns": t_ns,
                "weights": {name: round(value, 4) for name, value in frame.weights.items() if value > 0.0},
                "head_deg": [round(angle, 3) for angle in frame.head_deg],
                "gaze_deg": [round(angle, 3) for angle in frame.gaze_deg],
            }
        )
        if self._socket is not None and self._to is not None:
            self._socket.sendto(line + b"\n", self._to)
        elif self._file is not None:
            self._file.write(line + b"\n")
            self._file.flush()  # readers that follow the file see the frame at once

    def close(self) -> None:
        """Close socket or file."""
        for held in (self._socket, self._file):
            if held is not None:
                held.close()
