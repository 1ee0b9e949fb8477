"""A driver of another maker's sensor: what is written and what is answered, byte by byte, and newtons in the end."""

import os
import struct
import time
from pathlib import Path

import pytest

from firmware_bridge.boards import make_board
from firmware_bridge.boards.rft40 import Rft40, packet
from firmware_bridge.errors import BoardError
from robopatient.config import BoardConfig, SensingConfig, SessionConfig
from robopatient.sensing import Sensing
from robopatient.session.control import open_board

STOP = bytes.fromhex("55 0c 00 00 00 00 00 00 00 0c aa")
RATE_500 = bytes.fromhex("55 17 07 00 00 00 00 00 00 1e aa")
START = bytes.fromhex("55 0b 00 00 00 00 00 00 00 0b aa")
CALIBRATION = """
date = 2026-11-22
author = "tests"
board_uid = ""
method = "maker's own: 50 counts/N, 1000 counts/Nm"
offset_counts = [0.0, 0.0, 0.0, 0.0]
counts_per_newton = [1000.0, 1000.0, 1000.0, 1000.0]
residual_newton = [0.1, 0.1, 0.1, 0.1]
"""


def answer(fz_n: float, tx_nm: float = 0.0, ty_nm: float = 0.0) -> bytes:
    axes = struct.pack(">6h", 0, 0, round(fz_n * 50), round(tx_nm * 1000), round(ty_nm * 1000), 0)
    body = b"\x0b" + axes + b"\0\0\0"
    return b"\x55" + body + bytes([sum(body) & 0xFF]) + b"\xaa"


class Wire:
    """Pairs of what must be written and what is then answered."""

    def __init__(self, pairs: list[tuple[bytes, bytes]]) -> None:
        self.pairs = pairs
        self.inbox = b""
        self.generation, self.openings, self.error, self.note, self.bytes_received = 1, 1, "", "", 0

    def write(self, data: bytes) -> bool:
        wanted, reply = self.pairs.pop(0)
        assert data == wanted
        self.inbox += reply
        return True

    def read(self, _timeout_s: float) -> bytes:
        data, self.inbox = self.inbox, b""
        return data


def wired(*pairs: tuple[bytes, bytes], **options: object) -> Rft40:
    board = Rft40("simulated", 115_200, 1000.0, **options)
    board.link = Wire(list(pairs))  # type: ignore[assignment]
    return board


def test_the_commands_are_the_bytes_of_the_public_example():
    assert (packet(0x0C), packet(0x17, 7), packet(0x0B)) == (STOP, RATE_500, START)


def test_starting_sets_the_fastest_rate_that_the_line_carries_and_frames_come_back():
    board = wired((STOP + RATE_500 + START, answer(20.0)))
    board.poll(0)
    assert board.health().state == "starting"
    (frame,) = board.frames(5_000_000, board.read(0.0))
    assert frame.counts == (5_000, 5_000, 5_000, 5_000)
    assert board.health().state == "streaming"


def test_bytes_between_and_damage_cost_no_other_frame():
    board = wired()
    good = answer(8.0)
    damaged = bytearray(answer(12.0))
    damaged[5] ^= 0x10
    stream = b"\x55\xaa\x00" + good + bytes(damaged) + good + good[:7]
    frames = [frame for at in range(0, len(stream), 5) for frame in board.frames(at, stream[at : at + 5])]
    frames += board.frames(99, good[7:])
    assert [sum(frame.counts) for frame in frames] == [8_000] * 3
    assert board.health().bad == 3 + len(damaged)
    assert [frame.t_ns for frame in frames] == sorted({frame.t_ns for frame in frames})


def test_a_silent_sensor_is_started_again_and_told():
    board = wired((STOP + RATE_500 + START, b""), (STOP + RATE_500 + START, b""))
    board.poll(0)
    board.poll(300_000_000)
    assert board.health().state == "silent"
    assert "no sample for 250 ms" in board.health().detail


def test_a_press_through_the_plug_point_is_felt_where_it_is(tmp_path):
    """20 N at (200, 100) mm: 55 and -45 mm from the middle of the plate."""
    (tmp_path / "rft40.toml").write_text(CALIBRATION, encoding="utf-8")
    settings = BoardConfig(driver="firmware_bridge.boards.rft40:Rft40", port="/dev/null", baud=115_200, rate_hz=500.0)
    board = open_board(SessionConfig(board=settings))
    sensing = Sensing(
        SensingConfig(calibration=str(tmp_path / "rft40.toml"), tare_at_start=False, dead_band_newton=0.0)
    )
    for step in range(40):
        (frame,) = board.frames(step * 2_000_000, answer(20.0, tx_nm=-0.045 * 20.0, ty_nm=-0.055 * 20.0))
        force = sensing.step(frame)
    assert force.total_newton == pytest.approx(20.0, abs=0.01)
    assert force.contact_mm == pytest.approx((200.0, 100.0), abs=0.2)


def test_it_runs_on_a_real_terminal_and_survives_its_plug(tmp_path):
    master, slave = os.openpty()
    board = make_board("firmware_bridge.boards.rft40:Rft40", port=os.ttyname(slave), baud=115_200, rate_hz=100.0)
    board.open()
    os.close(slave)
    board.poll(time.monotonic_ns())
    os.set_blocking(master, True)
    heard = b""
    while START not in heard:
        heard += os.read(master, 64)
    os.write(master, answer(3.0))
    frames = []
    while not frames:
        data = board.read(0.2)
        frames = board.frames(time.monotonic_ns(), data)
    assert sum(frames[0].counts) == 3_000
    os.close(master)
    while board.health().state != "down":
        board.read(0.05)
        board.poll(time.monotonic_ns())
    board.close()


@pytest.mark.parametrize("options", [{"baud": 1200}, {"sign": 2}, {"side_mm": 0.0}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(BoardError, match="Rft40"):
        Rft40(**{"port": "x", "baud": 115_200, "rate_hz": 500.0} | options)


def test_no_core_file_knows_this_driver():
    root = Path(__file__).parents[3]
    core = [*(root / "robopatient").rglob("*.py"), *(root / "firmware_bridge").glob("*.py")]
    assert [path.name for path in core if "rft40" in path.read_text(encoding="utf-8").lower()] == []
