"""Time courses of made faces whose onset, rise, hold and decay are known; distances between distributions."""

import math

import numpy as np
import pytest

from policies.corpus.recipe import load_recipe
from policies.face_metrics.dose import dose_response
from policies.face_metrics.drift import drift_of, minute_of_pain
from policies.face_metrics.events import courses, episodes
from policies.face_metrics.presses import PRESSES_NRS, peaks_of, press_people
from policies.face_metrics.realism import (
    PUBLISHED,
    REALISM,
    co_occurrence,
    frechet,
    jerk,
    published_of,
    read_motion,
    realism_of,
)
from robopatient.face.generator.condition import Traits, index
from robopatient.face.generator.motion import CHANNELS, column

ZERO, ONE = np.zeros(len(CHANNELS)), np.ones(len(CHANNELS))


def trapezium(n, start, rise, hold, fall, peak):
    t = np.arange(n)
    return peak * np.clip(np.minimum((t - start) / rise, 1 - (t - start - rise - hold) / fall), 0, 1)


def test_episodes_begin_where_it_hurts_and_merge_over_short_gaps():
    pain = np.zeros(200)
    pain[20:50], pain[60:90], pain[150:160] = 5, 5, 1.9
    assert episodes(pain) == [(20, 90)]
    pain[62:] = 0
    pain[130:] = 7
    assert episodes(pain) == [(20, 62), (130, 200)]


def test_the_course_put_in_is_the_course_measured():
    pain = trapezium(400, 60, 1, 60, 1, 8.0)  # from frame 61 on
    shown = trapezium(400, 75, 30, 45, 60, 6.0)
    one = courses(pain, shown)[0]
    assert one.reacted
    assert one.stimulus_peak == 8.0
    assert one.peak == 6.0
    assert one.latency_s == pytest.approx((75 + 3 - 61) / 30, abs=0.04)
    assert one.rise_s == pytest.approx(0.8 * 30 / 30, abs=0.07)
    assert one.hold_s == pytest.approx((45 + 0.2 * 30 + 0.2 * 60) / 30, abs=0.07)
    assert one.decay_s == pytest.approx(0.6 * 60 / 30, abs=0.07)


def test_a_stoic_face_has_no_course_but_a_peak():
    one = courses(trapezium(200, 50, 5, 40, 5, 8.0), np.full(200, 0.4))[0]
    assert (one.reacted, one.peak) == (False, 0.4)
    assert math.isnan(one.latency_s)


def test_a_reaction_that_is_cut_off_has_no_decay():
    one = courses(trapezium(200, 50, 5, 140, 5, 8.0), trapezium(200, 60, 20, 200, 9, 5.0))[0]
    assert one.reacted
    assert math.isnan(one.hold_s)
    assert math.isnan(one.decay_s)


def test_jerk_of_a_cubic_is_its_third_derivative():
    motion = np.zeros((60, len(CHANNELS)))
    t = np.arange(60) / 30
    motion[:, column("AU4")] = t**3
    assert jerk(motion) == pytest.approx(6.0 / math.sqrt(20), rel=1e-6)  # one of twenty units moves


def test_frechet_of_two_normals_by_hand():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((4000, 1))
    assert frechet(a, 2 * a + 3) == pytest.approx((a.mean() + 3) ** 2 + a.var(ddof=1) * (1 - 2) ** 2, rel=1e-6)
    assert frechet(a, a) == pytest.approx(0.0, abs=1e-9)


def test_co_occurrence_is_frames_with_both_over_frames_with_either():
    motion = np.zeros((10, len(CHANNELS)))
    motion[:6, column("AU4")] = 2
    motion[4:, column("AU9")] = 2
    found = co_occurrence([read_motion(np.zeros(10), motion, ZERO, ONE)])
    assert sorted(found)[-1] == pytest.approx(2 / 10)


def reading(shift, gain=1.0):
    pain = trapezium(300, 60, 10, 60, 10, 8.0)
    motion = np.zeros((300, len(CHANNELS)))
    motion[:, column("AU4")] = gain * trapezium(300, 65 + shift, 20, 60, 30, 4.0)
    return read_motion(pain, motion, ZERO, ONE)


def test_equal_faces_are_at_no_distance_and_late_ones_at_their_delay():
    same = realism_of([reading(0)] * 3, [reading(0)] * 3)
    assert set(same) == set(REALISM)
    assert max(abs(v) for v in same.values()) < 1e-6
    late = realism_of([reading(15)] * 3, [reading(0)] * 3)
    assert late["W latency (s)"] == pytest.approx(0.5)
    assert late["W peak (PSPI)"] == 0.0
    assert late["Frechet"] > same["Frechet"]


def test_every_published_summary_can_be_read():
    found = published_of([reading(0), reading(3, 0.5)])
    assert set(found) == set(PUBLISHED)
    assert found["occurrence of AU4 in reactions"] == 1.0


def test_a_press_that_began_before_the_clip_has_no_latency():
    pain, shown = np.full(200, 8.0), trapezium(200, 5, 20, 60, 30, 5.0)
    assert math.isnan(courses(pain, shown)[0].latency_s)


def test_dose_response_is_the_rank_correlation():
    doses = np.array([1.0, 3.0, 5.0, 8.0])
    assert dose_response(doses, doses**2) == pytest.approx(1.0)
    assert dose_response(doses, np.array([2.0, 1.0, 3.0, 4.0])) == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert dose_response(doses, np.full(4, 2.0)) == 0.0
    assert math.isnan(dose_response(doses[:2], doses[:2]))


class Fading:
    name = "fading"

    def generate(self, condition, seed):
        motion = np.zeros((len(condition), len(CHANNELS)))
        minute = np.arange(len(condition)) // 1800
        motion[:, column("AU4")] = (1 - 0.5 * (minute == minute[-1])) * condition[:, 0] / 4
        return motion


def test_a_face_that_fades_is_seen_to_drift():
    assert len(minute_of_pain()) == 1800
    found = drift_of(Fading(), [1], ONE, minutes=2)
    assert found.variance_ratio.value == pytest.approx(0.25)
    assert found.pspi_change.value == pytest.approx(-0.5)


def test_short_presses_of_people_grow_with_pain_and_a_still_face_has_none():
    people = [Traits(archetype="narrowed"), Traits(archetype="furrowed", sex=0.0), Traits(archetype="opened")] * 4
    pressed = press_people(load_recipe(), people, 1)
    assert pressed.conditions.shape[:2] == pressed.peaks.shape == (len(PRESSES_NRS), len(people))
    assert np.all(np.diff(pressed.peaks.mean(axis=1)) > 0.5)
    strongest = pressed.conditions[..., index("pain")].max(axis=(1, 2))
    assert strongest == pytest.approx(PRESSES_NRS)
    assert not peaks_of(Still(), pressed, 1).any()


class Still:
    name = "still"

    def generate(self, condition, seed):
        return np.zeros((len(condition), len(CHANNELS)))
