"""Which files of a session's making stood how: a replay with other ones must say so, not just differ."""

from __future__ import annotations

import hashlib
from pathlib import Path

from robopatient.config import SessionConfig, asset_path
from robopatient.errors import AssetError

__all__ = ["changed", "fingerprints"]


def fingerprints(config: SessionConfig) -> dict[str, str]:
    """SHA-256 of every TOML file that pain and expression are computed from, by its kind and name."""
    named = {
        "patients": config.patient,
        "phantoms": config.sensing.phantom,
        "calibration": config.sensing.calibration,
        "expressions": config.expression.preset,
        "scenarios": config.scenario,
    }
    prints = {}
    for kind, name in named.items():
        try:
            path = asset_path(kind, name)
        except AssetError:
            continue  # none named, or not of this kind: a policy's preset may be a folder of weights
        prints[f"{kind}/{name}"] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return prints


def changed(then: dict[str, str], config: SessionConfig) -> list[str]:
    """Files that are not what they were when the session ran."""
    now = fingerprints(config)
    return sorted(name for name, print_then in then.items() if now.get(name) != print_then)
