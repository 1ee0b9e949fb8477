"""A client of a session that looks at the face's pictures as the console does, and writes down what came when."""

from __future__ import annotations

import zlib
from pathlib import Path

from robopatient import messages as m
from robopatient.bus import ActorPort, Endpoints, MirrorReceiver
from robopatient.clock import HostClock
from robopatient.config import SessionConfig

FILE = "mirror.txt"
LOOK_MS = 5


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """One line a picture: when it came, ns, and a checksum of its pixels."""
    del config
    clock, mirror, port = HostClock(), MirrorReceiver(endpoints), ActorPort(endpoints, ("stop",))
    try:
        with (folder / FILE).open("w") as file:
            while not any(isinstance(message, m.SessionStop) for message in port.receive(LOOK_MS)):
                picture = mirror.latest()
                if picture is not None:
                    file.write(f"{clock.now_ns()} {zlib.crc32(picture[2])}\n")
    finally:
        mirror.close()
        port.close()
