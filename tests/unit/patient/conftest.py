"""A patient without any effect, to which a test adds the one that it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from robopatient.messages import PainState
from robopatient.patient import PatientProfile, TenderSite
from robopatient.patient.guarding import Guarding
from robopatient.simulation.hand import GuidedHand

SITE = TenderSite(name="the site", region="right iliac", left_mm=-72.0, head_mm=-51.0)


class Lab:
    """Patients by the sections of their file, and how they are pressed."""

    at_mm = (SITE.left_mm, SITE.head_mm)
    away_mm = (72.0, 51.0)

    def profile(self, **sections: Any) -> PatientProfile:
        """A patient with these sections and nothing else."""
        given: dict[str, Any] = {"guarding": Guarding(gain=0.0), "sites": (SITE,)} | sections
        return PatientProfile(
            name="nobody", age_years=40, sex="male", complaint="", history="", voice="david", face="david", **given
        )

    def hand(self, seed: int = 1, **sections: Any) -> GuidedHand:
        """A hand on such a patient."""
        return GuidedHand(self.profile(**sections), seed)

    def peak(self, felt: list[PainState]) -> float:
        """Worst felt pain."""
        return max(pain.nrs for pain in felt)

    def force_for(self, nrs: float, press: Callable[[GuidedHand, float], list[PainState]], **sections: Any) -> float:
        """Force at which such a press hurts so much, N."""
        low, high = 0.0, 120.0
        for _ in range(20):
            middle = (low + high) / 2.0
            low, high = (
                (middle, high) if press(self.hand(**sections), middle)[-1].nrs < nrs else (low, middle)
            )  # fmt: skip
        return high


@pytest.fixture
def lab() -> Lab:
    return Lab()
