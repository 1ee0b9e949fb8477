"""Live figures of the examination, the same as in its debriefing report; no Qt.

Curves are kept at the rate of the picture, which is what the figures need: a whole session fits into a few megabytes.
"""

from __future__ import annotations

import math

import numpy as np

from robopatient import messages as m
from robopatient.config import SessionConfig
from robopatient.patient import PatientProfile
from robopatient.phantom import Phantom
from robopatient.record.osce import Examination, examine

__all__ = ["ExaminationModel", "figure_lines"]

KEEP_NS = 33_000_000
"""Spacing of what is kept: a thirtieth of a second."""


class TraceCurve:
    """Times and values at the rate of the picture."""

    def __init__(self) -> None:
        self.t_ns: list[int] = []
        self.values: list[float] = []

    def append(self, t_ns: int, value: float) -> None:
        """Keep a value that is new enough; of those between, the largest."""
        if not self.t_ns or t_ns - self.t_ns[-1] >= KEEP_NS:
            self.t_ns.append(t_ns)
            self.values.append(value)
        elif value > self.values[-1]:
            self.values[-1] = value

    def table(self, name: str) -> dict[str, np.ndarray]:
        """As the record would tell it."""
        return {"t_ns": np.array(self.t_ns, np.int64), name: np.array(self.values, np.float64)}


class ExaminationModel:
    """Fed with the session's messages; asked for figures about once a second."""

    def __init__(self, config: SessionConfig, patient: PatientProfile, phantom: Phantom) -> None:
        self.config = config
        self.scenario: m.ScenarioChange | None = None
        self.said: m.Said | None = None
        self._presses: dict[int, m.Press] = {}
        self._force, self._pain, self._seen = TraceCurve(), TraceCurve(), TraceCurve()
        places = [phantom.plate_mm(site.left_mm, site.head_mm) for site in patient.sites]
        self._sites = [(*place, phantom.region(*place)) for place in places]

    @property
    def tender(self) -> tuple[str, ...]:
        """Regions in which the patient is tender."""
        return tuple(dict.fromkeys(region for _, _, region in self._sites))

    def feed(self, message: m.Message) -> None:
        """Take in one message; others than those of the examination are ignored."""
        match message:
            case m.ForceFrame():
                self._force.append(message.t_ns, message.total_newton)
            case m.PainState():
                self._pain.append(message.t_ns, message.nrs)
            case m.Seen():
                self._seen.append(message.t_ns, message.pspi)
            case m.Press():
                self._presses[message.t_ns] = message
            case m.ScenarioChange():
                self.scenario = message
            case m.Said():
                self.said = message

    def figures(self) -> Examination:
        """What has been examined so far."""
        return examine(
            list(self._presses.values()),
            self._force.table("total_newton"),
            self._pain.table("nrs"),
            self._seen.table("pspi"),
            start_ns=self._force.t_ns[0] if self._force.t_ns else 0,
            sites=self._sites,
            deep_newton=self.config.training.deep_newton,
            touch_newton=self.config.sensing.press_off_newton,
        )


def figure_lines(x: Examination) -> list[tuple[str, str]]:
    """The figures in words, for the instructor's screen."""
    first = x.first_region or "–"
    if math.isfinite(x.first_distance_mm):
        first += f", {x.first_distance_mm:.0f} mm from the pain"
    before = f"{x.regions_before_pain} regions" if x.regions_before_pain >= 0 else "not yet pressed"
    shown = "–"
    if math.isfinite(x.shown_median_newton):
        shown = f"{x.shown_median_newton:.0f} N median, {x.shown_peak_newton:.0f} N at most, {x.shown_touched_s:.0f} s"
    eased = f"{x.eased_ms:.0f} ms median" if math.isfinite(x.eased_ms) else "–"
    return [
        ("Presses", f"{x.presses}, {x.painful_presses} painful"),
        ("Began at", first),
        ("Before the tender region", before),
        ("Regions light, deep", f"{x.light_regions} and {x.deep_regions} of 9"),
        ("Light before deep", f"{x.light_before_deep} of {x.deep_regions} regions"),
        ("Hardest press", f"{x.peak_newton:.0f} N" if x.presses else "–"),
        ("Force while pain shows", shown),
        ("Half the force after", eased),
        ("Pressed on into pain", f"{x.pressed_on} of {len(x.responses)}" if x.responses else "–"),
    ]
