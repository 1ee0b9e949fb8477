"""Everything that is measured of face generators on held-out people, ours and the baselines in one run.

No number made here is ever read by a training: generators come in finished, the corpus' test split goes in, and this
module imports nothing that trains. What it returns is drawn by ``face_report`` and printed by the benchmarks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from policies.corpus.recipe import CorpusRecipe
from policies.corpus.store import Corpus, check
from policies.corpus.store import Sequence as Clip
from policies.errors import PolicyError
from policies.face_generators import Generator
from policies.face_metrics.cases import Case, Tries
from policies.face_metrics.compat import compat_of
from policies.face_metrics.control import SWAPS, ConditionedPerson, SwapResult, slots_matter, swap_test
from policies.face_metrics.corrected import corrected_of
from policies.face_metrics.dose import dose_response
from policies.face_metrics.drift import Drift, drift_of
from policies.face_metrics.generation import generate_many
from policies.face_metrics.presses import PRESSES_NRS, peaks_of, press_people
from policies.face_metrics.react import apart, react_of
from policies.face_metrics.realism import MotionFeatures, published_of, read_motion, realism_of
from policies.face_metrics.takes import similar, takes
from policies.statistics.resampling import Interval, SubjectBootstrap, better
from robopatient.face.generator.motion import MOTION_HZ, pspi

__all__ = [
    "AGAIN",
    "FULL",
    "QUICK",
    "RATIOS",
    "TO_BEAT",
    "EvaluationPlan",
    "FaceEvaluation",
    "GeneratedAnswers",
    "evaluate",
    "make_cases",
]

AGAIN = "held-out people again"
"""Name of the ceiling: further takes of the same simulated people, scored like a generator."""

TO_BEAT: dict[str, bool] = {
    "pain_sim": True,
    "pain_dist": True,
    "pain_corr": False,
    "FRCorr": False,
    "FRDist": True,
    "lag_error_s": True,
}
"""Metrics in which a generator should beat every baseline, and whether lower is better."""

RATIOS = {"pain_divrs_ratio": ("divrs", "divrs_right"), "pain_var_ratio": ("var", "var_right")}
"""Ratios of sums over cases: name, top, bottom."""

RECIPE_CONTROLS = ("pain", "expressiveness", "valence")
"""Conditions that every generator has in common with the PainDiffusion recipe: stimulus, expressiveness, emotion."""

LEAST_SUBJECTS = 3
DRAWS = 95
"""Second seed of the drawing of people, apart from every other use of the evaluation's seed."""
"""Held-out people below which an interval over people means nothing."""


class EvaluationPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is measured.

    Attributes
    ----------
    subjects, clips
        Held-out people at most, and clips of each.
    clip_s
        Longest clip; longer ones are cut.
    tries
        Answers of a generator to each clip, a seed each.
    appropriate
        Further reactions that count as right, the recorded one not included.
    slow_subjects, slow_clips, slow_tries
        In their place for baselines below ``slow_fps`` frames in a second of processor time; comparisons are then on
        the clips of both.
    draws, distribution_draws
        Of the bootstrap, for means and for distances between distributions.
    pairs
        Of each swap test.
    dose_subjects
        People all of whose trials are generated for dose and response.
    drift_faces, drift_minutes
        Faces of the generator under test that run on end, and for how long; of the others one runs.
    """

    subjects: int = 40
    clips: int = 3
    clip_s: float = 12.0
    tries: int = 3
    appropriate: int = 5
    slow_subjects: int = 18
    slow_clips: int = 1
    slow_tries: int = 2
    slow_fps: float = 120.0
    draws: int = 1000
    distribution_draws: int = 200
    pairs: int = 16
    dose_subjects: int = 16
    drift_faces: int = 96
    drift_minutes: int = 10


FULL = EvaluationPlan()
QUICK = EvaluationPlan(
    subjects=4,
    clips=2,
    clip_s=6.0,
    tries=2,
    appropriate=2,
    slow_subjects=3,
    draws=100,
    distribution_draws=10,
    pairs=2,
    dose_subjects=4,
    drift_faces=1,
    drift_minutes=2,
)
"""For a first look and for tests: the intervals are wide and the p values cannot become small."""


class GeneratedAnswers(NamedTuple):
    """One generator's answers: cases it was asked, its tries at each, and frames in a second of processor time."""

    rows: np.ndarray
    tries: list[Tries]
    fps: float


class FaceEvaluation(NamedTuple):
    """All that was measured.

    Attributes
    ----------
    ours
        The generator under test; ``names`` lists it first, then the ceiling if there is one, then the baselines.
    values
        Of each case by generator and metric, shape (n_cases,), NaN where it was not asked.
    summary
        Mean over people with its interval, by generator and metric; ratios too.
    ahead
        How much better ours is than a baseline, paired by case, by baseline and metric of ``TO_BEAT``.
    realism, published
        By generator; ``published`` also of the held-out clips themselves under "held-out".
    dose
        Mean over people of the Spearman correlation over their trials, by generator (not slow ones) and "held-out".
    presses
        Peak PSPI of a short press by generator (not slow ones) and "held-out", then by pain; empty where people cannot
        be asked.
    """

    ours: str
    names: list[str]
    cases: list[Case]
    answers: dict[str, GeneratedAnswers]
    values: dict[str, dict[str, np.ndarray]]
    summary: dict[str, dict[str, Interval]]
    ahead: dict[str, dict[str, Interval]]
    realism: dict[str, dict[str, Interval]]
    published: dict[str, dict[str, float]]
    swaps: dict[str, list[SwapResult]]
    slots: dict[str, float]
    drift: dict[str, Drift]
    dose: dict[str, Interval]
    presses: dict[str, dict[float, Interval]]
    readings: dict[str, list[MotionFeatures]]
    plan: EvaluationPlan
    seed: int


def evaluate(
    corpus: Corpus,
    generators: Mapping[str, Generator],
    plan: EvaluationPlan = FULL,
    seed: int = 1,
    recipe: CorpusRecipe | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> FaceEvaluation:
    """Measure generators on the held-out people of a corpus.

    Parameters
    ----------
    generators
        By name; the first is the one under test, the others are what it is compared with.
    recipe
        Constants of the simulator that made the corpus: further takes of the same people then define what is
        appropriate. None for real recordings: the most similar clips do.

    Raises
    ------
    PolicyError
        When the corpus is broken or has too few held-out people, or a generator returns no proper motion.
    """
    check(corpus)
    mean, scale = _scales(corpus)
    say("choosing held-out clips and the reactions that suit them")
    cases, further = make_cases(corpus, plan, seed, recipe)
    boot = SubjectBootstrap([case.subject for case in cases], plan.draws, (seed, DRAWS))
    people = _people(corpus, cases, plan.pairs)
    ours = next(iter(generators))
    answers: dict[str, GeneratedAnswers] = {}
    swaps: dict[str, list[SwapResult]] = {}
    slots: dict[str, float] = {}
    drift: dict[str, Drift] = {}
    trials = _trials(corpus, plan)
    dose = {"held-out": _dose(trials, [one.motion for one in trials], plan, seed)}
    persons = SubjectBootstrap(corpus.subjects("test")[: plan.subjects], plan.draws, (seed, DRAWS))
    traits = {one.subject: one.traits for one in corpus.of("test")}
    pressed = press_people(recipe, [traits[name] for name in persons.names], seed) if recipe is not None else None
    presses = {"held-out": _by_strength(pressed.peaks, persons)} if pressed is not None else {}
    for name, generator in generators.items():
        say(f"{name}: clips")
        answers[name] = _ask(generator, cases, plan, seed, spared=name != ours)
        slow = name != ours and answers[name].fps < plan.slow_fps
        say(f"{name}: {answers[name].fps:.0f} frames in a second of processor time; controls")
        every = name == ours or (not slow and hasattr(generator, "generate_batch"))
        chosen = SWAPS if every else [one for one in SWAPS if one.condition in RECIPE_CONTROLS]
        asked = people[: max(2, plan.pairs // 4)] if slow else people
        swaps[name] = [swap_test(generator, asked, one, seed) for one in chosen]
        slots[name] = slots_matter(generator, people[0], seed)
        if not slow:
            shown = generate_many(generator, [one.condition for one in trials], [seed + i for i in range(len(trials))])
            dose[name] = _dose(trials, shown, plan, seed)
            if pressed is not None:
                presses[name] = _by_strength(peaks_of(generator, pressed, seed), persons)
            say(f"{name}: {plan.drift_minutes} minutes on end")
            seeds = [seed + i for i in range(plan.drift_faces if name == ours else 1)]
            drift[name] = drift_of(generator, seeds, scale, plan.drift_minutes)
    names = list(generators)
    if further is not None:
        answers[AGAIN] = GeneratedAnswers(np.arange(len(cases)), further, float("nan"))
        names.insert(1, AGAIN)
    say("comparing")
    values = {name: _measure(cases, answers[name], scale) for name in names}
    readings = {name: _readings(cases, answers[name], mean, scale) for name in names}
    truth = [read_motion(case.stimulus, case.truth, mean, scale) for case in cases]
    baselines = [name for name in names if name not in (ours, AGAIN)]
    return FaceEvaluation(
        ours=ours,
        names=names,
        cases=cases,
        answers=answers,
        values=values,
        summary={name: _summary(cases, answers[name], values[name], boot, scale) for name in names},
        ahead={
            name: {m: better(values[ours][m], values[name][m], boot, lower) for m, lower in TO_BEAT.items()}
            for name in baselines
        },
        realism={name: _realism(readings[name], answers[name], truth, boot, plan) for name in names},
        published={"held-out": published_of(truth)} | {name: published_of(readings[name]) for name in names},
        swaps=swaps,
        slots=slots,
        drift=drift,
        dose=dose,
        presses=presses,
        readings={"held-out": truth} | readings,
        plan=plan,
        seed=seed,
    )


def make_cases(
    corpus: Corpus, plan: EvaluationPlan, seed: int, recipe: CorpusRecipe | None
) -> tuple[list[Case], list[Tries] | None]:
    """Held-out clips with what suits them; and further takes of each for the ceiling, where people can be asked again.

    Raises
    ------
    PolicyError
        With fewer than three held-out people.
    """
    subjects = corpus.subjects("test")[: plan.subjects]
    if len(subjects) < LEAST_SUBJECTS:
        raise PolicyError(
            f"corpus: {len(subjects)} people in the test split; an interval over people needs {LEAST_SUBJECTS} or "
            "more: import more of them or raise test_share"
        )
    chosen: list[Clip] = []
    rng = np.random.default_rng([seed, 5])
    for subject in subjects:
        own = [one for one in corpus.of("test") if one.subject == subject]
        # presses first: controls without pain say nothing about timing, but one in three must be there
        own.sort(key=lambda one: (one.kind == "control", rng.random()))
        controls = [one for one in own if one.kind == "control"]
        quarter = controls[: plan.clips // 3]
        chosen += ([one for one in own if one.kind != "control"] + controls)[: plan.clips - len(quarter)] + quarter
    longest = round(plan.clip_s * MOTION_HZ)
    cut = [_cut(one, longest) for one in chosen]
    if recipe is None:
        held_out = [_cut(one, longest) for one in corpus.of("test")]
        right = [similar(one, held_out, plan.appropriate) for one in cut]
        return [_case(one, more) for one, more in zip(cut, right, strict=True)], None
    count = plan.appropriate + plan.tries
    more = [
        m for start in range(0, len(cut), 8) for m in _equal_takes(recipe, cut[start : start + 8], count, seed + start)
    ]
    cases = [_case(one, m[: plan.appropriate]) for one, m in zip(cut, more, strict=True)]
    return cases, [m[plan.appropriate :] for m in more]


def _equal_takes(recipe: CorpusRecipe, clips: Sequence[Clip], count: int, seed: int) -> list[np.ndarray]:
    """Takes of clips that need not be equally long."""
    result: dict[int, np.ndarray] = {}
    for n in {len(one.pain) for one in clips}:
        rows = [i for i, one in enumerate(clips) if len(one.pain) == n]
        result |= dict(zip(rows, takes(recipe, [clips[i] for i in rows], count, seed), strict=True))
    return [result[i] for i in range(len(clips))]


def _cut(one: Clip, longest: int) -> Clip:
    n = min(longest, len(one.pain))
    return msgspec.structs.replace(one, pain=one.pain[:n], motion=one.motion[:n], condition=one.condition[:n])


def _case(one: Clip, more: np.ndarray) -> Case:
    right = np.concatenate((one.motion[None], more)).astype(np.float64)
    return Case(one.subject, one.trial, one.kind, one.pain.astype(float), one.condition.astype(float), right)


def _scales(corpus: Corpus) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every column over the training split, shape (D,)."""
    frames = np.concatenate([one.motion for one in corpus.of("train")])
    return frames.mean(0, dtype=np.float64), np.maximum(frames.std(0, dtype=np.float64), 1e-3)


def _people(corpus: Corpus, cases: Sequence[Case], count: int) -> list[ConditionedPerson]:
    """Held-out people for the swap tests, again from the first when there are too few."""
    traits = {one.subject: one.traits for one in corpus.of("test")}
    names = list(dict.fromkeys(case.subject for case in cases))
    return [ConditionedPerson(traits[names[i % len(names)]]) for i in range(count)]


def _ask(
    generator: Generator, cases: Sequence[Case], plan: EvaluationPlan, seed: int, *, spared: bool
) -> GeneratedAnswers:
    """Answers to all cases, or to fewer of a slow generator that may be spared."""
    begin = time.process_time()  # other processes on this machine do not count
    first = generate_many(generator, [cases[0].condition], [seed])[0]
    fps = len(first) / max(time.process_time() - begin, 1e-9)
    slow = spared and fps < plan.slow_fps
    tries, clips = (plan.slow_tries, plan.slow_clips) if slow else (plan.tries, plan.clips)
    most = plan.slow_subjects if slow else len(cases)
    asked: dict[str, int] = {}
    rows = []
    for i, case in enumerate(cases):
        if case.subject not in asked and len(asked) == most:
            continue
        asked[case.subject] = asked.get(case.subject, 0) + 1
        if asked[case.subject] <= clips:
            rows.append(i)
    conditions = [cases[i].condition for i in rows for _ in range(tries)]
    seeds = [seed + 1000 * i + k for i in rows for k in range(tries)]  # one seed for all clips would be few draws
    made = generate_many(generator, conditions, seeds)
    return GeneratedAnswers(np.array(rows), [np.stack(made[j : j + tries]) for j in range(0, len(made), tries)], fps)


def _measure(cases: Sequence[Case], answers: GeneratedAnswers, scale: np.ndarray) -> dict[str, np.ndarray]:
    rows: dict[str, np.ndarray] = {}
    for at, tries in zip(answers.rows.tolist(), answers.tries, strict=True):
        found = compat_of(cases[at], tries, scale)
        found |= corrected_of(cases[at], tries, scale)
        found |= react_of(cases[at], tries, scale)
        for name, number in found.items():
            rows.setdefault(name, np.full(len(cases), np.nan))[at] = number
    return rows


def _summary(
    cases: Sequence[Case],
    answers: GeneratedAnswers,
    values: Mapping[str, np.ndarray],
    boot: SubjectBootstrap,
    scale: np.ndarray,
) -> dict[str, Interval]:
    """Means, the one maximum, the ratios, and the distance between clips."""
    found = {name: boot.mean(row) for name, row in values.items() if name != "PainCorr"}
    found["PainCorr"] = boot.of(lambda rows: _nan(np.nanmax, values["PainCorr"][rows]))
    for name, (top, bottom) in RATIOS.items():
        found[name] = boot.of(
            lambda rows, t=top, b=bottom: _ratio(values[t][rows], values[b][rows])  # type: ignore[misc]
        )
    place = {row: i for i, row in enumerate(answers.rows.tolist())}

    def between(rows: np.ndarray) -> float:
        # one clip of each person: distances between clips, not between people drawn twice
        first = {cases[row].subject: row for row in rows.tolist() if row in place}
        latents = [answers.tries[place[row]] / scale for row in first.values()]
        return apart(latents) if len(latents) > 1 else float("nan")

    found["FRDvs"] = boot.of(between, draws=100)
    return found


def _ratio(top: np.ndarray, bottom: np.ndarray) -> float:
    kept = np.isfinite(top) & np.isfinite(bottom)
    below = float(bottom[kept].sum())
    return float(top[kept].sum()) / below if below > 0.0 else float("nan")


def _nan(of: Callable[[np.ndarray], float], values: np.ndarray) -> float:
    return float(of(values)) if np.isfinite(values).any() else float("nan")


def _readings(
    cases: Sequence[Case], answers: GeneratedAnswers, mean: np.ndarray, scale: np.ndarray
) -> list[MotionFeatures]:
    """Every try boiled down, tries of a case one after the other."""
    return [
        read_motion(cases[at].stimulus, motion, mean, scale)
        for at, tries in zip(answers.rows.tolist(), answers.tries, strict=True)
        for motion in tries
    ]


def _by_case(readings: Sequence[MotionFeatures], answers: GeneratedAnswers) -> list[list[MotionFeatures]]:
    tries = len(answers.tries[0])
    return [list(readings[i * tries : (i + 1) * tries]) for i in range(len(answers.rows))]


def _realism(
    readings: Sequence[MotionFeatures],
    answers: GeneratedAnswers,
    truth: Sequence[MotionFeatures],
    boot: SubjectBootstrap,
    plan: EvaluationPlan,
) -> dict[str, Interval]:
    """Distances to the held-out clips that were asked, with people drawn again on both sides."""
    grouped = dict(zip(answers.rows.tolist(), _by_case(readings, answers), strict=True))

    def of(rows: np.ndarray) -> dict[str, float]:
        asked = [row for row in rows.tolist() if row in grouped]
        return realism_of([r for row in asked for r in grouped[row]], [truth[row] for row in asked])

    return boot.of_all(of, draws=plan.distribution_draws)


def _by_strength(peaks: np.ndarray, persons: SubjectBootstrap) -> dict[float, Interval]:
    """Mean over people of what each strength of press brings out, peaks of shape (presses, people)."""
    return {nrs: persons.mean(row) for nrs, row in zip(PRESSES_NRS, peaks, strict=True)}


def _trials(corpus: Corpus, plan: EvaluationPlan) -> list[Clip]:
    """Every trial of some held-out people, for dose and response."""
    people = corpus.subjects("test")[: plan.dose_subjects]
    longest = round(plan.clip_s * MOTION_HZ)
    return [_cut(one, longest) for one in corpus.of("test") if one.subject in people]


def _dose(trials: Sequence[Clip], motions: Sequence[np.ndarray], plan: EvaluationPlan, seed: int) -> Interval:
    """Rank correlation of the strongest pain and the peak PSPI over the trials of each person, mean over people."""
    rows: dict[str, list[int]] = {}
    for i, one in enumerate(trials):
        rows.setdefault(one.subject, []).append(i)
    felt = np.array([one.pain.max() for one in trials])
    shown = np.array([np.asarray(pspi(motion)).max() for motion in motions])
    values = np.array([dose_response(felt[at], shown[at]) for at in rows.values()])
    return SubjectBootstrap(list(rows), plan.draws, (seed, DRAWS)).mean(values)
