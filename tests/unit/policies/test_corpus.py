from pathlib import Path

import msgspec
import numpy as np
import pytest

from policies.corpus.card import card, pain_peak_correlation, window_shares
from policies.corpus.recipe import load_recipe
from policies.corpus.simulator import CorpusDesign, simulate
from policies.corpus.store import Corpus, check, load, save
from policies.errors import PolicyError
from robopatient.breathing import REST_PER_MIN, peak_flow_per_s
from robopatient.face.generator.condition import CONDITIONS, condition_of, index, traits_of
from robopatient.face.generator.motion import CHANNELS, MOTION_HZ, column, pspi, sided

SMALL = CorpusDesign(subjects=60, palpation_trials=6, thermal_trials=2)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return simulate(SMALL, 3)


def _few(corpus: Corpus) -> list:
    return [one for one in corpus.sequences if one.trial.endswith("-01")]


def changed(corpus: Corpus, at: int = 0, **fields: object) -> Corpus:
    sequences = list(corpus.sequences)
    sequences[at] = msgspec.structs.replace(sequences[at], **fields)
    return msgspec.structs.replace(corpus, sequences=sequences)


def test_every_constant_says_what_it_rests_on(corpus: Corpus) -> None:
    recipe = load_recipe()
    assert len(recipe.constants) > 100
    for name, constant in recipe.constants.items():
        assert constant.basis in ("evidence", "assumption"), name
        assert constant.source or constant.basis == "assumption", name
    lines = card(corpus, recipe)
    assert all(f"| {name} |" in lines for name in recipe.constants)


def test_a_constant_without_basis_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('[people]\nfemale_share = { value = 0.5, basis = "guess", source = "" }\n')
    with pytest.raises(PolicyError, match="guess"):
        load_recipe(path)
    with pytest.raises(PolicyError, match=r"people.height is no constant"):
        load_recipe().with_(people__height=1.7)


def test_faces_are_as_rarely_in_pain_as_published(corpus: Corpus) -> None:
    some, strong = window_shares(corpus)
    assert 0.17 < some < 0.30  # about 25 % (third-party count on UNBC)
    assert strong < 0.06  # fewer than 5 %; 60 people scatter by a percent
    assert 0.48 < pain_peak_correlation(corpus) < 0.66  # 0.59 (same)


def test_controls_show_no_pain_and_archetypes_show_their_units(corpus: Corpus) -> None:
    controls = [one for one in corpus.sequences if one.kind == "control"]
    assert 0.35 < len(controls) / sum(one.kind != "thermal" for one in corpus.sequences) < 0.55
    assert np.mean([pspi(one.motion).max() for one in controls]) < 0.6

    def peak(archetype: str, unit: str) -> float:
        rows = [one for one in corpus.sequences if one.traits.archetype == archetype and one.pain.max() > 4.0]
        return float(np.mean([sided(one.motion, unit).max() for one in rows]))

    assert peak("narrowed", "AU9") > 2.0 * peak("furrowed", "AU9")
    assert peak("opened", "AU26") > 1.15 * peak("furrowed", "AU26")  # a voice opens every mouth
    assert peak("raised", "AU2") > 5.0 * peak("narrowed", "AU2")
    assert peak("furrowed", "AU4") > 2.0 * peak("opened", "AU4")
    assert peak("stoic", "AU7") < 0.5 * peak("narrowed", "AU7")


def test_the_face_answers_the_press_and_outlasts_it(corpus: Corpus) -> None:
    first, after = [], []
    for one in corpus.sequences:
        if one.kind != "palpation" or one.traits.archetype == "stoic" or one.pain.max() < 5.0:
            continue
        pain = one.condition[:, index("pain")]
        onsets = np.flatnonzero((pain[1:] > 0.5) & (pain[:-1] <= 0.5))
        onsets = onsets[(onsets > 15) & (onsets < 300)]
        for onset in onsets[:1]:
            shown = sided(one.motion, "AU7")
            risen = np.flatnonzero(shown[onset:] > shown[onset] + 0.15)
            if len(risen):
                first.append(risen[0])
            end = np.flatnonzero(pain[onset + 5 :] < 0.2)
            if len(end) and onset + 5 + end[0] + 12 < len(pain):
                after.append(pspi(one.motion)[onset + 5 + end[0] + 6])
    assert np.median(first) <= 6
    assert np.median(after) > 0.8


def test_lids_blink_as_often_as_people_do(corpus: Corpus) -> None:
    shut = np.concatenate([np.diff((one.motion[:, column("blink")] > 0.5).astype(int)) > 0 for one in corpus.sequences])
    per_minute = shut.mean() * 1800.0
    assert 13.0 < per_minute < 20.0


def test_nobody_is_in_two_splits_and_the_seed_decides(corpus: Corpus) -> None:
    check(corpus)
    people = {split: set(corpus.subjects(split)) for split in ("train", "validation", "test")}
    assert not people["train"] & people["test"]
    assert not people["train"] & people["validation"]
    assert not people["validation"] & people["test"]
    small = CorpusDesign(subjects=12, palpation_trials=2, thermal_trials=1, trial_s=4.0)
    one, same, other = simulate(small, 5), simulate(small, 5), simulate(small, 6)
    assert all(np.array_equal(a.motion, b.motion) for a, b in zip(one.sequences, same.sequences, strict=True))
    assert not all(np.array_equal(a.motion, b.motion) for a, b in zip(one.sequences, other.sequences, strict=True))


def test_conditions_are_those_that_a_live_run_would_make(corpus: Corpus) -> None:
    one = next(one for one in corpus.sequences if one.kind == "palpation" and one.pain[:30].max() == 0.0)
    live = condition_of(one.pain.astype(float), 30.0, one.traits, contact=one.condition[:, index("contact")])
    for name in ("pain", "pain_0.3s", "contact", "sex", "expressiveness"):
        assert live[60:, index(name)] == pytest.approx(one.condition[60:, index(name)], abs=0.01), name
    assert traits_of(one.condition[0].astype(float)).archetype == one.traits.archetype


def test_a_corpus_comes_back_from_disk_with_its_card(corpus: Corpus, tmp_path: Path) -> None:
    path = tmp_path / "corpus.npz"
    corpus = msgspec.structs.replace(corpus, sequences=_few(corpus))
    save(corpus, path)
    again = load(path)
    assert (again.origin, again.card) == (corpus.origin, corpus.card)
    assert np.array_equal(again.sequences[-1].motion, corpus.sequences[-1].motion)
    assert again.sequences[-1].traits == corpus.sequences[-1].traits
    path.write_bytes(b"nonsense")
    with pytest.raises(PolicyError, match="is no corpus"):
        load(path)


def test_what_would_teach_something_wrong_is_named(corpus: Corpus) -> None:
    one = corpus.sequences[0]
    name = f"{one.subject}/{one.trial}"
    motion = one.motion.copy()
    motion[4, column("AU4")] = 7.0
    with pytest.raises(PolicyError, match=f"{name}: AU4 from .* to 7; its range is 0 to 5"):
        check(changed(corpus, motion=motion))
    motion = one.motion.copy()
    motion[9, 0] = np.nan
    with pytest.raises(PolicyError, match=f"{name}: motion row 9 is not finite"):
        check(changed(corpus, motion=motion))
    with pytest.raises(PolicyError, match="the scale is 0 to 10"):
        check(changed(corpus, pain=one.pain + 20.0))
    with pytest.raises(PolicyError, match=f"expected .*{len(CHANNELS)}"):
        check(changed(corpus, motion=one.motion[:, 1:]))
    other = changed(corpus, split=next(split for split in ("train", "test") if split != one.split))
    with pytest.raises(PolicyError, match="keep people apart"):
        check(other)
    train_only = [one for one in corpus.sequences if one.split == "train"]
    with pytest.raises(PolicyError, match=r"too few subjects .*test 0"):
        check(msgspec.structs.replace(corpus, sequences=train_only))
    assert len(CONDITIONS) == one.condition.shape[1]


def test_a_corpus_breathes_by_the_formula_of_the_patient(corpus: Corpus) -> None:
    calm = [one for one in corpus.sequences if one.kind == "control" and one.pain.max() == 0.0]
    minutes = sum(len(one.motion) for one in calm) / MOTION_HZ / 60.0
    chest = [one.motion[:, column("breath")] for one in calm]
    breaths = sum(int(np.sum((one[1:] > 0.35) & (one[:-1] <= 0.35))) for one in chest)
    assert breaths / minutes == pytest.approx(REST_PER_MIN, rel=0.05)
    assert max(np.abs(np.diff(one)).max() for one in chest) * MOTION_HZ <= peak_flow_per_s(REST_PER_MIN) + 1e-4
