from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robopatient.sensing.filters import FrameGate, dead_band

GAIN = 42_000.0
NEWTONS = st.floats(-100, 100)
BANDS = st.floats(0.01, 2.0)


def gate() -> FrameGate:
    return FrameGate([GAIN, GAIN], [5.0, 5.0])


def feed(gate: FrameGate, newtons: list[tuple[float, float]], period_ns: int = 1_000_000) -> list[tuple[float, ...]]:
    out = []
    for i, pair in enumerate(newtons):
        gate.step(i * period_ns, [5 + round(value * GAIN) for value in pair], 0b11)
        out.append(tuple(round((count - 5) / GAIN, 3) for count in gate.values))
    return out


def test_a_single_spike_never_shows_and_is_told_afterwards() -> None:
    spiky = gate()
    assert feed(spiky, [(1.0, 1.0), (1.0, 30.0), (1.1, 1.1)]) == [(1.0, 1.0), (1.0, 1.0), (1.1, 1.1)]
    assert spiky.spike


@pytest.mark.parametrize("times", [1, 2, 3, 8, 19])
@pytest.mark.parametrize("wrong", [8_388_607, -8_388_608, 4_194_303, 2_097_151])
def test_a_burst_of_equal_wrong_conversions_never_shows(wrong: int, times: int) -> None:
    burst = gate()
    rng = random.Random(1)
    for i in range(60):
        noisy = [5 + rng.randint(-30, 30), 5 + rng.randint(-30, 30)]
        counts = [noisy[0], wrong] if 10 <= i < 10 + times else noisy
        burst.step(i * 12_500_000, counts, 0b11)
        assert all(abs(value) < 100 for value in burst.values)


def test_a_converter_that_stays_at_its_end_is_believed_after_a_quarter_of_a_second() -> None:
    full = gate()
    seen = []
    for i in range(40):
        full.step(i * 12_500_000, [5 + i % 3, 8_388_607 if i >= 10 else 5 + i % 2], 0b11)
        seen.append(full.values[1] > 1e6)
    assert seen.index(True) == 10 + 20  # 250 ms after the jump


def test_a_true_step_waits_one_frame_and_is_no_spike() -> None:
    stepped = gate()
    assert feed(stepped, [(0.0, 0.0), (9.0, 8.0), (9.1, 8.1)]) == [(0.0, 0.0), (0.0, 0.0), (9.1, 8.1)]
    assert not stepped.spike


def test_cells_are_never_taken_from_two_moments() -> None:
    # One cell jumps further than the limit, the other less: a mixture would put the hand elsewhere.
    assert feed(gate(), [(0.5, 0.5), (9.0, 1.5)])[-1] == (0.5, 0.5)


def test_a_press_at_the_fastest_published_slope_passes_undelayed() -> None:
    ramp = [(0.4 * i, 0.0) for i in range(100)]  # 400 N/s on one cell
    assert feed(gate(), ramp) == [pytest.approx(pair, abs=1e-3) for pair in ramp]


def test_a_palpation_tremor_of_30_hz_passes_unchanged() -> None:
    wave = [(10 + 2 * math.sin(2 * math.pi * 30 * i / 1000), 0.0) for i in range(200)]
    assert feed(gate(), wave) == [pytest.approx(pair, abs=1e-3) for pair in wave]


def test_strange_readings_that_go_on_are_believed() -> None:
    wild = [(0.0, 0.0), (20.0, 0.0), (50.0, 0.0), (80.0, 0.0), (20.0, 0.0)]
    assert feed(gate(), wild)[-1] == (20.0, 0.0)


@pytest.mark.parametrize("code", [-1, 0])
def test_a_line_stuck_at_all_ones_or_zeros_holds_then_is_dead(code: int) -> None:
    stuck = gate()
    feed(stuck, [(1.0, 2.0)])
    stuck.step(10_000_000, [5 + 42_000, code], 0b11)
    assert stuck.dead == [False, False]
    assert stuck.values[1] == 5 + 2 * 42_000
    stuck.step(60_000_000, [5 + 42_000, code], 0b11)
    assert stuck.dead == [False, True]
    stuck.step(61_000_000, [5 + 42_000, 5 + 9 * 42_000], 0b11)
    assert stuck.dead == [False, False]
    assert stuck.values[1] == 5 + 9 * 42_000


def test_a_cell_that_never_was_ready_is_dead_from_the_first_frame() -> None:
    half = gate()
    half.step(0, [5, 5], 0b01)
    assert half.dead == [False, True]


def test_a_cell_stuck_at_one_count_while_the_other_lives_is_dead_until_it_moves() -> None:
    stuck = gate()
    for i in range(2200):
        stuck.step(i * 1_000_000, [5 + i % 7, 42_005], 0b11)
        assert stuck.dead == [False, i > 2000]
    stuck.step(2_200_000_000, [5, 42_006], 0b11)
    assert stuck.dead == [False, False]


def test_a_board_without_noise_that_nobody_touches_is_not_dead() -> None:
    silent = gate()
    for i in range(3000):
        silent.step(i * 1_000_000, [5, 5], 0b11)
    assert silent.dead == [False, False]


@given(NEWTONS, BANDS)
def test_the_dead_band_is_odd_and_never_adds_force(newton: float, band: float) -> None:
    assert dead_band(-newton, band) == -dead_band(newton, band)
    assert abs(dead_band(newton, band)) <= abs(newton)


@given(NEWTONS, BANDS)
def test_the_dead_band_silences_below_and_leaves_alone_beyond_twice_the_band(newton: float, band: float) -> None:
    if abs(newton) <= band:
        assert dead_band(newton, band) == 0.0
    if abs(newton) >= 2 * band:
        assert dead_band(newton, band) == newton


@given(NEWTONS, st.floats(1e-6, 0.1), BANDS)
def test_the_dead_band_makes_no_jump(newton: float, step: float, band: float) -> None:
    rise = dead_band(newton + step, band) - dead_band(newton, band)
    assert -1e-9 <= rise <= 2.0 * step + 1e-9
