"""Effects of one's own: a patient's file names a class and its parameters; the package is not touched."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from robopatient.errors import ConfigError
from robopatient.messages import ForceFrame
from robopatient.patient import Patient, load_patient
from robopatient.simulation.hand import GuidedHand

PATIENT = Path(__file__).parents[3] / "assets" / "patients" / "appendicitis.toml"
AT_MM = (-72.0, -51.0)


@dataclass
class Memory:
    """Every second of pain leaves a share of itself."""

    gain_per_s: float
    """Share of the pain that is added, per second of pain."""
    ceiling_nrs: float = 3.0

    def __post_init__(self) -> None:
        self._nrs_s = 0.0

    def step(self, nrs: float, force: ForceFrame, dt_s: float) -> float:
        self._nrs_s += nrs * dt_s
        return min(self.ceiling_nrs, self.gain_per_s * self._nrs_s)


@dataclass
class Random:
    """Draws by the seed of the session."""

    seed: int

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    def step(self, nrs: float, force: ForceFrame, dt_s: float) -> float:
        return self._rng.random()


@dataclass
class Broken:
    """Returns what is no pain."""

    def step(self, nrs: float, force: ForceFrame, dt_s: float) -> float:
        return float("nan")


class NoDataclass:
    def step(self, nrs: float, force: ForceFrame, dt_s: float) -> float:
        return 0.0


def effect(kind: str, parameters: str = "", name: str = "memory") -> str:
    kind = kind if ":" in kind else f"{__name__}:{kind}"
    return f'[[effects]]\nname = "{name}"\nkind = "{kind}"\nparameters = {{{parameters}}}\n'


@pytest.fixture
def patient_with(tmp_path):
    def load(*effects: str):
        path = tmp_path / "mine.toml"
        path.write_text("\n".join([PATIENT.read_text(encoding="utf-8"), *effects]), encoding="utf-8")
        return load_patient(str(path))

    return load


def pressed(profile, seed: int = 1):
    return GuidedHand(profile, seed).press(20.0, AT_MM, hold_s=2.0)


def test_an_effect_from_outside_adds_its_own_part_to_the_pain(patient_with) -> None:
    felt = pressed(patient_with(effect("Memory", "gain_per_s = 0.05")))
    without = pressed(load_patient("appendicitis"))
    parts = [pain.components["own_memory"] for pain in felt]
    assert all(later >= earlier for earlier, later in pairwise(parts))
    held = 500  # ticks of 4 ms
    assert 0.3 < parts[held] < 1.0
    assert felt[held].nrs == pytest.approx(sum(felt[held].components.values()))
    assert felt[held].nrs > without[held].nrs + 0.2


def test_several_act_in_the_order_of_the_file_with_their_own_defaults(patient_with) -> None:
    two = (effect("Memory", "gain_per_s = 50.0", "first"), effect("Memory", "gain_per_s = 50, ceiling_nrs = 1", "next"))
    last = pressed(patient_with(*two))[-1].components
    assert (last["own_first"], last["own_next"]) == (3.0, 1.0)
    assert [name for name in last if name.startswith("own_")] == ["own_first", "own_next"]


def test_what_it_draws_depends_on_the_seed_of_the_session_alone(patient_with) -> None:
    profile = patient_with(effect("Random"))
    first, again, other = (pressed(profile, seed)[-1].components["own_memory"] for seed in (1, 1, 2))
    assert first == again != other


def test_its_pain_is_gone_in_time_when_the_board_falls_silent(patient_with) -> None:
    patient = Patient(patient_with(effect("Memory", "gain_per_s = 50.0")), fail_quiet_ms=500.0)
    for tick in range(500):
        patient.step(ForceFrame(tick * 4_000_000, tick * 4_000_000, tick, (20.0,), patient.phantom.plate_mm(*AT_MM)))
    silent = [patient.step(ForceFrame(t_ms * 1_000_000, 0, 500, (0.0,), flags=("stale",))) for t_ms in (2100, 2500)]
    assert silent[0].components["own_memory"] == pytest.approx(3.0 * 396.0 / 500.0)  # 104 of 500 ms are over
    assert silent[1].nrs == 0.0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (effect("no_such_module:Memory"), r'effects "memory": "no_such_module:Memory" cannot be loaded: .* PYTHONPATH'),
        (effect("Nothing"), r"has no attribute 'Nothing'"),
        (effect("NoDataclass"), r"NoDataclass is no dataclass with a method step\(nrs, force, dt_s\)"),
        (effect("Memory"), r"parameters of .*:Memory: .*gain_per_s"),
        (effect("Memory", 'gain_per_s = "much"'), r"parameters of .*:Memory: Expected `float`, got `str`"),
        (effect("Memory", "gain = 1.0"), r"has no parameter gain; it has gain_per_s, ceiling_nrs"),
        (effect("Memory", "gain_per_s = inf"), r"parameters\.gain_per_s = inf is no number"),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_effect_and_the_reason(patient_with, line: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Patient(patient_with(line))


def test_names_are_checked_with_the_file(patient_with) -> None:
    with pytest.raises(ConfigError, match=r'mine\.toml: two effects are called "memory"'):
        patient_with(effect("Memory"), effect("Memory"))
    with pytest.raises(ConfigError, match=r"mine\.toml: .*effects\[0\]\.name"):
        patient_with(effect("Memory", name="Not a name"))


def test_a_step_that_returns_no_number_is_named(patient_with) -> None:
    with pytest.raises(ConfigError, match="own_memory is nan; its step must return a finite number, NRS"):
        pressed(patient_with(effect("Broken")))
