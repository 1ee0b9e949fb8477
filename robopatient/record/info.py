"""What readers of a record need of its settings and of the patient's file; read leniently, whatever version wrote them.

What runs a session again needs all of its settings, exactly: it reads ``robopatient.config.SessionConfig``.
"""

from __future__ import annotations

import msgspec

from robopatient.messages import SessionStart

__all__ = ["RecordedPatient", "RecordedSite", "SessionInfo", "read_info"]


class SectionInfo(msgspec.Struct, frozen=True):
    """A section of the configuration; each has some of these."""

    driver: str = ""
    phantom: str = ""
    identity: str = ""
    kind: str = ""
    preset: str = ""
    device: str = ""
    engine: str = ""
    enabled: bool = True
    trainee: str = ""
    participant: str = ""
    resume: str = ""


class SessionInfo(msgspec.Struct, frozen=True):
    """Settings of a recorded session, by the names of ``SessionConfig``; what it does not tell has its default here."""

    title: str = ""
    patient: str = ""
    scenario: str = ""
    board: SectionInfo = SectionInfo()
    sensing: SectionInfo = SectionInfo()
    expression: SectionInfo = SectionInfo()
    voice: SectionInfo = SectionInfo()
    face: SectionInfo = SectionInfo()
    training: SectionInfo = SectionInfo()
    study: SectionInfo = SectionInfo()


class RecordedSite(msgspec.Struct, frozen=True):
    """Where it hurts."""

    name: str
    left_mm: float
    head_mm: float
    sigma_mm: float = 25.0


class RecordedPatient(msgspec.Struct, frozen=True):
    """Who lay there: what the pages tell of a patient's file."""

    name: str = ""
    age_years: int = 0
    sex: str = ""
    complaint: str = ""
    history: str = ""
    voice: str = ""
    face: str = ""
    sites: tuple[RecordedSite, ...] = ()

    @property
    def described(self) -> str:
        """Name, age and sex, as far as they are known."""
        return ", ".join(filter(None, (self.name, f"{self.age_years} years" if self.age_years else "", self.sex)))


def read_info(start: SessionStart) -> SessionInfo:
    """Settings of a session; msgspec.DecodeError when they are none."""
    return msgspec.json.decode(start.config_json, type=SessionInfo)
