from __future__ import annotations

import numpy as np
import pytest

from robopatient.sensing.tare import TareWindow, ZeroWatch


def window(cells: np.ndarray, asked: bool, rate_hz: float = 1000.0, duration_s: float = 0.25) -> TareWindow:
    tare = TareWindow(duration_s, asked)
    for i, row in enumerate(cells):
        if tare.add(round(i * 1e9 / rate_hz), row.tolist()):
            return tare
    raise AssertionError("the window never filled")


def still(level: float, n: int = 400, noise: float = 0.001) -> np.ndarray:
    return level / 4 + np.random.default_rng(3).normal(0.0, noise, (n, 4))


@pytest.mark.parametrize("asked", [False, True])
def test_an_untouched_abdomen_gives_the_mean_as_zero(asked: bool) -> None:
    tare = window(still(0.12), asked)
    assert tare.refusal() == ""
    assert tare.zero_newton() == pytest.approx((0.03,) * 4, abs=0.001)


def test_a_resting_hand_is_refused_unless_the_operator_vouches() -> None:
    assert "1.5 N already lay on the abdomen" in window(still(1.5), asked=False).refusal()
    assert window(still(1.5), asked=True).refusal() == ""


def test_a_trembling_hand_is_refused_even_when_the_operator_vouches() -> None:
    trembling = still(4.0) + 0.2 * np.sin(2 * np.pi * 9 * np.arange(400) / 1000)[:, None]
    assert "unsteady" in window(trembling, asked=True).refusal()


def test_a_drift_is_refused() -> None:
    drift = still(0.0) + 0.25 * np.linspace(0, 0.32, 400)[:, None]
    assert "drifted by 0.8 N/s" in window(drift, asked=True).refusal()


def test_a_load_that_no_drift_explains_is_refused_with_its_cell() -> None:
    heavy = still(0.0)
    heavy[:, 2] += 15.0
    assert "cell 3 read 15.0 N" in window(heavy, asked=True).refusal()


def test_a_fault_within_the_window_is_refused() -> None:
    tare = TareWindow(0.05, asked=True)
    for i in range(60):
        tare.add(i * 1_000_000, (0.0,) * 4, "dead" if i == 10 else "")
    assert "dead" in tare.refusal()


def test_a_slow_board_is_given_twenty_readings() -> None:
    tare = TareWindow(0.1, asked=False)
    filled = [tare.add(round(i * 12.5e6), (0.0,) * 4) for i in range(20)]
    assert filled == [False] * 19 + [True]


def drifts(total: np.ndarray, rate_hz: float = 100.0) -> list[float]:
    """What is told of a total force, shared by four cells with their noise."""
    watch = ZeroWatch()
    noise = np.random.default_rng(3).normal(0.0, 0.001, (len(total), 4))
    rows = (total[:, None] / 4 + noise).tolist()
    told = [watch.step(round(i * 1e9 / rate_hz), row, "") for i, row in enumerate(rows)]
    return [drift for drift in told if drift is not None]


def test_a_zero_that_creeps_away_is_told_once_a_minute() -> None:
    creep = np.linspace(0.0, 0.9, 18_000)  # three minutes
    told = drifts(creep)
    assert len(told) == 2
    assert told[0] == pytest.approx(0.31, abs=0.03)


@pytest.mark.parametrize(
    "total",
    [
        np.full(2000, 0.2),
        1.0 + 0.3 * np.sin(2 * np.pi * 9 * np.arange(2000) / 100.0),
        np.full(2000, 12.0),
        np.tile(np.repeat([0.0, 20.0], 100), 10),
    ],
    ids=["small", "a trembling hand", "a weight", "presses"],
)
def test_what_is_no_drift_is_not_told(total: np.ndarray) -> None:
    assert drifts(total) == []
