from __future__ import annotations

import math

import numpy as np
import pytest

from robopatient.messages import Press, Rating
from robopatient.record.debrief_scales import grade_items, pair_ratings
from robopatient.record.osce import examine

S = 1_000_000_000
SITE = (200.0, 150.0, "right iliac")


def press(t_s: float, newton: float, region: str = "umbilical", x_mm: float = 120.0, y_mm: float = 110.0) -> Press:
    t_ns = round(t_s * S)
    return Press(t_ns, 0, t_ns + S // 2, 0, t_ns + S, newton, 2 * newton, x_mm, y_mm, region)


def curves(presses, pspi=lambda t_s: 0.0, nrs=lambda t_s: 0.0, until_s: float = 20.0):
    """Square presses at 250 Hz, a face at 30 Hz."""
    t_ns = np.arange(0, round(until_s * S), 4_000_000)
    newton = np.zeros(len(t_ns))
    for each in presses:
        newton[(t_ns >= each.t_ns) & (t_ns < each.release_t_ns)] = each.peak_newton
    face_ns = np.arange(0, round(until_s * S), 33_333_333)
    return (
        {"t_ns": t_ns, "total_newton": newton},
        {"t_ns": t_ns, "nrs": np.array([nrs(t) for t in t_ns * 1e-9])},
        {"t_ns": face_ns, "pspi": np.array([pspi(t) for t in face_ns * 1e-9])},
    )


def examined(*presses: Press, sites=(SITE,), newton=None, **shown):
    force, pain, seen = curves(presses, **shown)
    if newton is not None:
        force["total_newton"] = np.array([newton(t) for t in force["t_ns"] * 1e-9])
    return examine(presses, force, pain, seen, start_ns=0, sites=sites, deep_newton=15.0)


def test_coverage_counts_light_and_deep_apart_and_keeps_the_peak_of_each_region():
    figures = examined(press(1, 8), press(3, 20), press(5, 30), press(7, 9, "epigastric"))
    umbilical = figures.regions["umbilical"]
    assert (umbilical.light, umbilical.deep, umbilical.peak_newton, umbilical.first_s) == (1, 2, 30.0, 1.0)
    assert (figures.light_regions, figures.deep_regions, len(figures.regions)) == (2, 1, 9)
    assert math.isnan(figures.regions["left iliac"].first_s)


def test_order_counts_the_regions_before_the_tender_one_and_the_distance_of_the_start():
    figures = examined(
        press(1, 8, "left iliac", 50.0, 150.0), press(3, 8), press(5, 8), press(7, 8, "right iliac", 200.0, 150.0)
    )
    assert figures.regions_before_pain == 2
    assert figures.first_distance_mm == pytest.approx(150.0)
    assert figures.first_region == "left iliac"


def test_a_tender_region_that_is_never_pressed_is_told_as_such():
    assert examined(press(1, 8)).regions_before_pain == -1
    assert math.isnan(examined(press(1, 8), sites=()).first_distance_mm)


def test_light_before_deep_asks_it_of_each_region():
    figures = examined(press(1, 8), press(3, 20), press(5, 20, "epigastric"), press(7, 8, "epigastric"))
    assert (figures.light_before_deep, figures.deep_regions) == (1, 2)
    assert figures.light_regions_before_first_deep == 1


def test_forces_while_pain_is_shown_count_only_a_hand_on_the_abdomen():
    figures = examined(press(1, 20), press(5, 30), pspi=lambda t: 5.0 if 1.5 <= t < 3.5 else 0.0)
    assert figures.shown_s == pytest.approx(2.0, abs=0.05)
    assert figures.shown_touched_s == pytest.approx(0.5, abs=0.05)
    assert figures.shown_peak_newton == 20.0


def test_release_latency_runs_from_the_expression_to_half_the_force():
    falling = lambda t: 20.0 if 1.0 <= t < 1.75 else 8.0 if 1.75 <= t < 2.0 else 0.0  # noqa: E731
    figures = examined(press(1, 20), newton=falling, pspi=lambda t: 5.0 if 1.4 <= t < 2.5 else 0.0)
    [response] = figures.responses
    assert response.eased_ms == pytest.approx(350, abs=40)
    assert response.newton == 20.0
    assert not response.pressed_on


def test_pressing_on_into_pain_is_seen():
    rising = lambda t: 10.0 if 1.0 <= t < 1.5 else 25.0 if 1.5 <= t < 2.0 else 0.0  # noqa: E731
    figures = examined(press(1, 25), newton=rising, pspi=lambda t: 5.0 if 1.3 <= t < 2.5 else 0.0)
    assert figures.pressed_on == 1
    assert figures.responses[0].most_newton == 25.0


def test_a_press_that_begins_while_the_face_still_shows_pain_is_counted_apart():
    figures = examined(press(1, 20), press(3, 20), pspi=lambda t: 5.0 if 1.5 <= t < 6 else 0.0)
    assert figures.begun_while_shown == 1
    assert len(figures.responses) == 1


def test_an_untouched_patient_has_figures_too():
    figures = examined()
    assert (figures.presses, figures.light_regions, figures.worst_nrs) == (0, 0, 0.0)
    assert math.isnan(figures.eased_ms)


def test_nothing_on_the_record_is_no_error():
    empty = np.zeros(0)
    times = np.zeros(0, np.int64)
    figures = examine(
        [], {"t_ns": times, "total_newton": empty}, {"t_ns": times, "nrs": empty}, {"t_ns": times, "pspi": empty},
        start_ns=0, sites=[], deep_newton=15.0,
    )  # fmt: skip
    assert figures.shown_s == 0.0


def test_painful_presses_include_the_rebound_after_the_release():
    assert examined(press(1, 20), nrs=lambda t: 6.0 if 2.1 <= t < 2.4 else 0.0).painful_presses == 1


# Clinical scales


def shown(pspi: float, closed: float, call: str):
    seen = {"t_ns": np.array([5 * S]), "pspi": np.array([pspi]), "au.AU43": np.array([closed])}
    heard = {"t_ns": np.array([5 * S]), "level_dbfs": np.array([-20.0]), "call": np.array([call], dtype=object)}
    return seen, heard


@pytest.mark.parametrize(
    ("pspi", "closed", "call", "bps", "cpot", "painad_voice", "abbey_voice"),
    [
        (0.5, 0, "breath", 1, 0, 0, 0),
        (4, 0, "sigh", 2, 1, 1, 1),
        (10, 0, "moan", 3, 1, 1, 2),
        (12, 5, "cry", 4, 2, 1, 3),
    ],
)
def test_items_rise_with_what_is_shown(pspi, closed, call, bps, cpot, painad_voice, abbey_voice):
    graded = {(each.scale, each.item): each.value for each in grade_items(*shown(pspi, closed, call), 0, 10 * S)}
    assert graded["BPS", "face"] == bps
    assert graded["CPOT", "face"] == cpot
    assert graded["PAINAD", "vocalisation"] == painad_voice
    assert graded["Abbey", "vocalisation"] == abbey_voice


def test_crying_out_again_and_again_takes_more_than_one_cry():
    seen, _ = shown(12, 5, "cry")
    calls = np.array(["cry", "moan", "cry"], dtype=object)
    heard = {"t_ns": np.arange(3) * S, "level_dbfs": np.full(3, -20.0), "call": calls}
    graded = {(each.scale, each.item): each.value for each in grade_items(seen, heard, 0, 10 * S)}
    assert graded["PAINAD", "vocalisation"] == 2.0


def test_what_the_phantom_cannot_show_is_never_graded_and_says_why():
    graded = grade_items(*shown(12, 5, "cry"), 0, 10 * S)
    missing = [each for each in graded if math.isnan(each.value)]
    assert {(each.scale, each.item) for each in missing} >= {("BPS", "limbs"), ("PAINAD", "consolability")}
    assert all(each.why for each in missing)


def test_a_rating_is_paired_with_the_worst_of_the_ten_seconds_before_it():
    pain = {"t_ns": np.arange(0, 30) * S, "nrs": np.arange(0, 30) / 3.0}
    ratings = [Rating(20 * S, "trainee", "NRS", 4.0), Rating(21 * S, "instructor", "OSCE.consent", 1.0)]
    [pair] = pair_ratings(ratings, pain, *shown(0, 0, "breath"), start_ns=10 * S)
    assert (pair.t_s, pair.given) == (10.0, 4.0)
    assert pair.truth == pytest.approx(19 / 3)
