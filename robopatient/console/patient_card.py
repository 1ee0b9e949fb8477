"""Who lies on the table, as far as the operator's window tells: name, complaint and where it hurts."""

from __future__ import annotations

from typing import Any

import msgspec

from robopatient.config import asset_path, decode_toml

__all__ = ["PatientCard", "Site", "load_card"]


class Site(msgspec.Struct, frozen=True):
    """A tender place: centre in the phantom's frame, mm, and the distance at which it hurts 61 % as much, mm."""

    name: str
    x_mm: float
    y_mm: float
    radius_mm: float


class PatientCard(msgspec.Struct, frozen=True):
    """The head of the window."""

    name: str
    complaint: str = ""
    sites: tuple[Site, ...] = ()


def load_card(name: str) -> PatientCard:
    """Card of a patient under ``assets/patients`` or of a user's own file."""
    data: dict[str, Any] = decode_toml(asset_path("patients", name), dict)
    return PatientCard(data["name"], data.get("complaint", ""))
