"""The rig and the head: each action unit moves what its muscle moves."""

from __future__ import annotations

import numpy as np
import pytest
from support.needs import HEAD

from robopatient.errors import ConfigError
from robopatient.face.head import Head
from robopatient.face.identity import load_identity
from robopatient.face.mesh import Material
from robopatient.face.rig import DRIVES, WRINKLES, FaceRig
from robopatient.facs import ACTION_UNITS
from robopatient.messages import FacePose


@pytest.fixture(scope="module")
def head() -> Head:
    return Head(load_identity("margaret"))


def test_every_action_unit_moves_the_mesh() -> None:
    for name in ACTION_UNITS:
        assert FaceRig().weights(FacePose(au={name: 3.0})).units, name


def test_tables_name_only_action_units_that_exist() -> None:
    assert set(DRIVES) == set(ACTION_UNITS)
    assert {name for rows in WRINKLES.values() for name, _ in rows} <= set(ACTION_UNITS)


@pytest.mark.parametrize("bad", [{"AU99": 1.0}, {"AU4X": 1.0}, {"": 1.0}, {"AU4": 5.1}, {"AU4": -0.1}, {"AU4": np.nan}])
def test_unknown_units_and_intensities_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="action unit"):
        FaceRig().weights(FacePose(au=bad))


def test_one_side_overrides_both() -> None:
    units = FaceRig().weights(FacePose(au={"AU4": 4.0, "AU4L": 1.0})).units
    assert units["browDownLeft"] == pytest.approx(units["browDownRight"] / 4.0)


def test_blink_closes_at_half_weight_and_leaves_no_room_for_squint() -> None:
    units = FaceRig().weights(FacePose(au={"AU43": 5.0, "AU45": 5.0, "AU7": 5.0, "AU6": 5.0})).units
    assert 0.5 <= units["eyeBlinkLeft"] < 0.6
    assert units["eyeBlinkLeft"] + 0.5 * units["eyeSquintLeft"] <= 1.0


def test_jaw_opens_to_four_tenths_for_au26_and_fully_for_au27() -> None:
    assert FaceRig().weights(FacePose(au={"AU26": 5.0})).units["jawOpen"] == pytest.approx(0.4)
    assert FaceRig().weights(FacePose(au={"AU26": 5.0, "AU27": 5.0})).units["jawOpen"] == pytest.approx(1.0)


@HEAD
def test_lid_gap_falls_steadily_as_au43_rises(head: Head) -> None:
    gaps = [_lid_gap(head, {"AU43": intensity}) for intensity in np.linspace(0.0, 5.0, 11)]
    assert np.all(np.diff(gaps) < 0.0)
    assert gaps[-1] < 0.12 * gaps[0]
    assert 0.3 < gaps[5] / gaps[0] < 0.7  # half closed at half intensity: the gain curve


@HEAD
@pytest.mark.parametrize("name", ["margaret", "david", "mei", "tomas"])
def test_the_eyeball_stays_behind_shut_lids(name: str) -> None:
    head = Head(load_identity(name))
    assert _lid_gap(head, {"AU43": 5.0, "AU7": 5.0, "AU6": 5.0}) < 0.12 * _lid_gap(head, {})


@HEAD
@pytest.mark.parametrize(
    ("au", "place", "axis", "sign"),
    [
        ("AU1", (0.12, 7.50), 1, +1),  # inner brow up
        ("AU2", (0.45, 7.50), 1, +1),  # outer brow up
        ("AU4", (0.15, 7.48), 1, -1),  # brow down
        ("AU6", (0.33, 7.05), 1, +1),  # cheek up
        ("AU7", (0.31, 7.235), 1, +1),  # lower lid up
        ("AU9", (0.17, 6.90), 1, +1),  # wing of the nose up
        ("AU10", (0.10, 6.68), 1, +1),  # upper lip up
        ("AU12", (0.25, 6.61), 1, +1),  # corner of the mouth up
        ("AU15", (0.25, 6.61), 1, -1),  # corner down
        ("AU17", (0.05, 6.52), 1, +1),  # lower lip up
        ("AU20", (0.25, 6.61), 0, +1),  # corner outwards
        ("AU25", (0.05, 6.55), 1, -1),  # lower lip down
        ("AU26", (0.0, 6.25), 1, -1),  # chin down
    ],
)
def test_action_units_move_their_landmark_the_right_way(
    head: Head, au: str, place: tuple[float, float], axis: int, sign: int
) -> None:
    point = _front_point(head, place)
    moved = 100.0 * (head.pose(FacePose(au={au: 5.0})).points - head.rest)[point, axis]
    assert sign * moved > 1.0, f"{au} moved {moved:.2f} mm"


@HEAD
def test_pain_units_wrinkle_where_they_should(head: Head) -> None:
    glabella = _front_point(head, (0.065, 7.48))
    crows_feet = _front_point(head, (0.56, 7.29))
    frown = head.pose(FacePose(au={"AU4": 5.0})).wrinkle
    squeeze = head.pose(FacePose(au={"AU6": 5.0})).wrinkle
    assert frown[glabella].max() > 0.8
    assert frown[crows_feet].max() == 0.0
    assert squeeze[crows_feet].max() > 0.8
    assert squeeze[glabella].max() == 0.0


@HEAD
def test_the_head_turns_to_the_patients_left_and_the_shoulders_stay(head: Head) -> None:
    nose = _front_point(head, (0.0, 7.0))
    posed = head.pose(FacePose(head_deg=(0.0, 20.0, 0.0)))
    assert posed.points[nose, 0] - head.rest[nose, 0] > 0.25
    shoulders = head.follows == 0.0
    np.testing.assert_array_equal(posed.points[shoulders], head.rest[shoulders])
    nod = head.pose(FacePose(head_deg=(15.0, 0.0, 0.0)))
    assert nod.points[nose, 1] < head.rest[nose, 1]
    tilt = head.pose(FacePose(head_deg=(0.0, 0.0, 15.0)))
    crown = head.rest[:, 1].argmax()
    assert tilt.points[crown, 0] > head.rest[crown, 0] + 0.2


@HEAD
def test_gaze_turns_the_eyes_alone_and_breath_lifts_the_shoulders_alone(head: Head) -> None:
    looking = head.pose(FacePose(gaze_deg=(0.0, 20.0)))
    straight = head.pose(FacePose())
    assert (looking.eye_rotation @ [0, 0, 1])[0] - (straight.eye_rotation @ [0, 0, 1])[0] > 0.3
    breathing = head.pose(FacePose(breath=1.0))
    lift_mm = 100.0 * (breathing.points - straight.points)[:, 1]
    assert lift_mm.max() == pytest.approx(5.0, abs=0.1)
    assert np.abs(lift_mm[head.follows == 1.0]).max() < 0.01


def _front_point(head: Head, place: tuple[float, float]) -> int:
    """The facial point nearest to a place of the template's frontal plane."""
    template = head.template
    skin = template.points_of(Material.SKIN)
    skin = skin[template.template_dm[skin, 2] > 0.8]
    return int(skin[np.hypot(*(template.template_dm[skin, :2] - place).T).argmin()])


def _lid_gap(head: Head, au: dict[str, float]) -> float:
    upper, lower = head.pose(FacePose(au=au)).lids[0]
    return float(upper - lower)
