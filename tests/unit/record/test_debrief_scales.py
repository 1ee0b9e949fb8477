"""Grades of the clinical scales."""

from __future__ import annotations

import math

import numpy as np
import pytest

from robopatient.calls import BREATHS, STRENGTHS
from robopatient.record import debrief_scales
from robopatient.record.debrief_scales import NOT_GRADED, grade_items
from robopatient.scales import SCALES, Item, RatingScale
from robopatient.voice.calls import NAMES

SEEN = {"t_ns": np.array([1, 2]), "pspi": np.array([0.0, 9.0]), "au.AU43": np.array([0.0, 5.0])}
HEARD = {"t_ns": np.array([1, 2]), "level_dbfs": np.array([-20.0, -20.0]), "call": np.array(["breath", "moan"], object)}


def test_every_item_that_the_patient_can_show_has_a_rule():
    graded = grade_items(SEEN, HEARD, 0, 10)
    assert {(one.scale, one.item) for one in graded if one.why == NOT_GRADED} == set()
    assert {(one.scale, one.item): one.value for one in graded if math.isfinite(one.value)} == {
        ("BPS", "face"): 4.0, ("CPOT", "face"): 2.0, ("CPOT", "vocalisation"): 1.0, ("PAINAD", "face"): 2.0,
        ("PAINAD", "vocalisation"): 1.0, ("Abbey", "face"): 2.0, ("Abbey", "vocalisation"): 2.0,
    }  # fmt: skip


@pytest.mark.parametrize("item", ["face", "vocalisation", "cry"])
def test_a_scale_without_a_rule_is_not_graded_by_another_ones(monkeypatch, item):
    flacc = RatingScale("FLACC", "Face, legs, activity, cry, consolability", (Item(item, 0, 2),))
    monkeypatch.setattr(debrief_scales, "SCALES", SCALES | {"FLACC": flacc})
    [grade] = [one for one in grade_items(SEEN, HEARD, 0, 10) if one.scale == "FLACC"]
    assert math.isnan(grade.value)
    assert grade.why == NOT_GRADED


def test_every_call_of_the_voice_tells_how_much_pain_or_is_breathing():
    assert set(NAMES) == set(STRENGTHS) | BREATHS
    assert not set(STRENGTHS) & BREATHS
