import binascii
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from cobs import cobs
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import wire

counts = st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=9).map(tuple)
samples = st.builds(
    lambda head, values: wire.WireFrame(wire.Type.SAMPLE, head, head * 977, len(values), head & 0x3FF, 15, 0, values),
    st.integers(0, 0xFFFF),
    counts,
)
cuts = st.lists(st.integers(1, 60), min_size=1, max_size=20)


def in_pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    pieces, at, k = [], 0, 0
    while at < len(data):
        size = sizes[k % len(sizes)]
        pieces.append(data[at : at + size])
        at, k = at + size, k + 1
    return pieces


def a_sample(seq: int = 7) -> wire.WireFrame:
    return wire.WireFrame(wire.Type.SAMPLE, seq, 123_456, 4, 0, 15, 0, (123_456, -7, 8_388_607, -8_388_608))


def test_a_sample_of_four_cells_is_35_bytes_on_the_wire():
    assert len(wire.encode_frame(a_sample())) == 35


def test_the_sample_layout_is_the_table_of_the_protocol_byte_for_byte():
    encoded = wire.encode_frame(a_sample(seq=0x1234))
    assert encoded[-1] == 0
    body = cobs.decode(encoded[:-1])
    assert body[:2] == b"\x01\x02"
    assert body[2:4] == b"\x34\x12"
    assert body[4:8] == struct.pack("<I", 123_456)
    assert body[8] == 4
    assert body[9:15] == struct.pack("<HHH", 0, 15, 0)
    assert body[15:31] == struct.pack("<4i", 123_456, -7, 8_388_607, -8_388_608)
    assert body[31:] == struct.pack("<H", binascii.crc_hqx(body[:31], 0xFFFF))


def test_the_checksum_is_ibm_3740():
    assert binascii.crc_hqx(b"123456789", 0xFFFF) == 0x29B1


@settings(max_examples=60, deadline=None)
@given(frames=st.lists(samples, max_size=8), junk=st.binary(max_size=300), sizes=cuts)
def test_after_the_first_delimiter_all_good_frames_come_out_however_the_stream_is_cut(frames, junk, sizes):
    parser = wire.Parser()
    stream = junk + b"\0" + b"".join(map(wire.encode_frame, frames))
    parsed = [frame for piece in in_pieces(stream, sizes) for frame in parser.feed(piece)]
    assert parsed[len(parsed) - len(frames) :] == frames


@settings(max_examples=80, deadline=None)
@given(data=st.binary(max_size=3000), sizes=cuts)
def test_garbage_never_raises_and_never_fills_the_memory(data, sizes):
    parser, ear = wire.Parser(), wire.CommandParser()
    for piece in in_pieces(data, sizes):
        parser.feed(piece)
        ear.feed(piece)
        assert parser.pending_bytes <= wire.MAX_PENDING_BYTES


@settings(max_examples=80, deadline=None)
@given(frame=samples, position=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_single_wrong_bit_never_gives_a_frame(frame, position, bit):
    encoded = bytearray(wire.encode_frame(frame))
    encoded[position % (len(encoded) - 1)] ^= 1 << bit
    parser = wire.Parser()
    assert parser.feed(bytes(encoded)) == []
    assert parser.counters.bad >= 1


@settings(max_examples=60, deadline=None)
@given(frames=st.lists(samples, min_size=3, max_size=6), which=st.integers(0, 100), keep=st.integers(1, 20))
def test_a_truncated_frame_costs_itself_and_at_most_the_next(frames, which, keep):
    encoded = [wire.encode_frame(frame) for frame in frames]
    cut = which % (len(frames) - 2)
    encoded[cut] = encoded[cut][:keep]
    parsed = wire.Parser().feed(b"".join(encoded))
    assert parsed[-(len(frames) - cut - 2) :] == frames[cut + 2 :]
    assert parsed[:cut] == frames[:cut]


@settings(max_examples=100, deadline=None)
@given(body=st.binary(min_size=15, max_size=94))
def test_a_sealed_body_of_any_content_never_raises_and_its_lengths_are_checked(body):
    body = b"\x01" + body[1:]
    sealed = cobs.encode(body + struct.pack("<H", binascii.crc_hqx(body, 0xFFFF))) + b"\0"
    for frame in wire.Parser().feed(sealed):
        assert 1 <= frame.n_channels <= 9
        assert len(frame.counts) == (frame.n_channels if frame.type == wire.Type.SAMPLE else 0)


def test_each_kind_of_damage_has_its_own_counter():
    def seal(body: bytes) -> bytes:
        return cobs.encode(body + struct.pack("<H", binascii.crc_hqx(body, 0xFFFF))) + b"\0"

    good = cobs.decode(wire.encode_frame(a_sample())[:-1])[:-2]
    parser = wire.Parser()
    parser.feed(b"\x05\x01\0")
    parser.feed(seal(b"\x01\x02"))
    parser.feed(cobs.encode(good + b"\xff\xff") + b"\0")
    parser.feed(seal(b"\x02" + good[1:]))
    parser.feed(seal(good[:1] + b"\x77" + good[2:]))
    parser.feed(seal(good[:8] + b"\x05" + good[9:]))
    parser.feed(b"\x01" * 1000)
    parser.feed(b"\0" + wire.encode_frame(a_sample()))
    counted = parser.counters
    assert (counted.bad_cobs, counted.bad_length, counted.bad_crc, counted.bad_version) == (1, 1, 1, 1)
    assert (counted.bad_layout, counted.overlong, counted.good) == (2, 1, 1)
    assert counted.bad == 7


@pytest.mark.parametrize("command", list(wire.Command))
def test_a_command_survives_the_wire_between_two_delimiters(command):
    encoded = wire.encode_command(command, 300, b"\0\x01\0")
    assert encoded[0] == encoded[-1] == 0
    assert wire.CommandParser().feed(encoded) == [wire.ParsedCommand(command, 44, b"\0\x01\0")]


def test_the_identity_survives_the_wire_and_odd_text_becomes_question_marks():
    ident = wire.Ident(
        n_channels=4,
        adc_type=wire.AdcType.HX717,
        firmware=(1, 2, 3),
        reset_cause=wire.ResetCause.BROWNOUT,
        rate_hz=320,
        uid=0x1122334455667788,
        calibration_hash=0xDEADBEEF,
        git_hash="0123abcd",
        board="uno-four-cells",
    )
    payload = ident.encode(9)
    assert wire.Ident.parse(payload) == (9, ident)
    assert len(payload) + 17 <= wire.MAX_BODY_BYTES
    odd = payload[:-24] + b"\xff\x07ab".ljust(24, b"\0")
    assert wire.Ident.parse(odd)[1].board == "??ab"


def test_payloads_survive_the_wire():
    assert wire.parse_ack(wire.encode_ack(0x82, 5, 0, 1000)) == (0x82, 5, 0, 1000)
    assert wire.parse_sync(wire.encode_sync(5, 2**63, 2**32 + 3)) == (5, 2**63, 3)
    assert wire.parse_event(wire.encode_event(1, 4)) == (1, 4)
    test = wire.SelfTest(failures=1, ready_mask=14, saturated_mask=0, stuck_mask=2, rate_millihertz=80_100)
    assert wire.SelfTest.parse(test.encode(3)) == (3, test)


def test_the_protocol_page_assigns_the_codes_that_the_code_uses():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "protocol.md").read_text(encoding="utf-8")
    for member in [*wire.Type, *wire.Command]:
        assert re.search(rf"\| *0x{member.value:02X} *\| *{member.name} *\|", page), member
    for kind in (wire.AckCode, wire.EventCode, wire.ResetCause, wire.DeviceClass, wire.AdcType):
        for member in kind:
            assert re.search(rf"\b{member.value} {member.name}\b", page), member


def test_the_example_frames_of_the_protocol_page_are_what_the_code_sends():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "protocol.md").read_text(encoding="utf-8")
    sample, start = (bytes.fromhex(block) for block in re.findall(r"```\n([0-9a-f \n]+)\n```", page))
    assert sample == wire.encode_frame(a_sample())
    assert start == wire.encode_command(wire.Command.START, 5, struct.pack("<I", 1000))


def test_two_megabytes_of_noise_make_no_frame_and_leave_the_parser_whole():
    """The bench does the same with 10^8 bytes: ``robopatient bench bridge --fuzz 100000000``."""
    noise, parser = np.random.default_rng(5), wire.Parser()
    for _ in range(512):
        assert parser.feed(noise.bytes(4096)) == []
        assert parser.pending_bytes <= wire.MAX_PENDING_BYTES
    assert parser.feed(b"\0" + wire.encode_frame(a_sample())) == [a_sample()]


def test_no_command_with_a_wrong_bit_is_obeyed():
    """10 000 single-bit damages of all commands, the framing included."""
    draw = np.random.default_rng(6)
    commands = [
        wire.encode_command(command, tag, payload)
        for command in wire.Command
        for tag, payload in ((0, b""), (7, struct.pack("<I", 1000)), (255, b"plate-a 2026-11-22"))
    ]
    for _ in range(10_000):
        damaged = bytearray(commands[draw.integers(len(commands))])
        damaged[draw.integers(len(damaged))] ^= 1 << int(draw.integers(8))
        parser = wire.CommandParser()
        heard = parser.feed(bytes(damaged)) + parser.feed(b"\0")
        assert [
            sound for sound in heard if wire.encode_command(sound.command, sound.tag, sound.payload) not in commands
        ] == []
