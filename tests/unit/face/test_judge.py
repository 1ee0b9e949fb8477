"""The measures of the independent judge, on landmarks that are made up."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.benchmarks import face_landmarks as judge


def face(**moved: tuple[float, float]) -> np.ndarray:
    """478 landmarks of a plain face, pixels."""
    points = np.zeros((478, 2))
    places = {
        33: (60, 100), 263: (140, 100), 133: (85, 100), 362: (115, 100), 159: (72, 95), 145: (72, 105), 386: (128, 95),
        374: (128, 105), 55: (88, 85), 285: (112, 85), 105: (70, 80), 334: (130, 80), 61: (80, 160), 291: (120, 160),
        13: (100, 158), 14: (100, 158), 0: (100, 150), 2: (100, 138), 6: (100, 105), 197: (100, 112), 195: (100, 120),
        152: (100, 190),
    }  # fmt: skip
    for number, place in places.items():
        points[number] = place
    for name, shift in moved.items():
        points[int(name[1:])] += shift
    return points


GREY = np.full((200, 200, 3), 128, np.uint8)


@pytest.mark.parametrize(
    ("moved", "measure", "rises"),
    [
        ({"p55": (0, -5), "p285": (0, -5)}, "inner_brow", True),
        ({"p159": (0, 5), "p386": (0, 5)}, "lids", False),
        ({"p0": (0, -4)}, "nose_lip", False),
        ({"p61": (-5, 0)}, "mouth_width", True),
        ({"p61": (0, 4), "p291": (0, 4)}, "corner_drop", True),
        ({"p14": (0, 6)}, "lip_gap", True),
    ],
)
def test_a_measure_follows_its_landmarks(moved: dict[str, tuple[float, float]], measure: str, rises: bool) -> None:
    change = judge.measures(face(**moved), GREY)[measure] - judge.measures(face(), GREY)[measure]
    assert (change > 0.01) if rises else (change < -0.01)


def test_lines_in_the_skin_are_measured_where_they_are() -> None:
    lined = GREY.copy()
    lined[104:124:4, 88:112] = 60
    assert judge.measures(face(), lined)["bridge_lines"] > judge.measures(face(), GREY)["bridge_lines"] + 0.02
    assert judge.measures(face(), lined)["crow_lines"] == judge.measures(face(), GREY)["crow_lines"]
    assert judge.lines(np.zeros((200, 200)), np.array([500.0, 500.0]), 5.0) == 0.0
