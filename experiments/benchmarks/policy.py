"""How good a taught policy becomes with how many ratings, beside simpler ways; and the trainer's timings.

One command measures every figure with fixed seeds; with ``keep`` it goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from experiments.benchmarks.figures import Baseline, Figure, distribution, machine, new_result, show, value
from experiments.benchmarks.policy_timing import console_gap_ms, kill_resume_difference, refit_s
from experiments.benchmarks.training_runs import TrainingRuns
from policies.evaluate import TrainingJob, TrainingResult, quartiles
from policies.fitted_people import People, fit_people
from policies.listeners import Habits
from policies.plan import QUESTION_PLANS
from policies.populations import read_population
from policies.rated_trials import read_rated_trials

__all__ = ["bench_policy"]

LISTENERS = 20
"""Parametric listeners a condition; the same persons for every method."""
BASELINE_METHODS = ("PPO, library defaults", "PPO, tuned", "PPO, pre-trained", "Gaussian process")
CENTRE = "constant centre"
CENTRE_FROM = 40
"""Ratings after which the learner must not be worse than the constant centre."""
DETECT_WITHIN, HONEST_RATINGS = 60, 100
FIRST_UNSEEN = 100
"""First person of those by whom no threshold was chosen."""
BAD_HABITS = {
    "constant": Habits(constant=4),
    "reversed": Habits(sign_error=1.0),
    "random": Habits(lapse=1.0),
}


class TargetCase(NamedTuple):
    """One row of the table of targets: where, which question, and the least score after so many ratings."""

    figure: str
    task: str
    questions: str
    targets: dict[int, float]
    merit: bool = False


CONDITIONS = (
    TargetCase("score_signed", "pain-to-voice", "signed", {40: 0.85, 100: 0.93}),
    TargetCase("score_unsigned", "pain-to-voice", "congruence7", {40: 0.92, 100: 0.96}),
    TargetCase("score_6d", "pain-to-expression", "congruence7", {150: 0.85}),
    TargetCase("p_agree", "pain-to-voice", "agree", {100: 0.625, 200: 0.645}, merit=True),
)


def bench_policy(
    *,
    as_json: bool = False,
    listeners: Path | None = None,
    n: int = LISTENERS,
    only: Sequence[str] = (),
    baselines: bool = True,
    seed: int = 1,
    workers: int = 0,
    ray_address: str = "",
    keep: Path | None = None,
) -> None:
    """Measure every figure of the policy table.

    Parameters
    ----------
    listeners
        CSV of rated trials, for ``p_agree``: each participant is left out of every prior. None: listeners drawn from
        the shipped population, which is then not independent of the prior (said in the figure's remark).
    n
        Parametric listeners a condition; at least 20 for figures to be reported.
    only
        Names of figures without the number of ratings ("score_signed", "refit_s", …); () measures all.
    keep
        Folder for finished training sessions: the same command goes on there. Timings are measured anew each time.
    """
    runs = TrainingRuns(keep, workers, ray_address)
    people, remark = _people(listeners, n, seed)
    figures: list[Figure] = []
    compared: dict[str, list[Figure]] = {}
    for condition in CONDITIONS:
        if only and condition.figure not in only:
            continue
        shared = people if condition.merit else None
        note = remark if condition.merit else None
        taught: dict[str, list[TrainingResult]] = {}
        others = (*(BASELINE_METHODS if baselines else ()), *(("belief alone", CENTRE) if condition.merit else ()))
        for method in ("learner", *others):
            jobs = _jobs(condition, method, shared, n, seed)
            taught[method] = runs.run(f"{condition.figure}: {method}", jobs)
            found = _figures(condition, taught[method], note, target=method == "learner")
            if method == "learner":
                figures += found
            else:
                compared.setdefault(method, []).extend(found)
        if condition.merit:
            figures.append(_over_centre(condition, taught["learner"], taught[CENTRE]))
    if not only or "bad_rater_detected_by" in only:
        figures += _bad_raters(n, seed, runs)
    for measure in (refit_s, console_gap_ms, kill_resume_difference):
        if not only or measure.__name__ in only:
            figures.append(measure(seed))
    show(new_result("policy", figures, [Baseline(k, v) for k, v in compared.items()], machine(), seed), as_json)


def _people(listeners: Path | None, n: int, seed: int) -> tuple[People, str | None]:
    """Fitted people, or as many drawn from the shipped population."""
    if listeners is not None:
        return fit_people(read_rated_trials(listeners)), None
    prior = read_population("congruence")
    root = np.linalg.cholesky(prior.precision)
    rng = np.random.default_rng((seed, 20))
    rows = prior.mean + np.linalg.solve(root.T, rng.standard_normal((len(prior.mean), n))).T
    rows[:, -3:] = np.sort(rows[:, -3:], axis=1)
    names = tuple(f"drawn-{i}" for i in range(n))
    precisions = np.tile(prior.precision, (n, 1, 1))
    people = People(names, rows, precisions, prior.mean, float("nan"), {}, 4)
    return people, "listeners drawn from the shipped population; give --listeners FILE.csv for real people left out"


def _jobs(condition: TargetCase, method: str, people: People | None, n: int, seed: int) -> list[TrainingJob]:
    ratings, questions = max(condition.targets), QUESTION_PLANS[condition.questions]
    persons = n if people is None else len(people.names)
    repeats = 1 if people is None else -(-n // persons)
    return [
        TrainingJob(method, condition.task, questions, ratings, person, 1000 * seed + 100 * repeat + person, people)
        for person in range(persons)
        for repeat in range(repeats)
    ]


def _figures(condition: TargetCase, runs: Sequence[TrainingResult], remark: str | None, target: bool) -> list[Figure]:
    figures = []
    for ratings, least in condition.targets.items():
        scores = [next(s for s in run.scores if s.ratings == ratings) for run in runs]
        merits, normalised_scores = [s.merit for s in scores], [s.score for s in scores]
        values = merits if condition.merit else normalised_scores
        # P(agree) is compared as a mean, as the published reference is: raters differ more than policies.
        number = float(np.mean(values)) if condition.merit else quartiles(values)[1]
        note = remark
        if condition.merit:
            mean_score = f"mean score {np.mean(normalised_scores):.3f} of this set's own optimum"
            note = mean_score if remark is None else f"{mean_score}; {remark}"
        figure = value(f"{condition.figure}_{ratings}", number, at_least=least if target else None, n=len(values))
        figures.append(msgspec.structs.replace(figure, quartiles=list(quartiles(values)), remark=note))
    return figures


def _over_centre(condition: TargetCase, learner: Sequence[TrainingResult], centre: Sequence[TrainingResult]) -> Figure:
    """Least advantage in mean P(agree) over the constant centre at any checkpoint from ``CENTRE_FROM`` on."""
    gains = {
        score.ratings: [
            s.merit - c.merit
            for one, other in zip(learner, centre, strict=True)
            for s, c in zip(one.scores, other.scores, strict=True)
            if s.ratings == score.ratings
        ]
        for score in learner[0].scores
        if score.ratings >= CENTRE_FROM
    }
    means = {ratings: float(np.mean(each)) for ratings, each in gains.items()}
    worst = min(means, key=means.__getitem__)
    below = sum(gain < 0.0 for gain in gains[max(gains)])
    figure = value(f"{condition.figure}_over_centre", means[worst], at_least=0.0, n=len(learner))
    remark = f"the least, at {worst} ratings; at {max(gains)} ratings {below} of {len(learner)} runs are below theirs"
    return msgspec.structs.replace(figure, quartiles=list(quartiles(gains[worst])), remark=remark)


def _bad_raters(n: int, seed: int, runs: TrainingRuns) -> list[Figure]:
    """Ratings until a bad rater is found out (one more than looked at: not found), and honest ones accused."""

    def job(questions: str, ratings: int, i: int, habits: Habits | None = None) -> TrainingJob:
        plan, who = QUESTION_PLANS[questions], FIRST_UNSEEN + i
        return TrainingJob(
            "learner", "pain-to-voice", plan, ratings, who, 1000 * seed + who, habits=habits, refits=False
        )

    found: list[int] = []
    accused: list[bool] = []
    words = []
    for questions in ("signed", "congruence7"):
        for kind, habits in BAD_HABITS.items():
            jobs = [job(questions, DETECT_WITHIN, i, habits) for i in range(n)]
            at = [run.detected_at or DETECT_WITHIN + 1 for run in runs.run(f"{kind}, {questions}", jobs)]
            words.append(f"{kind}, {questions} {sum(a <= DETECT_WITHIN for a in at)}/{n}")
            found += at
        honest = runs.run(f"honest, {questions}", [job(questions, HONEST_RATINGS, i) for i in range(n)])
        accused += [bool(run.verdict) for run in honest]
    figure = distribution("bad_rater_detected_by", np.array(found, float), target={"max": DETECT_WITHIN})
    figures = [msgspec.structs.replace(figure, remark=f"found: {'; '.join(words)}")]
    figure = value("honest_raters_accused", float(np.mean(accused)), n=len(accused))
    remark = f"{sum(accused)} of {len(accused)} within {HONEST_RATINGS} ratings, half of them on each question"
    return [*figures, msgspec.structs.replace(figure, remark=remark)]
