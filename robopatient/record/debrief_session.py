"""A session read for its debrief: who was examined by whom, every press and curve, and the figures drawn from them."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import msgspec
import numpy as np

from robopatient import messages as m
from robopatient.config import SessionConfig, asset_path, decode_toml
from robopatient.errors import AssetError, ConfigError, RecordError
from robopatient.levels import Flag
from robopatient.phantom import Phantom, load_phantom
from robopatient.record import latency
from robopatient.record.debrief_figures import Figures, figures_of
from robopatient.record.debrief_scales import Pair, pair_ratings
from robopatient.record.info import RecordedPatient
from robopatient.record.osce import Examination, examine
from robopatient.record.reader import Record
from robopatient.record.visibility import Visibility, load_visibility

__all__ = ["Debriefing", "load_debriefing"]

T = TypeVar("T")


class _Script(msgspec.Struct, frozen=True):
    """What the page tells of a scenario's file."""

    title: str = ""
    brief: str = ""
    objectives: tuple[str, ...] = ()


class Debriefing(NamedTuple):
    """A session with its figures: all that the page needs; ``seen`` holds the pictures that were shown."""

    record: Record
    start: m.SessionStart
    stop: m.SessionStop | None
    config: SessionConfig
    patient: RecordedPatient
    script: _Script
    phantom: Phantom
    presses: list[m.Press]
    force: latency.Table
    pain: latency.Table
    heard: latency.Table
    seen: latency.Table
    visible: Visibility
    examination: Examination
    pairs: list[Pair]
    marks: dict[str, float]
    zero_ns: int
    length_s: float

    def at_s(self, t_ns: int) -> float:
        """Time since the first force on the record, s: a session waits for its voice and face before."""
        return (t_ns - self.zero_ns) * 1e-9

    @property
    def figures(self) -> Figures:
        """The session in figures, for comparison with others."""
        unseen_s = self.visible.unseen_s
        return figures_of(self.start, self.config, self.examination, self.pairs, self.length_s, self.stop, unseen_s)

    @property
    def simulated(self) -> str:
        """Name of the simulated board, "" when a hand pressed."""
        health: list[m.Health] = self.record.messages("health")
        name = health[-1].board if health else self.config.board.driver
        return name if name.startswith("SIM") or name in ("virtual", "replay") else ""


def load_debriefing(record: Record) -> Debriefing:
    """Read a session and work out its figures.

    Raises
    ------
    RecordError
        When it has no start, its configuration is of another version, or its phantom is not on this computer.
    """
    start = record.start
    try:
        config = msgspec.json.decode(start.config_json, type=SessionConfig)
        phantom = load_phantom(config.sensing.phantom)
    except (msgspec.DecodeError, AssetError, ConfigError) as error:
        raise RecordError(f"{record.path}: no debrief can be made: {error}") from error
    patient = _part("patients", config.patient, RecordedPatient)
    force = record.table("force", "t_ns", "total_newton", "flags")
    pain = record.table("pain", "t_ns", "nrs", "sign")
    heard = record.table("heard", "t_ns", "block", "level_dbfs", "call")
    visible = load_visibility(record)
    seen = visible.table("t_ns", "pspi", "au")
    measured = np.array([Flag.STALE not in flags for flags in force["flags"]], bool)  # else not measured
    force = {name: column[measured] for name, column in force.items()}
    presses: list[m.Press] = sorted(record.messages("press"), key=lambda press: press.t_ns)
    ratings: list[m.Rating] = record.messages("rating")
    stop = record.stop
    zero_ns = int(force["t_ns"][0]) if len(force["t_ns"]) else start.t_ns
    places = [phantom.plate_mm(site.left_mm, site.head_mm) for site in patient.sites]
    return Debriefing(
        record=record,
        start=start,
        stop=stop,
        config=config,
        patient=patient,
        script=_part("scenarios", config.scenario, _Script) if config.scenario else _Script(),
        phantom=phantom,
        presses=presses,
        force=force,
        pain=pain,
        heard=heard,
        seen=seen,
        visible=visible,
        examination=examine(
            presses,
            force,
            pain,
            seen,
            start_ns=zero_ns,
            sites=[(*place, phantom.region(*place)) for place in places],
            deep_newton=config.training.deep_newton,
            touch_newton=config.sensing.press_off_newton,
        ),
        pairs=pair_ratings(ratings, pain, seen, heard, zero_ns),
        marks={rating.scale.removeprefix("OSCE."): rating.value for rating in ratings if rating.scale[:5] == "OSCE."},
        zero_ns=zero_ns,
        length_s=max(0.0, (visible.end_ns - zero_ns) * 1e-9),
    )


def _part(kind: str, name: str, what: type[T]) -> T:
    """A file of the session, read leniently; an empty one when it is not on this computer."""
    try:
        return decode_toml(asset_path(kind, name), what)
    except (AssetError, ConfigError):
        return what()
