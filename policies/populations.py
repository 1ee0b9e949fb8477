"""What is known about people before the first answer: normal distributions fitted to participants of a study.

Only derived numbers are kept (mean and covariance over participants), never trials. Files lie in
``policies/populations`` and name their source.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from policies.errors import PolicyError
from policies.statistics.ordinal import Gaussian
from robopatient.config import decode_toml
from robopatient.errors import AssetError, ConfigError

__all__ = ["hierarchical_prior", "population_names", "read_population", "write_population"]

FOLDER = Path(__file__).resolve().parent / "populations"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A population file: weights of the quadratic features (f, l, p, ff, fl, fp, ll, lp, pp), then cuts."""

    source: str
    participants: int
    mean: list[float]
    covariance: list[list[float]]


def hierarchical_prior(mean: np.ndarray, covariance: np.ndarray) -> Gaussian:
    """Prior for a new person from the mean and covariance over fitted people.

    Half of the covariance is kept and half replaced by its diagonal: with a dozen people the sample covariance closes
    directions in which these few happen to agree, and a learner then never asks about them.
    """
    mixed = 0.5 * covariance + 0.5 * np.diag(np.diag(covariance))
    return Gaussian(mean, np.linalg.inv(mixed + 0.02**2 * np.eye(len(mean))))


def population_names() -> list[str]:
    """Names of the shipped populations."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_population(name: str) -> Gaussian:
    """Shipped population by name, or a file of one's own by path.

    Raises
    ------
    PolicyError
        When there is none, or the file is malformed.
    """
    path = FOLDER / f"{name}.toml" if not name.endswith(".toml") else Path(name)
    try:
        data = decode_toml(path, _File)
    except (AssetError, ConfigError) as error:
        raise PolicyError(f"{path}: no population ({error}); choose one of {', '.join(population_names())}") from error
    mean, covariance = np.array(data.mean), np.array(data.covariance)
    if covariance.shape != (len(mean), len(mean)):
        raise PolicyError(f"{path}: covariance has shape {covariance.shape}, the mean {mean.shape}")
    return hierarchical_prior(mean, covariance)


def write_population(path: Path, mean: np.ndarray, covariance: np.ndarray, participants: int, source: str) -> None:
    """Keep mean and covariance of fitted people."""
    rows = ",\n".join("  [" + ", ".join(f"{v:.4f}" for v in row) + "]" for row in covariance)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'source = "{source}"\nparticipants = {participants}\n'
        f"mean = [{', '.join(f'{v:.4f}' for v in mean)}]\ncovariance = [\n{rows},\n]\n",
        encoding="utf-8",
    )
