"""Motion to and from 103 numbers a frame, as EMOCA-type trackers give: 3 of the jaw (axis-angle, rad), 100 expressions.

FLAME and EMOCA are licensed and not shipped, so neither is the map between its expressions and action units: a lab that
has them makes it once, from frames of which both are known (``fit_map``), and names the file. Head, gaze, lids and
breath are not among the 103; they stay at rest, as in PainDiffusion.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from policies.errors import PolicyError
from robopatient.face.generator.motion import CHANNELS, clamp

__all__ = ["NUMBERS", "FlameMap", "fit_map", "load_map", "save_map"]

NUMBERS = 103
"""Jaw, then expressions, in the tracker's own units; not multiplied by 100, not padded to 128."""

MAPPED: tuple[str, ...] = tuple(name for name in CHANNELS if name.startswith("AU") or name == "jaw_mm")

RIDGE = 1e-2
"""Of the way back, relative to the mean square of the map's columns: what the map cannot distinguish stays small."""

LEAST_FRAMES = 500
"""Below this a map of a hundred numbers is noise (assumption: five frames a number)."""


class FlameMap(msgspec.Struct, frozen=True):
    """``latent = offset + matrix @ channels``.

    Attributes
    ----------
    matrix
        Shape (103, channels): what one unit of intensity (or 1 mm of the jaw) adds.
    offset
        The tracker's neutral face, shape (103,).
    channels
        Names of motion channels.
    """

    matrix: np.ndarray
    offset: np.ndarray
    channels: tuple[str, ...] = MAPPED

    def to_flame(self, motion: np.ndarray) -> np.ndarray:
        """Motion (n, D) as (n, 103)."""
        columns = [CHANNELS.index(name) for name in self.channels]
        result: np.ndarray = self.offset + np.asarray(motion)[:, columns] @ self.matrix.T
        return result

    def to_motion(self, latents: np.ndarray) -> np.ndarray:
        """Motion (n, D) that explains (n, 103) best, held within range; rows at the rate of the latents.

        Raises
        ------
        PolicyError
            For another number of columns (128: take the padding off), or numbers that are not finite.
        """
        latents = _checked(latents, "latents")
        gram = self.matrix.T @ self.matrix
        gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
        motion = np.zeros((len(latents), len(CHANNELS)))
        found = np.linalg.solve(gram, self.matrix.T @ (latents - self.offset).T).T
        motion[:, [CHANNELS.index(name) for name in self.channels]] = found
        return clamp(motion)


def fit_map(latents: np.ndarray, motion: np.ndarray) -> FlameMap:
    """Map from frames of which both are known: (n, 103) by the tracker and (n, D), say by OpenFace, of the same video.

    Raises
    ------
    PolicyError
        When shapes differ, numbers are not finite, or there are fewer than 500 frames.
    """
    latents, motion = _checked(latents, "latents"), np.asarray(motion, dtype=np.float64)
    if motion.shape != (len(latents), len(CHANNELS)):
        raise PolicyError(
            f"motion of shape {motion.shape}; expected ({len(latents)}, {len(CHANNELS)}) beside the latents"
        )
    if len(latents) < LEAST_FRAMES:
        raise PolicyError(f"{len(latents)} frames; a map needs {LEAST_FRAMES} of many different faces")
    if not np.isfinite(motion).all():
        raise PolicyError(f"motion: row {int(np.argwhere(~np.isfinite(motion))[0][0])} is not finite")
    known = motion[:, [CHANNELS.index(name) for name in MAPPED]]
    design = np.column_stack((np.ones(len(known)), known))
    gram = design.T @ design
    gram[1:, 1:] += 1e-3 * np.eye(len(MAPPED)) * np.trace(gram[1:, 1:]) / len(MAPPED)
    solved = np.linalg.solve(gram, design.T @ latents)
    return FlameMap(solved[1:].T, solved[0])


def save_map(flame: FlameMap, path: Path) -> None:
    """Write ``matrix``, ``offset`` and ``channels`` as .npz."""
    with path.open("wb") as file:
        np.savez(file, matrix=flame.matrix, offset=flame.offset, channels=np.array(flame.channels))


def load_map(path: Path) -> FlameMap:
    """Map of a lab.

    Raises
    ------
    PolicyError
        When the file is missing or is no such map, saying what is needed.
    """
    needed = f"needs matrix ({NUMBERS}, channels), offset ({NUMBERS},), channels; make one with fit_map"
    try:
        with np.load(path, allow_pickle=False) as file:
            flame = FlameMap(
                file["matrix"].astype(float), file["offset"].astype(float), tuple(file["channels"].tolist())
            )
    except (OSError, ValueError, KeyError) as error:
        raise PolicyError(f"{path}: is no map of FLAME's expressions ({error}); {needed}") from error
    unknown = [name for name in flame.channels if name not in MAPPED]
    if unknown or flame.matrix.shape != (NUMBERS, len(flame.channels)) or flame.offset.shape != (NUMBERS,):
        raise PolicyError(
            f"{path}: matrix {flame.matrix.shape}, offset {flame.offset.shape}, unknown channels "
            f"{', '.join(unknown) or 'none'}; {needed}"
        )
    return flame


def _checked(latents: np.ndarray, what: str) -> np.ndarray:
    latents = np.asarray(latents, dtype=np.float64)
    if latents.ndim != 2 or latents.shape[1] != NUMBERS:
        padded = "; take the padding off" if latents.ndim == 2 and latents.shape[1] == 128 else ""
        raise PolicyError(
            f"{what} of shape {latents.shape}; a frame is {NUMBERS} numbers: 3 jaw, 100 expression{padded}"
        )
    if not np.isfinite(latents).all():
        raise PolicyError(f"{what}: row {int(np.argwhere(~np.isfinite(latents))[0][0])} is not finite")
    return latents
