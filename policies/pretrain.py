"""The shipped checkpoints: policies trained on randomised listeners, and the commands that made them.

``python -m policies.pretrain`` makes the psychophysical ones; with ``--trials congruence_trials.csv --bandit
bandit_trials.csv`` it makes ``congruence``, the default of a run, from people fitted to real trials.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec
import numpy as np

from policies.checkpoint import write_checkpoint
from policies.fitted_people import People, fit_people
from policies.plan import PRETRAIN
from policies.populations import FOLDER, write_population
from policies.rated_trials import read_rated_trials
from policies.reward_models import ParametricModel, Worth, ordinal_worth
from policies.spaces import TASKS
from policies.train_ppo import train, weights_of
from robopatient.expression.ppo import CHECKPOINTS, Card

__all__ = ["pretrain"]

SOURCE = "5,376 trials of 14 participants, raw data of Nadipineni et al. 2025 (arXiv 2506.11827); fits only, no trials"
BOTH = f"{SOURCE}; and 664 of 3 participants (arXiv 2506.11906)"

BANDIT_SHARE = 0.05
"""Weight of the second study: 11 % of the trials, and an agree/disagree answer tells about half of a 4-level one."""

DRAWS_EACH = 64
"""Listeners drawn about every fitted person."""


def pretrain(name: str, task: str, worth: Worth, title: str, data: str, seed: int, folder: Path = CHECKPOINTS) -> Card:
    """Train for the mean worth over randomised listeners; write the checkpoint with its stable-baselines3 zip."""
    space = TASKS[task]
    agent = train(lambda s, a: worth(s, a).mean(0), space.n_observation, space.n_action, seed, PRETRAIN)
    return write_checkpoint(
        folder / name,
        space,
        weights_of(agent),
        title=title,
        data=data,
        training={"seed": seed, **msgspec.to_builtins(PRETRAIN)},
        agent=agent,
    )


def main() -> None:
    """Make the shipped checkpoints anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=Path, help="congruence_trials.csv: make the checkpoint from people instead")
    parser.add_argument("--only", default="", help="make this one of the checkpoints from parametric listeners alone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bandit", type=Path, help="bandit_trials.csv: the second study's people")
    arguments = parser.parse_args()
    if bool(arguments.trials) != bool(arguments.bandit):
        parser.error("the checkpoint from people needs both --trials and --bandit")
    if not arguments.trials:
        _parametric(arguments.seed, arguments.only)
    else:
        people = fit_people(read_rated_trials(arguments.trials))
        mean, covariance = people.parameters.mean(0), np.cov(people.parameters.T)
        write_population(FOLDER / "congruence.toml", mean, covariance, len(people.names), SOURCE)
        worth = _of_people(people, fit_people(read_rated_trials(arguments.bandit)), arguments.seed)
        title = "Pre-trained on listeners randomised about fitted people: level and f0"
        print(pretrain("congruence", "pain-to-voice", worth, title, BOTH, arguments.seed).sha256[:12], "congruence")


def _of_people(first: People, second: People, seed: int) -> Worth:
    """Mean worth to the people of both studies, as one row."""
    rng = np.random.default_rng(seed)
    worths = []
    for people in (first, second):
        drawn = people.randomised(rng, DRAWS_EACH)
        worths.append(ordinal_worth(drawn, drawn.shape[1] - people.levels + 1))
    shares = (1.0 - BANDIT_SHARE, BANDIT_SHARE)
    return lambda s, a: sum(share * w(s, a).mean(0, keepdims=True) for share, w in zip(shares, worths, strict=True))


def _parametric(seed: int, only: str) -> None:
    drawn = "listeners drawn from the prior of policies.listeners.ListenerFamily; no data"
    for name, task, title in (
        ("psychophysical", "pain-to-voice", "Pre-trained on parametric listeners: level and f0"),
        ("psychophysical-3d", "pain-to-voice-and-face", "Pre-trained on parametric listeners: level, f0 and face"),
        (
            "psychophysical-6d",
            "pain-to-expression",
            "Pre-trained on parametric listeners: voice and face, six dimensions",
        ),
    ):
        if only not in ("", name):
            continue
        space = TASKS[task]
        model = ParametricModel(space.n_observation, space.n_action, seed)
        worth = model.worth(np.random.default_rng(seed))
        print(pretrain(name, task, worth, title, drawn, seed).sha256[:12], name)


if __name__ == "__main__":
    main()
