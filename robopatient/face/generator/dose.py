"""The pain value given to the network so that all faces show about the same PSPI for the same NRS.

What a face shows at a given pain depends on its archetype, and for some it is next to nothing of what PSPI counts.
``dose.toml`` beside the weights holds what was found for them: which archetypes are told together, how expressive, and
which pain is told for each pain asked for. Only conditions change: every frame is still the network's own.
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from robopatient.config import decode_toml
from robopatient.errors import AssetError
from robopatient.face.generator.condition import ARCHETYPES, Archetype

__all__ = ["ASKED_NRS", "DOSE", "PLAIN", "Dose", "Doses", "read_doses"]

DOSE = "dose.toml"
"""File beside the weights; weights without one are told what is asked for."""
ASKED_NRS = (0.0, 3.0, 6.0, 9.0, 10.0)
"""Pains asked for at which the one to be told is kept; straight lines between them."""

Weight = Annotated[float, Meta(ge=0, le=2)]
Pain = Annotated[float, Meta(ge=0, le=10)]


class Dose(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the network is told for one archetype.

    Attributes
    ----------
    mixture
        Weights of the archetypes told in its place; empty: itself alone.
    expressiveness
        Factor on the expressiveness asked for.
    told_nrs
        Pain told at each of ``ASKED_NRS``, rising.
    """

    mixture: dict[Archetype, Weight] = {}
    expressiveness: Annotated[float, Meta(gt=0, le=2)] = 1.0
    told_nrs: tuple[Pain, Pain, Pain, Pain, Pain] = ASKED_NRS

    def told(self, nrs: float) -> float:
        """Pain to be told for the one asked for, both 0 to 10."""
        nrs = min(max(nrs, ASKED_NRS[0]), ASKED_NRS[-1])
        right = min(bisect_right(ASKED_NRS, nrs), len(ASKED_NRS) - 1)
        low, high = ASKED_NRS[right - 1], ASKED_NRS[right]
        from_nrs, to_nrs = self.told_nrs[right - 1], self.told_nrs[right]
        return from_nrs + (nrs - low) / (high - low) * (to_nrs - from_nrs)

    def archetypes(self, own: Archetype) -> np.ndarray:
        """Columns of the archetypes to be told, shape (archetypes,)."""
        mixture = self.mixture or {own: 1.0}
        return np.array([mixture.get(name, 0.0) for name in ARCHETYPES])  # type: ignore[call-overload]


PLAIN = Dose()
"""Tells what is asked for."""


class Doses(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``dose.toml``: the weights that it was measured on, and a dose for some of the archetypes."""

    step_sha256: str
    archetype: dict[Archetype, Dose]


def read_doses(folder: Path, step_sha256: str = "") -> dict[Archetype, Dose]:
    """Doses of a checkpoint by archetype; none without the file.

    Parameters
    ----------
    step_sha256
        Of the weights that they are for; "" takes doses of any.

    Raises
    ------
    AssetError
        When they were measured on other weights, or a pain told does not rise with the one asked for.
    ConfigError
        Naming the key that is unknown or out of range.
    """
    path = folder / DOSE
    if not path.is_file():
        return {}
    doses: Doses = decode_toml(path, Doses)
    if step_sha256 and doses.step_sha256 != step_sha256:
        raise AssetError(f"{path}: was measured on other weights; measure again: robopatient face calibrate {folder}")
    for name, dose in doses.archetype.items():
        if any(a > b for a, b in zip(dose.told_nrs, dose.told_nrs[1:], strict=False)) or dose.told_nrs[0] != 0.0:
            raise AssetError(
                f"{path}: {name}: told_nrs = {list(dose.told_nrs)} must begin with 0 and rise; "
                f"measure again: robopatient face calibrate {folder}"
            )
    return doses.archetype
