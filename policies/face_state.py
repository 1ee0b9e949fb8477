"""A training that was interrupted, on disk: tensors as safetensors, the rest as JSON; nothing is ever unpickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from policies.errors import PolicyError
from policies.face_trainer import FaceTrainer, FaceTraining

__all__ = ["has_state", "load_state", "save_state"]


def _paths(folder: Path, rank: int) -> tuple[Path, Path]:
    return folder / f"state-{rank}.safetensors", folder / f"state-{rank}.json"


def has_state(folder: Path, rank: int = 0) -> bool:
    """Whether a training can go on from a folder."""
    return all(path.exists() for path in _paths(folder, rank))


def save_state(folder: Path, trainer: FaceTrainer, rank: int = 0) -> None:
    """Write where the training is; the old state stays until the new one is whole."""
    tensors, rest = trainer.state()
    big, small = _paths(folder, rank)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(big.with_suffix(".new")), metadata={"rest": json.dumps(rest)})
    big.with_suffix(".new").replace(big)
    small.write_text(json.dumps({"at": rest["at"], "training": rest["training"]}, indent=1) + "\n", encoding="utf-8")


def load_state(folder: Path, trainer: FaceTrainer, rank: int = 0) -> None:
    """Go on where ``save_state`` left off.

    Raises
    ------
    PolicyError
        When there is nothing to go on from, it cannot be read, or it was another training.
    """
    big, _ = _paths(folder, rank)
    if not has_state(folder, rank):
        raise PolicyError(f"{folder}: no interrupted training here; start one without --resume")
    try:
        from safetensors import safe_open

        with safe_open(str(big), "pt") as file:
            rest: dict[str, Any] = json.loads(file.metadata()["rest"])
        tensors = load_file(str(big))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise PolicyError(f"{big}: cannot be read ({error}); start again without --resume") from error
    then = msgspec.convert(rest["training"], FaceTraining)
    if _fixed(then) != _fixed(trainer.config):
        changed = [
            name
            for name in FaceTraining.__struct_fields__
            if getattr(_fixed(then), name) != getattr(_fixed(trainer.config), name)
        ]
        raise PolicyError(
            f"{folder}: was trained with another [{'], ['.join(changed)}]; put it back, or start again without --resume"
        )
    trainer.restore(tensors, rest)


def _fixed(config: FaceTraining) -> FaceTraining:
    """What must not change when a training goes on; more updates of the last stage may be asked for."""
    last = msgspec.structs.replace(config.guidance, steps=0)
    return msgspec.structs.replace(config, guidance=last, keep=msgspec.structs.replace(config.keep, save_s=60.0))
