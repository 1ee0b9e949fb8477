from __future__ import annotations

import pytest

from robopatient.facs import pspi, pspi_no_au43


def test_pspi_of_the_strongest_face_is_sixteen():
    strongest = dict.fromkeys(("AU4", "AU6", "AU7", "AU9", "AU10", "AU43"), 5.0)
    assert pspi(strongest) == 16.0
    assert pspi_no_au43(strongest) == 15.0


def test_pspi_takes_the_larger_of_orbit_and_of_levator():
    assert pspi({"AU4": 1.0, "AU6": 2.0, "AU7": 3.0, "AU9": 0.5, "AU10": 0.25}) == 4.5


@pytest.mark.parametrize(("closure", "points"), [(0.0, 0.0), (2.4, 0.0), (2.5, 1.0), (5.0, 1.0)])
def test_eye_closure_counts_as_zero_or_one(closure, points):
    assert pspi({"AU43": closure}) == points


def test_a_blink_is_not_pain():
    assert pspi({"AU45": 5.0}) == 0.0
