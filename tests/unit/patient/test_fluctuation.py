"""Pain that comes and goes by itself: statistics of the process, waves, the seed, and that it fails quiet."""

from __future__ import annotations

import numpy as np
import pytest

from robopatient.messages import ForceFrame
from robopatient.patient.fluctuation import Fluctuation, PainFluctuation


def course(fluctuation: Fluctuation, seed: int, seconds: int) -> np.ndarray:
    wander = PainFluctuation(fluctuation, seed)
    return np.array([wander.step(1.0) for _ in range(seconds)])


def test_mean_spread_and_time_constant_are_those_asked_for() -> None:
    tau_min = 0.5
    level = course(Fluctuation(mean_nrs=5.0, sd_nrs=0.8, tau_min=tau_min), 1, 30_000)
    assert level.mean() == pytest.approx(5.0, abs=0.15)
    assert level.std() == pytest.approx(0.8, rel=0.1)
    lag = round(tau_min * 60)
    assert np.corrcoef(level[:-lag], level[lag:])[0, 1] == pytest.approx(np.exp(-1), abs=0.08)


def test_waves_of_colic_take_their_share_of_the_time() -> None:
    asked = Fluctuation(mean_nrs=1.0, sd_nrs=0.0, wave_nrs=5.0, waves_per_min=0.5, wave_s=60.0)
    level = course(asked, 1, 20_000)
    expected = (1 / 120) / (1 / 120 + 1 / 60)
    assert (level > 3.5).mean() == pytest.approx(expected, abs=0.08)
    assert level.min() == pytest.approx(1.0, abs=0.05)
    assert level.max() == pytest.approx(6.0, abs=0.05)


def test_the_seed_decides_and_nothing_else() -> None:
    asked = Fluctuation(sd_nrs=1.0, tau_min=1.0)
    assert (course(asked, 7, 300) == course(asked, 7, 300)).all()
    assert (course(asked, 7, 300) != course(asked, 8, 300)).any()


def test_an_untouched_patient_hurts_within_the_scale_and_slowly(lab) -> None:
    hand = lab.hand(fluctuation=Fluctuation(mean_nrs=4.0, sd_nrs=2.0, tau_min=0.5))
    levels = np.array([pain.nrs for pain in hand.wait(60.0)])
    assert levels.max() > 1.0
    assert levels.min() >= 0.0
    assert levels.max() <= 10.0
    assert np.abs(np.diff(levels)).max() < 0.02  # no step can be heard


def test_pain_without_a_touch_has_no_site_and_is_no_sign(lab) -> None:
    hand = lab.hand(fluctuation=Fluctuation(mean_nrs=7.0, sd_nrs=0.0))
    hand.press(25.0, lab.at_mm)
    after = hand.wait(5.0)[-1]
    assert after.nrs > 5.0
    assert (after.site, after.sign) == ("", "")


def test_it_falls_silent_with_the_frames_and_comes_back_softly(lab) -> None:
    hand = lab.hand(fluctuation=Fluctuation(mean_nrs=6.0, sd_nrs=0.0))
    before = hand.wait(2.0)[-1].nrs
    t_ns, quiet = hand.t_ns, []
    for i in range(1, 101):
        at = t_ns + i * 4_000_000
        quiet.append(hand.patient.step(ForceFrame(at, at, 0, (0.0,), None, 0.0, ("stale",))).nrs)
    assert before == pytest.approx(6.0)
    assert quiet[75] == 0.0
    hand.t_ns = t_ns + 400_000_000
    back = [pain.nrs for pain in hand.wait(0.4)]
    assert back[0] < 0.2
    assert back[-1] == pytest.approx(6.0)
