"""Weights and a card in one folder: ``weights.npz`` beside ``card.toml``, which holds the hash of the weights."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

__all__ = ["write_frozen"]

CardStruct = TypeVar("CardStruct", bound=msgspec.Struct)


def write_frozen(folder: Path, weights: Mapping[str, np.ndarray], card: CardStruct) -> CardStruct:
    """Write weights and card into a folder; returns the card with the hash of the weights as ``sha256``."""
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.savez(buffer, **{name: weights[name] for name in sorted(weights)})  # type: ignore[arg-type]
    card = msgspec.structs.replace(card, sha256=hashlib.sha256(buffer.getvalue()).hexdigest())
    (folder / "weights.npz").write_bytes(buffer.getvalue())
    (folder / "card.toml").write_text(_toml(msgspec.to_builtins(card)), encoding="utf-8")
    return card


def _toml(card: dict[str, Any]) -> str:
    """Values, then tables, then arrays of tables; strings, numbers and lists of JSON are also those of TOML."""
    rows = {
        key: value
        for key, value in card.items()
        if isinstance(value, tuple) and any(isinstance(row, dict) for row in value)
    }
    tables = {key: value for key, value in card.items() if isinstance(value, dict)}
    lines = _values({key: value for key, value in card.items() if key not in rows and key not in tables})
    for key, table in tables.items():
        lines += ["", f"[{key}]", *_values(table)]
    for key, array in rows.items():
        for row in array:
            lines += ["", f"[[{key}]]", *_values(row)]
    return "\n".join(lines) + "\n"


def _values(table: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]
