"""The robotic patient: sensing, pain, expression, voice, face and record.

A notebook starts here::

    import robopatient as rp

    patient = rp.load_patient("appendicitis")
    episode = rp.simulate(patient, rp.press(newton=20, region="right iliac", hold_s=1.0), seed=1)
    episode.pain["nrs"].max(), episode.motion["pspi"].max()
    episode.film("press.mp4")
    session = rp.read_session("sessions/20261130-202223")
    session.presses(), session.force(), session.pain()
    with rp.Live("demo") as live:
        live.wait_for_press(), live.ask("nrs")

Nothing is loaded before it is used, so that ``import robopatient`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from robopatient.config import SessionConfig, load_session
    from robopatient.errors import RobopatientError
    from robopatient.patient import PatientProfile, load_patient
    from robopatient.record.recorded import RecordedSession, read_session
    from robopatient.session.live import Live
    from robopatient.simulation.episode import Episode, simulate
    from robopatient.simulation.presses import PressProfile, press

__all__ = [
    "Episode",
    "Live",
    "PatientProfile",
    "PressProfile",
    "RecordedSession",
    "RobopatientError",
    "SessionConfig",
    "__version__",
    "load_patient",
    "load_session",
    "press",
    "read_session",
    "simulate",
]

_PLACES = {
    "Episode": "robopatient.simulation.episode",
    "Live": "robopatient.session.live",
    "PatientProfile": "robopatient.patient",
    "PressProfile": "robopatient.simulation.presses",
    "RecordedSession": "robopatient.record.recorded",
    "RobopatientError": "robopatient.errors",
    "SessionConfig": "robopatient.config",
    "load_patient": "robopatient.patient",
    "load_session": "robopatient.config",
    "press": "robopatient.simulation.presses",
    "read_session": "robopatient.record.recorded",
    "simulate": "robopatient.simulation.episode",
}
"""Where each public name lives; it is loaded when it is first asked for (PEP 562)."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name not in _PLACES:
        raise AttributeError(f"module 'robopatient' has no attribute {name!r}; it has {', '.join(__all__)}")
    import importlib

    value = getattr(importlib.import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def _version() -> str:
    """Version of the installed package; a checkout that was never installed has none."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("robopatient")
    except PackageNotFoundError:
        return "0+unknown"


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
