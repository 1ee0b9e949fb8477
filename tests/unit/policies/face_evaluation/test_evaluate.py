"""The whole evaluation on a toy: what is held out stays held out, good faces come out ahead, the page holds it all."""

import ast
from pathlib import Path

import msgspec
import numpy as np
import pytest

import policies
from policies.corpus.faces import act
from policies.corpus.recipe import load_recipe
from policies.corpus.simulator import CorpusDesign, simulate
from policies.corpus.store import Sequence
from policies.errors import PolicyError
from policies.face_baselines import fit_baseline
from policies.face_evaluate import AGAIN, QUICK, evaluate, make_cases
from policies.face_metrics.control import SWAPS, ConditionedPerson, slots_matter, swap_test
from policies.face_metrics.generation import generate_many
from policies.face_metrics.takes import similar, stimuli_of, takes
from policies.face_report.page import verdicts, write_report
from robopatient.face.generator.condition import CONDITIONS, Traits, index, traits_of
from robopatient.face.generator.motion import CHANNELS, clamp, column

TINY = msgspec.structs.replace(QUICK, drift_minutes=2, draws=60, distribution_draws=4, pairs=3)


class Follower:
    """A face that does what the conditions say, in the way of the corpus."""

    name = "follower"

    def __init__(self, deaf=()):
        self.deaf = deaf

    def generate_batch(self, conditions, seeds):
        return np.stack([self.generate(c, s) for c, s in zip(conditions, seeds, strict=True)])

    def generate(self, condition, seed):
        given = {name: condition[:, index(name)] for name in CONDITIONS}
        for name in self.deaf:
            given[name] = np.ones(len(condition))
        lag = 6
        shown = np.concatenate((np.zeros(lag), given["pain"]))[: len(condition)] * given["expressiveness"] / 2.5
        motion = np.zeros((len(condition), len(CHANNELS)))
        for name in ("AU4", "AU6L", "AU6R", "AU7L", "AU7R"):
            motion[:, column(name)] = shown
        motion += 0.02 * np.random.default_rng(seed).standard_normal(motion.shape)
        return clamp(motion)


@pytest.fixture(scope="module")
def simulated():
    """A small simulated corpus with four held-out people."""
    return simulate(CorpusDesign(subjects=14, palpation_trials=3, thermal_trials=0, trial_s=6.0, test_share=0.3), 2)


@pytest.fixture(scope="module")
def result(simulated):
    generators = {
        "follower": Follower(),
        **{n: fit_baseline(n, simulated, 1) for n in ("mean face", "random sequence")},
    }
    return evaluate(simulated, generators, TINY, 1, load_recipe())


def test_only_held_out_people_are_evaluated(result, simulated):
    held_out = set(simulated.subjects("test"))
    trained_on = set(simulated.subjects("train")) | set(simulated.subjects("validation"))
    assert {case.subject for case in result.cases} <= held_out
    assert not held_out & trained_on


def test_nothing_of_the_evaluation_is_imported_by_anything_that_trains():
    """No metric, judge or threshold enters a training: no trainer can even reach one."""
    folder = Path(policies.__file__).parent
    measuring = ("face_metrics", "face_evaluate", "face_report", "experiments")
    training = [*folder.glob("face_baselines/*.py"), *folder.glob("corpus/*.py"), *folder.glob("face_*.py")]
    training += [folder / "train_face.py", *(folder.parent / "robopatient" / "face").rglob("*.py")]
    seen = 0
    for path in training:
        if path.name in ("face_evaluate.py",):
            continue
        seen += 1
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert not any(part in measuring for part in name.split(".")), f"{path.name} imports {name}"
    assert seen > 20


def test_further_takes_of_a_person_are_better_than_strangers(result):
    again, stranger = result.summary[AGAIN], result.summary["random sequence"]
    assert again["pain_dist"].value < stranger["pain_dist"].value
    assert again["FRDist"].value < stranger["FRDist"].value
    assert again["FRCorr"].value > stranger["FRCorr"].value
    assert result.realism[AGAIN]["Frechet"].value < result.realism["mean face"]["Frechet"].value


def test_a_frozen_face_has_no_diversity_and_does_not_follow(result):
    frozen = result.summary["mean face"]
    assert frozen["pain_divrs_ratio"].value == 0.0
    assert frozen["pain_var_ratio"].value == pytest.approx(0.0, abs=1e-20)
    assert frozen["pain_corr"].value == 0.0


def test_intervals_hold_their_value(result):
    for generator in result.names:
        for name, one in result.summary[generator].items():
            if name != "PainCorr" and np.isfinite(one.low):
                assert one.low - 1e-9 <= one.value <= one.high + 1e-9, (generator, name)


def test_the_page_needs_nothing_beside_it(result, tmp_path):
    path = tmp_path / "out" / "report.html"
    write_report(result, path, [("corpus", "made <up>")], faces=False)
    page = path.read_text()
    assert "made &lt;up&gt;" in page
    assert "http" not in page
    assert "<script" not in page
    assert page.count("<svg") >= 5
    for name in result.names:
        assert name in page


def test_every_target_is_judged(result):
    rows = verdicts(result)
    assert sum("better than every baseline" in what for what, _, _ in rows) == 6
    assert any("minute 2" in what for what, _, _ in rows)
    assert all(isinstance(met, bool | np.bool_) for _, _, met in rows)


def test_too_few_held_out_people_are_named(make_corpus):
    corpus = make_corpus(subjects={"train": 3, "validation": 1, "test": 2})
    with pytest.raises(PolicyError, match="2 people in the test split"):
        make_cases(corpus, QUICK, 1, None)


def test_a_subject_in_two_splits_is_refused_before_anything_is_measured(make_corpus):
    corpus = make_corpus()
    one = corpus.of("train")[0]
    leak = msgspec.structs.replace(
        corpus, sequences=[*corpus.sequences, msgspec.structs.replace(one, split="test", trial="again")]
    )
    with pytest.raises(PolicyError, match="is in the splits train and test"):
        evaluate(leak, {"follower": Follower()}, QUICK)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda c: np.zeros((len(c), 3)), r"shape \(40, 3\)"),
        (lambda c: np.full((len(c), len(CHANNELS)), np.nan), "frame 0"),
    ],
)
def test_a_broken_generator_is_named(what, said):
    class Broken:
        name = "broken"

        def generate(self, condition, seed):
            return what(condition)

    with pytest.raises(PolicyError, match=f"broken: .*{said}"):
        generate_many(Broken(), [np.zeros((40, len(CONDITIONS)))], [1])


def test_motions_come_back_in_the_order_they_were_asked_for():
    conditions = [np.full((n, len(CONDITIONS)), float(n) / 20) for n in (30, 20, 30, 25)]
    assert [len(one) for one in generate_many(Follower(), conditions, [1, 2, 3, 4])] == [30, 20, 30, 25]


def test_real_recordings_take_the_most_similar_clips_as_appropriate(corpus):
    one, *others = corpus.of("test")
    found = similar(one, [one, *others], 2)
    assert found.shape == (2, *one.motion.shape)
    assert not any(np.array_equal(motion, one.motion) for motion in found)


def test_further_takes_keep_mood_and_stimulus_but_not_the_dice(simulated):
    recipe, clips = load_recipe(), simulated.of("test")[:2]
    again = takes(recipe, clips, 2, 4)
    assert [one.shape for one in again] == [(2, 180, len(CHANNELS))] * 2
    assert not np.array_equal(again[0][0], again[0][1])
    rebuilt = stimuli_of(recipe, clips, 30)
    np.testing.assert_array_equal(rebuilt.pain[:, 30:], np.stack([one.pain for one in clips]))


PEOPLE = [ConditionedPerson(Traits(expressiveness=0.8 + 0.1 * i)) for i in range(8)]


def swap(name):
    return next(one for one in SWAPS if one.condition == name)


def test_every_condition_is_swapped_in_some_test():
    named = {name for one in SWAPS for name in one.condition.split(", ")}
    assert named == set(CONDITIONS)


def test_a_face_that_listens_passes_and_a_deaf_one_does_not():
    for name in ("pain", "expressiveness"):
        assert swap_test(Follower(), PEOPLE, swap(name)).passed
        assert not swap_test(Follower(deaf=("pain", "expressiveness")), PEOPLE, swap(name)).passed


def test_a_condition_that_means_nothing_must_do_nothing():
    assert swap_test(Follower(), PEOPLE, swap("age_years")).passed

    class Ageist(Follower):
        def generate(self, condition, seed):
            return super().generate(condition, seed) * (0.5 + condition[:, [index("age_years")]] / 100.0)

    assert not swap_test(Ageist(), PEOPLE, swap("age_years")).passed


def test_crossed_slots_change_the_face():
    assert slots_matter(Follower(), PEOPLE[0]) > 0.05
    assert slots_matter(Follower(deaf=CONDITIONS), PEOPLE[0]) == 0.0


class Simulator:
    """The corpus itself as a generator: what it does is the right direction by definition."""

    name = "simulator"

    def generate_batch(self, conditions, seeds):
        recipe, valence = load_recipe(), index("valence")
        clips = [
            Sequence("p", str(i), "test", "palpation", c[:, 0], np.zeros((len(c), len(CHANNELS))), c, traits_of(c[0]))
            for i, c in enumerate(conditions)
        ]
        stimuli = stimuli_of(recipe, clips, 30)
        pressed, rng = np.ones(len(clips), bool), np.random.default_rng(seeds)
        felt = np.stack([c[0, valence : valence + 2] for c in conditions])
        motion, _ = act(recipe, [one.traits for one in clips], stimuli, pressed, rng, emotion=felt)
        return motion[:, 30:]


@pytest.mark.parametrize("name", ["asymmetry", "arousal", "contact", "site_left_mm", "site_head_mm", "tempo"])
def test_directions_are_those_of_the_corpus(name):
    people = [ConditionedPerson(Traits(expressiveness=1.4, archetype="narrowed", sex=float(i % 2))) for i in range(32)]
    assert swap_test(Simulator(), people, swap(name), seed=3).passed
