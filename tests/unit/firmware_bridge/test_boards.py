"""Boards on real pseudo-terminals: what arrives is asserted, never when."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.board_tools import read_chunks, record, tare
from firmware_bridge.boards import make_board
from firmware_bridge.boards.virtual import VirtualBoard
from firmware_bridge.errors import BoardError, BridgeError, PortError
from firmware_bridge.frames import RawFrame

PATIENCE_S = 30.0


class Session:
    """A board in use; ``until`` reads and polls until something is true."""

    def __init__(self, board: VirtualBoard) -> None:
        self.board = board
        self.chunks: list[tuple[int, bytes]] = []
        self.samples: list[RawFrame] = []

    def step(self) -> None:
        data = self.board.read(0.01)
        now_ns = time.monotonic_ns()
        if data:
            self.chunks.append((now_ns, data))
            self.samples += self.board.frames(now_ns, data)
        self.board.poll(time.monotonic_ns())

    def until(self, condition: Callable[[], bool], what: str) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end_s, f"{what}; {self.board.health()}"
            self.step()

    def collect(self, n: int) -> list[RawFrame]:
        goal = len(self.samples) + n
        self.until(lambda: len(self.samples) >= goal, f"{n} more samples")
        return self.samples[goal - n :]


@pytest.fixture
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    board = make_board("virtual", **getattr(request, "param", {}))
    assert isinstance(board, VirtualBoard)
    board.open()
    yield Session(board)
    board.close()


def a_recording(path: Path) -> np.ndarray:
    """Four-cell recording of 0.4 s whose every sample is different."""
    cells = np.zeros((400, 7), np.float32)
    cells[:, :4] = 1.0 + np.arange(400)[:, None] * 0.02 + np.arange(4) * 3.0
    np.savez(path, A=cells)
    return cells[:, :4]


def test_frames_arrive_and_the_board_says_who_it_is(session):
    session.collect(300)
    health = session.board.health()
    assert health.state == "streaming"
    assert health.uid == "53494d0000000001"
    assert health.board.startswith("SIM")
    assert session.board.name.startswith("SIM")
    assert (health.lost, health.bad, health.epoch) == (0, 0, 0)
    assert Path(session.board.link.port).is_symlink()


def test_the_bytes_alone_give_the_same_frames_again(session):
    session.collect(1200)
    again = make_board("virtual")
    assert [frame for received, data in session.chunks for frame in again.frames(received, data)] == session.samples


def test_a_replayed_recording_arrives_as_its_newtons(tmp_path):
    cells = a_recording(tmp_path / "r.npz")
    options = {"lead_s": 0.1, "noise_counts": 0.0}
    board = make_board("replay", file=f"{tmp_path / 'r.npz'}#A", options=options)
    board.open()
    try:
        session = Session(board)
        counts = np.array([frame.counts for frame in session.collect(600)])
    finally:
        board.close()
    newtons = (counts - [84_000, -31_000, 12_500, 150_200]) / 42_000
    assert newtons[:50] == pytest.approx(0.0, abs=1e-4)
    assert newtons[520:] == pytest.approx(0.0, abs=1e-4)
    touched = newtons[newtons.sum(axis=1) > 10.0]
    # A START that had to be repeated shifts the conversions against the recording by less than a sample.
    assert len(touched) == pytest.approx(400, abs=1)
    assert touched[1:399] == pytest.approx(cells[1:399], abs=0.021)


def test_an_unplugged_board_comes_back_at_the_same_path_in_a_new_epoch(session):
    session.collect(50)
    path = session.board.link.port
    session.board.inject("unplug+0.2")
    session.until(lambda: session.board.health().state == "down", "the loss is noticed")
    assert path in session.board.health().detail
    assert session.collect(50)[-1].epoch == 1
    health = session.board.health()
    assert (health.state, health.reconnects, session.board.link.port) == ("streaming", 1, path)


def test_a_silent_board_is_called_silent_and_streams_again(session):
    session.collect(50)
    session.board.inject("silent+0.8")
    session.until(lambda: session.board.health().state == "silent", "the silence is noticed")
    session.until(lambda: session.board.health().state == "streaming", "the stream goes on")
    session.collect(20)


def test_a_board_that_reboots_is_started_again(session):
    session.collect(50)
    session.board.inject("reboot")
    session.until(lambda: session.samples[-1].epoch == 1, "samples of the new epoch")
    assert session.board.health().epoch == 1


@pytest.mark.parametrize("session", [{"options": {"faults": ["garbage", "truncated", "duplicate"]}}], indirect=True)
def test_a_bad_line_from_the_start_does_not_keep_the_board_from_streaming(session):
    session.collect(500)
    health = session.board.health()
    assert health.bad > 0
    assert health.duplicate > 0
    seqs = [frame.seq for frame in session.samples]
    assert seqs == sorted(set(seqs))


@pytest.mark.parametrize("session", [{"rate_hz": 80.0}], indirect=True)
def test_the_slowest_board_samples_80_times_a_second(session):
    steps_us = np.diff([frame.board_us for frame in session.collect(20)])
    assert set(steps_us) <= {12_499, 12_500, 12_501}


def test_a_port_in_use_is_refused_with_how_to_find_the_user(session):
    session.collect(1)
    second = make_board("serial", port=session.board.link.port)
    with pytest.raises(PortError, match="another program has it open"):
        second.open()


def test_the_process_leaves_when_the_board_is_closed():
    board = make_board("virtual")
    board.open()
    process, path = board._process, Path(board.link.port)
    board.close()
    board.close()
    assert process.returncode == 0
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"driver": "abacus"}, 'driver "abacus" is none of virtual, replay'),
        ({"driver": "no.such:Thing"}, "cannot be loaded"),
        ({"driver": "firmware_bridge.wire:Parser"}, "it is called with port, baud"),
        ({"driver": "virtual", "options": {"colour": "red"}}, "unknown field `colour`; known are lead_s"),
        ({"driver": "virtual", "options": {"seed": 3}}, r"seed belongs into \[board\]"),
        ({"driver": "virtual", "rate_hz": 2000.0}, "<= 1000"),
        ({"driver": "virtual", "options": {"faults": ["earthquake"]}}, "earthquake"),
        ({"driver": "serial", "port": "/dev/ttyS0", "options": {"a": 1}}, "knows none"),
    ],
)
def test_a_wrong_board_is_refused_before_anything_is_opened(arguments, words):
    with pytest.raises(BoardError, match=words):
        make_board(**arguments)


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ("", "board.port is empty"),
        ("/dev/no-such-port", "No such file"),
        (__file__, "is not a serial device"),
        ("usb:dead:beef", "no port matches"),
    ],
)
def test_a_port_that_cannot_be_opened_is_named_with_the_next_command(port, words):
    with pytest.raises(PortError, match=words) as refused:
        make_board("serial", port=port).open()
    assert "robopatient board list" in str(refused.value)


def test_a_recording_that_does_not_exist_stops_the_board_with_its_name():
    board = make_board("replay", file="/no/such.npz")
    with pytest.raises(BridgeError, match=r"/no/such\.npz: no such file"):
        board.open()


def test_recording_a_board_leaves_bytes_that_decode_to_its_table(tmp_path):
    assert record(make_board("virtual"), tmp_path / "take", 0.2).lost == 0
    rows = (tmp_path / "take.csv").read_text().splitlines()
    again = make_board("virtual")
    frames = [f for received, data in read_chunks(tmp_path / "take.bytes") for f in again.frames(received, data)]
    assert len(rows) == 1 + len(frames)
    assert [int(field) for field in rows[-1].split(",")][8:] == list(frames[-1].counts)


def test_a_folder_that_is_not_there_is_named_before_the_board_is_opened(tmp_path):
    with pytest.raises(BridgeError, match="cannot be written"):
        record(make_board("virtual"), tmp_path / "nowhere" / "take", 0.2)


def test_a_tare_of_the_untouched_plate_gives_its_offsets():
    result = tare(make_board("virtual", options={"spikes_per_minute": 0.0}), 0.3)
    assert result["offset_counts"] == pytest.approx([84_000, -31_000, 12_500, 150_200], abs=60)


def test_a_tare_of_a_touched_plate_is_refused(tmp_path):
    a_recording(tmp_path / "r.npz")
    board = make_board("replay", file=str(tmp_path / "r.npz"), options={"lead_s": 0.0})
    with pytest.raises(BoardError, match="take the hands off the plate"):
        tare(board, 0.3)
