"""The firmware's core, compiled for this computer: codec, parser, note, buttons and rater without a simulator."""

from __future__ import annotations

import ctypes
import random
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from support import lockstep

from firmware_bridge import wire
from firmware_bridge.frames import Status
from firmware_bridge.virtual_device import VirtualDevice  # the reference model

HERE = Path(__file__).resolve().parent
CORE = lockstep.FIRMWARE / "core"
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=all"


class Core:
    """The core on its host HAL: the test is its clock, line, cells, buttons and EEPROM."""

    def __init__(self, library: Path) -> None:
        self.c = ctypes.CDLL(str(library))
        self.c.host_sent.restype = ctypes.c_uint32
        self.c.host_memory.restype = ctypes.POINTER(ctypes.c_uint8 * 64)
        self.c.host_encode.argtypes = [ctypes.c_char_p, ctypes.c_uint8, ctypes.c_char_p]
        self.c.host_decode.argtypes = [ctypes.c_char_p, ctypes.c_uint8, ctypes.c_char_p]
        self.c.host_receive.argtypes = [ctypes.c_char_p, ctypes.c_uint32]
        self._buffer = ctypes.create_string_buffer(65536)
        self.c.host_memory()[0][:] = [0xFF] * 64
        self.reset()

    def reset(self, cause: int = wire.ResetCause.POWER_ON, now_us: int = 0) -> list[wire.WireFrame]:
        self.parser = wire.Parser()
        self.c.host_reset(cause, ctypes.c_uint32(now_us))
        return self.sent()

    def sent(self) -> list[wire.WireFrame]:
        n = self.c.host_sent(self._buffer, len(self._buffer))
        return self.parser.feed(self._buffer.raw[:n])

    def hear(self, data: bytes) -> list[wire.WireFrame]:
        self.c.host_receive(data, len(data))
        return self.sent()

    def run(self, us: int, *, heartbeat: bool = True) -> list[wire.WireFrame]:
        frames = []
        while us > 0:
            if heartbeat:
                frames += self.ask(wire.Command.HEARTBEAT)
            self.c.host_run(min(us, 100_000))
            us -= 100_000
            frames += self.sent()
        return frames

    def ask(self, command: int, payload: bytes = b"", tag: int = 1) -> list[wire.WireFrame]:
        return self.hear(wire.encode_command(command, tag, payload))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Build the core as a shared library."""

    def build(**options: object) -> Path:
        lockstep.need("gcc", "make")
        out = tmp_path_factory.mktemp("core")
        words = [f"{name}={value}" for name, value in options.items()]
        lockstep.run("make", "-s", "-C", lockstep.FIRMWARE, "host", f"OUT={out}", *words)
        return out / "libboard.so"

    return build


@pytest.fixture(scope="module")
def abdomen(library: Callable[..., Path]) -> Core:
    return Core(library())


@pytest.fixture(scope="module")
def rater(library: Callable[..., Path]) -> Core:
    return Core(library(DEVICE="rater"))


def test_the_numbers_of_c_and_python_are_the_same():
    text = (CORE / "wire.h").read_text()
    defined = {name: int(value, 0) for name, value in re.findall(r"\b([A-Z][A-Z0-9_]+) = (0x[0-9A-F]+|\d+)", text)}
    defined |= {name: 1 << int(bit) for name, bit in re.findall(r"\b([A-Z][A-Z0-9_]+) = 1 << (\d+)", text)}
    enums = {
        "FRAME": wire.Type,
        "COMMAND": wire.Command,
        "ACK": wire.AckCode,
        "EVENT": wire.EventCode,
        "RESET": wire.ResetCause,
        "STATUS": Status,
    }
    for prefix, members in enums.items():
        found = {name.removeprefix(f"{prefix}_"): value for name, value in defined.items() if name.startswith(prefix)}
        on_the_wire = {member.name: member.value for member in members if member.value < 1 << 16}
        assert found == on_the_wire
    assert defined["ADC_HX711"] == wire.AdcType.HX711
    assert defined["ADC_HX717"] == wire.AdcType.HX717
    assert defined["ADC_MCU"] == wire.AdcType.MCU
    sizes = dict(re.findall(r"#define (MAX_\w+) (\d+)", text))
    assert int(sizes["MAX_BODY_BYTES"]) == wire.MAX_BODY_BYTES
    assert int(sizes["MAX_NOTE_BYTES"]) == wire.MAX_BLOB_BYTES


def test_both_codecs_agree_on_100_000_random_messages(abdomen):
    rng = random.Random(1)
    out = ctypes.create_string_buffer(128)
    encode, decode = abdomen.c.host_encode, abdomen.c.host_decode
    for step in range(100_000):
        body = rng.randbytes(rng.randrange(1, wire.MAX_BODY_BYTES - 1))
        if step % 2:  # mostly zeros, as real frames are
            body = bytes(byte if byte < 64 else 0 for byte in body)
        n = encode(body, len(body), out)
        encoded = out.raw[: n - 1]
        assert encoded == wire._seal(body)
        assert out.raw[n - 1] == 0
        assert decode(encoded, len(encoded), out) == len(body)
        assert out.raw[: len(body)] == body


def test_random_bytes_are_damaged_to_both_codecs(abdomen):
    rng = random.Random(2)
    out = ctypes.create_string_buffer(128)
    common = bytes(range(1, 256)) + bytes(range(1, 17)) * 8  # short distances, so that the COBS is often whole
    for _ in range(50_000):
        frame = bytes(rng.choices(common, k=rng.randrange(1, 98)))
        try:
            raw = wire.cobs.decode(frame)
            good = len(raw) >= 2 and wire.binascii.crc_hqx(raw[:-2], 0xFFFF) == raw[-2] | raw[-1] << 8
        except wire.cobs.DecodeError:
            good = False
        assert (abdomen.c.host_decode(frame, len(frame), out) >= 0) == good


def test_no_single_wrong_bit_makes_a_command(abdomen):
    rng = random.Random(3)
    abdomen.reset()
    tried = 0
    while tried < 10_000:
        payload = rng.randbytes(rng.randrange(0, 9))
        command = rng.choice([c for c in wire.Command if c != wire.Command.HEARTBEAT])
        encoded = wire.encode_command(command, rng.randrange(256), payload)
        for bit in range(8, 8 * (len(encoded) - 1)):
            damaged = bytearray(encoded)
            damaged[bit // 8] ^= 1 << bit % 8
            assert abdomen.hear(bytes(damaged)) == []
            tried += 1


def test_every_command_is_answered_as_the_virtual_board_answers_it(abdomen):
    """Same bytes into C and into the Python model: the same type, tag, code and value come back."""

    class Untouched:
        def forces(self, t_s, period_s):
            raise AssertionError("nothing streams here")

    rng = random.Random(4)
    model_parser = wire.Parser()
    model = VirtualDevice(Untouched(), now_ns=0, rate_hz=80)
    model_parser.feed(b"".join(model.run(0)))
    abdomen.reset()
    for step in range(2000):
        command = rng.choice(
            [wire.Command.STOP, wire.Command.TARE, wire.Command.CAL_SET, wire.Command.CAL_GET, wire.Command.SYNC, 0x9F]
        )
        payload = {
            wire.Command.TARE: rng.randbytes(rng.choice([2, 2, 1, 0])),
            wire.Command.CAL_SET: rng.randbytes(rng.randrange(60)),
            wire.Command.SYNC: rng.randbytes(8),
        }.get(command, b"")
        sent = wire.encode_command(command, step % 251, payload)
        model.receive(sent, 0)
        expected = model_parser.feed(b"".join(model.run(0)))
        answered = abdomen.hear(sent) or abdomen.run(60_000)  # the note is written byte by byte
        assert len(answered) == len(expected) == 1
        assert answered[0].type == expected[0].type
        if command == wire.Command.SYNC:
            assert answered[0].payload[:9] == expected[0].payload[:9]
        elif command == wire.Command.CAL_SET and len(payload) > wire.MAX_BLOB_BYTES:
            assert answered[0].payload[:3] == expected[0].payload[:3]
        else:
            assert answered[0].payload == expected[0].payload


def test_a_frame_that_never_ends_is_dropped_and_the_next_is_heard(abdomen):
    abdomen.reset()
    assert abdomen.hear(b"\x01" * 100_000) == []
    frames = abdomen.ask(wire.Command.IDENT)
    assert [frame.type for frame in frames] == [wire.Type.IDENT]
    assert frames[0].status & Status.RX_ERR


@pytest.mark.parametrize("command", [0x00, 0x01, 0x80, 0x89, 0x8D, 0xFF])
def test_unknown_commands_are_told_so_even_as_the_first_after_a_reset(abdomen, command):
    abdomen.reset()
    for tag in (0, 0, 1):
        reply = wire.parse_ack(abdomen.ask(command, b"", tag)[0].payload)
        assert reply == (command, tag, wire.AckCode.UNKNOWN_COMMAND, 0)


def test_framing_and_overrun_errors_are_reported_until_start(abdomen):
    abdomen.reset()
    abdomen.c.host_raise_receive_error()
    abdomen.run(1000)
    assert abdomen.ask(wire.Command.IDENT)[0].status & Status.RX_ERR
    ack = abdomen.ask(wire.Command.START, struct.pack("<I", 0))[0]
    assert ack.status & Status.RX_ERR == 0


def test_a_write_that_does_not_hold_is_told(abdomen):
    abdomen.reset()
    abdomen.c.host_memory()[0][:] = [0xFF] * 64
    abdomen.c.host_break_memory(1)
    frames = abdomen.ask(wire.Command.CAL_SET, b"lost", 9) + abdomen.run(60_000)
    abdomen.c.host_break_memory(0)
    acks = [wire.parse_ack(frame.payload) for frame in frames]
    assert acks == [(wire.Command.CAL_SET, 9, wire.AckCode.FAILED, 0)]


def test_a_note_cut_short_by_a_power_failure_is_no_note(abdomen):
    note = bytes(range(1, 49))
    for written in range(54):
        abdomen.c.host_memory()[0][:] = [0xFF] * 64
        abdomen.reset()
        abdomen.ask(wire.Command.CAL_SET, note)
        kept = bytes(abdomen.c.host_memory()[0])
        abdomen.run(60_000)
        whole = bytes(abdomen.c.host_memory()[0])
        torn = whole[:written] + b"\xff" * (64 - written)
        abdomen.c.host_memory()[0][:] = list(torn)
        abdomen.reset()
        frame = abdomen.ask(wire.Command.CAL_GET)[0]
        assert (frame.payload[1:], frame.status & Status.CAL_VALID) == (b"", 0)
        assert kept != whole


def test_the_tag_of_a_host_that_comes_back_is_not_taken_for_a_retry(abdomen):
    abdomen.reset()
    start = struct.pack("<I", 12_500)
    abdomen.ask(wire.Command.START, start, tag=3)
    assert abdomen.run(2_000_000, heartbeat=False)[-1].type == wire.Type.EVENT  # the watchdog stopped the stream
    abdomen.ask(wire.Command.START, start, tag=3)
    assert len(abdomen.run(200_000)) == 16


@pytest.mark.parametrize("device", ["abdomen", "rater"])
def test_ten_million_random_bytes_do_no_harm(tmp_path, device):
    lockstep.need("gcc")
    program = tmp_path / "fuzz"
    channels = "rater" if device == "rater" else "cells"
    sources = [CORE / f"{name}.c" for name in ("board", "buttons", "cobs", "crc", "note", channels)]
    flags = f"-std=c99 -pedantic -O1 -g -Wall -Wextra -Werror {SANITIZERS} -DDEVICE={device.upper()}".split()
    host = lockstep.FIRMWARE / "host"
    lockstep.run("gcc", *flags, f"-I{CORE}", f"-I{host}", HERE / "fuzz.c", host / "host.c", *sources, "-o", program)
    # 10^7 bytes for both devices together. A body passes the CRC by chance once in 2^16 and has the right version once
    # in 2^8: of the 10^6 bodies that a million delimiters part, 0.1.
    assert int(lockstep.run(program, "1", "1700000", "noise")) <= 1
    assert int(lockstep.run(program, "2", "1700000", "zeros")) <= 1
    assert int(lockstep.run(program, "3", "1700000", "damaged")) >= 0


class TestRater:
    def dial(self, rater: Core, share: float) -> int:
        rater.c.host_set_count(0, round(share * 1023 * 16))
        frames = [frame for frame in rater.run(20_000) if frame.type == wire.Type.SAMPLE]
        return frames[-1].counts[0]

    def start(self, rater: Core, period_us: int = 5000) -> tuple[int, int]:
        rater.c.host_set_buttons(0)
        rater.reset()
        reply = wire.parse_ack(rater.ask(wire.Command.START, struct.pack("<I", period_us))[0].payload)
        return reply[2], reply[3]

    def test_it_says_that_it_is_a_rater_with_three_channels(self, rater):
        rater.reset()
        _, ident = wire.Ident.parse(rater.ask(wire.Command.IDENT)[0].payload)
        assert (ident.device_class, ident.n_channels) == (wire.DeviceClass.RATER, 3)
        assert ident.rate_hz == 200

    @pytest.mark.parametrize(("period_us", "code"), [(4999, 2), (5000, 0), (20_000, 0), (100_000, 0), (100_001, 2)])
    def test_its_periods_are_those_of_the_protocol(self, rater, period_us, code):
        assert self.start(rater, period_us)[0] == code

    def test_the_dial_reads_0_to_100_with_dead_ends(self, rater):
        self.start(rater)
        readings = [self.dial(rater, step / 1000) for step in range(1001)]
        assert readings[:21] == [0] * 21
        assert readings[-20:] == [100] * 20
        assert sorted(readings) == readings
        assert set(readings) == set(range(101))

    def test_a_dial_between_two_numbers_does_not_flicker(self, rater):
        self.start(rater)
        rng = random.Random(5)
        for centre in (0.123, 0.5, 0.505, 0.777):
            self.dial(rater, centre)
            seen = {self.dial(rater, centre + rng.uniform(-0.002, 0.002)) for _ in range(200)}
            assert len(seen) == 1

    def test_a_commit_is_an_event_and_stays_in_every_sample(self, rater):
        self.start(rater)
        assert self.dial(rater, 0.5) == 50
        for count in (1, 2, 3):
            rater.c.host_set_buttons(1)
            frames = rater.run(50_000)
            found = [wire.parse_event(frame.payload) for frame in frames if frame.type == wire.Type.EVENT]
            assert found == [(wire.EventCode.COMMIT, count << 8 | 50)]
            last = [frame for frame in frames if frame.type == wire.Type.SAMPLE][-1]
            assert last.counts == (50, 1, count << 8 | 50)
            assert rater.run(500_000)[-1].counts == (50, 1, count << 8 | 50), "a held button is one commit"
            rater.c.host_set_buttons(0)
            rater.run(50_000)
        self.dial(rater, 0.9)
        frames = rater.run(20_000)
        assert frames[-1].counts == (92, 0, 3 << 8 | 50), "(90 - 2) of 96 % of the travel"
        assert frames[-1].saturated_mask == 0

    def test_a_bouncing_button_is_one_press_at_its_first_contact(self, rater):
        self.start(rater)
        rater.run(7000)
        t_us = 7000
        for closed_us, open_us in ((1000, 2000), (500, 3000), (2000, 1000)):
            rater.c.host_set_buttons(2)
            rater.c.host_run(closed_us)
            rater.c.host_set_buttons(0)
            rater.c.host_run(open_us)
        rater.c.host_set_buttons(2)
        found = [frame for frame in rater.run(50_000) if frame.type == wire.Type.EVENT]
        assert [wire.parse_event(frame.payload) for frame in found] == [(wire.EventCode.MARK, 0x101)]
        assert found[0].t_us == pytest.approx(t_us, abs=1000)
        rater.c.host_set_buttons(0)
        rater.run(5000)
        rater.c.host_set_buttons(2)
        assert [f for f in rater.run(50_000) if f.type == wire.Type.EVENT] == [], "5 ms is not a release"

    def test_events_come_whether_or_not_it_streams(self, rater):
        rater.c.host_set_buttons(0)
        rater.reset()
        rater.run(20_000)
        rater.c.host_set_buttons(3)
        found = sorted(wire.parse_event(frame.payload) for frame in rater.run(20_000))
        assert [code for code, _ in found] == [wire.EventCode.MARK, wire.EventCode.COMMIT]

    def test_it_has_no_tare_and_tells_of_a_button_held_for_10_s(self, rater):
        self.start(rater)
        ack = wire.parse_ack(rater.ask(wire.Command.TARE, struct.pack("<H", 1), tag=9)[0].payload)
        assert ack[2] == wire.AckCode.NOT_SUPPORTED
        rater.c.host_set_buttons(2)
        rater.run(9_500_000)
        _, test = wire.SelfTest.parse(rater.ask(wire.Command.SELFTEST)[0].payload)
        assert (test.failures, test.ready_mask, test.stuck_mask) == (0, 0b111, 0)
        rater.run(1_000_000)
        _, test = wire.SelfTest.parse(rater.ask(wire.Command.SELFTEST)[0].payload)
        assert (test.failures, test.stuck_mask) == (4, 0b010)
