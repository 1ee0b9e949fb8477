"""Raters by name, for training sessions without a person: what ``policy train --simulate`` takes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from policies.errors import PolicyError
from policies.fitted_people import People, fit_people
from policies.listeners import Habits, SimulatedRater, draw_listener
from policies.rated_trials import read_rated_trials
from policies.spaces import Task

__all__ = ["SIMULATED", "Simulated", "simulated_rater"]

SIMULATED: dict[str, str] = {
    "psychophysical": "judges by intensity and naturalness; :N picks the N-th person, for example psychophysical:7",
    "noisy": "the same, twice as noisy",
    "drifting": "the same, hearing everything stronger as the session goes on",
    "reversed": "the same, with the scale backwards",
    "constant": "always gives the same answer",
    "random": "answers at random",
    "FILE.csv": "a person fitted to rated trials; :NAME picks one, for example congruence_trials.csv:P03",
}


class Simulated(NamedTuple):
    """A rater, and for a fitted person all people and the index of this one."""

    rater: SimulatedRater
    people: People | None = None
    person: int = -1


def simulated_rater(text: str, task: Task) -> Simulated:
    """Rater named on the command line.

    Raises
    ------
    PolicyError
        Naming the known ones.
    """
    kind, _, which = text.partition(":")
    if kind.endswith(".csv"):
        people = fit_people(read_rated_trials(Path(kind)))
        if which and which not in people.names:
            raise PolicyError(f"{kind}: no participant {which!r}; choose one of {', '.join(people.names)}")
        if task.n_action != 2 or task.n_observation != 1:
            raise PolicyError(f"people of {kind} judged level and f0 of one force; choose the task pain-to-voice")
        person = people.names.index(which) if which else 0
        return Simulated(
            SimulatedRater(people.listener(person), Habits(lapse=0.0), people.names[person]), people, person
        )
    habits = {
        "psychophysical": Habits(),
        "noisy": Habits(),
        "drifting": Habits(drift_per_100=0.1),
        "reversed": Habits(sign_error=1.0),
        "constant": Habits(constant=4),
        "random": Habits(lapse=1.0),
    }
    if kind not in habits or (which and not which.isdigit()):
        raise PolicyError(f"no simulated listener {text!r}; choose one of {', '.join(SIMULATED)}")
    rng = np.random.default_rng(1000 + int(which or 0))
    listener = draw_listener(rng, task.n_observation, task.n_action, noise=2.0 if kind == "noisy" else 1.0)
    return Simulated(SimulatedRater(listener, habits[kind], text))
