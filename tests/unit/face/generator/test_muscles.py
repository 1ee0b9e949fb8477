import pytest
from support.needs import module

torch = module("torch", "face")

from robopatient.face.generator.motion import CHANNELS, HIGH, LOW  # noqa: E402
from robopatient.face.generator.muscles import Muscles  # noqa: E402

D = len(CHANNELS)


@pytest.fixture
def muscles() -> Muscles:
    torch.manual_seed(0)
    return Muscles(8, [0.0] * D, [1.0] * D)


def test_a_course_is_its_frames(muscles: Muscles) -> None:
    face, aim = torch.rand(3, 2, D), torch.randn(3, 9, D)
    shares = muscles.shares(torch.randn(3, 9, 8))
    frames, after = muscles.course(face, aim, shares)
    for at in range(9):
        face = muscles.move(face, aim[:, at], shares[:, at])
        assert torch.equal(face[:, 1], frames[:, at])
    assert torch.equal(after, face)


def test_no_aim_leads_a_face_out_of_its_range_and_it_still_teaches(muscles: Muscles) -> None:
    aim = (100.0 * torch.randn(2, 60, D)).requires_grad_()
    frames, _ = muscles.course(torch.zeros(2, 2, D), muscles.reach(aim), muscles.shares(torch.randn(2, 60, 8)))
    assert (frames.detach() >= torch.from_numpy(LOW).float() - 1e-6).all()
    assert (frames.detach() <= torch.from_numpy(HIGH).float() + 1e-6).all()
    frames.sum().backward()
    assert aim.grad is not None
    low, high = torch.from_numpy(LOW).float(), torch.from_numpy(HIGH).float()
    assert (aim.grad[aim < low] == 0.0).all()  # down is where these want to go: no further
    assert (aim.grad[aim > high] > 0.0).all()  # and these come back


def test_a_face_starts_and_stops_without_a_jerk(muscles: Muscles) -> None:
    aim = torch.zeros(1, 40, D)
    aim[:, 10:] = 1.0
    frames, _ = muscles.course(torch.zeros(1, 2, D), aim, torch.full((1, 40, 2, D), 0.3))
    course = frames[0, :, 0]
    speed = torch.diff(course)
    assert (speed >= 0.0).all()
    assert 11 <= int(speed.argmax()) <= 13  # it speeds up before it is quick
    assert course[-1] == pytest.approx(1.0, abs=0.01)
