import pytest
from support.needs import module

torch = module("torch", "face")

from robopatient.face.generator.condition import CONDITIONS, GROUPS  # noqa: E402
from robopatient.face.generator.denoiser import FaceDenoiser, error_scale  # noqa: E402
from robopatient.face.generator.motion import CHANNELS  # noqa: E402
from robopatient.face.generator.noise import DICE  # noqa: E402

D = len(CHANNELS)
FRAMES = 40


@pytest.fixture(scope="module")
def net() -> FaceDenoiser:
    torch.manual_seed(0)
    model = FaceDenoiser(width=32, layers=3, heads=2, window=8, scale=[0.5] * D)
    for parameter in model.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


@pytest.fixture(scope="module")
def given(net: FaceDenoiser):
    """Noise, dice, conditions and guidance of two faces."""
    torch.manual_seed(1)
    told = net.masked(torch.randn(2, FRAMES, len(CONDITIONS)))
    return torch.randn(2, FRAMES, D), torch.randn(2, FRAMES, DICE), told, torch.rand(2, len(GROUPS))


@torch.no_grad()
def test_steps_make_what_whole_sequences_are(net: FaceDenoiser, given) -> None:
    noise, dice, told, guidance = given
    past = net.window
    cache = net.start(told[:, :past])
    still = torch.zeros_like(noise[:, :past]), torch.zeros_like(dice[:, :past]), told[:, :past]
    whole = [torch.cat((early, late), dim=1) for early, late in zip(still, (noise, dice, told), strict=True)]
    tokens, _, _ = net._whole(*whole, net._jump_parts())
    aim, shares = net.muscles.reach(net._aim(tokens, guidance[:, None])), net.muscles.shares(tokens)
    made, _ = net.muscles.course(cache.face, aim[:, past:], shares[:, past:])
    for at in range(FRAMES):
        frame, cache = net.step(noise[:, at], dice[:, at], told[:, at], guidance, cache)
        assert torch.allclose(frame, made[:, at], atol=1e-5)


@torch.no_grad()
def test_a_jump_goes_on_from_the_face_that_it_is_given(net: FaceDenoiser, given) -> None:
    face = net.muscles.reach(torch.randn(2, 2, D))
    frames, _ = net.jump(*given, face)
    other, _ = net.jump(*given, torch.zeros_like(face))
    assert not torch.allclose(frames[:, 0], other[:, 0], atol=0.05)
    assert torch.allclose(frames[:, -1], other[:, -1], atol=0.05)  # and forgets it


@torch.no_grad()
def test_nothing_that_comes_later_changes_a_frame(net: FaceDenoiser, given) -> None:
    noise, dice, told, guidance = given
    level = torch.rand(2, FRAMES)
    rest = torch.zeros(2, 2, D)
    later = noise.clone()
    later[:, 12:] += 5.0
    for whole, changed in (
        (net(noise, level, told), net(later, level, told)),
        (net.jump(noise, dice, told, guidance, rest)[0], net.jump(later, dice, told, guidance, rest)[0]),
    ):
        assert torch.equal(whole[:, :12], changed[:, :12])
        assert not torch.allclose(whole[:, 12:], changed[:, 12:])


@torch.no_grad()
def test_dice_change_the_face_though_they_never_change_by_themselves(net: FaceDenoiser, given) -> None:
    noise, dice, told, guidance = given
    rest = torch.zeros(2, 2, D)
    thrown, again = (dice[:, :1].expand(-1, FRAMES, -1) * sign for sign in (1.0, -1.0))
    apart = net.jump(noise, thrown, told, guidance, rest)[0] - net.jump(noise, again, told, guidance, rest)[0]
    assert apart.abs().mean() > 1e-3


@pytest.mark.parametrize("level", [0.05, 0.3, 0.7, 0.95])
def test_what_is_left_for_the_network_has_the_size_that_is_said(level: float) -> None:
    torch.manual_seed(1)
    clean = torch.randn(40_000)
    noisy = (1.0 - level) * clean + level * torch.randn(40_000)
    known = (1.0 - level) / ((1.0 - level) ** 2 + level**2) * noisy
    left = (clean - known) / error_scale(torch.tensor(level))
    assert left.std().item() == pytest.approx(1.0, abs=0.02)


@torch.no_grad()
def test_a_dropped_condition_has_no_say(net: FaceDenoiser) -> None:
    row = torch.randn(1, 1, len(CONDITIONS))
    other = row.clone()
    other[..., CONDITIONS.index("age_years")] += 40.0
    keep = torch.ones(1, 1, len(GROUPS))
    keep[..., list(GROUPS).index("age")] = 0.0
    assert torch.equal(net.masked(row, keep), net.masked(other, keep))
    assert not torch.equal(net.masked(row), net.masked(other))


def test_the_network_is_within_its_size() -> None:
    assert sum(one.numel() for one in FaceDenoiser().parameters()) < 4_000_000
