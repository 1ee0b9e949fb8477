"""The constants of the corpus, each with what it rests on, read from ``recipe.toml`` beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from policies.errors import PolicyError
from robopatient.config import decode_toml
from robopatient.errors import AssetError, ConfigError

__all__ = ["CorpusRecipe", "RecipeConstant", "load_recipe"]


class RecipeConstant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number (or a few), whether it was published, and where or why."""

    value: float | tuple[float, ...]
    basis: Literal["evidence", "assumption"]
    source: str


class CorpusRecipe(msgspec.Struct, frozen=True):
    """All constants by dotted name: ``recipe("course.decay_s")``."""

    constants: dict[str, RecipeConstant]

    def __call__(self, name: str) -> float:
        """Value of a constant that is one number."""
        value = self.constants[name].value
        if not isinstance(value, float):
            raise PolicyError(f"corpus recipe: {name} is {value}, expected one number")
        return value

    def pair(self, name: str) -> tuple[float, float]:
        """Value of a constant that is a range or a pair."""
        value = self.constants[name].value
        if isinstance(value, float) or len(value) != 2:
            raise PolicyError(f"corpus recipe: {name} is {value}, expected two numbers")
        return value[0], value[1]

    def row(self, name: str) -> tuple[float, ...]:
        """Value of a constant that is a list."""
        value = self.constants[name].value
        if isinstance(value, float):
            raise PolicyError(f"corpus recipe: {name} is {value}, expected a list of numbers")
        return value

    def units(self, archetype: str) -> dict[str, tuple[float, float]]:
        """Occurrence and weight of every unit that an archetype shows."""
        prefix = f"archetype.{archetype}."
        return {name.removeprefix(prefix): self.pair(name) for name in self.constants if name.startswith(prefix)}

    def with_(self, **changes: float) -> CorpusRecipe:
        """The recipe with some constants replaced; dots of their names written as ``__``."""
        constants = dict(self.constants)
        for name, value in changes.items():
            key = name.replace("__", ".")
            if key not in constants:
                raise PolicyError(f"corpus recipe: {key} is no constant of it")
            constants[key] = msgspec.structs.replace(constants[key], value=float(value))
        return CorpusRecipe(constants)


def load_recipe(path: Path | None = None) -> CorpusRecipe:
    """Recipe from a TOML file; None reads the shipped one.

    Raises
    ------
    PolicyError
        When the file cannot be read, or a constant has no value, basis or source.
    """
    path = path or Path(__file__).with_name("recipe.toml")
    try:
        tables = decode_toml(path, dict)
        constants = dict(_leaves(tables, ""))
        return CorpusRecipe(
            {name: msgspec.convert(leaf, RecipeConstant, strict=False) for name, leaf in constants.items()}
        )
    except (AssetError, ConfigError) as error:
        raise PolicyError(str(error)) from error
    except msgspec.ValidationError as error:
        raise PolicyError(f"{path}: {error}") from error


def _leaves(tables: dict[str, object], prefix: str) -> list[tuple[str, object]]:
    """Tables that hold a constant, by dotted name."""
    found: list[tuple[str, object]] = []
    for name, table in tables.items():
        if not isinstance(table, dict) or "value" in table:
            found.append((f"{prefix}{name}", table))
        else:
            found += _leaves(table, f"{prefix}{name}.")
    return found
