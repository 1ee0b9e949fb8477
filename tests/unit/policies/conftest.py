from __future__ import annotations

import numpy as np
import pytest

from policies.plan import Schedule, TrainingPlan
from policies.train_ppo import Weights, train, weights_of

FAST = Schedule(presses=1024, rate=3e-3, rate_end=1e-3, spread=0.3, spread_end=0.2, presses_a_batch=256, stages=2)


@pytest.fixture
def fast_plan() -> TrainingPlan:
    """A plan whose refits are quick and rough."""
    return TrainingPlan(questions=("congruence7",), refit_every=5, refit=FAST, seed=3)


@pytest.fixture(scope="session")
def start() -> Weights:
    """A barely trained policy that always does about the same."""
    return weights_of(train(lambda s, a: -np.abs(a).sum(-1), 1, 2, 0, FAST))
