"""A real board on the bench: its rate, its sequence, its zero, and a press on it. Time is the board's own."""

from __future__ import annotations

import numpy as np
import pytest

from firmware_bridge.board_tools import stream
from firmware_bridge.frames import RawFrame
from hardware.bench import given
from robopatient.config import SensingConfig
from robopatient.levels import CONTACT_NEWTON, Flag
from robopatient.messages import ForceFrame, Press
from robopatient.sensing import Sensing
from robopatient.session.run import open_named

pytestmark = [pytest.mark.hardware, pytest.mark.timeout(120)]

RATE_HZ = 250.0
STREAM_S = 5.0
CLOCK_SHARE = 0.01
"""A ceramic resonator is within 0.5 % of its rate, a crystal far within; twice that is a wrong divider."""
TARE_S, ZERO_S = 10.0, 2.0
HAND_S = 30.0


def frames_of(seconds: float) -> tuple[list[RawFrame], str]:
    """What the board sends in a while, and its health at the end."""
    board = open_named(given("ROBOPATIENT_BOARD"), RATE_HZ)
    frames: list[RawFrame] = []
    health = board.health()
    for _, _, new in stream(board, seconds):
        frames += new
        health = board.health()
    counted = {name: getattr(health, name) for name in ("lost", "duplicate", "stray", "bad", "reconnects")}
    return frames, ", ".join(f"{name} {count}" for name, count in counted.items() if count)


def new_sensing(**changes: object) -> Sensing:
    return Sensing(SensingConfig(calibration=given("ROBOPATIENT_CALIBRATION"), **changes))  # type: ignore[arg-type]


def test_the_board_streams_at_the_rate_that_is_asked_for_without_a_gap() -> None:
    frames, faults = frames_of(STREAM_S)
    assert faults == "", "numbers that never came (of frames of all types), or came twice, late or damaged"
    assert {frame.epoch for frame in frames} == {0}, "the board has rebooted"
    assert (np.diff([frame.seq for frame in frames]) >= 1).all()  # the numbers between are the board's other frames
    board_s = (frames[-1].board_us - frames[0].board_us) * 1e-6
    rate_hz = (len(frames) - 1) / board_s
    print(f"{rate_hz:.2f} Hz over {board_s:.1f} s of the board's time")
    assert rate_hz == pytest.approx(RATE_HZ, rel=CLOCK_SHARE)
    periods_us = np.diff([frame.board_us for frame in frames])
    assert periods_us.max() < 1.5e6 / RATE_HZ, "a conversion came late"


def test_the_tare_leaves_less_than_the_noise_of_a_cell() -> None:
    print(f"take the hand away from the abdomen for {TARE_S:g} s")
    sensing = new_sensing(dead_band_newton=0.0)
    forces: list[ForceFrame] = []
    for frame in frames_of(TARE_S)[0]:
        force = sensing.step(frame)
        if Flag.UNTARED not in force.flags:
            forces.append(force)
    assert forces, f"no tare in {TARE_S:g} s: {sensing.take_notes()}"
    forces = [force for force in forces if force.t_ns - forces[0].t_ns < ZERO_S * 1e9]
    cells = np.array([force.cells_newton for force in forces])
    mean, noise = cells.mean(axis=0), cells.std(axis=0)
    print("zero", *(f"{newton:+.4f}" for newton in mean), "N; noise", *(f"{newton:.4f}" for newton in noise), "N")
    assert (noise > 0.0).all(), "a cell that does not move at all is not connected"
    assert (np.abs(mean) < noise).all()


def test_a_press_on_the_abdomen_is_seen_with_its_force_and_place() -> None:
    given("ROBOPATIENT_HAND")
    sensing = new_sensing()
    presses: list[Press] = []
    asked = False
    board = open_named(given("ROBOPATIENT_BOARD"), RATE_HZ)
    for _, _, frames in stream(board, HAND_S):
        for frame in frames:
            force = sensing.step(frame)
            if not asked and Flag.UNTARED not in force.flags:
                asked = True
                print("press the abdomen now, for about a second", flush=True)
            presses += sensing.take_presses() if asked else []
        if presses:
            break
    assert asked, f"no tare: {sensing.take_notes()}"
    assert presses, f"nobody pressed within {HAND_S:g} s"
    press = presses[0]
    print(f"{press.peak_newton:.1f} N at ({press.x_mm:.0f}, {press.y_mm:.0f}) mm, {press.region}")
    assert press.peak_newton > CONTACT_NEWTON
    assert Flag.NO_SITE not in press.flags
    assert 0.0 < press.x_mm < sensing.phantom.width_mm
    assert 0.0 < press.y_mm < sensing.phantom.height_mm
    assert press.t_ns < press.peak_t_ns <= press.release_t_ns
