"""The apex table: pain in, action units out."""

from __future__ import annotations

from itertools import pairwise

import pytest

from robopatient.face.apex import APEX_ANCHORS_NRS, APEX_AU, apex_au
from robopatient.facs import ACTION_UNITS, pspi


def test_no_pain_shows_nothing() -> None:
    assert apex_au(0.0) == {}


def test_every_row_is_a_known_unit_with_an_intensity_per_anchor() -> None:
    assert set(APEX_AU) <= set(ACTION_UNITS)
    for values in APEX_AU.values():
        assert len(values) == len(APEX_ANCHORS_NRS)
        assert 0.0 <= min(values) <= max(values) <= 5.0


def test_pspi_rises_with_every_tenth_of_pain() -> None:
    shown = [pspi(apex_au(tenth / 10)) for tenth in range(101)]
    assert all(low < high for low, high in pairwise(shown))
    assert 3.0 < shown[30] < 5.0
    assert shown[100] > 12.0


def test_eyes_tighten_before_the_nose_wrinkles() -> None:
    early = apex_au(1.0)
    assert early["AU7"] > 0.0
    assert "AU9" not in early


def test_expressiveness_scales_and_never_exceeds_five() -> None:
    assert apex_au(6.0, 0.0) == {}
    assert apex_au(6.0, 0.5)["AU4"] == pytest.approx(apex_au(6.0)["AU4"] / 2)
    assert max(apex_au(10.0, 2.0).values()) == 5.0


def test_pain_outside_the_scale_is_held_at_its_ends() -> None:
    assert apex_au(-1.0) == {}
    assert apex_au(12.0) == apex_au(10.0)
