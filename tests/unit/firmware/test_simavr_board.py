"""The board driver ``simavr``: a recording through the real firmware and a pseudo-terminal, in real time."""

from __future__ import annotations

import time

import numpy as np
import pytest
from support import lockstep

from firmware_bridge import phantom
from firmware_bridge.boards import make_board, simavr
from firmware_bridge.errors import BoardError
from firmware_bridge.frames import Status

TIMEOUT_S = 60.0


@pytest.fixture
def press(tmp_path):
    """A press of 1 s to 40 N in the middle of the plate, after 0.2 s and before 0.3 s of nobody."""
    t_s = np.arange(0.0, 1.5, 0.001)
    force = np.where((t_s > 0.2) & (t_s < 1.2), 20.0 * (1.0 - np.cos(2.0 * np.pi * (t_s - 0.2))), 0.0)
    path = tmp_path / "press.csv"
    path.write_text("t_s,total_newton\n" + "".join(f"{t:.3f},{f:.6f}\n" for t, f in zip(t_s, force, strict=True)))
    return path


def play(board, n_samples):
    frames = []
    deadline = time.monotonic() + TIMEOUT_S
    board.open()
    try:
        while len(frames) < n_samples and time.monotonic() < deadline:
            data = board.read(0.004)
            frames += board.frames(time.monotonic_ns(), data) if data else []
            board.poll(time.monotonic_ns())
        return frames, board.health()
    finally:
        board.close()


def newtons(frames):
    counts = np.array([frame.counts for frame in frames], dtype=float)
    return (counts - np.array(phantom.OFFSET_COUNTS)) / phantom.COUNTS_PER_NEWTON


@pytest.mark.system
@pytest.mark.parametrize(("options", "sps"), [({}, 320), ({"sensor": "hx711", "mcu": "atmega2560"}, 80)])
def test_a_recorded_press_comes_out_of_the_real_firmware(press, options, sps):
    lockstep.need("make", "gcc", "avr-gcc", simavr=True)
    board = make_board("simavr", file=str(press), rate_hz=1000.0, options=options)
    frames, health = play(board, int(2.2 * sps))
    assert (health.rate_hz, health.n_channels, health.uid) == (sps, 4, f"{simavr.UID:016x}")
    assert (health.lost, health.bad, health.status) == (0, 0, 0)
    assert np.diff([frame.board_us for frame in frames]) == pytest.approx(1e6 / sps, abs=40)
    total = newtons(frames).sum(axis=1)
    noise_newton = 2 * phantom.NOISE_COUNTS / phantom.COUNTS_PER_NEWTON  # of four cells
    assert total.max() == pytest.approx(40.0, rel=0.002, abs=5 * noise_newton)
    assert np.abs(total[: int(0.4 * sps)]).max() < 5 * noise_newton
    assert np.sum(total) / sps == pytest.approx(20.0, rel=0.01), "the impulse of the press, N s"
    assert len({frame.counts[0] for frame in frames[: int(0.4 * sps)]}) > 10, "untouched cells have noise"


@pytest.mark.system
def test_a_dead_cell_and_a_reset_of_the_real_firmware_reach_the_host(press):
    lockstep.need("make", "gcc", "avr-gcc", simavr=True)
    board = make_board("simavr", file=str(press), options={"lead_s": 60.0})
    frames = []
    deadline = time.monotonic() + TIMEOUT_S

    def until(condition):
        while not (frames and condition(frames[-1])):
            assert time.monotonic() < deadline, board.health()
            data = board.read(0.004)
            frames.extend(board.frames(time.monotonic_ns(), data) if data else [])
            board.poll(time.monotonic_ns())

    board.open()
    try:
        until(lambda frame: len(frames) > 50)
        board.type_line("dead 2")
        until(lambda frame: frame.ready_mask == 0b1101)
        assert frames[-1].status & Status.NOT_READY
        assert frames[-1].counts[1] == 0
        board.type_line("dead 0")
        until(lambda frame: frame.ready_mask == 0b1111)
        board.type_line("reset 4")  # brown-out
        until(lambda frame: frame.epoch == 1)
        assert frames[-1].board_us < 5_000_000
        assert board.health().board == "4xhx717 atmega328p"
    finally:
        board.close()


def test_missing_tools_are_named_with_the_line_that_installs_them(press, monkeypatch):
    monkeypatch.setattr(simavr, "PROGRAMS", ("make", "avr-gcc-of-another-planet"))
    board = make_board("simavr", file=str(press))
    with pytest.raises(BoardError, match=r"needs avr-gcc-of-another-planet.*; type: sudo apt-get install .*gcc-avr"):
        board.open()
    board.close()


def test_in_a_wheel_the_simulator_is_missing_and_the_message_says_why(press, monkeypatch, tmp_path):
    lockstep.need("make", "gcc", "avr-gcc", simavr=True)
    monkeypatch.setattr(simavr, "BENCH", tmp_path / "tests" / "simavr")
    with pytest.raises(BoardError, match="under the GPL and not in the wheel"):
        make_board("simavr", file=str(press)).open()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"mcu": "z80"}, "mcu"), ({"faults": []}, "known are mcu, sensor"), ({"seed": 1}, "belongs into")],
)
def test_wrong_options_are_refused_before_anything_is_built(press, options, words):
    with pytest.raises(BoardError, match=words):
        make_board("simavr", file=str(press), options=options)
