"""One page that tells a clinician what happened in a session: self-contained HTML, readable in print and in the dark.

The page is made from the record alone; key frames and film are given by the caller, who can draw faces.
"""

from __future__ import annotations

import datetime
import math
import os
import shlex
import string
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import msgspec
import numpy as np

from robopatient import messages as m
from robopatient.config import asset_path, decode_toml
from robopatient.errors import AssetError, ConfigError, RecordError
from robopatient.levels import Flag
from robopatient.phantom import Phantom, load_phantom
from robopatient.record import charts, latency
from robopatient.record.health import findings
from robopatient.record.info import RecordedPatient, SessionInfo, read_info
from robopatient.record.pictures import data_uri
from robopatient.record.presses import PressRow, press_rows
from robopatient.record.reader import Record
from robopatient.record.visibility import Visibility, load_visibility

__all__ = ["KeyFrame", "write_report"]

KEY_FRAME_PX = 256
"""Width of a key frame on the page: eight of them stay well below a megabyte."""
NOTES_SHOWN = 40
SMALL_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


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
    """All that the sections of the page need; ``seen`` are pictures that were shown, ``begin_s`` is the first force."""

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
    touch_to_sound_ms: np.ndarray
    touch_to_face_ms: np.ndarray
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
    sections = (
        _header(session),
        _film_and_map(session, film, out),
        _timeline(session),
        _press_table(session),
        _faces(session, key_frames),
        _latencies(session),
        _health(session),
        _caveats(session),
        _again(session),
    )
    template = files("robopatient.record").joinpath("report.html").read_text(encoding="utf-8")
    title = escape(f"{session.config.title or session.patient.name or session.start.session_id} – session report")
    page = string.Template(template).substitute(title=title, body="\n".join(filter(None, sections)))
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise RecordError(f"{out}: the report cannot be written ({error})") from error


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
    force, pain, heard = (record.table(topic) for topic in ("force", "pain", "heard"))
    visible = load_visibility(record)
    seen = visible.table()
    return _Session(
        record=record,
        start=start,
        config=config,
        patient=patient,
        rows=press_rows(record),
        presses=sorted(record.messages("press"), key=lambda press: press.t_ns),
        pain=pain,
        heard=heard,
        seen=seen,
        visible=visible,
        force=force,
        touch_to_sound_ms=latency.touch_to_sound(record.table("voice"), heard).latency_ms,
        touch_to_face_ms=latency.touch_to_face(record.table("face"), seen).latency_ms,
        begin_s=(int(force["t_ns"][0]) - start.t_ns) * 1e-9 if len(force["t_ns"]) else 0.0,
        end_s=max(0.0, (visible.end_ns - start.t_ns) * 1e-9),
    )


def _header(session: _Session) -> str:
    start, config, patient = session.start, session.config, session.patient
    who = ", ".join(
        filter(None, (patient.name, f"{patient.age_years} years" if patient.age_years else "", patient.sex))
    )
    facts = [
        _date(start.wall_time_iso),
        _duration(session.end_s - session.begin_s),
        f"voice {config.voice.identity or patient.voice}" if len(session.heard["t_ns"]) else "",
        f"face {config.face.identity or patient.face}" if len(session.seen["t_ns"]) else "",
        f"expression {config.expression.kind} / {config.expression.preset}".rstrip("/ "),
        f"seed {start.seed}",
        f"robopatient {start.version}" + (f" ({start.commit[:7]})" if start.commit else ""),
    ]
    cut = (
        ""
        if session.record.stop
        else '<p class="banner">This session has no end on the record: it was cut off, or it is still running. '
        f"Everything up to {session.end_s:.1f} s is here.</p>"
    )
    unseen = session.visible.told(start.t_ns)
    if unseen:
        cut += f'<p class="banner bad">{escape(unseen)}</p>'
    return (
        f'<p class="kind">Session report · {escape(start.session_id)}</p>'
        f"<h1>{escape(config.title or patient.complaint or 'Palpation of the abdomen')}</h1>"
        f'<p class="facts">{escape(who)}</p>'
        f'<p class="facts">{escape(" · ".join(filter(None, facts)))}</p>{cut}'
        f'<p class="summary">{escape(_summary(session))}</p>{_tiles(session)}'
    )


def _summary(session: _Session) -> str:
    """What happened, in a sentence or two."""
    rows, span = session.rows, _duration(session.end_s - session.begin_s)
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
        f"It hurt most in the {row.region} region (press {worst + 1} at {_duration(row.start_s)}, "
        f"{row.peak_newton:.0f} N): pain {row.peak_nrs:.1f} of 10"
    )
    shown = []
    if math.isfinite(row.peak_pspi):
        shown.append(f"the face showed PSPI {row.peak_pspi:.1f} of 16")
    if row.peak_level_dbfs > latency.AUDIBLE_DBFS:
        shown.append(f"the voice reached {_signed(row.peak_level_dbfs, 0)} dBFS")
    return text + (f", while {' and '.join(shown)}." if shown else ".")


def _tiles(session: _Session) -> str:
    rows = session.rows
    sound, look = latency.summary(session.touch_to_sound_ms), latency.summary(session.touch_to_face_ms)
    tiles = [
        (str(len(rows)), "", "presses"),
        (_max([row.peak_newton for row in rows], 1), "N", "hardest press"),
        (_max(session.pain["nrs"], 1), "of 10", "worst pain, NRS"),
        (_max(session.seen["pspi"], 1), "of 16", "strongest face, PSPI"),
        (_number(sound.get("p50", math.nan), 0), "ms median", "touch to sound"),
        (_number(look.get("p50", math.nan), 0), "ms median", "touch to face"),
    ]
    cells = (
        f'<div class="tile"><b>{value or "–"} <small>{unit if value else ""}</small></b><span>{name}</span></div>'
        for value, unit, name in tiles
    )
    return f'<div class="tiles">{"".join(cells)}</div>'


def _film_and_map(session: _Session, film: Path | None, out: Path) -> str:
    drawing = _map(session)
    if film is None:
        return f"<h2>Where</h2>{drawing}" if drawing else ""
    shown_ns = session.seen["t_ns"]
    zero_s = float(session.at_s(shown_ns[shown_ns >= session.visible.begin_ns][:1]).sum())
    source = quote(os.path.relpath(film, out.parent))
    video = (
        f'<div class="half screen"><h2>Film</h2><p class="quiet">Face and voice as they were presented. A click on a '
        f'time below shows that moment.</p><video controls preload="metadata" data-zero="{zero_s:.3f}" '
        f'src="{escape(source)}"></video></div>'
    )
    return f'<div class="pair">{video}<div class="half"><h2>Where</h2>{drawing}</div></div>'


def _map(session: _Session) -> str:
    phantom = _phantom(session)
    if phantom is None:
        name = escape(session.config.sensing.phantom)
        return f'<p class="quiet">No map: the phantom “{name}” is not on this computer.</p>'
    spots = [
        charts.Spot(index, row.x_mm, row.y_mm, row.peak_newton, row.peak_nrs, _press_text(index, row))
        for index, row in enumerate(session.rows, 1)
    ]
    sites = [
        (site.name, *phantom.plate_mm(site.left_mm, site.head_mm), site.sigma_mm) for site in session.patient.sites
    ]
    tender = "dotted: where this patient is tender" if sites else "this patient is tender nowhere"
    ramp = ", ".join(charts.pain_colour(nrs)[0] for nrs in range(0, 11, 2))
    return (
        f'<p class="quiet">Presses by number; size by peak force, colour by peak pain; {tender}.</p>'
        f"{charts.abdomen(phantom, spots, sites)}"
        f'<div class="ramp">pain 0 <i style="background: linear-gradient(90deg, {ramp})"></i> 10</div>'
    )


def _phantom(session: _Session) -> Phantom | None:
    try:
        return load_phantom(session.config.sensing.phantom)
    except (AssetError, ConfigError):
        return None


def _timeline(session: _Session) -> str:
    force, pain, heard = session.force, session.pain, session.heard
    seen_ns, pspi = session.visible.broken(session.seen["t_ns"], session.seen["pspi"])
    f0_hz = np.where((heard["f0_hz"] > 0) & (heard["level_dbfs"] > latency.AUDIBLE_DBFS), heard["f0_hz"], np.nan)
    low_hz, high_hz = _range(f0_hz, 100.0, 300.0, 50.0)
    measured = np.array([Flag.STALE not in flags for flags in force["flags"]], bool)  # else not measured
    lanes = [
        charts.Lane(
            "Force", "N, all cells", "pressed", session.at_s(force["t_ns"][measured]), force["total_newton"][measured],
            0.0, _range(force["total_newton"], 0.0, 10.0, 5.0)[1], True,
        ),
        charts.Lane("Pain felt", "NRS 0–10", "felt", session.at_s(pain["t_ns"]), pain["nrs"], 0.0, 10.0, True),
        charts.Lane("Voice pitch", "f0, Hz", "heard", session.at_s(heard["t_ns"]), f0_hz, low_hz, high_hz),
        charts.Lane(
            "Voice level", "dBFS", "heard", session.at_s(heard["t_ns"]), heard["level_dbfs"], -80.0, 0.0, True
        ),
        charts.Lane(
            "Pain shown", "PSPI 0–16", "seen", session.at_s(seen_ns), pspi,
            0.0, 16.0 if session.seen["pspi"].max(initial=0.0) > 8 else 8.0, True,
        ),
    ]  # fmt: skip
    marks = [
        charts.PressMark(index, row.start_s, (press.release_t_ns - session.start.t_ns) * 1e-9, _press_text(index, row))
        for index, (row, press) in enumerate(zip(session.rows, session.presses, strict=True), 1)
    ]
    notes = [(float(t_s), f"{t_s:.1f} s, {note.source}: {note.text}") for t_s, note in _notes(session)]
    return (
        '<h2>What was pressed, felt, heard and seen</h2><p class="quiet">Numbered bands are presses; triangles on the '
        f'time axis are notes. One clock for all curves.</p><div class="scroll">'
        f"{charts.timeline(lanes, marks, notes, (session.begin_s, session.end_s))}</div>"
    )


def _press_table(session: _Session) -> str:
    if not session.rows:
        return ""
    head = (
        '<tr><th class="word">Press</th><th>start<br>s</th><th class="word">region</th><th>x, y<br>mm</th>'
        "<th>peak<br>N</th><th>rise<br>N/s</th><th>pain<br>NRS</th><th>level<br>dBFS</th><th>face<br>PSPI</th>"
        "<th>voice after<br>ms</th><th>face after<br>ms</th></tr>"
    )
    body = []
    for index, row in enumerate(session.rows, 1):
        colour, _ = charts.pain_colour(row.peak_nrs)
        cells = (
            f'<td class="word"><i class="dot" style="background:{colour}"></i>{index}</td>',
            f"<td>{row.start_s:.2f}</td>",
            f'<td class="word">{escape(row.region)}</td>',
            f"<td>{row.x_mm:.0f}, {row.y_mm:.0f}</td>",
            f"<td>{row.peak_newton:.1f}</td>",
            f"<td>{row.rise_newton_per_s:.0f}</td>",
            f"<td>{_number(row.peak_nrs, 1)}</td>",
            f"<td>{_signed(row.peak_level_dbfs, 1)}</td>",
            f"<td>{_number(row.peak_pspi, 1) if row.face_shown else 'not shown'}</td>",
            f"<td>{_number(row.voice_latency_ms, 0)}</td>",
            f"<td>{_number(row.face_latency_ms, 0)}</td>",
        )
        body.append(f'<tr data-t="{row.start_s:.3f}">{"".join(cells)}</tr>')
    return (
        f'<h2>Presses</h2><div class="scroll"><table>{head}{"".join(body)}</table></div>'
        '<p class="quiet">“After” counts from the first contact of a press to the first audible or visible answer: the '
        "patient’s own threshold and the time the force takes to rise are part of it. Empty: no answer. The same table "
        "is in <code>presses.csv</code>. “Not shown”: the face was not visible during all of that press.</p>"
    )


def _faces(session: _Session, key_frames: Sequence[KeyFrame]) -> str:
    if not key_frames:
        return ""
    pain_ns, nrs = session.pain["t_ns"], session.pain["nrs"]
    figures = []
    for frame in sorted(key_frames, key=lambda frame: frame.seen.t_ns):
        t_s = (frame.seen.t_ns - session.start.t_ns) * 1e-9
        before = int(np.searchsorted(pain_ns, frame.seen.t_ns, side="right")) - 1
        felt = f"felt {nrs[before]:.1f} · " if before >= 0 else ""
        figures.append(
            f'<figure data-t="{t_s:.3f}"><img alt="Face at {t_s:.1f} s" src="{data_uri(frame.rgb, KEY_FRAME_PX)}">'
            f"<figcaption><b>{t_s:.1f} s</b><br>{felt}PSPI {frame.seen.pspi:.1f}</figcaption></figure>"
        )
    return (
        '<h2>The face</h2><p class="quiet">At rest and at its strongest moments: pain felt at that instant (NRS 0–10) '
        f'and pain shown (PSPI 0–16).</p><div class="faces">{"".join(figures)}</div>'
    )


def _latencies(session: _Session) -> str:
    dac, swap = "the first sample made from it leaves the DAC", "the first picture made from it is handed over"
    halves = (
        _latency("Touch to sound", "heard", session.touch_to_sound_ms, dac),
        _latency("Touch to face", "seen", session.touch_to_face_ms, swap),
    )
    return (
        '<h2>How late the machine was</h2><p class="quiet">Counted for every force frame that changed what was asked '
        "of voice or face, from the moment its bytes reached this computer; one whose answer was silent or still is "
        "left out. Shared and virtual machines stall now and then: the tail holds their pauses too.</p>"
        f'<div class="pair even">{"".join(halves)}</div>'
    )


def _latency(name: str, kind: str, values_ms: np.ndarray, until: str) -> str:
    figures = latency.summary(values_ms)
    if not figures["n"]:
        return f'<div class="half"><h3>{name}</h3><p class="quiet">Not measured: nothing answered.</p></div>'
    lines = [(key, figures[key]) for key in ("p50", "p95")]
    row = " · ".join(f"{key} {figures[key]:.1f}" for key in ("p50", "p95", "p99", "max"))
    return (
        f'<div class="half"><h3>{name}</h3><p class="quiet">until {until}</p>'
        f"{charts.distribution(values_ms, kind, lines)}"
        f'<p class="quiet">{row} ms · n {figures["n"]:.0f}</p></div>'
    )


def _health(session: _Session) -> str:
    words = {"good": "good", "look": "look", "bad": "incomplete"}
    rows = "".join(
        f'<tr><td class="word">{escape(found.subject)}</td><td class="word"><span class="{found.verdict}">'
        f'{words[found.verdict]}</span></td><td class="text">{escape(found.text)}</td></tr>'
        for found in findings(session.record)
    )
    notes = list(_notes(session))
    told = "".join(
        f'<tr data-t="{t_s:.3f}"><td>{t_s:.1f} s</td><td class="word">{_level(note.level)}</td>'
        f'<td class="word">{escape(note.source)}</td><td class="text">{escape(note.text)}</td></tr>'
        for t_s, note in notes[:NOTES_SHOWN]
    )
    more = (
        f'<p class="quiet">and {len(notes) - NOTES_SHOWN} more in the record.</p>' if len(notes) > NOTES_SHOWN else ""
    )
    listed = (
        f'<h3 style="margin-top:20px">Notes</h3><div class="scroll"><table>{told}</table></div>{more}' if told else ""
    )
    return f'<h2>How sound the record is</h2><div class="scroll"><table>{rows}</table></div>{listed}'


def _level(level: str) -> str:
    """A note's level as a coloured word; plain information needs no colour."""
    kind = {"warning": "look", "error": "bad"}.get(level)
    return f'<span class="{kind}">{level}</span>' if kind else f'<span class="quiet">{escape(level)}</span>'


def _caveats(session: _Session) -> str:
    points = [
        "Pain (NRS) is what the model of this patient computes from force and place. Nobody was hurt, and no person "
        "rated it.",
        "PSPI is computed from the action units that were drawn, not judged from the pictures by a trained coder.",
        "Level is digital (dB below full scale). How loud it was in the room depends on amplifier and loudspeaker: "
        "it is told above under “Level in the room” where they were calibrated, and not known otherwise.",
        "Places are centres of pressure: two hands at once appear as one point between them.",
        "Latencies end at the sound driver’s and the display’s own account; loudspeaker, air and panel come on top.",
    ]
    if session.simulated:
        points.insert(0, f"The force came from a simulated board ({session.simulated}), not from a hand at this time.")
    if session.config.voice.device == "none":
        points.append("No sound device was used: the voice was computed in real time for the record only.")
    items = "".join(f"<li>{escape(point)}</li>" for point in points)
    return f'<h2>What these numbers are not</h2><ul class="quiet">{items}</ul>'


def _again(session: _Session) -> str:
    folder = shlex.quote(str(session.record.folder))
    return (
        '<h2>To repeat it</h2><p class="quiet">The first line runs a new session with the same patient, settings and '
        "seed; the second feeds the recorded bytes through the patient again and checks that pain and expression come "
        f"out bit for bit the same.</p><pre><code>robopatient run --like {escape(folder)}\nrobopatient replay "
        f"{escape(folder)}</code></pre><footer>Made by robopatient {escape(session.start.version)} from "
        "<code>record.sqlite</code>, which explains its own columns in the table <code>dictionary</code>.</footer>"
    )


def _notes(session: _Session) -> Iterable[tuple[float, m.Note]]:
    notes: list[m.Note] = sorted(session.record.messages("note"), key=lambda note: note.t_ns)
    return (((note.t_ns - session.start.t_ns) * 1e-9, note) for note in notes)


def _press_text(index: int, row: PressRow) -> str:
    return f"Press {index}: {row.region}, {row.peak_newton:.1f} N, pain {_number(row.peak_nrs, 1) or 'unknown'}"


def _range(values: np.ndarray, low: float, high: float, step: float) -> tuple[float, float]:
    """Axis that holds all values and at least the given range, in whole steps."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return low, high
    least, most = math.floor(finite.min() / step) * step, math.ceil(finite.max() / step) * step
    return (min(least, most - step), most) if low else (0.0, max(most, high))


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if math.isfinite(value) else ""


def _signed(value: float, decimals: int) -> str:
    return _number(value, decimals).replace("-", "−")


def _max(values: Sequence[float] | np.ndarray, decimals: int) -> str:
    return _number(max(values, default=math.nan), decimals)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{round(seconds, 1 if seconds < 9.95 else 0):g} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def _date(iso: str) -> str:
    try:
        moment = datetime.datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{moment.day} {moment:%B %Y, %H:%M}"
