import numpy as np
import pytest

from robopatient.face.generator.motion import (
    CHANNELS,
    HIGH,
    LOW,
    clamp,
    column,
    frame_of,
    pose_of,
    pspi,
    pspi_no_au43,
    settled,
    sided,
)
from robopatient.facs import pspi as pspi_of_units
from robopatient.messages import FacePose


def frames(n: int = 200) -> np.ndarray:
    return LOW + (HIGH - LOW) * np.random.default_rng(1).random((n, len(CHANNELS)))


def test_a_pose_and_its_frame_are_the_same_face() -> None:
    for frame in frames(20):
        assert frame_of(pose_of(frame)) == pytest.approx(frame, abs=0.011)


def test_pspi_of_a_motion_is_the_pspi_of_its_poses() -> None:
    motion = frames()
    by_hand = []
    for frame in motion:
        au = pose_of(frame).au
        au = au | {unit: max(au.get(f"{unit}L", 0.0), au.get(f"{unit}R", 0.0)) for unit in ("AU6", "AU7", "AU10")}
        by_hand.append(pspi_of_units(au))
    assert pspi(motion) == pytest.approx(by_hand, abs=0.03)
    assert pspi_no_au43(motion).min() >= 0.0
    assert pspi(motion).max() <= 16.0


def test_the_stronger_side_counts() -> None:
    frame = np.zeros((1, len(CHANNELS)))
    frame[0, column("AU6R")] = 3.0
    assert sided(frame, "AU6")[0] == 3.0
    assert pspi(frame)[0] == 3.0


def test_the_jaw_first_drops_and_then_stretches_the_mouth() -> None:
    frame = np.zeros(len(CHANNELS))
    frame[column("jaw_mm")] = 10.0
    assert pose_of(frame).au == {"AU26": 2.5}
    frame[column("jaw_mm")] = 30.0
    assert pose_of(frame).au == {"AU26": 5.0, "AU27": 2.5}
    assert frame_of(FacePose({"AU27": 2.5}))[column("jaw_mm")] == 30.0


def test_a_unit_without_side_counts_on_both() -> None:
    frame = frame_of(FacePose({"AU6": 2.0, "AU4L": 1.0}))
    assert (frame[column("AU6L")], frame[column("AU6R")], frame[column("AU4")]) == (2.0, 2.0, 1.0)


def test_what_is_out_of_range_or_not_finite_is_held() -> None:
    wild = np.full((1, len(CHANNELS)), 1e6)
    wild[0, 0], wild[0, 1] = np.nan, -np.inf
    held = clamp(wild)[0]
    assert held[0] == held[1] == 0.0
    assert (held[2:] == HIGH[2:]).all()


def test_what_nobody_would_score_rests_and_angles_keep_their_sign() -> None:
    frame = np.zeros((1, len(CHANNELS)))
    for name, value in (("AU4", 0.04), ("AU9", 0.06), ("jaw_mm", 0.1), ("blink", 0.04), ("head_yaw_deg", -0.01)):
        frame[0, column(name)] = value
    rested = settled(frame)[0]
    assert rested[column("AU4")] == rested[column("jaw_mm")] == rested[column("blink")] == 0.0
    assert rested[column("AU9")] == 0.06
    assert rested[column("head_yaw_deg")] == -0.01
