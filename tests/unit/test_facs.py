from __future__ import annotations

import pytest

from robopatient.face.rig import sided_intensities
from robopatient.facs import ACTION_UNITS, by_side, intensity, pspi, pspi_no_au43, sides, units_in


def test_pspi_of_the_strongest_face_is_sixteen():
    strongest = dict.fromkeys(("AU4", "AU6", "AU7", "AU9", "AU10", "AU43"), 5.0)
    assert pspi(strongest) == 16.0
    assert pspi_no_au43(strongest) == 15.0


def test_pspi_takes_the_larger_of_orbit_and_of_levator():
    assert pspi({"AU4": 1.0, "AU6": 2.0, "AU7": 3.0, "AU9": 0.5, "AU10": 0.25}) == 4.5


@pytest.mark.parametrize("unit", ["AU6", "AU7", "AU9", "AU10"])
def test_a_unit_said_for_each_side_counts_as_the_same_unit_said_for_both(unit):
    assert pspi({f"{unit}L": 3.0, f"{unit}R": 3.0}) == pspi({unit: 3.0}) == 3.0


@pytest.mark.parametrize("unit", ["AU4", "AU6", "AU7", "AU9", "AU10", "AU43"])
def test_the_stronger_side_counts(unit):
    assert pspi({f"{unit}L": 1.0, f"{unit}R": 4.0}) == pspi({f"{unit}L": 4.0}) == pspi({unit: 4.0}) > 0.0


@pytest.mark.parametrize(
    ("au", "drawn"),
    [
        ({"AU6": 2.0, "AU6L": 3.0}, (3.0, 2.0)),
        ({"AU6": 3.0, "AU6L": 2.0}, (2.0, 3.0)),
        ({"AU6": 3.0, "AU6L": 1.0, "AU6R": 0.5}, (1.0, 0.5)),
        ({"AU6R": 2.0}, (0.0, 2.0)),
        ({}, (0.0, 0.0)),
    ],
)
def test_what_counts_is_what_the_rig_draws(au, drawn):
    assert sides(au, "AU6") == drawn
    assert tuple(sided_intensities(au)[side].get("AU6", 0.0) for side in "LR") == drawn
    assert intensity(au, "AU6") == pspi(au) == max(drawn)


def test_every_table_has_a_unit_with_both_its_sides():
    au = {"AU10L": 1.0, "AU10R": 2.0, "AU4": 3.0}
    assert units_in(au) == ["AU4", "AU10"]
    assert by_side(au, units_in(au)) == {
        "AU4": 3.0, "AU4L": 3.0, "AU4R": 3.0, "AU10": 2.0, "AU10L": 1.0, "AU10R": 2.0
    }  # fmt: skip
    assert len(by_side({}, ACTION_UNITS)) == 3 * len(ACTION_UNITS)


@pytest.mark.parametrize(("closure", "points"), [(0.0, 0.0), (2.4, 0.0), (2.5, 1.0), (5.0, 1.0)])
def test_eye_closure_counts_as_zero_or_one(closure, points):
    assert pspi({"AU43": closure}) == points


def test_a_blink_is_not_pain():
    assert pspi({"AU45": 5.0}) == 0.0
