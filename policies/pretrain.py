"""The shipped checkpoints: policies trained on randomised listeners, and the commands that made them.

``python -m policies.pretrain`` makes the two psychophysical ones; with ``--trials congruence_trials.csv``
it makes ``congruence``, the default of a run, from people fitted to real trials (and their population file).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec
import numpy as np

from policies.checkpoint import write_checkpoint
from policies.people import fit_people, read_trials
from policies.plan import PRETRAIN
from policies.populations import FOLDER, write_population
from policies.reward_models import ParametricModel, Worth, ordinal_worth
from policies.spaces import TASKS
from policies.train_ppo import train, weights_of
from robopatient.expression.ppo import CHECKPOINTS, Card

__all__ = ["pretrain"]

SOURCE = "5,376 trials of 14 participants, raw data of Nadipineni et al. 2025 (arXiv 2506.11827); fits only, no trials"


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
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if not arguments.trials:
        _parametric(arguments.seed)
    else:
        people = fit_people(read_trials(arguments.trials))
        mean, covariance = people.parameters.mean(0), np.cov(people.parameters.T)
        write_population(FOLDER / "congruence.toml", mean, covariance, len(people.names), SOURCE)
        randomised = people.randomised(np.random.default_rng(arguments.seed))
        worth = ordinal_worth(randomised, randomised.shape[1] - people.levels + 1)
        title = "Pre-trained on listeners randomised about fitted people: level and f0"
        print(pretrain("congruence", "pain-to-voice", worth, title, SOURCE, arguments.seed).sha256[:12], "congruence")


def _parametric(seed: int) -> None:
    drawn = "listeners drawn from the prior of policies.listeners.Psychophysics; no data"
    for name, task, title in (
        ("psychophysical", "pain-to-voice", "Pre-trained on parametric listeners: level and f0"),
        (
            "psychophysical-6d",
            "pain-to-expression",
            "Pre-trained on parametric listeners: voice and face, six dimensions",
        ),
    ):
        space = TASKS[task]
        model = ParametricModel(space.n_observation, space.n_action, seed)
        worth = model.worth(np.random.default_rng(seed))
        print(pretrain(name, task, worth, title, drawn, seed).sha256[:12], name)


if __name__ == "__main__":
    main()
