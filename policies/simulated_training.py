"""A policy taught by a simulated rater, in the trainer process that people teach it in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from firmware_bridge.outputs import claim_folder
from policies.checkpoint import starting_point
from policies.errors import PolicyError
from policies.fitted_people import People
from policies.plan import QUESTION_PLANS, TrainingPlan, keyed
from policies.plots import draw_training
from policies.populations import write_population
from policies.ratings_log import RatingsLog
from policies.simulated_raters import Simulated, simulated_rater
from policies.spaces import TASKS, example_states, normalised, physical
from robopatient.errors import require

if TYPE_CHECKING:
    from policies.training_session import Progress, TrainingSession

__all__ = ["Taught", "train"]


LINE_EVERY = 10
"""Ratings between lines when the output is piped."""


class Taught(NamedTuple):
    """Where a training lies and what came of it.

    ``worth``, 0 to 1, is expected of the policy: median and 90 % interval; ``merit``, 0 to 1, is its true worth to the
    rater; ``frozen`` is why adapting stopped, "" when it did not.
    """

    folder: str
    answers: int
    worth: tuple[float, float, float]
    merit: float
    frozen: str
    checkpoint: str
    curve: str


def train(
    *,
    simulate: str = "psychophysical",
    out: Path | None = None,
    task: str = "pain-to-voice",
    question_name: str = "",
    ratings: int = 100,
    start: str = "",
    seed: int = 1,
    trust: bool = False,
    quiet: bool = False,
) -> Taught:
    """Teach a policy by a simulated rater; the same folder again goes on where it stopped.

    Parameters
    ----------
    simulate
        Name of a rater, see ``policies.simulated_raters.SIMULATED``.
    out
        Folder of the training session: ratings.sqlite, curve.png, policy/ (the checkpoint).
    question_name
        One of ``QUESTION_PLANS``; "" takes the signed scale, or for a fitted person the published 4 levels.
    start
        Checkpoint to start from; "" takes the shipped one of the task.
    trust
        Go on adapting even though the rater was found to be unreliable.
    quiet
        Show no progress.
    """
    if task not in TASKS:
        raise PolicyError(f"no task {task!r}; choose one of {', '.join(TASKS)}")
    if ratings < 1:
        raise PolicyError(f"--ratings {ratings}: at least 1 is needed")
    for module, extra in (("stable_baselines3", "train"), ("matplotlib", "study")):
        if find_spec(module) is None:
            require(module, extra)
    simulated = simulated_rater(simulate, TASKS[task])
    folder = out or Path("lessons") / f"{task}-{simulate.replace('/', '_').replace(':', '-')}-seed{seed}"
    claim_folder(folder)
    with closing(_begin(simulated, folder, task, question_name, start, seed)) as session:
        last = session.progress()
        merits = {last.answers: _merit(simulated, task, last)}
        if trust and last.frozen:
            session.trust()
            last = session.progress()
        with _show(ratings, quiet, merits) as show:
            show(last)
            while last.answers < ratings:
                last = _one_trial(session, simulated, seed, last.answers)
                merits[last.answers] = _merit(simulated, task, last)
                show(last)
        session.save(simulate)
    checkpoint = str(folder / "policy")
    curve = _draw(folder, task, last, merits)
    return Taught(str(folder), last.answers, last.worth, merits[last.answers], last.frozen, checkpoint, str(curve))


def _begin(simulated: Simulated, folder: Path, task: str, question_name: str, start: str, seed: int) -> TrainingSession:
    """A new training session, or the one that the folder already holds."""
    from policies.training_session import TrainingSession  # torch: not for those who only list policies

    asked = question_name or ("agree" if simulated.people else "signed")
    if asked not in QUESTION_PLANS:
        raise PolicyError(f"no question {asked!r}; choose one of {', '.join(QUESTION_PLANS)}")
    population = ""
    if simulated.people is not None:
        population = str(_others(simulated.people, simulated.person, folder))
    if not start:
        start = "congruence" if population else starting_point(TASKS[task])
    space = TASKS[task]
    plan = TrainingPlan(space.n_observation, space.n_action, QUESTION_PLANS[asked], seed=seed)
    return TrainingSession(folder, task, plan, start, population)


def _others(people: People, person: int, folder: Path) -> Path:
    """Population file of all others: the person's own answers must not be known beforehand."""
    path = folder / "population.toml"
    if not path.is_file():
        mean, covariance = people.others(person)
        write_population(path, mean, covariance, len(people.names) - 1, f"all but {people.names[person]}")
    return path


def _one_trial(session: TrainingSession, simulated: Simulated, seed: int, index: int) -> Progress:
    """Press, hear, answer: presses and answers follow from (seed, trial), so a resumed training is the same one."""
    space = session.task.observation
    state = keyed(seed, index, "press").uniform(-1.0, 1.0, len(space))
    trial = session.press(physical(space, state).tolist())
    answered = keyed(seed, index, "answer")
    rating = simulated.rater.answer(trial.question, state[None], trial.action[None], answered, index)[0]
    return session.rated(trial, float(rating))


def _merit(simulated: Simulated, task: str, progress: Progress) -> float:
    """True worth of the policy for the simulated rater, over evenly spaced presses."""
    space = TASKS[task]
    states = example_states(space.n_observation, len(progress.observed))
    shown = np.stack([progress.shown[d.name] for d in space.action], axis=1)
    return float(simulated.rater.listener.merit(states, normalised(space.action, shown)).mean())


@contextmanager
def _show(ratings: int, quiet: bool, merits: dict[int, float]) -> Iterator[Callable[[Progress], None]]:
    """Something to call with each progress: a bar on a terminal, a line every ``LINE_EVERY`` ratings when piped."""

    def words(p: Progress) -> str:
        low, high = p.worth[1:]
        kept = (
            f", repeats agree {p.consistency.identical:.0%} of {p.consistency.repeats}" if p.consistency.repeats else ""
        )
        frozen = f", FROZEN ({p.frozen})" if p.frozen else ""
        worth = f"worth {p.worth[0]:.2f} [{low:.2f}, {high:.2f}], true {merits[p.answers]:.2f}"
        return f"{worth}, model {p.model}{kept}{frozen}"

    if quiet or not sys.stdout.isatty():

        def line(p: Progress) -> None:
            if not quiet and (p.answers % LINE_EVERY == 0 or p.answers == ratings):
                print(f"{p.answers:4d} / {ratings} ratings: {words(p)}", flush=True)

        yield line
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    with Bar(
        TextColumn("ratings"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    ) as bar:
        job = bar.add_task("", total=ratings)
        yield lambda p: bar.update(job, completed=p.answers, description=words(p))


def _draw(folder: Path, task: str, last: Progress, merits: dict[int, float]) -> Path:
    """Learning curve and map as a picture beside the log."""
    log = RatingsLog(folder / "ratings.sqlite")
    points = {n: point | ({"merit": merits[n]} if n in merits else {}) for n, point in log.points().items()}
    log.close()
    space, path = TASKS[task], folder / "curve.png"
    draw_training(
        path,
        points,
        last.observed,
        last.shown,
        space.observation[0],
        space.action,
        f"{folder.name}: {last.answers} ratings",
    )
    return path
