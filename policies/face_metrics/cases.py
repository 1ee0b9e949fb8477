"""What is compared with what: a held-out clip with the reactions that suit it, and a generator's tries at it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from robopatient.face.generator.motion import pspi, pspi_no_au43

__all__ = ["Case", "Tries", "pspi_no43_of", "pspi_of"]


class Case(NamedTuple):
    """One held-out clip.

    Attributes
    ----------
    subject, trial, kind
        Whose, which, and of which kind ("palpation", "thermal", "control").
    stimulus
        Pain 0-10 felt at each frame, shape (n,).
    condition
        What generators are given, shape (n, C).
    appropriate
        Reactions that suit this clip, shape (m, n, D), physical units; the first is the recorded one.
    """

    subject: str
    trial: str
    kind: str
    stimulus: np.ndarray
    condition: np.ndarray
    appropriate: np.ndarray

    @property
    def truth(self) -> np.ndarray:
        """The recorded reaction, shape (n, D)."""
        first: np.ndarray = self.appropriate[0]
        return first


Tries = np.ndarray
"""A generator's answers to one case, shape (k, n, D), physical units, one seed each."""


def pspi_of(motions: np.ndarray) -> np.ndarray:
    """PSPI 0-16 of several motions, (k, n, D) to (k, n)."""
    return np.stack([np.asarray(pspi(one)) for one in motions])


def pspi_no43_of(motions: np.ndarray) -> np.ndarray:
    """PSPI 0-15 without eye closure, (k, n, D) to (k, n)."""
    return np.stack([np.asarray(pspi_no_au43(one)) for one in motions])
