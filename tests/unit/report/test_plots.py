import math
import re

import numpy as np
import pytest

from robopatient.phantom import load_phantom
from robopatient.record.info import RecordedSite
from robopatient.report import plots


def lane(t_s, values, **options):
    settings = {"name": "Force", "unit": "N", "kind": "pressed", "low": 0.0, "high": 10.0} | options
    return plots.Lane(t_s=np.asarray(t_s, float), values=np.asarray(values, float), **settings)


def curves(svg):
    """Points of each run of the curve, in picture coordinates."""
    [path] = re.findall(r'-curve-pressed">\s*<path d="([^"]*)"', svg)
    runs = [run for run in path.split("M") if run.strip()]
    return [np.array([[float(n) for n in point.split()] for point in run.split("L")]) for run in runs]


LEFT, RIGHT, TOP, BOTTOM = 720 * plots.LEFT, 720 * plots.RIGHT, 72 * plots.HEAD_IN, 72 * (plots.HEAD_IN + plots.LANE_IN)


def test_a_curve_lies_at_its_time_and_value():
    (points,) = curves(plots.timeline([lane([0, 5, 10], [0, 10, 5])], [], [], (0.0, 10.0)))
    expected = [[LEFT, BOTTOM], [(LEFT + RIGHT) / 2, TOP], [RIGHT, (TOP + BOTTOM) / 2]]
    assert points == pytest.approx(np.array(expected), abs=0.01)


def test_the_axis_begins_where_it_is_told_and_says_so_to_the_film():
    svg = plots.timeline([lane([0, 6, 8, 10], [9, 0, 10, 5])], [], [], (6.0, 10.0))
    (points,) = curves(svg)
    assert len(points) == 3
    assert points[0, 0] == pytest.approx(LEFT, abs=0.01)
    left, scale, begin = (float(re.search(f'data-{name}="([^"]*)"', svg)[1]) for name in ("left", "scale", "begin"))
    assert left + (10.0 - begin) * scale == pytest.approx(RIGHT, abs=0.1)


def test_long_sessions_are_told_in_whole_minutes():
    svg = plots.timeline([lane([0, 600], [0, 1])], [], [], (0.0, 600.0))
    assert "time, min:s" in svg
    assert ">0:00<" in svg
    assert ">9:00<" in svg
    assert ">1:40<" not in svg


def test_silence_leaves_a_gap():
    svg = plots.timeline([lane(range(7), [1, 2, np.nan, 3, 4, np.nan, 5])], [], [], (0.0, 6.0))
    assert [len(points) for points in curves(svg)][:2] == [2, 2]


def test_a_press_and_a_note_say_what_they_are_and_follow_the_page_s_colours():
    marks = [plots.PressMark(1, 1.0, 2.0, "Press 1: right <iliac>")]
    svg = plots.timeline([lane([0, 5], [0, 1])], marks, [(3.0, "3.0 s, board: unplugged")], (0.0, 5.0))
    assert "<title>Press 1: right &lt;iliac&gt;</title>" in svg
    assert "<title>3.0 s, board: unplugged</title>" in svg
    assert "var(--pressed)" in svg
    assert "#0f5fa6" not in svg
    assert svg == plots.timeline([lane([0, 5], [0, 1])], marks, [(3.0, "3.0 s, board: unplugged")], (0.0, 5.0))


def test_a_long_session_keeps_its_peaks_and_stays_small():
    t_s = np.linspace(0, 3600, 900_000, endpoint=False)
    values = np.full(len(t_s), 1.0)
    values[123_456] = 9.0
    (points,) = curves(plots.timeline([lane(t_s, values)], [], [], (0.0, 3600.0)))
    assert len(points) < 2000
    assert points[:, 1].min() == pytest.approx(TOP + 0.1 * (BOTTOM - TOP), abs=0.1)


def test_the_map_shows_the_patient_s_right_on_the_left_whatever_way_the_plate_lies():
    phantom = load_phantom("square-290")
    x_mm, y_mm = phantom.plate_mm(left_mm=-60.0, head_mm=-50.0)
    spots = [plots.Spot(1, x_mm, y_mm, 20.0, 5.0, "press one")]
    svg = plots.abdomen(phantom, spots, [RecordedSite("appendix", -60.0, -50.0)])
    assert "<title>press one</title>" in svg
    assert "appendix: tender, one sigma is 25 mm" in svg
    place = [re.search(rf'-{gid}">.*?<path d="M ([\d.]+) ([\d.]+)', svg, re.S).groups() for gid in ("p1", "navel")]
    (x, y), (navel_x, navel_y) = ([float(n) for n in one] for one in place)
    assert x < navel_x - 30
    assert y > navel_y + 20


def test_pain_is_darker_the_more_it_hurts():
    def lightness(nrs):
        colour, _ = plots.pain_colour(nrs)
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    shades = [lightness(nrs) for nrs in range(11)]
    assert shades == sorted(shades, reverse=True)
    assert plots.pain_colour(math.nan)[0] == "#9aa0a6"
    assert plots.pain_colour(99.0) == plots.pain_colour(10.0)


def test_a_distribution_counts_what_lies_beyond_its_axis():
    values = np.concatenate([np.full(995, 15.0), np.full(5, 400.0)])
    svg = plots.distribution(values, "heard", [("p50", 15.0)], "Touch to sound")
    assert "5 beyond" in svg
    assert "p50 15 ms" in svg
