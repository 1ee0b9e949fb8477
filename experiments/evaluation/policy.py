"""``robopatient policy evaluate``: every method on raters fitted to a user's own trials, and logged trials replayed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.benchmarks.figures import Baseline, Figure, machine, new_result, show, value
from experiments.benchmarks.training_runs import TrainingRuns
from policies.checkpoint import read_weights
from policies.errors import PolicyError, TrialsError
from policies.evaluate import CHECKPOINTS, METHODS, TrainingJob, TrainingResult, quartiles, time_to
from policies.fitted_people import People, fit_people
from policies.offline import offline_value
from policies.plan import QUESTION_PLANS
from policies.rated_trials import RatedTrials, read_rated_trials
from policies.spaces import TASKS, normalised, physical
from policies.statistics.resampling import REPLICATES, Interval, draw_people, percentile_interval
from robopatient.expression.ppo import MOAN_FEMALE_SEMITONES, MOAN_MALE_SEMITONES, Network
from robopatient.expression.prior import Prior

__all__ = ["evaluate", "start_against_prior"]


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
    keep: Path | None = None,
    as_json: bool = False,
) -> None:
    """Score curves of every method for raters fitted to a table of trials, and the replay of logged random trials.

    Parameters
    ----------
    listeners
        CSV of rated trials (see ``policies.rated_trials``); each participant is left out of every prior.
    bandit
        CSV of trials with uniformly random published sounds: the checkpoint, the hand-made prior and the centre are
        valued by inverse propensity and doubly robust estimates.
    seeds
        Training sessions for each participant and method.
    keep
        Folder for finished training sessions: the same command goes on there.
    """
    if listeners is None and bandit is None:
        raise PolicyError("nothing to evaluate on: give --listeners FILE.csv, --bandit FILE.csv, or both")
    unknown = [m for m in methods if m not in METHODS]
    if unknown:
        raise PolicyError(f"no method {unknown[0]!r}; choose among {', '.join(METHODS)}")
    if ratings < 1 or seeds < 1:
        raise PolicyError(f"--ratings {ratings} --seeds {seeds}: both must be at least 1")
    runs = TrainingRuns(keep, workers, ray_address)
    figures: list[Figure] = []
    compared: list[Baseline] = []
    if listeners is not None:
        people = fit_people(read_rated_trials(listeners))
        figures += start_against_prior(people, checkpoint)
        for method in methods:
            questions = QUESTION_PLANS["agree" if people.levels == 4 else "congruence5"]
            if people.levels not in (4, 5, 7):
                raise TrialsError(
                    f"{listeners}: answers on {people.levels} levels; training can be simulated for 4 (choice a-d). "
                    "For trials with agree/disagree use --bandit"
                )
            jobs = [
                TrainingJob(method, "pain-to-voice", questions, ratings, person, 1000 * seed + s, people)
                for person in range(len(people.names))
                for s in range(seeds)
            ]
            found = _curves(runs.run(method, jobs), ratings)
            if method == "learner":
                figures += found
            else:
                compared.append(Baseline(method, found))
    if bandit is not None:
        trials = read_rated_trials(bandit)
        figures += start_against_prior(fit_people(trials), checkpoint, "_to_logged_raters")
        figures += _offline(trials, checkpoint)
    show(new_result("policy", figures, compared, machine(), seed), as_json)


def _curves(runs: Sequence[TrainingResult], ratings: int) -> list[Figure]:
    """Score and P(agree) after some ratings with bootstrap intervals over training sessions; time to target."""
    rng = np.random.default_rng(0)
    figures = []
    for count in (c for c in CHECKPOINTS if c <= ratings):
        scores = np.array([next(s.score for s in run.scores if s.ratings == count) for run in runs])
        merits = np.array([next(s.merit for s in run.scores if s.ratings == count) for run in runs])
        for name, values in ((f"score_{count}", scores), (f"p_agree_{count}", merits)):
            means = values[draw_people(len(values), REPLICATES, rng)].mean(1)
            low, high = percentile_interval(means)
            figures.append(
                Figure(
                    name,
                    value=round(float(values.mean()), 4),
                    quartiles=[round(q, 4) for q in quartiles(values.tolist())],
                    n=len(values),
                    remark=f"mean, 95 % interval {low:.3f} to {high:.3f}",
                )
            )
    times = [time_to(0.8, run.scores) for run in runs]
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
        asked = prior.voice(float(nrs))
        level_db, f0_semitones = asked.level_db, asked.f0_semitones
        rows.append((level_db, 2.0 ** ((f0_semitones - moan) / 12.0)))
    return normalised(space.action, np.array(rows))


def start_against_prior(people: People, checkpoint: str, whose: str = "") -> list[Figure]:
    """Mean P(agree) of the checkpoint, the hand-made prior and the centre before any rating.

    ``whose`` ends the figures' names.
    """
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
    least = {f"checkpoint_{checkpoint}": round(means["hand_made_prior"], 4)}
    return [
        value(f"p_agree_of_{name}{whose}", round(mean, 4), at_least=least.get(name), n=len(people.names))
        for name, mean in means.items()
    ]


def _offline(trials: RatedTrials, checkpoint: str) -> list[Figure]:
    """Value in the logged trials, by importance weighting and doubly robust."""
    _, weights = read_weights(checkpoint, TASKS["pain-to-voice"])
    figures = []
    for name, act in (
        (f"checkpoint_{checkpoint}", Network.of(weights)),
        ("hand_made_prior", _prior_actions),
        ("constant_centre", lambda states: np.zeros((len(states), 2))),
    ):
        found = offline_value(trials, act)
        for kind in ("ips", "snips", "doubly_robust"):
            estimate: Interval = getattr(found, kind)
            remark = f"95 % interval {estimate.low:.3f} to {estimate.high:.3f}; {found.matches} matching trials"
            figures.append(Figure(f"{kind}_of_{name}", value=round(estimate.value, 4), n=found.trials, remark=remark))
    logged = found.logged
    remark = f"95 % interval {logged.low:.3f} to {logged.high:.3f}"
    figures.append(Figure("p_agree_logged", value=round(logged.value, 4), n=found.trials, remark=remark))
    return figures
