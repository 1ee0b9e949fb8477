import numpy as np

from robopatient.face.moments import key_poses
from robopatient.messages import FacePose, Seen


def seen_of(curve: np.ndarray, blinks: tuple[int, ...] = ()) -> list[Seen]:
    return [
        Seen(k * 33_000_000, k, 0, 0, FacePose({"AU4": float(p)} | ({"AU45": 5.0} if k in blinks else {})), float(p))
        for k, p in enumerate(curve)
    ]


def presses(peaks: list[float]) -> np.ndarray:
    t = np.arange(60)
    hump = np.exp(-(((t - 30) / 8.0) ** 2))
    return np.concatenate([np.zeros(20)] + [p * hump for p in peaks])


def test_the_neutral_face_comes_first_and_the_worst_presses_follow_in_time() -> None:
    chosen = key_poses(seen_of(presses([4.0, 10.0, 2.0, 7.0])), 4)
    assert chosen[0] < 20
    assert chosen[1:] == [50, 110, 230]


def test_one_press_gives_one_moment_even_when_it_wavers() -> None:
    curve = presses([8.0])
    curve[50:54] += [0.2, -0.2, 0.3, -0.1]
    assert len(key_poses(seen_of(curve), 5)) == 2


def test_a_blink_is_not_the_key_frame() -> None:
    curve = presses([8.0])
    chosen = key_poses(seen_of(curve, blinks=(0, 50)), 2)
    assert chosen[0] != 0
    assert chosen[1] in (49, 51)


def test_pain_that_never_ends_and_no_pain_at_all_still_give_a_frame() -> None:
    assert len(key_poses(seen_of(np.linspace(0.0, 9.0, 30)), 3)) == 2
    assert len(key_poses(seen_of(np.zeros(30)), 3)) == 1
    assert key_poses([], 3) == []
    assert key_poses(seen_of(np.zeros(3)), 0) == []
