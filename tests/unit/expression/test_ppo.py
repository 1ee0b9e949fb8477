from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from robopatient.config import ExpressionConfig
from robopatient.errors import AssetError
from robopatient.expression import make_policy
from robopatient.expression.ppo import CHECKPOINTS, Network, Ppo, read_checkpoint
from robopatient.expression.prior import Prior
from robopatient.levels import INAUDIBLE_DB
from robopatient.messages import Expression, PainState


def show(policy: Ppo | Prior, nrs: float, t_ns: int = 0) -> Expression:
    return policy.step(PainState(t_ns=t_ns, cause_seq=1, nrs=nrs, site="", phase="hold"))


def test_the_shipped_policy_is_louder_and_slightly_lower_with_more_pain() -> None:
    policy = make_policy(ExpressionConfig())
    voices = [show(policy, nrs).voice for nrs in (2.5, 5.0, 7.5, 10.0)]
    levels = [voice.level_db for voice in voices]
    assert levels == sorted(levels)
    assert levels[-1] - levels[0] > 8.0
    assert voices[-1].f0_semitones < voices[0].f0_semitones


def test_every_expression_names_the_checkpoint_and_its_hash() -> None:
    card, _ = read_checkpoint(CHECKPOINTS / "congruence")
    assert show(Ppo(), 5.0).policy == f"ppo:congruence@{card.sha256[:12]}"


def test_what_was_not_taught_comes_from_the_prior() -> None:
    taught, prior = show(Ppo(), 6.0), show(Prior(), 6.0)
    assert taught.face == prior.face
    assert (taught.voice.roughness, taught.voice.breathiness) == (prior.voice.roughness, prior.voice.breathiness)


def test_no_pain_is_silent_and_faint_pain_fades_in_without_a_jump() -> None:
    policy = Ppo()
    assert show(policy, 0.0).voice.level_db == INAUDIBLE_DB
    levels = [show(policy, nrs).voice.level_db for nrs in np.arange(0.0, 10.01, 0.05)]
    assert np.diff(levels).max() < 12.0  # the prior's own slope below 0.6 is 11 dB in 0.1
    assert max(levels) <= 0.0


def test_voice_and_face_can_both_be_taught() -> None:
    policy = Ppo("psychophysical-6d")
    quiet, loud = show(policy, 3.0, 0), show(policy, 9.0, 10**9)
    assert loud.voice.level_db > quiet.voice.level_db
    assert 0.0 <= loud.face.nrs <= 10.0
    assert 0.0 <= loud.voice.roughness <= 1.0


def test_women_moan_higher_than_men_by_the_measured_interval() -> None:
    voices = [
        show(Ppo(character=SimpleNamespace(sex=sex, expressiveness=1.0)), 5.0).voice for sex in ("female", "male")
    ]
    assert voices[0].f0_semitones - voices[1].f0_semitones == pytest.approx(2.1)


def test_a_stoic_shows_less() -> None:
    stoic = Ppo(character=SimpleNamespace(sex="female", expressiveness=0.5))
    assert show(stoic, 6.0).voice.level_db < show(Ppo(), 6.0).voice.level_db


def test_the_same_pain_gives_the_same_expression_bit_for_bit() -> None:
    first, second = ([show(policy, n, i) for i, n in enumerate((1.0, 4.2, 9.9))] for policy in (Ppo(), Ppo()))
    assert first == second


def test_shipped_checkpoints_are_small() -> None:
    for folder in CHECKPOINTS.glob("*"):
        assert sum(path.stat().st_size for path in folder.glob("*")) < 1_000_000


def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CHECKPOINTS / "congruence", tmp_path / "mine"))


def test_broken_checkpoints_are_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"'nobody'.*congruence"):
        Ppo("nobody")

    folder = copy(tmp_path / "a")
    data = bytearray((folder / "weights.npz").read_bytes())
    data[300] ^= 1
    (folder / "weights.npz").write_bytes(bytes(data))
    with pytest.raises(AssetError, match="is not the card's"):
        Ppo(str(folder))

    folder = copy(tmp_path / "b")
    card = (folder / "card.toml").read_text()
    (folder / "card.toml").write_text(card.replace("sha256", "md5"))
    with pytest.raises(AssetError, match="is no checkpoint"):
        Ppo(str(folder))

    (folder / "card.toml").write_text(card.replace('name = "nrs"', 'name = "peak_newton"'))
    with pytest.raises(AssetError, match="no observation 'peak_newton'"):
        Ppo(str(folder))

    (folder / "card.toml").write_text(card[: card.rindex("[[action]]")])
    with pytest.raises(AssetError, match="maps 1 to 2 numbers, the card names 1 observations and 1 actions"):
        Ppo(str(folder))

    (folder / "weights.npz").unlink()
    with pytest.raises(AssetError, match="is no checkpoint"):
        Ppo(str(folder))


def test_the_network_is_what_its_weights_say() -> None:
    weights = {
        "mlp_extractor.policy_net.0.weight": np.array([[2.0]]),
        "mlp_extractor.policy_net.0.bias": np.array([0.5]),
        "action_net.weight": np.array([[1.0], [-3.0]]),
        "action_net.bias": np.array([0.0, 0.1]),
    }
    hidden = np.tanh(2.0 * 0.3 + 0.5)
    assert Network.of(weights)(np.array([[0.3]]))[0] == pytest.approx([hidden, max(-1.0, 0.1 - 3 * hidden)])
