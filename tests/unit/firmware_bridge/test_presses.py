import numpy as np
import pytest

from firmware_bridge.presses import Hand

TENDER = (90.0, 110.0)


@pytest.fixture(scope="module")
def hand() -> Hand:
    return Hand(3, TENDER, spikes_per_minute=0.0)


@pytest.fixture(scope="module")
def minutes(hand) -> np.ndarray:
    t_s = (np.arange(300_000) + 1) * 0.001
    return np.concatenate([hand.forces(block, 0.001) for block in np.array_split(t_s, 100)])


def test_equal_seeds_press_alike_however_the_time_is_cut(minutes):
    again = Hand(3, TENDER, spikes_per_minute=0.0).forces((np.arange(5000) + 1) * 0.001, 0.001)
    assert np.array_equal(again, minutes[:5000])
    other = Hand(4, TENDER).forces((np.arange(5000) + 1) * 0.001, 0.001)
    assert not np.allclose(other, again)


def test_peaks_are_lognormal_with_the_published_median_and_spread(hand):
    peaks = np.array([press.peak_newton for press in hand.presses(3000.0)])
    peaks = peaks[peaks > 5.0]
    assert 28.0 < np.median(peaks) < 36.0
    low, high = np.percentile(peaks, [5, 95])
    assert 10.0 < low < 20.0
    assert 55.0 < high < 75.0


def test_rise_contact_and_rhythm_are_those_of_recorded_hands(hand):
    presses = hand.presses(3000.0)
    rise_s = np.array([press.rise_share * press.contact_s for press in presses])
    assert 0.23 < np.median(rise_s) < 0.7
    assert 0.89 < np.median([press.contact_s for press in presses]) < 1.27
    onset_to_onset_s = np.diff([press.onset_s for press in presses])
    assert np.median(onset_to_onset_s) == pytest.approx(1.6, abs=0.2)
    assert onset_to_onset_s.max() > 3.5


def test_the_plate_feels_the_peak_and_site_of_every_press(hand, minutes):
    total = minutes.sum(axis=1)
    for press in hand.presses(290.0):
        within = slice(int(press.onset_s * 1000), int(press.end_s * 1000))
        assert total[within].max() == pytest.approx(press.peak_newton, rel=0.06, abs=0.5)
        at = within.start + int(total[within].argmax())
        if total[at] > 10.0:
            x_mm = 290 * (minutes[at, 1] + minutes[at, 3]) / total[at]
            y_mm = 290 * (minutes[at, 0] + minutes[at, 3]) / total[at]
            assert (x_mm, y_mm) == pytest.approx((press.x_mm, press.y_mm), abs=3.0)


def test_some_presses_are_near_the_tender_site_and_some_far_away(hand):
    distance_mm = np.array([np.hypot(p.x_mm - TENDER[0], p.y_mm - TENDER[1]) for p in hand.presses(1000.0)])
    assert 0.3 < np.mean(distance_mm < 40.0) < 0.6
    assert np.mean(distance_mm > 80.0) > 0.2


def test_between_presses_nobody_touches(hand, minutes):
    total = minutes.sum(axis=1)
    assert 0.2 < np.mean(np.abs(total) < 0.3) < 0.7


def test_spikes_last_one_sample_on_one_cell():
    t_s = (np.arange(60_000) + 1) * 0.001
    clean = Hand(3, TENDER, spikes_per_minute=0.0).forces(t_s, 0.001)
    spiked = Hand(3, TENDER, spikes_per_minute=10.0).forces(t_s, 0.001)
    at = np.argwhere(np.abs(spiked - clean) > 1.0)
    assert 3 <= len(at) <= 20
    assert len({int(row) for row, _ in at}) == len(at)
