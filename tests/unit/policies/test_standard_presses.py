import msgspec
import numpy as np
import pytest

from policies.standard_presses import standard_presses
from robopatient import messages as m
from robopatient.config import SessionConfig
from robopatient.expression.ppo import Ppo
from robopatient.patient import load_patient


def test_at_the_pain_aimed_at_the_patient_does_exactly_what_the_trainer_asked():
    policy = Ppo("psychophysical")
    policy.suggest("trial3", {"nrs": 5.0}, {"level_db": -20.0, "f0_ratio": 0.9})
    assert policy.acting({"nrs": 5.0}) == pytest.approx({"level_db": -20.0, "f0_ratio": 0.9})
    said = policy.step(m.PainState(1, 0, 5.0, "", "hold"))
    assert said.voice.level_db == pytest.approx(-20.0, abs=1e-6)
    assert said.policy.endswith("+trial3")
    policy.suggest("", {}, {})
    assert policy.step(m.PainState(1, 0, 5.0, "", "hold")) == Ppo("psychophysical").step(
        m.PainState(1, 0, 5.0, "", "hold")
    )


def test_harder_presses_hurt_more_at_the_worst_site():
    config = msgspec.structs.replace(SessionConfig(), patient="appendicitis")
    profile = load_patient(config.patient)
    presses = standard_presses(config, profile, Ppo("psychophysical", profile))
    assert np.all(np.diff(presses.nrs) >= 0.0)
    assert presses.nrs[-1] > presses.nrs[0] + 2.0
    assert np.all(np.diff(presses.nrs_per_s) >= 0.0)
    assert presses.newton[0] == 4.0
    assert presses.force(presses.nrs[5]) <= presses.newton[5] + 1e-9
