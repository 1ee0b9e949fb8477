import math
import re

import numpy as np
import pytest

from robopatient.phantom import load_phantom
from robopatient.record import charts


def lane(t_s, values, **options):
    settings = {"name": "Force", "unit": "N", "kind": "pressed", "low": 0.0, "high": 10.0} | options
    return charts.Lane(t_s=np.asarray(t_s, float), values=np.asarray(values, float), **settings)


def curves(svg):
    """Points of each curve in picture coordinates."""
    paths = re.findall(r'class="curve pressed" d="M([^"]*)"', svg)
    return [np.array([[float(n) for n in point.split()] for point in path.split("L")]) for path in paths]


@pytest.mark.parametrize(
    ("low", "high", "about", "expected"),
    [
        (0, 10, 4, [0, 5, 10]),
        (-80, 0, 4, [-80, -60, -40, -20, 0]),
        (0, 27.3, 3, [0, 10, 20]),
        (0, 0.4, 4, [0, 0.1, 0.2, 0.3, 0.4]),
    ],
)
def test_ticks_are_round_and_inside(low, high, about, expected):
    assert charts.ticks(low, high, about) == pytest.approx(expected)


def test_a_curve_lies_at_its_time_and_value():
    (points,) = curves(charts.timeline([lane([0, 5, 10], [0, 10, 5])], [], [], (0.0, 10.0)))
    left, right = charts.LEFT, charts.WIDTH - charts.RIGHT
    top, bottom = charts.HEAD, charts.HEAD + charts.LANE_HEIGHT
    assert points == pytest.approx(np.array([[left, bottom], [(left + right) / 2, top], [right, (top + bottom) / 2]]))


def test_the_axis_begins_where_it_is_told():
    (points,) = curves(charts.timeline([lane([0, 6, 8, 10], [9, 0, 10, 5])], [], [], (6.0, 10.0)))
    assert len(points) == 3
    assert points[0, 0] == charts.LEFT


def test_long_sessions_are_told_in_whole_minutes():
    svg = charts.timeline([lane([0, 600], [0, 1])], [], [], (0.0, 600.0))
    assert ">time, min:s<" in svg
    assert ">0:00<" in svg
    assert ">9:00<" in svg
    assert ">1:40<" not in svg


def test_silence_leaves_a_gap():
    svg = charts.timeline([lane(range(7), [1, 2, np.nan, 3, 4, np.nan, 5])], [], [], (0.0, 6.0))
    assert [len(points) for points in curves(svg)] == [2, 2]


def test_a_long_session_keeps_its_peaks_and_stays_small():
    t_s = np.linspace(0, 3600, 900_000, endpoint=False)
    values = np.full(len(t_s), 1.0)
    values[123_456] = 9.0
    svg = charts.timeline([lane(t_s, values)], [], [], (0.0, 3600.0))
    (points,) = curves(svg)
    assert len(points) < 2000
    assert points[:, 1].min() == pytest.approx(charts.HEAD + 0.1 * charts.LANE_HEIGHT, abs=0.1)


def test_the_map_shows_the_patient_s_right_on_the_left_whatever_way_the_plate_lies():
    phantom = load_phantom("square-290")
    x_mm, y_mm = phantom.plate_mm(left_mm=-60.0, head_mm=-50.0)
    svg = charts.abdomen(phantom, [charts.Spot(1, x_mm, y_mm, 20.0, 5.0, "press")], [])
    x, y = (float(n) for n in re.search(r'class="spot"><circle cx="([\d.]+)" cy="([\d.]+)"', svg).groups())
    navel_x, navel_y = (float(n) for n in re.search(r'class="navel" cx="([\d.]+)" cy="([\d.]+)"', svg).groups())
    assert (x - navel_x, y - navel_y) == pytest.approx((-60.0, 50.0), abs=0.11)


def test_the_map_writes_each_region_over_its_own_field():
    phantom = load_phantom("square-290")
    svg = charts.abdomen(phantom, [], [])
    words = {word: float(x) for x, word in re.findall(r'class="region" x="([\d.]+)"[^>]*>(\w+)<', svg)}
    assert words["right"] < words["umbilical"] < words["left"]


def test_pain_is_darker_the_more_it_hurts():
    def lightness(nrs):
        colour, _ = charts.pain_colour(nrs)
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    shades = [lightness(nrs) for nrs in range(11)]
    assert shades == sorted(shades, reverse=True)
    assert charts.pain_colour(math.nan)[0] == "#9aa0a6"
    assert charts.pain_colour(99.0) == charts.pain_colour(10.0)


def test_a_distribution_counts_what_lies_beyond_its_axis():
    values = np.concatenate([np.full(995, 15.0), np.full(5, 400.0)])
    svg = charts.distribution(values, "heard", [("p50", 15.0)])
    assert "5 beyond" in svg
    assert "p50 15 ms" in svg
