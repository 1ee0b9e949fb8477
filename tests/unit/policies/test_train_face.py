import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from support.needs import module

torch = module("torch", "face")
module("accelerate", "face")
module("onnx", "train")

from accelerate import Accelerator  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from policies.corpus.simulator import simulate  # noqa: E402
from policies.corpus.store import Corpus  # noqa: E402
from policies.errors import PolicyError  # noqa: E402
from policies.face_data import channel_statistics, table_of  # noqa: E402
from policies.face_losses import LAGS, energy, flow_loss, levels  # noqa: E402
from policies.face_state import load_state, save_state  # noqa: E402
from policies.face_trainer import FaceTrainer, FaceTraining, Flow  # noqa: E402
from policies.train_face import DEFAULT, SMOKE, read_training, train  # noqa: E402
from robopatient.errors import ConfigError  # noqa: E402
from robopatient.face.generator.checkpoint import read_stream  # noqa: E402
from robopatient.face.generator.denoiser import CONTEXT_LEVEL  # noqa: E402

TINY = msgspec.structs.replace(
    SMOKE,
    flow=msgspec.structs.replace(SMOKE.flow, steps=3, batch=3, frames=16),
    jump=msgspec.structs.replace(SMOKE.jump, steps=3, batch=2, frames=24, settle=8),
    guidance=msgspec.structs.replace(SMOKE.guidance, steps=3),
    side=msgspec.structs.replace(SMOKE.side, every=2),
)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return simulate(SMOKE.design, SMOKE.seed)


def trainer(corpus: Corpus, config: FaceTraining = TINY) -> FaceTrainer:
    return FaceTrainer(config, corpus, Accelerator(cpu=True))


def test_a_training_that_was_interrupted_goes_on_bit_for_bit(corpus: Corpus, tmp_path: Path) -> None:
    straight = trainer(corpus)
    losses = [straight.step() for _ in range(9)]
    for stop in (2, 3, 5, 6, 8):  # within stage A, between it and B, within B, between B and C, within C
        first = trainer(corpus)
        for _ in range(stop):
            first.step()
        save_state(tmp_path / str(stop), first)
        second = trainer(corpus)
        load_state(tmp_path / str(stop), second)
        assert second.at == stop
        again = [second.step() for _ in range(9 - stop)]
        assert again == losses[stop:]
        for one, other in zip(straight.averaged().parameters(), second.averaged().parameters(), strict=True):
            assert torch.equal(one, other)


def test_the_state_of_another_training_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    save_state(tmp_path, trainer(corpus))
    other = msgspec.structs.replace(TINY, seed=2, flow=Flow(steps=3, batch=4, frames=16))
    with pytest.raises(PolicyError, match=r"another \[seed\], \[flow\]"):
        load_state(tmp_path, trainer(corpus, other))
    longer = msgspec.structs.replace(TINY, guidance=msgspec.structs.replace(TINY.guidance, steps=9))
    load_state(tmp_path, trainer(corpus, longer))  # more of the last stage may be asked for
    (tmp_path / "state-0.safetensors").write_bytes(b"\x80\x04 not for unpickling")
    with pytest.raises(PolicyError, match="cannot be read"):
        load_state(tmp_path, trainer(corpus))
    with pytest.raises(PolicyError, match="no interrupted training"):
        load_state(tmp_path / "nowhere", trainer(corpus))


def test_training_lowers_the_flow_loss_and_never_sees_people_of_other_splits(corpus: Corpus) -> None:
    one = trainer(corpus, msgspec.structs.replace(SMOKE, flow=msgspec.structs.replace(SMOKE.flow, steps=300)))
    losses = [one.step()["flow"] for _ in range(300)]
    assert np.mean(losses[-40:]) < 0.7 * np.mean(losses[:20])
    rows = sum(len(sequence.pain) for sequence in corpus.of("train"))
    assert len(one._motion) == rows
    train_motion = np.concatenate([sequence.motion for sequence in corpus.of("train")])
    assert torch.allclose(one.model.physical(one._motion).cpu(), torch.from_numpy(train_motion), atol=1e-4)


def test_the_energy_score_is_least_for_the_right_distribution() -> None:
    rng = torch.Generator().manual_seed(1)

    def score(shift: float, spread: float) -> float:
        data, first, second = (torch.randn(6000, 6, 2, generator=rng) for _ in range(3))
        usual = {lag: torch.ones(2) for lag in LAGS}
        return float(energy(data, shift + spread * first, shift + spread * second, usual))

    right = score(0.0, 1.0)
    assert right < score(0.4, 1.0) - 0.05
    assert right < score(0.0, 0.5) - 0.05  # frozen
    assert right < score(0.0, 1.8) - 0.05  # jittery


def test_noise_levels_are_independent_or_a_staircase() -> None:
    level = levels(400, 32, torch.Generator().manual_seed(1))
    assert level.min() >= CONTEXT_LEVEL
    assert level.max() <= 1.0
    rising = (torch.diff(level, dim=1) >= 0.0).all(dim=1)
    assert 0.4 < rising.float().mean() < 0.6
    clean = torch.zeros(2, 32, 3)
    assert flow_loss(clean, level[:2]) == 0.0


def test_dice_are_thrown_for_every_stimulus_of_a_window_and_held(corpus: Corpus) -> None:
    one = trainer(corpus)
    rows = one._windows(24, 8, one._rng)
    _, dice = one._chance(rows)
    changed = (torch.diff(dice, dim=1) != 0.0).any(-1)
    assert torch.equal(changed, torch.diff(one._throws[rows], dim=1) > 0)


def test_folding_guidance_in_changes_nothing_without_it(corpus: Corpus) -> None:
    one = trainer(corpus)
    while one.stage != "guidance":
        one.step()
    one.step()  # begins from the average
    before = {name: value.clone() for name, value in one.model.state_dict().items()}
    one.step()
    changed = [name for name, value in one.model.state_dict().items() if not torch.equal(value, before[name])]
    assert changed == ["push.weight"]


def test_a_window_without_scored_frames_is_refused(corpus: Corpus) -> None:
    short = msgspec.structs.replace(TINY, jump=msgspec.structs.replace(TINY.jump, frames=12, settle=10))
    with pytest.raises(PolicyError, match="too few after settle = 10"):
        trainer(corpus, short)


def test_a_torch_without_muon_is_named(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(PolicyError, match=r"no Muon; to train a face: pip install 'torch>=2.9"):
        trainer(corpus)


def test_a_channel_that_never_moves_is_named(corpus: Corpus) -> None:
    still = [msgspec.structs.replace(one, motion=one.motion.copy()) for one in corpus.sequences]
    for one in still:
        one.motion[:, 3] = 0.0
    with pytest.raises(PolicyError, match="AU5 never move"):
        channel_statistics(table_of(msgspec.structs.replace(corpus, sequences=still), "train", 16))
    with pytest.raises(PolicyError, match="no train sequence has 100000 frames"):
        table_of(corpus, "train", 100_000)


def test_the_shipped_training_file_is_valid_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    assert read_training(None) == read_training(DEFAULT)
    path = tmp_path / "train.toml"
    path.write_text("[flow]\nlearning_rate = 5.0\n")
    with pytest.raises(ConfigError, match="learning_rate"):
        read_training(path)


def test_a_smoke_training_leaves_all_that_a_session_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policies.train_face.SMOKE", TINY)
    out = tmp_path / "out"
    train(None, out, smoke=True)
    card, _, _ = read_stream(out / "checkpoint")
    assert card.agreement < 1e-5
    assert (card.training["updates"], card.training["seed"]) == (9, 1)
    assert card.origin.startswith("simulated, seed 1")
    assert (out / "corpus.md").read_text().startswith("# Corpus of simulated faces")
    assert json.loads((out / "state-0.json").read_text())["at"] == 9
    assert not [path for path in out.rglob("*") if path.suffix in (".bin", ".pt", ".pkl")]
    with pytest.raises(PolicyError, match="go on with --resume"):
        train(None, out, smoke=True)
    onward = msgspec.structs.replace(TINY, start=str(out / "checkpoint"))
    after = trainer(simulate(TINY.design, 2), onward)
    shipped = load_file(out / "checkpoint" / "denoiser" / "diffusion_pytorch_model.safetensors")
    assert all(torch.equal(shipped[name], value) for name, value in after.model.state_dict().items())
    wider = msgspec.structs.replace(onward, network=msgspec.structs.replace(TINY.network, width=64))
    with pytest.raises(PolicyError, match="the training file says"):
        trainer(simulate(TINY.design, 2), wider)
