from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robopatient.config import ExpressionConfig, asset_path
from robopatient.errors import AssetError, ConfigError
from robopatient.expression import make_policy
from robopatient.levels import INAUDIBLE_DB
from robopatient.messages import Expression, PainState
from robopatient.voice_presets import load_preset

PRESETS = ("congruence", "literature")
NRS = st.floats(0, 10)
WOMAN = SimpleNamespace(sex="female", expressiveness=1.0)
MAN = SimpleNamespace(sex="male", expressiveness=1.0)


def show(nrs: float, preset: str = "congruence", character=None) -> Expression:
    pain = PainState(t_ns=5, cause_seq=7, nrs=nrs, site="", phase="hold")
    return make_policy(ExpressionConfig(kind="prior", preset=preset), character).step(pain)


def test_the_prior_follows_the_congruence_study_and_says_so() -> None:
    expression = make_policy(ExpressionConfig(kind="prior")).step(
        PainState(t_ns=5, cause_seq=7, nrs=4, site="", phase="hold")
    )
    assert (expression.policy, expression.t_ns, expression.cause_seq) == ("prior:congruence", 5, 7)


@pytest.mark.parametrize("preset", PRESETS)
@given(one=NRS, other=NRS)
def test_more_pain_is_never_softer_smoother_or_less_breathy(preset: str, one: float, other: float) -> None:
    less, more = (show(nrs, preset).voice for nrs in sorted((one, other)))
    assert more.level_db >= less.level_db
    assert more.roughness >= less.roughness
    assert more.breathiness >= less.breathiness


@given(one=NRS, other=NRS)
def test_congruence_lowers_the_pitch_with_pain_and_literature_raises_it(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert show(high).voice.f0_semitones <= show(low).voice.f0_semitones
    assert show(high, "literature").voice.f0_semitones >= show(low, "literature").voice.f0_semitones


@pytest.mark.parametrize("preset", PRESETS)
def test_no_pain_is_inaudible_and_the_span_is_the_studys_28_decibels(preset: str) -> None:
    assert show(0.0, preset).voice.level_db == INAUDIBLE_DB
    assert show(0.3, preset).voice.level_db == INAUDIBLE_DB
    assert -28.6 <= show(0.6, preset).voice.level_db <= -26.0
    assert show(10.0, preset).voice.level_db <= 0.0


def test_a_moan_is_about_213_hz_for_a_man_and_419_hz_for_a_woman() -> None:
    man, woman = (show(5.0, character=who).voice.f0_semitones for who in (MAN, WOMAN))
    assert 120 * 2 ** (man / 12) == pytest.approx(213, rel=0.06)
    assert 210 * 2 ** (woman / 12) == pytest.approx(419, rel=0.06)


def test_literature_reaches_the_measured_screams() -> None:
    man, woman = (show(10.0, "literature", who).voice.f0_semitones for who in (MAN, WOMAN))
    assert 120 * 2 ** (man / 12) == pytest.approx(790, rel=0.01)
    assert 210 * 2 ** (woman / 12) == pytest.approx(1220, rel=0.01)


@given(NRS)
def test_a_stoic_is_never_louder_and_a_dramatic_patient_never_softer_than_the_typical(nrs: float) -> None:
    stoic, typical, dramatic = (
        show(nrs, character=SimpleNamespace(sex="male", expressiveness=e)).voice.level_db for e in (0.5, 1.0, 2.0)
    )
    assert stoic <= typical + 1e-9 <= dramatic + 2e-9


def test_the_utterly_stoic_are_silent_and_the_face_is_told() -> None:
    expression = show(10.0, character=SimpleNamespace(sex="male", expressiveness=0.0))
    assert expression.voice.level_db == INAUDIBLE_DB
    assert (expression.face.nrs, expression.face.expressiveness) == (10.0, 0.0)


@pytest.mark.parametrize("preset", PRESETS)
@given(NRS)
def test_asks_are_finite_and_in_range(preset: str, nrs: float) -> None:
    voice = show(nrs, preset).voice
    assert INAUDIBLE_DB <= voice.level_db <= 0.0
    assert math.isfinite(voice.f0_semitones)
    assert 0.0 <= voice.roughness <= 1.0
    assert 0.0 <= voice.breathiness <= 1.0


def test_another_policy_is_a_reference_away() -> None:
    policy = make_policy(ExpressionConfig(kind="robopatient.expression.prior:Prior", preset="literature"))
    assert policy.name == "prior:literature"


def test_an_unknown_policy_or_preset_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match='"table" is neither one of prior'):
        make_policy(ExpressionConfig(kind="table"))
    with pytest.raises(AssetError, match="congruence, flat, literature"):
        make_policy(ExpressionConfig(kind="prior", preset="loud"))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [("nrs = 2.5", "nrs = 7.5", "nrs 5 follows nrs 7.5"), ("-22.0", "3.0", "level_db"), ("= 0.06", "= 6", "roughness")],
)
def test_a_wrong_preset_is_refused_by_value(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = tmp_path / "mine.toml"
    lines = asset_path("expressions", "congruence").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=complaint):
        load_preset(str(path))


def test_the_congruence_preset_is_what_the_published_trials_say(shared_data: Path) -> None:
    """Fit the proportional-odds model again and find its maximum again; the preset tells the formula."""
    from scipy.optimize import minimize

    trials = np.genfromtxt(
        shared_data / "congruence_trials.csv", delimiter=",", names=True, dtype=None, encoding="utf-8"
    )
    f = (trials["force_threshold_n"] - 12.5) / 5
    a = np.log(trials["amplitude"]) / np.log(3) + 1.5
    p = (trials["pitch"] - 1.0) / 0.2
    agreement = 3 - np.searchsorted(["a", "b", "c", "d"], trials["choice"])

    def terms(f, a, p):
        return np.stack([f, a, p, f * a, f * p, a * p, f * f, a * a, p * p], axis=-1)

    design = terms(f, a, p)
    rows = np.arange(len(design))

    def loss(theta: np.ndarray) -> float:
        cuts = np.cumsum([theta[0], np.exp(theta[1]), np.exp(theta[2])])
        below = 1 / (1 + np.exp((design @ theta[3:])[:, None] - cuts))
        cumulative = np.pad(below, ((0, 0), (1, 1)), constant_values=((0, 0), (0, 1)))
        return float(-np.log(cumulative[rows, agreement + 1] - cumulative[rows, agreement]).sum())

    weights = minimize(loss, np.r_[-0.5, np.zeros(11)], method="BFGS").x[3:]
    assert weights == pytest.approx([0.145, 0.045, -0.028, 0.167, -0.055, 0.057, 0.035, -0.124, -0.036], abs=0.001)

    grid = np.linspace(-1.5, 1.5, 301)
    levels, rates = np.meshgrid(grid, grid, indexing="ij")
    anchors = {anchor.nrs: anchor for anchor in load_preset("congruence").anchors}
    for newton, nrs in ((5, 2.5), (10, 5.0), (15, 7.5), (20, 10.0)):
        utility = terms(np.full_like(levels, (newton - 12.5) / 5), levels, rates) @ weights
        best = np.unravel_index(utility.argmax(), utility.shape)
        level_db = 20 * math.log10(3) * (levels[best] - 1.5)
        semitones = 12 * math.log2(1 + 0.2 * rates[best])
        assert anchors[nrs].level_db == pytest.approx(level_db, abs=0.2)
        assert anchors[nrs].f0_male_semitones == pytest.approx(12 * math.log2(213 / 120) + semitones, abs=0.1)
        assert anchors[nrs].f0_female_semitones == pytest.approx(12 * math.log2(419 / 210) + semitones, abs=0.1)
