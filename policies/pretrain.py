"""The shipped checkpoints: policies trained on randomised listeners, and the commands that made them.

``python -m policies.pretrain`` makes the two psychophysical ones; with ``--trials congruence_trials.csv`` also
``congruence``, the default of a run, from people fitted to real trials (and their population file).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from policies.checkpoint import write_checkpoint
from policies.people import fit_people, read_trials
from policies.populations import FOLDER, hierarchical_prior, write_population
from policies.reward_models import OrdinalModel, ParametricModel, RewardModel
from policies.spaces import TASKS
from policies.train_ppo import PRETRAIN, Weights, train, weights_of
from robopatient.expression.ppo import CHECKPOINTS, Card

__all__ = ["pretrain", "pretrained_weights"]

SOURCE = "5,376 trials of 14 participants, raw data of Nadipineni et al. 2025 (arXiv 2506.11827); fits only, no trials"


def pretrained_weights(
    model: RewardModel, n_state: int, n_action: int, seed: int, on_stage: Callable[[float], None] | None = None
) -> Weights:
    """Weights of a policy trained on listeners drawn from a belief that no rating has touched."""
    worth = model.worth(np.random.default_rng(seed))
    agent = train(lambda s, a: worth(s, a).mean(0), n_state, n_action, seed, PRETRAIN, on_stage=on_stage)
    return weights_of(agent)


def pretrain(
    name: str, task: str, model: RewardModel, title: str, data: str, seed: int = 1, folder: Path = CHECKPOINTS
) -> Card:
    """Train on randomised listeners and write the checkpoint with its stable-baselines3 zip."""
    space = TASKS[task]
    worth = model.worth(np.random.default_rng(seed))
    agent = train(lambda s, a: worth(s, a).mean(0), space.n_observation, space.n_action, seed, PRETRAIN)
    return write_checkpoint(
        folder / name,
        space,
        weights_of(agent),
        title=title,
        data=data,
        training={"seed": seed, "listeners": 64, **msgspec.to_builtins(PRETRAIN)},
        agent=agent,
    )


def main() -> None:
    """Make the shipped checkpoints anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=Path, help="congruence_trials.csv: also make the checkpoint from people")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
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
        model = ParametricModel(space.n_observation, space.n_action, arguments.seed)
        print(pretrain(name, task, model, title, drawn, arguments.seed).sha256[:12], name)
    if arguments.trials:
        people = fit_people(read_trials(arguments.trials))
        write_population(FOLDER / "congruence.toml", people, SOURCE)
        prior = hierarchical_prior(people.parameters.mean(0), np.cov(people.parameters.T))
        title = "Pre-trained on listeners drawn from the population of fitted people: level and f0"
        card = pretrain("congruence", "pain-to-voice", OrdinalModel(1, 2, prior), title, SOURCE, arguments.seed)
        print(card.sha256[:12], "congruence")


if __name__ == "__main__":
    main()
