"""Portable policies: a card in TOML beside the weights, readable by a patient that has numpy alone.

Writing is here, reading is the patient's (``robopatient.expression.ppo``). The stable-baselines3 zip lies beside for
research; the weights are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policies.errors import PolicyError
from policies.frozen import write_frozen
from policies.spaces import Task
from robopatient.expression.ppo import CHECKPOINTS, Card, checkpoint_folder, read_checkpoint

if TYPE_CHECKING:
    from stable_baselines3 import PPO

    from policies.train_ppo import Weights

__all__ = ["list_checkpoints", "read_weights", "starting_point", "write_checkpoint"]


def write_checkpoint(
    folder: Path,
    task: Task,
    weights: Weights,
    *,
    title: str,
    data: str,
    training: Mapping[str, Any],
    prior: str = "congruence",
    agent: PPO | None = None,
) -> Card:
    """Write ``card.toml`` and ``weights.npz`` (and ``sb3.zip`` when the agent is given) into a folder."""
    card = Card(
        name=folder.name,
        title=title,
        prior=prior,
        sha256="0" * 64,
        observation=task.observation,
        action=task.action,
        data=data,
        training=dict(training),
        versions={name: version(name) for name in ("robopatient", "stable-baselines3", "gymnasium", "torch", "numpy")},
    )
    card = write_frozen(folder, weights, card)
    if agent is not None:
        agent.save(folder / "sb3.zip")
    return card


def read_weights(name: str, task: Task) -> tuple[Card, Weights]:
    """Checkpoint to start from, by name or folder.

    Raises
    ------
    AssetError
        When it cannot be read.
    PolicyError
        When it was trained in other spaces than the task's.
    """
    folder = checkpoint_folder(name)
    card, weights = read_checkpoint(folder)
    for what in ("observation", "action"):
        has, wanted = getattr(card, what), getattr(task, what)
        if tuple((d.name, d.low, d.high) for d in has) != tuple((d.name, d.low, d.high) for d in wanted):
            raise PolicyError(
                f"{folder}: its {what} is {_axes(has)}, the task {task.name} has {_axes(wanted)}; "
                "choose another checkpoint or task"
            )
    return card, weights


def starting_point(task: Task) -> str:
    """Shipped checkpoint to start a task from: pre-trained on parametric listeners."""
    return "psychophysical" if task.n_action == 2 else f"psychophysical-{task.n_action}d"


def _axes(dimensions: tuple[Any, ...]) -> str:
    return ", ".join(f"{d.name} [{d.low:g}, {d.high:g}] {d.unit}" for d in dimensions)


def list_checkpoints(folder: Path = CHECKPOINTS) -> list[tuple[Path, Card]]:
    """All checkpoints below a folder."""
    return [(path.parent, read_checkpoint(path.parent)[0]) for path in sorted(folder.glob("*/card.toml"))]
