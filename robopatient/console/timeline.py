"""A recorded session laid out on one axis of time, for the replay: curves, faces, presses, words and sound. No Qt.

Second 0 is the first force on the record, as in the debrief; everything is read once, so that any moment is at hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from robopatient import messages as m
from robopatient.config import SessionConfig
from robopatient.errors import AssetError, ConfigError, RecordError
from robopatient.levels import SILENCE_DBFS
from robopatient.patient import PatientProfile, load_patient
from robopatient.phantom import Phantom, load_phantom
from robopatient.record.reader import Record
from robopatient.record.soundtrack import pieces
from robopatient.record.visibility import load_visibility
from robopatient.voice.playback import PlaybackPlan

__all__ = ["RecordedCurve", "Timeline", "TimelineEvent", "load_timeline"]

DRAWN_HZ = 50.0
"""Curves keep the largest value of each fiftieth of a second: a pixel of a window of 20 s."""
TAIL_S = 0.5
"""So much of the time after the last thing on the record belongs to the replay."""


class RecordedCurve(NamedTuple):
    """Values at ``t_s``, shapes (n,); NaN leaves a gap."""

    t_s: NDArray[np.float64]
    values: NDArray[np.float64]

    def at(self, t_s: float) -> float:
        """Newest value at a moment; NaN before the first."""
        index = int(np.searchsorted(self.t_s, t_s, side="right")) - 1
        return float(self.values[index]) if index >= 0 else float("nan")


class TimelineEvent(NamedTuple):
    """Something that happened: when, what kind ("press", "said", "note", …), and in words."""

    t_s: float
    kind: str
    text: str


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """One session.

    Attributes
    ----------
    force, pain, level, f0, pspi
        Curves at ``DRAWN_HZ``.
    contact
        Place of the hand (x, y) in the phantom's frame at ``contact_t_s``; NaN without contact. Shape (n, 2).
    unseen
        Spans in which the face was not shown, s.
    presses
        In the order of time.
    moments
        All that happened in words, in the order of time.
    sound
        What is to be played; None when the record holds none.
    """

    folder: Path
    start: m.SessionStart
    stop: m.SessionStop | None
    config: SessionConfig
    patient: PatientProfile
    phantom: Phantom
    length_s: float
    force: RecordedCurve
    pain: RecordedCurve
    level: RecordedCurve
    f0: RecordedCurve
    pspi: RecordedCurve
    contact_t_s: NDArray[np.float64]
    contact: NDArray[np.float64]
    seen: list[m.Seen]
    seen_t_s: NDArray[np.float64]
    unseen: list[tuple[float, float]]
    presses: list[m.Press]
    press_t_s: NDArray[np.float64]
    moments: list[TimelineEvent]
    sound: PlaybackPlan | None
    zero_ns: int

    def frame_at(self, t_s: float) -> int:
        """Index of the newest picture at a moment; -1 before the first."""
        return int(np.searchsorted(self.seen_t_s, t_s, side="right")) - 1

    def is_shown(self, t_s: float) -> bool:
        """Whether the face was visible at a moment."""
        return not any(begin_s < t_s < end_s for begin_s, end_s in self.unseen)

    def pose(self, frame: int) -> m.FacePose:
        """The face of a picture, as it was drawn."""
        return self.seen[frame].pose

    def contact_at(self, t_s: float) -> tuple[float, float] | None:
        """Where the hand was, or None."""
        index = int(np.searchsorted(self.contact_t_s, t_s, side="right")) - 1
        if index < 0 or not np.isfinite(self.contact[index, 0]):
            return None
        return float(self.contact[index, 0]), float(self.contact[index, 1])

    def next_press(self, t_s: float, step: int) -> float:
        """Beginning of the press after (+1) or before (-1) a moment; where there is none, the end or the beginning."""
        near_s = 0.3  # going back from within a press goes to the one before it
        if step > 0:
            later = self.press_t_s[self.press_t_s > t_s + 1e-3]
            return float(later[0]) if len(later) else self.length_s
        earlier = self.press_t_s[self.press_t_s < t_s - near_s]
        return float(earlier[-1]) if len(earlier) else 0.0


def load_timeline(folder: Path) -> Timeline:
    """Read a session.

    Raises
    ------
    RecordError
        When there is no record, it ended before it began, or what it names is not on this computer.
    """
    with Record(folder) as record:
        start, stop = record.start, record.stop
        try:
            config = msgspec.json.decode(start.config_json, type=SessionConfig)
            patient, phantom = load_patient(config.patient), load_phantom(config.sensing.phantom)
        except (msgspec.DecodeError, AssetError, ConfigError) as error:
            raise RecordError(f"{record.path}: cannot be played: {error}") from error
        force = record.table("force", "t_ns", "total_newton", "contact_x_mm", "contact_y_mm")
        pain = record.table("pain", "t_ns", "nrs")
        heard = record.table("heard", "t_ns", "block", "level_dbfs", "f0_hz")
        visible = load_visibility(record)
        seen = visible.messages()
        presses: list[m.Press] = sorted(record.messages("press"), key=lambda press: press.t_ns)
        if not len(force["t_ns"]) and not seen:
            raise RecordError(f"{record.path}: holds neither force nor face: there is nothing to play")
        zero_ns = int(force["t_ns"][0]) if len(force["t_ns"]) else seen[0].t_ns
        moments = _moments(record, zero_ns, presses)

    def seconds(t_ns: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray((np.asarray(t_ns, np.int64) - zero_ns) * 1e-9, np.float64)

    seen_t_s = seconds(np.array([each.t_ns for each in seen], np.int64))
    pspi_ns, pspi = visible.broken(
        np.array([each.t_ns for each in seen], np.int64), np.array([each.pspi for each in seen], float)
    )
    ends = [curve[-1] for curve in (seconds(force["t_ns"]), seconds(heard["t_ns"]), seen_t_s) if len(curve)]
    length_s = max([0.0, *ends, *([(stop.t_ns - zero_ns) * 1e-9] if stop else [])]) + TAIL_S
    f0 = np.where(heard["f0_hz"] > 0.0, heard["f0_hz"], np.nan)
    return Timeline(
        folder=folder,
        start=start,
        stop=stop,
        config=config,
        patient=patient,
        phantom=phantom,
        length_s=float(length_s),
        force=_drawn(seconds(force["t_ns"]), force["total_newton"]),
        pain=_drawn(seconds(pain["t_ns"]), pain["nrs"]),
        level=_drawn(seconds(heard["t_ns"]), np.maximum(heard["level_dbfs"], SILENCE_DBFS)),
        f0=_drawn(seconds(heard["t_ns"]), f0),
        pspi=RecordedCurve(seconds(pspi_ns), pspi),
        contact_t_s=seconds(force["t_ns"]),
        contact=np.stack([force["contact_x_mm"], force["contact_y_mm"]], axis=1),
        seen=seen,
        seen_t_s=seen_t_s,
        unseen=[((begin_ns - zero_ns) * 1e-9, (end_ns - zero_ns) * 1e-9) for begin_ns, end_ns in visible.spans],
        presses=presses,
        press_t_s=seconds(np.array([press.t_ns for press in presses], np.int64)),
        moments=moments,
        sound=_sound(folder, config, heard, zero_ns, float(length_s)),
        zero_ns=zero_ns,
    )


def _drawn(t_s: NDArray[np.float64], values: NDArray[Any]) -> RecordedCurve:
    """The largest value of each fiftieth of a second."""
    if not len(t_s):
        return RecordedCurve(t_s, np.asarray(values, float))
    bins = np.floor(t_s * DRAWN_HZ).astype(np.int64)
    first = np.flatnonzero(np.diff(bins, prepend=bins[0] - 1))
    lowest = np.where(np.isnan(values), -np.inf, values)
    most = np.maximum.reduceat(lowest, first)
    return RecordedCurve(t_s[first], np.where(np.isinf(most), np.nan, most))


def _sound(
    folder: Path, config: SessionConfig, heard: dict[str, NDArray[np.int64]], zero_ns: int, length_s: float
) -> PlaybackPlan | None:
    path, voice = folder / "voice.wav", config.voice
    if not path.is_file() or not len(heard["t_ns"]):
        return None
    return PlaybackPlan(
        path=str(path),
        pieces=pieces(heard["block"], heard["t_ns"], voice.block_frames, voice.sample_rate_hz),
        offset_s=(int(heard["t_ns"][0]) - zero_ns) * 1e-9,
        length_s=length_s,
        voice=msgspec.structs.replace(voice, device=""),
    )


def _moments(record: Record, zero_ns: int, presses: list[m.Press]) -> list[TimelineEvent]:
    """All that happened, in words."""

    def at(t_ns: int) -> float:
        return (t_ns - zero_ns) * 1e-9

    found = [
        TimelineEvent(at(press.t_ns), "press", f"Press {number}: {press.peak_newton:.0f} N, {press.region}")
        for number, press in enumerate(presses, 1)
    ]
    found += [TimelineEvent(at(said.t_ns), "said", f"Patient: “{said.text}”") for said in record.messages("said")]
    found += [
        TimelineEvent(at(change.t_ns), "scenario", f"Scenario: {change.text or change.event or change.state}")
        for change in record.messages("scenario")
    ]
    found += [
        TimelineEvent(at(rating.t_ns), "rating", f"{rating.rater}: {rating.scale} {rating.value:g}")
        for rating in record.messages("rating")
    ]
    for action in record.messages("action"):
        if action.action in ("ask", "cue", "trigger", "hush", "unhush", "tare") and action.source != "scenario":
            found.append(TimelineEvent(at(action.t_ns), "action", f"{action.action} {action.argument}".strip()))
    for note in record.messages("note"):
        if note.level != "info" or note.source in ("console", "operator"):
            found.append(TimelineEvent(at(note.t_ns), note.level, f"{note.source}: {note.text}"))
    return sorted(found)
