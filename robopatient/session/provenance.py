"""Hashes of the input files of a session, compared on replay: a replay with changed files must say so."""

from __future__ import annotations

import hashlib
from pathlib import Path

from robopatient.config import SessionConfig, asset_path
from robopatient.errors import AssetError
from robopatient.expression.ppo import checkpoint_folder, read_checkpoint
from robopatient.study.study import study_folder

__all__ = ["changed", "fingerprints"]


def fingerprints(config: SessionConfig) -> dict[str, str]:
    """SHA-256 of every file that pain and expression are computed from, by its kind and name."""
    prints = {}
    preset = config.expression.preset
    if config.expression.kind == "ppo":
        card, _ = read_checkpoint(checkpoint_folder(preset))
        prints[f"checkpoints/{preset}"], preset = card.sha256, card.prior
    named = {
        "patients": config.patient,
        "phantoms": config.sensing.phantom,
        "calibration": config.sensing.calibration,
        "expressions": preset,
        "scenarios": config.scenario,
    }
    for kind, name in named.items():
        try:
            path = asset_path(kind, name)
        except AssetError:
            continue  # none named, or a preset of a policy of one's own
        prints[f"{kind}/{name}"] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return prints | _study_prints(config.study.name)


def _study_prints(name: str) -> dict[str, str]:
    """A study's own files; a folder that is gone has none."""
    if not name:
        return {}
    try:
        files = sorted(study_folder(name).glob("*.toml")) + sorted(study_folder(name).glob("*.py"))
    except AssetError:
        return {}
    return {f"studies/{name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def changed(then: dict[str, str], config: SessionConfig) -> list[str]:
    """Files that are not what they were when the session ran."""
    now = fingerprints(config)
    return sorted(name for name, print_then in then.items() if now.get(name) != print_then)
