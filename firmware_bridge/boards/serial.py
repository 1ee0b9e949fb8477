"""A sensor board on a serial port: link, decoder and conversation as one ``Board``."""

from __future__ import annotations

from firmware_bridge import wire
from firmware_bridge.board import LinkHealth
from firmware_bridge.conversation import Conversation
from firmware_bridge.decoder import Decoder
from firmware_bridge.frames import RawFrame
from firmware_bridge.link import Link

__all__ = ["SerialBoard"]


class SerialBoard:
    """Speaks docs/protocol.md over a serial port.

    Parameters
    ----------
    port
        Path or ``usb:VID:PID[:SERIAL]``.
    baud
        Bits per second.
    rate_hz
        Sampling rate to ask for.
    """

    def __init__(self, port: str, baud: int, rate_hz: float) -> None:
        self.name = f"serial {port}"
        self.link = Link(port, baud)
        self.decoder = Decoder()
        self.conversation = Conversation(rate_hz)

    def open(self) -> None:
        """Open the port; raises ``PortError``."""
        self.link.open()

    def read(self, timeout_s: float) -> bytes:
        """Whatever has arrived; ``b""`` on time-out or while the link is down."""
        return self.link.read(timeout_s)

    def frames(self, received_ns: int, data: bytes) -> list[RawFrame]:
        """Decode bytes read at ``received_ns``; equal input gives equal frames."""
        samples, others = self.decoder.decode(received_ns, data)
        for frame in others:
            self.conversation.hear(frame)
        if samples:
            self.conversation.hear_samples(received_ns)
        return samples

    def poll(self, now_ns: int) -> None:
        """Send what is due: identity, start, heartbeat, sync."""
        self.link.write(self.conversation.poll(now_ns, self.link.generation))

    def health(self) -> LinkHealth:
        """How it is doing, as of the last ``poll``."""
        decoder, clock, ident = self.decoder, self.decoder.clock, self.conversation.ident
        state = self.conversation.state
        detail = self.link.error if state == "down" else self.conversation.detail
        if state == "identifying" and decoder.counters.good == 0 and decoder.counters.bad > 0:
            detail = f"bytes arrive but none is a frame: is {self.link.baud} the board's baud rate?"
        return LinkHealth(
            state=state,
            detail=detail or self.link.note,
            board=ident.board if ident else "",
            uid=f"{ident.uid:016x}" if ident else "",
            firmware=_version(ident) if ident else "",
            device_class=_device_class(ident) if ident else "",
            n_channels=decoder.n_channels,
            rate_hz=self.conversation.rate_hz,
            bytes_received=self.link.bytes_received,
            samples=decoder.samples,
            lost=decoder.lost,
            duplicate=decoder.duplicate,
            stray=decoder.stray,
            bad=decoder.counters.bad,
            epoch=decoder.epoch,
            reconnects=max(0, self.link.openings - 1),
            clock="synced" if clock.synced else "unsynced",
            residual_ms=clock.residual_ms,
            drift_ppm=clock.drift_ppm,
            status=decoder.status,
        )

    def close(self) -> None:
        """Tell the board to stop and give the port back."""
        self.link.write(self.conversation.goodbye())
        self.link.close()


def _version(ident: wire.Ident) -> str:
    number = ".".join(map(str, ident.firmware))
    return f"{number}+{ident.git_hash}" if ident.git_hash else number


def _device_class(ident: wire.Ident) -> str:
    known = {kind.value: kind.name.lower() for kind in wire.DeviceClass}
    return known.get(ident.device_class, f"class {ident.device_class}")
