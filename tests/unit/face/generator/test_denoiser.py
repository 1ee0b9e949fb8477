import pytest

torch = pytest.importorskip("torch")

from robopatient.face.generator.condition import CONDITIONS, GROUPS  # noqa: E402
from robopatient.face.generator.denoiser import FaceDenoiser  # noqa: E402
from robopatient.face.generator.motion import CHANNELS, HIGH  # noqa: E402
from robopatient.face.generator.prior import CONTEXT_LEVEL  # noqa: E402

D = len(CHANNELS)


@pytest.fixture(scope="module")
def net() -> FaceDenoiser:
    torch.manual_seed(0)
    model = FaceDenoiser(width=32, layers=3, heads=2, window=8, scale=[0.5] * D, change=[0.3] * D)
    for parameter in model.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


@pytest.fixture(scope="module")
def past(net: FaceDenoiser):
    torch.manual_seed(1)
    condition = net.masked(torch.randn(2, 40, len(CONDITIONS)))
    return torch.randn(2, 20, D), condition, torch.rand(2, len(GROUPS))


@torch.no_grad()
def test_a_step_with_the_cache_is_the_whole_sequence_without_it(net: FaceDenoiser, past) -> None:
    motion, told, guidance = past
    cache = net.start(told[:, :20], guidance, motion)
    noise = torch.randn(2, 1, D)
    frame, _ = net.step(noise, told[:, 20], guidance, cache)
    level = torch.full((2, 21), CONTEXT_LEVEL)
    level[:, -1] = 1.0
    until = level.clone()
    until[:, -1] = 0.0
    whole = net(torch.cat((motion, noise), dim=1), level, until, told[:, :21], guidance)
    assert torch.allclose(whole[:, -1], frame, atol=1e-5)


@torch.no_grad()
def test_all_frames_made_at_once_are_each_a_step_behind_the_true_ones(net: FaceDenoiser, past) -> None:
    motion, told, guidance = past
    noise = torch.randn(2, 2, 20, D)
    made = net.jumps(motion, noise, told[:, :20], guidance)
    for draw, at in ((0, 19), (1, 19), (1, 15)):
        cache = net.start(told[:, :at], guidance, motion[:, :at])
        frame, _ = net.step(noise[draw, :, at][:, None], told[:, at], guidance, cache)
        assert torch.allclose(made[draw, :, at], frame, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("draws", [1, 2])
def test_a_roll_out_is_its_steps(net: FaceDenoiser, past, draws: int) -> None:
    motion, told, guidance = past
    start = cache = net.start(told[:, :20], guidance, motion)
    noise = torch.randn(2, 12, draws, D)
    frames = []
    for at in range(12):
        frame, cache = net.step(noise[:, at], told[:, 20 + at], guidance, cache, draws)
        frames.append(frame)
    rolled, after = net.roll(noise, told[:, 20:32], guidance, start)
    assert torch.allclose(torch.stack(frames, dim=1), rolled, atol=1e-5)
    for one, other in zip(cache, after, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@torch.no_grad()
def test_nothing_that_comes_later_changes_a_frame(net: FaceDenoiser, past) -> None:
    motion, told, guidance = past
    level = torch.rand(2, 20)
    whole = net(motion, level, level, told[:, :20], guidance)
    changed = motion.clone()
    changed[:, 12:] += 5.0
    later = net(changed, level, level, told[:, :20], guidance)
    assert torch.equal(whole[:, :12], later[:, :12])
    assert not torch.allclose(whole[:, 12:], later[:, 12:])


@torch.no_grad()
def test_a_dropped_condition_has_no_say(net: FaceDenoiser) -> None:
    row = torch.randn(1, 1, len(CONDITIONS))
    other = row.clone()
    other[..., CONDITIONS.index("age_years")] += 40.0
    keep = torch.ones(1, 1, len(GROUPS))
    keep[..., list(GROUPS).index("age")] = 0.0
    assert torch.equal(net.masked(row, keep), net.masked(other, keep))
    assert not torch.equal(net.masked(row), net.masked(other))


def test_frames_out_of_range_are_put_back_and_still_teach(net: FaceDenoiser, past) -> None:
    motion, told, guidance = past
    made = net.jumps(100.0 + motion, torch.randn(1, 2, 20, D), told[:, :20], guidance)
    assert (net.physical(made).detach() <= torch.from_numpy(HIGH).float() + 1e-4).all()
    made[0, 0, 10, 0].backward()
    assert net.read.bias.grad is not None
    assert net.read.bias.grad[0] != 0.0


def test_the_network_is_within_its_size() -> None:
    assert sum(one.numel() for one in FaceDenoiser().parameters()) < 4_000_000
