"""The bytes between a sensor board and the host: frames, commands and a parser that never raises.

Owns the wire format and nothing else: no port, no clock, no meaning of counts. ``docs/reference/protocol.md`` says the
same for the writer of a firmware, byte by byte; a test compares the two.
"""

from __future__ import annotations

import binascii
import enum
import struct
from collections.abc import Sequence

import msgspec

from firmware_bridge.errors import require

__all__ = [
    "VERSION",
    "AckCode",
    "AdcType",
    "Command",
    "CommandParser",
    "Counters",
    "DeviceClass",
    "EventCode",
    "Ident",
    "ParsedCommand",
    "Parser",
    "ResetCause",
    "SelfTest",
    "Type",
    "WireFrame",
    "blob_hash",
    "encode_ack",
    "encode_command",
    "encode_event",
    "encode_frame",
    "encode_sample",
    "encode_sync",
    "parse_ack",
    "parse_event",
    "parse_sync",
]

cobs = require("cobs.cobs")

VERSION = 1
MAX_CHANNELS = 9
MAX_BODY_BYTES = 96
"""Longest decoded frame, CRC included: what a small microcontroller can hold."""
MAX_PENDING_BYTES = 256
"""Without a delimiter in this many bytes the parser gives up and waits for the next one."""
MAX_BLOB_BYTES = 48
"""Calibration note kept in the board's EEPROM."""

_HEADER = struct.Struct("<BBHIBHHH")
_CRC = struct.Struct("<H")
_SAMPLES = {n: struct.Struct(f"<BBHIBHHH{n}i") for n in range(1, MAX_CHANNELS + 1)}
_HEADER_BYTES = _HEADER.size
_FRAME_MIN_BYTES = _HEADER_BYTES + _CRC.size
_COMMAND_MIN_BYTES = 3 + _CRC.size
_ACK = struct.Struct("<BBBI")
_SYNC = struct.Struct("<BQI")
_EVENT = struct.Struct("<BI")
_IDENT = struct.Struct("<BBBBBBBBBHQI8s24s")
_SELF_TEST = struct.Struct("<BBHHHI")


class Type(enum.IntEnum):
    """Frames that a board sends."""

    IDENT = 0x01
    SAMPLE = 0x02
    ACK = 0x03
    SYNC = 0x04
    SELFTEST = 0x05
    EVENT = 0x06
    CALIBRATION = 0x07


class Command(enum.IntEnum):
    """Commands that a host sends; 0x89 was the prototype's MODE and stays unused."""

    IDENT = 0x81
    START = 0x82
    STOP = 0x83
    TARE = 0x84
    SET_RATE = 0x85
    SYNC = 0x86
    SELFTEST = 0x87
    HEARTBEAT = 0x88
    CAL_SET = 0x8A
    CAL_GET = 0x8B
    REBOOT = 0x8C


class AckCode(enum.IntEnum):
    """What became of a command."""

    OK = 0
    UNKNOWN_COMMAND = 1
    BAD_ARGUMENT = 2
    BUSY = 3
    NOT_SUPPORTED = 4
    FAILED = 5


class EventCode(enum.IntEnum):
    """Things a board says unasked; the value is a u32."""

    BOOT = 1
    """First frame after a reset; value = ``ResetCause``."""
    WATCHDOG_EXPIRED = 2
    """No heartbeat for 1 s: streaming stopped; value = ms since the last one."""
    MARK = 3
    """A button or trigger input; value = line number | 0x100 when pressed."""
    COMMIT = 4
    """A rater's commit button went down; value = count of commits since the reset * 256 + dial (0 to 100)."""


class ResetCause(enum.IntEnum):
    """Why the board last started."""

    UNKNOWN = 0
    POWER_ON = 1
    EXTERNAL = 2
    BROWNOUT = 3
    WATCHDOG = 4
    COMMAND = 5


class DeviceClass(enum.IntEnum):
    """What the board measures."""

    ABDOMEN = 1
    RATER = 2


class AdcType(enum.IntEnum):
    """Converter behind the cells."""

    UNKNOWN = 0
    HX711 = 1
    HX717 = 2
    ADS1256 = 3
    ADS131M0X = 4
    MCU = 5
    SIMULATED = 255


_SAMPLE = Type.SAMPLE.value


class WireFrame(msgspec.Struct, frozen=True, gc=False):
    """One verified frame of a board.

    ``counts`` holds the samples of a SAMPLE frame (one per channel) and is empty otherwise; ``payload`` holds what
    follows the header of every other type.
    """

    type: int
    seq: int
    t_us: int
    n_channels: int
    status: int
    ready_mask: int
    saturated_mask: int
    counts: tuple[int, ...] = ()
    payload: bytes = b""


class ParsedCommand(msgspec.Struct, frozen=True, gc=False):
    """One verified command of a host."""

    command: int
    tag: int
    payload: bytes


class Counters(msgspec.Struct):
    """What the parser accepted and why it dropped the rest.

    ``other_version`` is the protocol version of the last frame that was whole but not of this version, 0 before one.
    """

    good: int = 0
    bad_cobs: int = 0
    bad_length: int = 0
    bad_crc: int = 0
    bad_version: int = 0
    bad_layout: int = 0
    overlong: int = 0
    other_version: int = 0

    @property
    def bad(self) -> int:
        """All that was dropped."""
        return self.bad_cobs + self.bad_length + self.bad_crc + self.bad_version + self.bad_layout + self.overlong


class Deframer:
    """Cuts a byte stream at its zeros and returns the bodies whose COBS, length, CRC and version are right.

    Never raises and never holds more than ``MAX_PENDING_BYTES``, whatever arrives. A damaged frame costs itself and
    at most the next one.

    Parameters
    ----------
    min_body_bytes
        Shortest decoded frame, CRC included.
    any_version
        Type or command that is let through in every version.
    """

    def __init__(self, min_body_bytes: int, any_version: int = -1) -> None:
        self.counters = Counters()
        self._min_body_bytes = min_body_bytes
        self._any_version = any_version
        self._pending = b""
        self._skipping = False

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame whose end has not come yet."""
        return len(self._pending)

    def bodies(self, data: bytes) -> list[bytes]:
        """Decoded frames without their CRC that end within ``data``."""
        counters = self.counters
        parts = (self._pending + data).split(b"\0")
        self._pending = parts.pop()
        if self._skipping and parts:
            del parts[0]
            self._skipping = False
        if len(self._pending) > MAX_PENDING_BYTES:
            counters.overlong += not self._skipping
            self._pending = b""
            self._skipping = True
        elif self._skipping:
            self._pending = b""
        bodies = []
        for part in parts:
            if not part:
                continue
            if len(part) > MAX_PENDING_BYTES:
                counters.overlong += 1
                continue
            try:
                raw = cobs.decode(part)
            except cobs.DecodeError:
                counters.bad_cobs += 1
                continue
            if not self._min_body_bytes <= len(raw) <= MAX_BODY_BYTES:
                counters.bad_length += 1
                continue
            body = raw[:-2]
            if binascii.crc_hqx(body, 0xFFFF) != raw[-2] | raw[-1] << 8:
                counters.bad_crc += 1
                continue
            if body[0] != VERSION and body[1] != self._any_version:
                counters.bad_version += 1
                counters.other_version = body[0]
                continue
            bodies.append(body)
        return bodies


class Parser:
    """The host's ear: bytes of a board in, verified frames out."""

    def __init__(self) -> None:
        self._deframer = Deframer(_FRAME_MIN_BYTES)
        self.counters = self._deframer.counters

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame whose end has not come yet, at most ``MAX_PENDING_BYTES``."""
        return self._deframer.pending_bytes

    def feed(self, data: bytes) -> list[WireFrame]:
        """Frames that end within ``data``; never raises."""
        counters = self.counters
        frames = []
        for body in self._deframer.bodies(data):
            kind, n_channels = body[1], body[8]
            if kind == _SAMPLE:
                layout = _SAMPLES.get(n_channels)
                if layout is None or layout.size != len(body):
                    counters.bad_layout += 1
                    continue
                _, _, seq, t_us, _, status, ready, saturated, *counts = layout.unpack(body)
                frames.append(WireFrame(kind, seq, t_us, n_channels, status, ready, saturated, tuple(counts)))
            else:
                shortest, longest = _PAYLOAD_BYTES.get(kind, (1, 0))
                if not (shortest <= len(body) - _HEADER_BYTES <= longest and 1 <= n_channels <= MAX_CHANNELS):
                    counters.bad_layout += 1
                    continue
                _, _, seq, t_us, _, status, ready, saturated = _HEADER.unpack_from(body)
                payload = body[_HEADER_BYTES:]
                frames.append(WireFrame(kind, seq, t_us, n_channels, status, ready, saturated, (), payload))
        counters.good += len(frames)
        return frames


class CommandParser:
    """The board's ear: bytes of a host in, verified commands out (virtual board and tests)."""

    def __init__(self) -> None:
        self._deframer = Deframer(_COMMAND_MIN_BYTES, any_version=Command.IDENT)
        self.counters = self._deframer.counters

    def feed(self, data: bytes) -> list[ParsedCommand]:
        """Commands that end within ``data``; never raises."""
        commands = [ParsedCommand(body[1], body[2], body[3:]) for body in self._deframer.bodies(data)]
        self.counters.good += len(commands)
        return commands


def encode_frame(frame: WireFrame) -> bytes:
    """Bytes of a frame as a board sends it, ending with the delimiter."""
    head = _HEADER.pack(
        VERSION,
        frame.type,
        frame.seq & 0xFFFF,
        frame.t_us & 0xFFFFFFFF,
        frame.n_channels,
        frame.status,
        frame.ready_mask,
        frame.saturated_mask,
    )
    data = struct.pack(f"<{len(frame.counts)}i", *frame.counts) if frame.type == Type.SAMPLE else frame.payload
    return _seal(head + data) + b"\0"


def encode_sample(
    seq: int, t_us: int, counts: Sequence[int], status: int, ready_mask: int, saturated_mask: int
) -> bytes:
    """Bytes of a SAMPLE frame."""
    n = len(counts)
    body = _SAMPLES[n].pack(
        VERSION, _SAMPLE, seq & 0xFFFF, t_us & 0xFFFFFFFF, n, status, ready_mask, saturated_mask, *counts
    )
    return _seal(body) + b"\0"


def encode_command(command: int, tag: int, payload: bytes = b"") -> bytes:
    """Bytes of a command as a host sends it, between two delimiters."""
    return b"\0" + _seal(bytes((VERSION, command, tag & 0xFF)) + payload) + b"\0"


def encode_ack(command: int, tag: int, code: int, value: int = 0) -> bytes:
    """Payload of an ACK frame."""
    return _ACK.pack(command, tag, code, value & 0xFFFFFFFF)


def parse_ack(payload: bytes) -> tuple[int, int, int, int]:
    """Command, tag, code and value of an ACK frame's payload."""
    command, tag, code, value = _ACK.unpack(payload)
    return command, tag, code, value


def encode_sync(tag: int, host_ns: int, device_us: int) -> bytes:
    """Payload of a SYNC frame: the host's time echoed, and the board's time when the command arrived."""
    return _SYNC.pack(tag, host_ns, device_us & 0xFFFFFFFF)


def parse_sync(payload: bytes) -> tuple[int, int, int]:
    """Tag, echoed host ns and device us of a SYNC frame's payload."""
    tag, host_ns, device_us = _SYNC.unpack(payload)
    return tag, host_ns, device_us


def encode_event(code: int, value: int = 0) -> bytes:
    """Payload of an EVENT frame."""
    return _EVENT.pack(code, value & 0xFFFFFFFF)


def parse_event(payload: bytes) -> tuple[int, int]:
    """Code and value of an EVENT frame's payload."""
    code, value = _EVENT.unpack(payload)
    return code, value


def blob_hash(blob: bytes) -> int:
    """CRC-32 of the note in a board's EEPROM; 0 when there is none."""
    return binascii.crc32(blob) if blob else 0


class Ident(msgspec.Struct, frozen=True, kw_only=True):
    """Who a board is.

    ``rate_hz`` is the fastest rate of all channels together; ``uid`` is unique for every board; ``calibration_hash``
    is the CRC-32 of the note in its EEPROM, 0 when there is none.
    """

    protocol: int = VERSION
    device_class: int = DeviceClass.ABDOMEN
    n_channels: int
    adc_type: int
    firmware: tuple[int, int, int]
    reset_cause: int
    rate_hz: int
    uid: int
    calibration_hash: int = 0
    git_hash: str = ""
    board: str

    def encode(self, tag: int) -> bytes:
        """Payload of an IDENT frame."""
        return _IDENT.pack(
            tag,
            self.protocol,
            self.device_class,
            self.n_channels,
            self.adc_type,
            *self.firmware,
            self.reset_cause,
            self.rate_hz,
            self.uid,
            self.calibration_hash,
            self.git_hash.encode("ascii")[:8],
            self.board.encode("ascii")[:24],
        )

    @staticmethod
    def parse(payload: bytes) -> tuple[int, Ident]:
        """Tag and identity of an IDENT frame's payload; text that is not printable ASCII becomes ``?``."""
        tag, protocol, device_class, n, adc, major, minor, patch, cause, rate, uid, cal, git, board = _IDENT.unpack(
            payload
        )
        return tag, Ident(
            protocol=protocol,
            device_class=device_class,
            n_channels=n,
            adc_type=adc,
            firmware=(major, minor, patch),
            reset_cause=cause,
            rate_hz=rate,
            uid=uid,
            calibration_hash=cal,
            git_hash=_text(git),
            board=_text(board),
        )


class SelfTest(msgspec.Struct, frozen=True, kw_only=True):
    """What a board found out about itself over its last 64 conversions; ``failures`` 0 = passed.

    Bits of ``failures``: 0 a cell is not ready, 1 saturated, 2 stuck (all conversions equal), 3 the measured rate is
    off by more than 5 %, 4 the EEPROM note fails its CRC.
    """

    failures: int
    ready_mask: int
    saturated_mask: int
    stuck_mask: int
    rate_millihertz: int

    def encode(self, tag: int) -> bytes:
        """Payload of a SELFTEST frame."""
        return _SELF_TEST.pack(
            tag, self.failures, self.ready_mask, self.saturated_mask, self.stuck_mask, self.rate_millihertz
        )

    @staticmethod
    def parse(payload: bytes) -> tuple[int, SelfTest]:
        """Tag and result of a SELFTEST frame's payload."""
        tag, failures, ready, saturated, stuck, rate = _SELF_TEST.unpack(payload)
        return tag, SelfTest(
            failures=failures,
            ready_mask=ready,
            saturated_mask=saturated,
            stuck_mask=stuck,
            rate_millihertz=rate,
        )


_PAYLOAD_BYTES = {
    Type.IDENT.value: (_IDENT.size, _IDENT.size),
    Type.ACK.value: (_ACK.size, _ACK.size),
    Type.SYNC.value: (_SYNC.size, _SYNC.size),
    Type.SELFTEST.value: (_SELF_TEST.size, _SELF_TEST.size),
    Type.EVENT.value: (_EVENT.size, _EVENT.size),
    Type.CALIBRATION.value: (1, 1 + MAX_BLOB_BYTES),
}


def _seal(body: bytes) -> bytes:
    """COBS of the body and its CRC-16/IBM-3740 (CCITT-FALSE; ``crc_hqx`` computes it, check value 0x29B1)."""
    return bytes(cobs.encode(body + _CRC.pack(binascii.crc_hqx(body, 0xFFFF))))


def _text(raw: bytes) -> str:
    text = raw.split(b"\0", 1)[0].decode("ascii", "replace")
    return "".join(character if character.isprintable() and character != "�" else "?" for character in text)
