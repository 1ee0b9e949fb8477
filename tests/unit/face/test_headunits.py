"""FACS names of head and eyes."""

from __future__ import annotations

import numpy as np
import pytest
from support.needs import HEAD

from robopatient.errors import ConfigError
from robopatient.face.headunits import HEAD_UNITS, head_units, posed
from robopatient.messages import FacePose


@pytest.mark.parametrize("unit", HEAD_UNITS)
@pytest.mark.parametrize("intensity", [1.0, 5.0])
def test_every_unit_of_head_and_eyes_is_a_pose_and_comes_back(unit: str, intensity: float) -> None:
    shown = head_units(posed({unit: intensity}))
    assert shown == {unit: pytest.approx(intensity)}


def test_directions_are_those_of_the_pose() -> None:
    assert posed({"AU51": 5.0}).head_deg[1] > 0  # to the patient's left
    assert posed({"AU54": 5.0}).head_deg[0] > 0  # nod down
    assert posed({"AU61": 5.0}).gaze_deg[1] > 0
    assert posed({"AU63": 5.0}).gaze_deg[0] < 0
    assert posed({"AU57": 5.0}).forward_mm > 0


def test_opposite_units_cancel_and_the_face_is_kept() -> None:
    pose = posed({"AU51": 3.0, "AU52": 3.0, "AU4L": 2.0}, FacePose({"AU6": 1.0}, breath=0.5))
    assert pose == FacePose({"AU6": 1.0, "AU4L": 2.0}, breath=0.5)


@pytest.mark.parametrize(
    ("units", "named"),
    [
        ({"AU51": 6.0}, "AU51 is 6"),
        ({"AU51": float("nan")}, "AU51 is nan"),
        ({"AU60": 1.0}, r'"AU60" is unknown; .*AU64'),
        ({"AU51L": 1.0}, "AU51L"),
    ],
)
def test_bad_units_are_named(units: dict[str, float], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        posed(units)


@HEAD
def test_the_heat_map_is_dark_at_rest_and_bright_where_the_face_moved() -> None:
    from robopatient.face.heat import FULL_MM, HeatMap, heat_colours
    from robopatient.face.identity import load_identity

    heat = HeatMap(load_identity("mei"), 256)
    rest, turned = heat.draw(FacePose()), heat.draw(FacePose(head_deg=(0.0, 15.0, 0.0), breath=1.0))
    assert rest.max() < 40
    assert turned.max() < 40  # the head's own turn is no expression
    jaw = heat.draw(FacePose({"AU27": 5.0})).astype(int).sum(axis=2)
    assert jaw[190:220, 110:146].mean() > 3 * max(1.0, jaw[80:110, 110:146].mean())  # chin, not forehead
    moved = heat.moved_mm(FacePose({"AU27": 5.0}))
    assert FULL_MM < moved.max() < 60.0
    assert (np.diff(heat_colours(np.linspace(0, FULL_MM, 50)).mean(axis=1)) >= 0).all()
