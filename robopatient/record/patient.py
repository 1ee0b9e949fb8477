"""What the pages tell of a patient's file; read leniently, as the record may be of another version."""

from __future__ import annotations

import msgspec

__all__ = ["ToldPatient", "ToldSite"]


class ToldSite(msgspec.Struct, frozen=True):
    """Where it hurts."""

    name: str
    left_mm: float
    head_mm: float
    sigma_mm: float = 25.0


class ToldPatient(msgspec.Struct, frozen=True):
    """Who lay there."""

    name: str = ""
    age_years: int = 0
    sex: str = ""
    complaint: str = ""
    history: str = ""
    voice: str = ""
    face: str = ""
    sites: tuple[ToldSite, ...] = ()
