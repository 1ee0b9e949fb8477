"""One page that tells a clinician what happened in a session: what was pressed, felt, heard and seen.

The page is made from the record alone; key frames and film are given by the caller, who can draw faces.
"""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
import numpy as np
from markupsafe import Markup

from robopatient import messages as m
from robopatient.config import asset_path, decode_toml
from robopatient.errors import AssetError, ConfigError
from robopatient.levels import Flag
from robopatient.phantom import Phantom, load_phantom
from robopatient.record import latency
from robopatient.record.health import findings
from robopatient.record.info import RecordedPatient, SessionInfo, read_info
from robopatient.record.presses import PressRow, press_rows
from robopatient.record.reader import Record
from robopatient.record.visibility import Visibility, load_visibility
from robopatient.report import plots
from robopatient.report.numbers import date, duration, largest, number
from robopatient.report.page import PageRow, PageTile, columns, data_uri, listed, render, write_page

__all__ = ["KeyFrame", "write_report"]

KEY_FRAME_PX = 256
"""Width of a key frame on the page: eight of them stay well below a megabyte."""
NOTES_SHOWN = 40
SMALL_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
VERDICTS = {"good": "good", "look": "look", "bad": "incomplete"}
PRESS_COLUMNS = columns(
    ":Press", "start|s", ":region", "x, y|mm", "peak|N", "rise|N/s", "pain|NRS", "level|dBFS", "face|PSPI",
    "voice after|ms", "face after|ms",
)  # fmt: skip


class KeyFrame(NamedTuple):
    """A telling picture of the face.

    Attributes
    ----------
    seen
        The record's row of it.
    rgb
        Pixels, shape (height, width, 3), uint8, top row first.
    """

    seen: m.Seen
    rgb: np.ndarray


class _Session(NamedTuple):
    """All that the page tells of; ``seen`` are pictures that were shown, ``begin_s`` is the first force."""

    record: Record
    start: m.SessionStart
    config: SessionInfo
    patient: RecordedPatient
    rows: list[PressRow]
    presses: list[m.Press]
    pain: latency.Table
    heard: latency.Table
    seen: latency.Table
    visible: Visibility
    force: latency.Table
    begin_s: float
    end_s: float

    def at_s(self, t_ns: np.ndarray) -> np.ndarray:
        """Time since the start of the session, s."""
        return (t_ns - self.start.t_ns) * 1e-9

    @property
    def simulated(self) -> str:
        """Name of the simulated board, "" when the force was real."""
        health: list[m.Health] = self.record.messages("health")
        name = health[-1].board if health else self.config.board.driver
        return name if name.startswith("SIM") or name in ("virtual", "replay") else ""


def write_report(record: Record, key_frames: Sequence[KeyFrame], film: Path | None, out: Path) -> None:
    """Write the page of a session.

    Parameters
    ----------
    key_frames
        Pictures of the face, put into the page.
    film
        Film of the session, linked beside the page; its first picture is the first that was seen.
    out
        The HTML file.

    Raises
    ------
    RecordError
        When the record has no start or cannot be read, or the page cannot be written.
    """
    session = _session(record)
    start, config, patient = session.start, session.config, session.patient
    to_sound_ms = latency.touch_to_sound(record.table("voice"), session.heard).latency_ms
    to_face_ms = latency.touch_to_face(record.table("face"), session.seen).latency_ms
    notes = list(_notes(session))
    page = render(
        "session.html",
        title=f"{config.title or patient.name or start.session_id} – session report",
        heading=config.title or patient.complaint or "Palpation of the abdomen",
        start=start,
        patient=patient.described,
        facts=_facts(session),
        cut_s=None if record.stop else session.end_s,
        unseen=session.visible.told(start.t_ns),
        summary=_summary(session),
        tiles=_tiles(session, to_sound_ms, to_face_ms),
        film=_film(session, film, out),
        map=_map(session),
        phantom=config.sensing.phantom,
        tender=bool(patient.sites),
        pain_ramp=", ".join(plots.pain_colour(nrs)[0] for nrs in range(0, 11, 2)),
        timeline=_timeline(session, notes),
        press_columns=PRESS_COLUMNS,
        presses=_press_rows(session),
        faces=_faces(session, key_frames),
        latencies=(
            _latency("Touch to sound", "heard", to_sound_ms, "the first sample made from it leaves the DAC"),
            _latency("Touch to face", "seen", to_face_ms, "the first picture made from it is handed over"),
        ),
        health_columns=columns(":What", ":verdict", "::found"),
        health=[(one.subject, _word(one.verdict, VERDICTS[one.verdict]), one.text) for one in findings(record)],
        note_columns=columns("time|s", ":level", ":from", "::note"),
        notes=[PageRow((f"{t:.1f}", _level(note.level), note.source, note.text), t) for t, note in notes[:NOTES_SHOWN]],
        notes_left=max(0, len(notes) - NOTES_SHOWN),
        simulated=session.simulated,
        silent=config.voice.device == "none",
        folder=shlex.quote(str(record.folder)),
    )
    write_page(page, out, "report")


def _session(record: Record) -> _Session:
    start = record.start
    try:
        config = read_info(start)
    except msgspec.DecodeError:
        config = SessionInfo()
    try:
        patient = decode_toml(asset_path("patients", config.patient), RecordedPatient)
    except (AssetError, ConfigError):
        patient = RecordedPatient(name=config.patient)
    force, visible = record.table("force"), load_visibility(record)
    return _Session(
        record=record,
        start=start,
        config=config,
        patient=patient,
        rows=press_rows(record),
        presses=sorted(record.messages("press"), key=lambda press: press.t_ns),
        pain=record.table("pain"),
        heard=record.table("heard"),
        seen=visible.table(),
        visible=visible,
        force=force,
        begin_s=(int(force["t_ns"][0]) - start.t_ns) * 1e-9 if len(force["t_ns"]) else 0.0,
        end_s=max(0.0, (visible.end_ns - start.t_ns) * 1e-9),
    )


def _facts(session: _Session) -> str:
    start, config, patient = session.start, session.config, session.patient
    return listed(
        (
            date(start.wall_time_iso),
            duration(session.end_s - session.begin_s),
            f"voice {config.voice.identity or patient.voice}" if len(session.heard["t_ns"]) else "",
            f"face {config.face.identity or patient.face}" if len(session.seen["t_ns"]) else "",
            f"expression {config.expression.kind} / {config.expression.preset}".rstrip("/ "),
            f"seed {start.seed}",
            f"robopatient {start.version}" + (f" ({start.commit[:7]})" if start.commit else ""),
        )
    )


def _summary(session: _Session) -> str:
    """What happened, in a sentence or two."""
    rows, span = session.rows, duration(session.end_s - session.begin_s)
    if not rows:
        return f"Nothing pressed the abdomen in {span}."
    count = SMALL_NUMBERS[len(rows)] if len(rows) < len(SMALL_NUMBERS) else str(len(rows))
    hardest = max(row.peak_newton for row in rows)
    worst = max(range(len(rows)), key=lambda index: (rows[index].peak_nrs, rows[index].peak_newton))
    row = rows[worst]
    text = f"{count} press{'es' if len(rows) > 1 else ''} in {span}, the hardest with {hardest:.0f} N. "
    if not row.peak_nrs >= 0.5:
        return text + "None of them hurt."
    text += (
        f"It hurt most in the {row.region} region (press {worst + 1} at {duration(row.start_s)}, "
        f"{row.peak_newton:.0f} N): pain {row.peak_nrs:.1f} of 10"
    )
    shown = []
    if math.isfinite(row.peak_pspi):
        shown.append(f"the face showed PSPI {row.peak_pspi:.1f} of 16")
    if row.peak_level_dbfs > latency.AUDIBLE_DBFS:
        shown.append(f"the voice reached {number(row.peak_level_dbfs)} dBFS")
    return text + (f", while {' and '.join(shown)}." if shown else ".")


def _tiles(session: _Session, to_sound_ms: np.ndarray, to_face_ms: np.ndarray) -> list[PageTile]:
    return [
        PageTile(str(len(session.rows)), "", "presses"),
        PageTile(largest((row.peak_newton for row in session.rows), 1), "N", "hardest press"),
        PageTile(largest(session.pain["nrs"], 1), "of 10", "worst pain, NRS"),
        PageTile(largest(session.seen["pspi"], 1), "of 16", "strongest face, PSPI"),
        PageTile(number(latency.summary(to_sound_ms).get("p50")), "ms median", "touch to sound"),
        PageTile(number(latency.summary(to_face_ms).get("p50")), "ms median", "touch to face"),
    ]


def _film(session: _Session, film: Path | None, out: Path) -> dict[str, str] | None:
    """Address of the film from the page, and the time of its first picture."""
    if film is None:
        return None
    shown_ns = session.seen["t_ns"]
    zero_s = float(session.at_s(shown_ns[shown_ns >= session.visible.begin_ns][:1]).sum())
    return {"source": quote(os.path.relpath(film, out.parent)), "zero_s": f"{zero_s:.3f}"}


def _map(session: _Session) -> Markup | None:
    """None where the phantom is not on this computer."""
    phantom = _phantom(session)
    if phantom is None:
        return None
    spots = [
        plots.Spot(index, row.x_mm, row.y_mm, row.peak_newton, row.peak_nrs, _press_text(index, row))
        for index, row in enumerate(session.rows, 1)
    ]
    return plots.abdomen(phantom, spots, session.patient.sites)


def _phantom(session: _Session) -> Phantom | None:
    try:
        return load_phantom(session.config.sensing.phantom)
    except (AssetError, ConfigError):
        return None


def _timeline(session: _Session, notes: Sequence[tuple[float, m.Note]]) -> Markup:
    force, pain, heard = session.force, session.pain, session.heard
    seen_ns, pspi = session.visible.broken(session.seen["t_ns"], session.seen["pspi"])
    f0_hz = np.where((heard["f0_hz"] > 0) & (heard["level_dbfs"] > latency.AUDIBLE_DBFS), heard["f0_hz"], np.nan)
    low_hz, high_hz = _range(f0_hz, 100.0, 300.0, 50.0)
    measured = np.array([Flag.STALE not in flags for flags in force["flags"]], bool)  # else not measured
    most_newton = _range(force["total_newton"], 0.0, 10.0, 5.0)[1]
    force_s, pain_s, heard_s = (session.at_s(one["t_ns"]) for one in (force, pain, heard))
    newton = force["total_newton"][measured]
    most_pspi = 16.0 if session.seen["pspi"].max(initial=0.0) > 8 else 8.0
    lanes = [
        plots.Lane("Force", "N, all cells", "pressed", force_s[measured], newton, 0.0, most_newton, True),
        plots.Lane("Pain felt", "NRS 0–10", "felt", pain_s, pain["nrs"], 0.0, 10.0, True),
        plots.Lane("Voice pitch", "f0, Hz", "heard", heard_s, f0_hz, low_hz, high_hz),
        plots.Lane("Voice level", "dBFS", "heard", heard_s, heard["level_dbfs"], -80.0, 0.0, True),
        plots.Lane("Pain shown", "PSPI 0–16", "seen", session.at_s(seen_ns), pspi, 0.0, most_pspi, True),
    ]
    marks = [
        plots.PressMark(index, row.start_s, (press.release_t_ns - session.start.t_ns) * 1e-9, _press_text(index, row))
        for index, (row, press) in enumerate(zip(session.rows, session.presses, strict=True), 1)
    ]
    told = [(t_s, f"{t_s:.1f} s, {note.source}: {note.text}") for t_s, note in notes]
    return plots.timeline(lanes, marks, told, (session.begin_s, session.end_s))


def _press_rows(session: _Session) -> list[PageRow]:
    return [
        PageRow(
            (
                Markup('<i class="dot" style="background:{}"></i>{}').format(plots.pain_colour(row.peak_nrs)[0], index),
                number(row.start_s, 2),
                row.region,
                f"{number(row.x_mm)}, {number(row.y_mm)}",
                number(row.peak_newton, 1),
                number(row.rise_newton_per_s),
                number(row.peak_nrs, 1, ""),
                number(row.peak_level_dbfs, 1, ""),
                number(row.peak_pspi, 1, "") if row.face_shown else "not shown",
                number(row.voice_latency_ms, 0, ""),
                number(row.face_latency_ms, 0, ""),
            ),
            row.start_s,
        )
        for index, row in enumerate(session.rows, 1)
    ]


def _faces(session: _Session, key_frames: Sequence[KeyFrame]) -> list[dict[str, Any]]:
    faces = []
    for frame in sorted(key_frames, key=lambda frame: frame.seen.t_ns):
        before = int(np.searchsorted(session.pain["t_ns"], frame.seen.t_ns, side="right")) - 1
        felt = f"felt {session.pain['nrs'][before]:.1f} · " if before >= 0 else ""
        at_s = (frame.seen.t_ns - session.start.t_ns) * 1e-9
        text = f"{felt}PSPI {frame.seen.pspi:.1f}"
        faces.append({"at_s": at_s, "image": data_uri(frame.rgb, KEY_FRAME_PX), "text": text})
    return faces


def _latency(name: str, kind: str, values_ms: np.ndarray, until: str) -> dict[str, Any]:
    figures = latency.summary(values_ms)
    if not figures["n"]:
        return {"name": name, "until": until, "figure": None, "text": "Not measured: nothing answered."}
    lines = [(key, figures[key]) for key in ("p50", "p95")]
    row = listed(f"{key} {figures[key]:.1f}" for key in ("p50", "p95", "p99", "max"))
    figure = plots.distribution(values_ms, kind, lines, name)
    return {"name": name, "until": until, "figure": figure, "text": f"{row} ms · n {figures['n']:.0f}"}


def _word(kind: str, word: str) -> Markup:
    return Markup('<span class="{}">{}</span>').format(kind, word)


def _level(level: str) -> Markup:
    """A note's level as a coloured word; plain information needs no colour."""
    return _word({"warning": "look", "error": "bad"}.get(level, "quiet"), level)


def _notes(session: _Session) -> Iterable[tuple[float, m.Note]]:
    notes: list[m.Note] = sorted(session.record.messages("note"), key=lambda note: note.t_ns)
    return (((note.t_ns - session.start.t_ns) * 1e-9, note) for note in notes)


def _press_text(index: int, row: PressRow) -> str:
    return f"Press {index}: {row.region}, {row.peak_newton:.1f} N, pain {number(row.peak_nrs, 1, 'unknown')}"


def _range(values: np.ndarray, low: float, high: float, step: float) -> tuple[float, float]:
    """Axis that holds all values and at least the given range, in whole steps."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return low, high
    least, most = math.floor(finite.min() / step) * step, math.ceil(finite.max() / step) * step
    return (min(least, most - step), most) if low else (0.0, max(most, high))
