import pytest

torch = pytest.importorskip("torch")

from robopatient.face.generator.motion import CHANNELS, HIGH, LOW  # noqa: E402
from robopatient.face.generator.prior import CONTEXT_LEVEL, Prior, trust  # noqa: E402

D = len(CHANNELS)
CHANGE = 0.05


@pytest.fixture
def prior() -> Prior:
    return Prior([0.0] * D, [1.0] * D, [CHANGE] * D)


def test_a_finished_frame_is_trusted_and_noise_is_not() -> None:
    assert trust(torch.tensor([0.0, CONTEXT_LEVEL, 1.0])).tolist() == [1.0, 1.0, 0.0]
    assert 0.0 < trust(torch.tensor(0.5)) < 1.0


@pytest.mark.parametrize("level", [0.05, 0.3, 0.7, 0.95])
def test_what_is_left_for_the_network_has_the_size_that_is_said(prior: Prior, level: float) -> None:
    torch.manual_seed(1)
    before = torch.full((4000, D), 2.0)
    clean = before + CHANGE * torch.randn(4000, D)
    levels = torch.full((4000,), level)
    noisy = (1.0 - level) * clean + level * torch.randn(4000, D)
    sure = torch.ones(4000)
    known = prior.clean(torch.zeros(4000, D), noisy, levels, before, torch.zeros(4000, D), sure)
    within = torch.from_numpy((LOW < 1.5) & (HIGH > 2.5))  # elsewhere the range cuts
    left = ((clean - known) / prior.error_scale(levels, sure))[:, within]
    assert left.std().item() == pytest.approx(1.0, abs=0.02)
    assert left.mean().item() == pytest.approx(0.0, abs=0.02)


def test_momentum_goes_on_as_before(prior: Prior) -> None:
    with torch.no_grad():
        prior.momentum.fill_(1.0)
    recent = torch.stack([torch.full((1, D), value) for value in (0.2, 0.3, 0.4)], dim=1)
    one = torch.ones(1)
    frame = prior.clean(torch.zeros(1, D), torch.randn(1, D), one, *prior.behind(recent))
    assert torch.allclose(frame, torch.full((1, D), 0.5))


def test_rare_noise_is_shown_by_itself_and_only_while_it_is_noise(prior: Prior) -> None:
    recent = torch.zeros(1, 3, D)
    noise = torch.zeros(1, D)
    noise[0, 0], noise[0, 1] = 4.0, -4.0
    above, below = prior.taps(noise, torch.ones(1), *prior.behind(recent)).chunk(6, dim=-1)[4:]
    assert above[0, 0] > 0.99
    assert below[0, 1] > 0.99
    assert above[0, 1:].max() < 1e-6
    finished = prior.taps(noise, torch.full((1,), CONTEXT_LEVEL), *prior.behind(recent)).chunk(6, dim=-1)[4:]
    assert all(float(one.abs().max()) == 0.0 for one in finished)
