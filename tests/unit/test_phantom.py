from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robopatient.config import asset_path
from robopatient.errors import ConfigError
from robopatient.phantom import REGIONS, load_phantom

PHANTOM = load_phantom("square-290")
ON_PLATE = st.floats(0, 290)


def test_a_point_beyond_the_edge_is_brought_back_to_the_plate() -> None:
    assert PHANTOM.clip(-3.0, 400.0) == (0.0, 290.0)
    assert PHANTOM.clip(12.0, 34.0) == (12.0, 34.0)


@given(ON_PLATE, ON_PLATE)
def test_body_and_plate_coordinates_are_inverse(x_mm: float, y_mm: float) -> None:
    assert PHANTOM.plate_mm(*PHANTOM.body_mm(x_mm, y_mm)) == pytest.approx((x_mm, y_mm))


@pytest.mark.parametrize(
    ("left_mm", "head_mm", "region"),
    [
        (-70, 70, "right hypochondriac"),
        (0, 70, "epigastric"),
        (70, 70, "left hypochondriac"),
        (-70, 0, "right lumbar"),
        (0, 0, "umbilical"),
        (70, 0, "left lumbar"),
        (-70, -70, "right iliac"),
        (0, -70, "hypogastric"),
        (70, -70, "left iliac"),
    ],
)
def test_regions_are_named_as_the_clinician_names_them(left_mm: float, head_mm: float, region: str) -> None:
    assert PHANTOM.region(*PHANTOM.plate_mm(left_mm, head_mm)) == region


@given(ON_PLATE, ON_PLATE)
def test_turning_the_patient_mirrors_the_region_through_the_middle(x_mm: float, y_mm: float) -> None:
    turned = msgspec.structs.replace(PHANTOM, head_towards="+y")
    rows = [row for row in REGIONS if PHANTOM.region(x_mm, y_mm) in row]
    row, column = REGIONS.index(rows[0]), rows[0].index(PHANTOM.region(x_mm, y_mm))
    assert turned.region(x_mm, y_mm) == REGIONS[2 - row][2 - column]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('head_towards = "-y"', 'head_towards = "up"', "head_towards"),
        (
            "vertical_lines_mm = [67.0, 181.0]",
            "vertical_lines_mm = [181.0, 67.0]",
            "vertical_lines_mm is \\[181, 67\\]",
        ),
        ("cells_mm = [[0.0, 290.0], [290.0, 0.0], [0.0, 0.0], [290.0, 290.0]]", "cells_mm = [[0.0, 1.0]]", "1 cells"),
        ("width_mm = 290.0", "width_mm = -1", "width_mm"),
    ],
)
def test_a_wrong_phantom_file_is_refused_by_key(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = tmp_path / "mine.toml"
    text = asset_path("phantoms", "square-290").read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=complaint) as error:
        load_phantom(str(path))
    assert str(path) in str(error.value)
