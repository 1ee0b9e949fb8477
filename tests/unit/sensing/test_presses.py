from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robopatient.messages import ForceFrame, Press
from robopatient.phantom import load_phantom
from robopatient.sensing.presses import PressCutter

PHANTOM = load_phantom("square-290")


def cut(
    total: np.ndarray, contact: tuple[float, float] | None = (200.0, 150.0), rate_hz: float = 1000.0
) -> list[Press]:
    cutter = PressCutter(PHANTOM, 3.0, 1.2)
    slope = np.gradient(np.asarray(total, dtype=float)) * rate_hz if len(total) > 1 else np.zeros(1)
    presses = []
    for i, (newton, rate) in enumerate(zip(np.asarray(total).tolist(), slope.tolist(), strict=True)):
        frame = ForceFrame(
            t_ns=round(i * 1e9 / rate_hz),
            received_ns=0,
            seq=i,
            cells_newton=(newton,),
            contact_mm=contact,
            rate_newton_per_s=rate,
        )
        press = cutter.step(frame)
        if press is not None:
            presses.append(press)
    last = cutter.finish()
    return [*presses, last] if last else presses


def bell(peak: float, n: int = 1000) -> np.ndarray:
    return peak * np.sin(np.linspace(0, np.pi, n)) ** 2


def quiet(n: int = 200) -> np.ndarray:
    return np.zeros(n)


def test_a_bell_is_one_press_with_onset_peak_release_rate_and_region() -> None:
    (press,) = cut(np.concatenate([quiet(), bell(30.0), quiet()]))
    assert press.peak_newton == pytest.approx(30.0, abs=0.01)
    assert press.peak_seq == pytest.approx(700, abs=2)
    assert press.rise_newton_per_s == pytest.approx(30 * np.pi, rel=0.02)
    crossing = 200 + 999 * np.arcsin(np.sqrt(3 / 30)) / np.pi
    assert press.t_ns * 1e-6 == pytest.approx(crossing, abs=1.5)
    assert press.release_t_ns > press.peak_t_ns > press.t_ns
    assert (press.x_mm, press.y_mm) == pytest.approx((200.0, 150.0))
    assert press.region == PHANTOM.region(200.0, 150.0)
    assert press.flags == ()


def test_two_bells_with_a_release_between_are_two_presses() -> None:
    assert [round(p.peak_newton) for p in cut(np.concatenate([bell(30), quiet(), bell(20), quiet()]))] == [30, 20]


def test_a_press_again_without_letting_go_is_parted_at_the_valley() -> None:
    total = np.concatenate([quiet(), np.maximum(np.concatenate([bell(30), bell(24)]), 4.0), quiet()])
    first, second = cut(total)
    assert (round(first.peak_newton), round(second.peak_newton)) == (30, 24)
    assert first.release_t_ns == second.t_ns
    assert "split" in first.flags
    assert "split" in second.flags


def test_a_shallow_valley_does_not_part_a_press() -> None:
    total = np.concatenate([quiet(), np.maximum(np.concatenate([bell(30), bell(24)]), 13.0), quiet()])
    (press,) = cut(total)
    assert press.peak_newton == pytest.approx(30.0, abs=0.01)


def test_a_light_trembling_hand_does_not_make_presses() -> None:
    total = np.concatenate([quiet(), 3.0 + 1.4 * np.sin(np.arange(2000) / 40), quiet()])
    assert len(cut(total)) == 1


def test_a_hesitation_before_the_press_belongs_to_it() -> None:
    total = np.concatenate([quiet(), np.full(100, 3.2), np.full(100, 1.4), 1.4 + bell(30), np.full(50, 1.4), quiet()])
    (press,) = cut(total)
    assert press.peak_newton == pytest.approx(31.4, abs=0.01)
    assert press.rise_newton_per_s > 60


def test_a_press_that_is_under_way_when_the_frames_end_is_told_as_interrupted() -> None:
    (press,) = cut(bell(30)[:600])
    assert press.flags == ("interrupted",)


def test_frames_that_stop_end_the_press_where_they_stopped() -> None:
    cutter = PressCutter(PHANTOM, 3.0, 1.2)
    told = [
        cutter.step(ForceFrame(t_ns=t_ms * 1_000_000, received_ns=0, seq=t_ms, cells_newton=(10.0,), contact_mm=(1, 1)))
        for t_ms in (0, 100, 400)
    ]
    assert told[:2] == [None, None]
    assert told[2] is not None
    assert told[2].release_t_ns == 100_000_000
    assert "interrupted" in told[2].flags


def test_a_press_without_a_place_says_so() -> None:
    (press,) = cut(np.concatenate([bell(30), quiet()]), contact=None)
    assert press.region == ""
    assert "no_site" in press.flags


def test_a_touch_of_20_ms_is_brief() -> None:
    (press,) = cut(np.concatenate([quiet(), np.full(20, 6.0), quiet()]))
    assert press.flags == ("brief",)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-2, 90), min_size=1, max_size=300))
def test_any_signal_gives_ordered_presses_within_it(values: list[float]) -> None:
    presses = cut(np.array(values), rate_hz=100.0)
    end = 0
    for press in presses:
        assert end <= press.t_ns <= press.peak_t_ns <= press.release_t_ns
        assert 3.0 <= press.peak_newton <= max(values)
        assert np.isfinite([press.x_mm, press.y_mm, press.rise_newton_per_s]).all()
        end = press.release_t_ns
    assert bool(presses) == any(value >= 3.0 for value in values)
