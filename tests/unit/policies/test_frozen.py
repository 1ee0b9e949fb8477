"""A checkpoint that is written again is the one that was read."""

from pathlib import Path

import pytest

from policies.frozen import write_frozen
from robopatient.expression.ppo import CHECKPOINTS, read_checkpoint


@pytest.mark.parametrize("name", ["congruence", "psychophysical-6d"])
def test_a_shipped_checkpoint_written_again_has_the_same_card_and_hash(name: str, tmp_path: Path) -> None:
    card, weights = read_checkpoint(CHECKPOINTS / name)
    assert write_frozen(tmp_path, weights, card) == card
    assert read_checkpoint(tmp_path)[0] == card
