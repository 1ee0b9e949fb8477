"""How good a taught policy becomes with how many ratings, beside simpler ways; and the trainer's timings.

``bench_policy`` measures the targets with fixed seeds; ``evaluate`` does the same for raters fitted to a user's own
table of trials, and replays logged random trials.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from experiments.benchmarks.figures import (
    Baseline,
    Figure,
    distribution,
    machine,
    new_result,
    reference_process,
    show,
    value,
)
from policies.checkpoint import read_weights
from policies.errors import PolicyError, TrialsError
from policies.evaluate import CHECKPOINTS, METHODS, Job, Lesson, quartiles, run_job, time_to
from policies.learner import Learner
from policies.lesson import Lesson as LoggedLesson
from policies.listeners import Habits, Rater, draw_listener
from policies.offline import Estimate, offline_value
from policies.people import People, fit_people, read_trials
from policies.plan import Plan, keyed
from policies.populations import read_population
from policies.scales import question
from policies.spaces import TASKS, normalised, physical
from policies.sweep import sweep
from policies.train_ppo import warm_up
from policies.trainer import Asked, Begin, Pressed, Progress, Rated, Trainer
from policies.verbs import QUESTION_PLANS
from robopatient.expression.ppo import MOAN_FEMALE_SEMITONES, MOAN_MALE_SEMITONES, Network
from robopatient.expression.prior import Prior

LISTENERS = 20
"""Parametric listeners a condition; the same persons for every method."""
BASELINE_METHODS = ("PPO, library defaults", "PPO, tuned", "PPO, pre-trained", "Gaussian process")
DETECT_WITHIN = 60
BAD_HABITS = {
    "constant": Habits(constant=4),
    "reversed": Habits(sign_error=1.0),
    "random": Habits(lapse=1.0),
}
REFITS = 10
GAP_TICK_S = 0.010


class Condition(NamedTuple):
    """One row of the table of targets: where, which question, and the least score after so many ratings."""

    figure: str
    task: str
    questions: str
    targets: dict[int, float]
    merit: bool = False


CONDITIONS = (
    Condition("score_signed", "pain-to-voice", "signed", {40: 0.85, 100: 0.93}),
    Condition("score_unsigned", "pain-to-voice", "congruence7", {40: 0.92, 100: 0.96}),
    Condition("score_6d", "pain-to-expression", "congruence7", {150: 0.85}),
    Condition("p_agree", "pain-to-voice", "agree", {100: 0.625, 200: 0.645}, merit=True),
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
) -> int:
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
    """
    people, remark = _people(listeners, n, seed)
    figures: list[Figure] = []
    compared: dict[str, list[Figure]] = {}
    for condition in CONDITIONS:
        if only and condition.figure not in only:
            continue
        asked = [m for m in BASELINE_METHODS if baselines and condition.questions != "signed"]
        if condition.merit and baselines:
            asked.append("constant centre")
        for method in ("learner", *asked):
            jobs = _jobs(condition, method, people if condition.merit else None, n, seed)
            lessons = _sweep(f"{condition.figure}: {method}", jobs, workers, ray_address)
            found = _figures(condition, lessons, remark if condition.merit else None, target=method == "learner")
            if method == "learner":
                figures += found
            else:
                compared.setdefault(method, []).extend(found)
    if not only or "bad_rater_detected_by" in only:
        figures += _bad_raters(n, seed, workers, ray_address)
    if not only or "refit_s" in only:
        figures.append(_refit_s(seed))
    if not only or "console_gap_ms" in only:
        figures.append(_console_gap_ms(seed))
    if not only or "kill_resume_difference" in only:
        figures.append(_kill_resume_difference(seed))
    show(new_result("policy", figures, [Baseline(k, v) for k, v in compared.items()], machine(), seed), as_json)
    return 0


def evaluate(
    *,
    listeners: Path | None = None,
    bandit: Path | None = None,
    checkpoint: str = "congruence",
    methods: Sequence[str] = METHODS,
    ratings: int = 200,
    seeds: int = 2,
    seed: int = 1,
    workers: int = 0,
    ray_address: str = "",
    as_json: bool = False,
) -> int:
    """Score curves of every method for raters fitted to a table of trials, and the replay of logged random trials.

    Parameters
    ----------
    listeners
        CSV of rated trials (see ``policies.people.read_trials``); each participant is left out of every prior.
    bandit
        CSV of trials with uniformly random published sounds: the checkpoint, the hand-made prior and the centre are
        valued by inverse propensity and doubly robust estimates.
    seeds
        Lessons for each participant and method.
    """
    if listeners is None and bandit is None:
        raise PolicyError("nothing to evaluate on: give --listeners FILE.csv, --bandit FILE.csv, or both")
    unknown = [m for m in methods if m not in METHODS]
    if unknown:
        raise PolicyError(f"no method {unknown[0]!r}; choose among {', '.join(METHODS)}")
    if ratings < 1 or seeds < 1:
        raise PolicyError(f"--ratings {ratings} --seeds {seeds}: both must be at least 1")
    figures: list[Figure] = []
    compared: list[Baseline] = []
    if listeners is not None:
        people = fit_people(read_trials(listeners))
        figures += _start_against_prior(people, checkpoint)
        for method in methods:
            questions = QUESTION_PLANS["agree" if people.levels == 4 else "congruence5"]
            if people.levels not in (4, 5, 7):
                raise TrialsError(
                    f"{listeners}: answers on {people.levels} levels; lessons can be simulated for 4 (choice a-d). "
                    "For trials with agree/disagree use --bandit"
                )
            jobs = [
                Job(method, "pain-to-voice", questions, ratings, person, 1000 * seed + s, people)
                for person in range(len(people.names))
                for s in range(seeds)
            ]
            found = _curves(_sweep(method, jobs, workers, ray_address), ratings)
            if method == "learner":
                figures += found
            else:
                compared.append(Baseline(method, found))
    if bandit is not None:
        figures += _offline(bandit, checkpoint)
    show(new_result("policy", figures, compared, machine(), seed), as_json)
    return 0


def _people(listeners: Path | None, n: int, seed: int) -> tuple[People, str | None]:
    """Fitted people, or as many drawn from the shipped population."""
    if listeners is not None:
        return fit_people(read_trials(listeners)), None
    prior = read_population("congruence")
    root = np.linalg.cholesky(prior.precision)
    rng = np.random.default_rng((seed, 20))
    rows = prior.mean + np.linalg.solve(root.T, rng.standard_normal((len(prior.mean), n))).T
    rows[:, -3:] = np.sort(rows[:, -3:], axis=1)
    names = tuple(f"drawn-{i}" for i in range(n))
    precisions = np.tile(prior.precision, (n, 1, 1))
    people = People(names, rows, precisions, prior.mean, float("nan"), {}, 4)
    return people, "listeners drawn from the shipped population; give --listeners FILE.csv for real people left out"


def _jobs(condition: Condition, method: str, people: People | None, n: int, seed: int) -> list[Job]:
    ratings, questions = max(condition.targets), QUESTION_PLANS[condition.questions]
    persons = n if people is None else len(people.names)
    repeats = 1 if people is None else -(-n // persons)
    return [
        Job(method, condition.task, questions, ratings, person, 1000 * seed + 100 * repeat + person, people)
        for person in range(persons)
        for repeat in range(repeats)
    ]


def _sweep(what: str, jobs: Sequence[Job], workers: int, ray_address: str) -> list[Lesson]:
    with _bar(what, len(jobs)) as done:
        return sweep(run_job, jobs, workers=workers, ray_address=ray_address, on_result=done)


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, else a line at the end; on stderr, because stdout is the result's."""
    if not sys.stderr.isatty():
        begin = time.perf_counter()
        yield lambda done: None
        print(f"{what}: {total} lessons in {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        job = bar.add_task(what, total=total)
        yield lambda done: bar.update(job, completed=done)


def _figures(condition: Condition, lessons: Sequence[Lesson], remark: str | None, target: bool) -> list[Figure]:
    figures = []
    for ratings, least in condition.targets.items():
        scores = [next(s for s in lesson.scores if s.ratings == ratings) for lesson in lessons]
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


def _bad_raters(n: int, seed: int, workers: int, ray_address: str) -> list[Figure]:
    """Ratings until a bad rater is found out (one more than looked at: not found), and honest ones accused."""
    each = max(1, -(-n // len(BAD_HABITS)))
    figures = []

    def job(plan: tuple[str, ...], ratings: int, i: int, habits: Habits | None = None) -> Job:
        # Other persons than those by whom the check's thresholds were chosen (0 to 39).
        return Job(
            "learner", "pain-to-voice", plan, ratings, 100 + i, 1000 * seed + 100 + i, habits=habits, refits=False
        )

    for questions in ("signed", "congruence7"):
        plan = QUESTION_PLANS[questions]
        bad = [job(plan, DETECT_WITHIN, i, habits) for habits in BAD_HABITS.values() for i in range(each)]
        lessons = _sweep(f"bad raters, {questions}", bad, workers, ray_address)
        found = np.array([lesson.detected_at or DETECT_WITHIN + 1 for lesson in lessons], float)
        honest = [job(plan, 100, i) for i in range(n)]
        accused = sum(
            bool(lesson.verdict) for lesson in _sweep(f"honest raters, {questions}", honest, workers, ray_address)
        )
        by_kind = ", ".join(
            f"{kind} {sum(found[k * each : (k + 1) * each] <= DETECT_WITHIN)}/{each}"
            for k, kind in enumerate(BAD_HABITS)
        )
        figure = distribution("bad_rater_detected_by", found, target={"max": DETECT_WITHIN})
        remark = f"question {questions}; found: {by_kind}; honest raters wrongly accused within 100: {accused}/{n}"
        figures.append(msgspec.structs.replace(figure, remark=remark))
    return figures


def _refit_s(seed: int) -> Figure:
    """Wall time of a refit after 60 ratings, in this process on one thread."""
    listener = draw_listener(np.random.default_rng(1000 + seed))
    learner = Learner(Plan(seed=seed, refit_every=10**9), read_weights("psychophysical", TASKS["pain-to-voice"])[1])
    rater = Rater(listener)
    for index in range(60):
        trial = learner.suggest(keyed(seed, index, "press").uniform(-1.0, 1.0, 1))
        answer = rater.answer(trial.question, trial.state[None], trial.action[None], keyed(seed, index, "answer"))
        learner.tell(trial, int(answer[0]))
    warm_up()  # as the trainer's process does before the first press
    wall, cpu = [], []
    for _ in range(REFITS):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        learner.refit()
        wall.append(time.perf_counter() - begin)
        cpu.append(time.process_time() - begin_cpu)
    figure = distribution("refit_s", np.array(wall), target={"max": 2.0})
    return msgspec.structs.replace(figure, remark=f"processor time: median {np.median(cpu):.2f}, max {max(cpu):.2f} s")


def _lesson_in_process(
    trainer: Trainer, folder: Path, seed: int, ratings: int, while_waiting: Callable[[], None]
) -> int:
    """Drive a lesson with the trainer in its own process; returns the ratings confirmed."""
    listener = draw_listener(np.random.default_rng(1000 + seed))
    rater, space = Rater(listener), TASKS["pain-to-voice"]

    def ask(order: Begin | Pressed | Rated) -> object:
        trainer.send(order)
        while (reply := trainer.receive(0.0)) is None:
            while_waiting()
        return reply

    progress = ask(Begin(str(folder), plan=Plan(seed=seed)))
    assert isinstance(progress, Progress), progress
    while progress.answers < ratings:
        index = progress.answers
        state = keyed(seed, index, "press").uniform(-1.0, 1.0, 1)
        asked = ask(Pressed(tuple(physical(space.observation, state).tolist())))
        assert isinstance(asked, Asked), asked
        answer = rater.answer(
            question(asked.question), state[None], np.array([asked.coordinates]), keyed(seed, index, "answer"), index
        )
        progress = ask(Rated(index, float(answer[0])))
        assert isinstance(progress, Progress), progress
    return progress.answers


def _console_gap_ms(seed: int) -> Figure:
    """Gaps between ticks of a 10 ms loop (a console) while the trainer learns in its own process."""
    ticks: list[int] = []

    def tick() -> None:
        time.sleep(GAP_TICK_S)
        ticks.append(time.monotonic_ns())

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with reference_process(folder) as reference, Trainer() as trainer:
            _lesson_in_process(trainer, folder / "lesson", seed, 60, tick)
        times = np.array(ticks, np.int64)
        gaps_ms = np.diff(times) * 1e-6
        calm = reference[0].calm(times[:-1], times[1:]) if reference else np.ones(len(gaps_ms), bool)
    return distribution("console_gap_ms", gaps_ms, calm, target={"max": 100.0})


def _kill_resume_difference(seed: int) -> Figure:
    """Largest difference of weights and next action between a lesson killed twice and an uninterrupted one."""
    state = np.array([0.25])
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / "whole", Path(name) / "killed"]
        with Trainer() as trainer:
            _lesson_in_process(trainer, folders[0], seed, 45, lambda: time.sleep(0.001))
        for stop in (17, 30, 45):
            trainer = Trainer()
            confirmed = _lesson_in_process(trainer, folders[1], seed, stop, lambda: time.sleep(0.001))
            assert confirmed == stop
            if stop < 45 and trainer.pid:
                os.kill(trainer.pid, signal.SIGKILL)
            trainer.close()
        lessons = [LoggedLesson(folder) for folder in folders]
        actions = [lesson.suggest(state).action for lesson in lessons]
        weights = [lesson.learner.weights for lesson in lessons]
        worst = max(
            float(np.abs(actions[0] - actions[1]).max()),
            *(float(np.abs(weights[0][k] - weights[1][k]).max()) for k in weights[0]),
        )
        for lesson in lessons:
            lesson.close()
    return value("kill_resume_difference", worst, at_most=0.0, n=45)


def _curves(lessons: Sequence[Lesson], ratings: int) -> list[Figure]:
    """Score and P(agree) after some ratings with bootstrap intervals over lessons; time to target."""
    rng = np.random.default_rng(0)
    figures = []
    for count in (c for c in CHECKPOINTS if c <= ratings):
        scores = np.array([next(s.score for s in lesson.scores if s.ratings == count) for lesson in lessons])
        merits = np.array([next(s.merit for s in lesson.scores if s.ratings == count) for lesson in lessons])
        for name, values in ((f"score_{count}", scores), (f"p_agree_{count}", merits)):
            means = values[rng.integers(len(values), size=(1000, len(values)))].mean(1)
            low, high = np.quantile(means, (0.025, 0.975))
            figures.append(
                Figure(
                    name,
                    value=round(float(values.mean()), 4),
                    quartiles=[round(q, 4) for q in quartiles(values.tolist())],
                    n=len(values),
                    remark=f"mean, 95 % interval {low:.3f} to {high:.3f}",
                )
            )
    times = [time_to(0.8, lesson.scores) for lesson in lessons]
    reached = [t for t in times if np.isfinite(t)]
    median = float(np.median(times))
    figures.append(
        Figure(
            "ratings_to_score_0.8",
            value=median if np.isfinite(median) else None,
            n=len(times),
            remark=f"median; reached by {len(reached)} of {len(times)}",
        )
    )
    return figures


def _prior_actions(states: np.ndarray) -> np.ndarray:
    """What the hand-made prior does, in the normalised actions of pain-to-voice."""
    space, prior = TASKS["pain-to-voice"], Prior("congruence")
    moan = (MOAN_MALE_SEMITONES + MOAN_FEMALE_SEMITONES) / 2.0
    rows = []
    for nrs in physical(space.observation, states)[:, 0]:
        level_db, f0_semitones = prior.voice(float(nrs))[:2]
        rows.append((level_db, 2.0 ** ((f0_semitones - moan) / 12.0)))
    return normalised(space.action, np.array(rows))


def _start_against_prior(people: People, checkpoint: str) -> list[Figure]:
    """Mean P(agree) of the checkpoint, the hand-made prior and the centre before any rating."""
    _, weights = read_weights(checkpoint, TASKS["pain-to-voice"])
    states = np.linspace(-1.0, 1.0, 64)[:, None]
    rows = {
        f"checkpoint_{checkpoint}": Network.of(weights)(states),
        "hand_made_prior": _prior_actions(states),
        "constant_centre": np.zeros((len(states), 2)),
    }
    means = {
        name: float(np.mean([people.listener(i).merit(states, actions).mean() for i in range(len(people.names))]))
        for name, actions in rows.items()
    }
    least = means["hand_made_prior"]
    return [
        value(f"p_agree_of_{name}", round(mean, 4), at_least=round(least, 4) if k == 0 else None, n=len(people.names))
        for k, (name, mean) in enumerate(means.items())
    ]


def _offline(bandit: Path, checkpoint: str) -> list[Figure]:
    """Value in the logged trials, by importance weighting and doubly robust."""
    trials = read_trials(bandit)
    _, weights = read_weights(checkpoint, TASKS["pain-to-voice"])
    figures = []
    for name, act in (
        (f"checkpoint_{checkpoint}", Network.of(weights)),
        ("hand_made_prior", _prior_actions),
        ("constant_centre", lambda states: np.zeros((len(states), 2))),
    ):
        found = offline_value(trials, act)
        for kind in ("ips", "snips", "doubly_robust"):
            estimate: Estimate = getattr(found, kind)
            remark = f"95 % interval {estimate.low:.3f} to {estimate.high:.3f}; {found.matches} matching trials"
            figures.append(Figure(f"{kind}_of_{name}", value=round(estimate.mean, 4), n=found.trials, remark=remark))
    logged = found.logged
    remark = f"95 % interval {logged.low:.3f} to {logged.high:.3f}"
    figures.append(Figure("p_agree_logged", value=round(logged.mean, 4), n=found.trials, remark=remark))
    return figures
