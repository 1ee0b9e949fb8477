"""The debriefing page after a session: what a trainee did, beside what the patient felt and showed.

Made from the record alone; faces and sounds are given by the caller, who can draw and play them.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from robopatient import messages as m
from robopatient.record.debrief_figures import Figures
from robopatient.record.debrief_scales import Graded, grade_items, own_numbers
from robopatient.record.debrief_session import Debriefing
from robopatient.record.osce import EASED_SHARE, SHOWN_PSPI
from robopatient.report import plots
from robopatient.report.numbers import number, percent, signed
from robopatient.report.page import PageTile, columns, data_uri, listed, render, write_page
from robopatient.scales import OSCE_ITEMS, SCALES

__all__ = ["DebriefMoment", "write_debrief"]

FACE_PX = 240
EVENTS_SHOWN = 60
EARLIER_SHOWN = 9
REGION_COLUMNS = columns(":Region", "light|presses", "deep|presses", "first at|s", "peak force|N", "worst pain|NRS")
RESPONSE_COLUMNS = columns(
    "Press", ":region", "face shows pain|at, s", "force then|N", "most force after|N", "half the force after|ms"
)


class DebriefMoment(NamedTuple):
    """A moment worth looking at again: the press it belongs to, the face then, and the sound, as far as there are."""

    press: int
    t_ns: int
    rgb: np.ndarray | None = None
    wav: bytes = b""
    pspi: float = math.nan


def write_debrief(session: Debriefing, moments: Sequence[DebriefMoment], earlier: Sequence[Figures], out: Path) -> None:
    """Write the page.

    Parameters
    ----------
    moments
        Faces and sounds, put into the page.
    earlier
        The same trainee's other sessions, oldest first.

    Raises
    ------
    RecordError
        When the page cannot be written.
    """
    script, patient, training, x = session.script, session.patient, session.config.training, session.examination
    events = sorted(_events(session), key=lambda event: event[0])
    said: list[m.Said] = session.record.messages("said")
    page = render(
        "debrief.html",
        title=f"Debrief – {script.title or session.config.title or session.start.session_id}",
        heading=script.title or session.config.title or "Palpation of the abdomen",
        start=session.start,
        facts=listed(
            (
                f"trainee {training.trainee}" if training.trainee else "no trainee named",
                f"instructor {training.instructor}" if training.instructor else "",
                session.start.wall_time_iso[:16].replace("T", " ") + " UTC",
                f"{session.length_s:.0f} s of examination",
            )
        ),
        who=patient.described,
        unseen=session.visible.told(session.zero_ns),
        simulated=session.simulated,
        ended=session.stop is not None,
        length_s=session.length_s,
        summary=_summary(session),
        tiles=_tiles(session),
        script=script,
        patient=patient,
        deep_newton=training.deep_newton,
        coverage=plots.coverage(x.regions, _tender(session).split(", ")),
        map=_map(session),
        region_columns=REGION_COLUMNS,
        regions=_regions(session),
        line_columns=columns("::What was looked for", ":found"),
        scored=list(_scored(session)),
        marks=[(text, _mark(session.marks.get(name))) for name, text in OSCE_ITEMS.items()],
        timeline=_timeline(session, events),
        event_columns=columns("time|s", ":from", "::event"),
        events=[(f"{t_s:.1f}", who, text) for t_s, who, text in events[:EVENTS_SHOWN]],
        events_left=max(0, len(events) - EVENTS_SHOWN),
        force_pain=_force_pain(session),
        x=x,
        shown_pspi=SHOWN_PSPI,
        eased_share=percent(EASED_SHARE),
        response_columns=RESPONSE_COLUMNS,
        responses=[
            (
                str(r.press),
                session.presses[r.press - 1].region,
                f"{r.start_s:.1f}",
                number(r.newton),
                number(r.most_newton),
                number(r.eased_ms),
            )
            for r in x.responses
        ],
        moments=_moments(session, moments),
        said_columns=columns("at|s", ":asked", "::answer", "said|NRS", "felt|NRS"),
        said=[
            (
                f"{session.at_s(one.t_ns):.1f}",
                one.question,
                f"“{one.text}”",
                number(one.nrs if one.nrs >= 0 else None),
                number(one.felt_nrs, 1),
            )
            for one in said
        ],
        ratings=_ratings(session, earlier),
        scales=_scales(session),
        trainee=training.trainee,
        earlier_columns=columns(
            ":When",
            ":patient",
            "light|of 9",
            "deep|of 9",
            "regions before|the tender one",
            "hardest|N",
            "force while pain|shown, N",
            "half the force|ms",
            "rating error|NRS",
        ),
        earlier=[_figures_row(figures) for figures in [*earlier[-EARLIER_SHOWN:], session.figures]] if earlier else [],
    )
    write_page(page, out, "debrief")


def _tiles(session: Debriefing) -> list[PageTile]:
    x = session.examination
    touched_s = None if session.visible.never else x.shown_touched_s
    return [
        PageTile(f"{x.light_regions}", "of 9", "regions felt lightly"),
        PageTile(f"{x.deep_regions}", "of 9", "regions felt deeply"),
        PageTile(f"{x.peak_newton:.0f}", "N", "hardest press"),
        PageTile(f"{x.worst_nrs:.1f}", "of 10", "worst pain felt"),
        PageTile(number(touched_s), "s", "pressed while the face showed pain"),
        PageTile(number(x.eased_ms), "ms", "from grimace to half the force, median"),
    ]


def _summary(session: Debriefing) -> str:
    x, tender = session.examination, _tender(session)
    if not x.presses:
        return "Nobody pressed the abdomen."
    text = f"{x.presses} presses on {sum(f.light + f.deep > 0 for f in x.regions.values())} of 9 regions. "
    text += f"The first was on the {x.first_region} region"
    if math.isfinite(x.first_distance_mm):
        text += f", {x.first_distance_mm / 10:.0f} cm from where it hurts"
    if x.regions_before_pain >= 0:
        text += f"; the tender region ({tender}) came after {_others(x.regions_before_pain)}"
    elif tender:
        text += f"; the tender region ({tender}) was never pressed"
    text += ". "
    if x.painful_presses:
        text += f"{x.painful_presses} presses hurt (4 of 10 or more), the worst {x.worst_nrs:.1f}. "
    if x.responses:
        text += (
            f"When the face began to show pain, the force rose further in {x.pressed_on} of {len(x.responses)} presses."
        )
    return text


def _map(session: Debriefing) -> Markup:
    spots = [
        plots.Spot(n, press.x_mm, press.y_mm, press.peak_newton, nrs, _press_text(n, press, nrs))
        for n, press, nrs in _pressed(session)
    ]
    return plots.abdomen(session.phantom, spots, session.patient.sites)


def _regions(session: Debriefing) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, found in session.examination.regions.items():
        pressed = bool(found.light or found.deep)
        rows.append(
            (
                name,
                number(found.light or None),
                number(found.deep or None),
                number(found.first_s, 1),
                number(found.peak_newton or None, 1),
                number(found.worst_nrs if pressed else None, 1),
            )
        )
    return rows


def _scored(session: Debriefing) -> Iterator[tuple[str, str]]:
    """Lines of a station that the record answers."""
    x = session.examination
    first_ns = session.presses[0].t_ns if session.presses else math.inf
    actions: list[m.OperatorAction] = session.record.messages("action")
    asked = [a for a in actions if a.action in ("ask", "trigger") and a.source != "scenario" and a.t_ns < first_ns]
    told = [a for a in actions if a.action == "cue" and a.source != "scenario"]
    yield "Asks about the pain before the first touch", "yes" if asked else "not on the record"
    yield "Tells the patient what is going to happen", f"{len(told)} times" if told else "not on the record"
    if not x.presses:
        yield "Palpates", "no press on the record"
        return
    if math.isfinite(x.first_distance_mm):
        yield "Begins away from the pain", f"{x.first_region}, {x.first_distance_mm:.0f} mm from the tender point"
        before = f"after {_others(x.regions_before_pain)}" if x.regions_before_pain >= 0 else "never palpated"
        yield f"Comes to the tender region last ({_tender(session)})", before
    yield "Light palpation of all nine regions", f"{x.light_regions} of 9"
    yield "Deep palpation of all nine regions", f"{x.deep_regions} of 9"
    yield "Light before deep, region by region", f"{x.light_before_deep} of {x.deep_regions} deep regions"
    yield "Regions felt lightly before the first deep press", f"{x.light_regions_before_first_deep} of 9"
    yield "Hardest press", f"{x.peak_newton:.0f} N"
    if x.responses:
        yield "Eases off when the face shows pain", f"half the force after {x.eased_ms:.0f} ms (median)"
        yield "Does not press on into pain", f"force rose further in {x.pressed_on} of {len(x.responses)} presses"
    unseen = f"{x.unseen_presses} of {x.presses} presses: the face was not shown"
    if x.unseen_presses < x.presses:
        begun = f"{x.begun_while_shown} presses began while it still showed pain"
        yield "Waits until the face is calm again", begun + (f" ({unseen})" if x.unseen_presses else "")
    else:
        yield "Waits until the face is calm again", "not known: the face was not shown"
    signs = sorted({sign for sign in session.pain.get("sign", np.array([], dtype=object)) if sign})
    yield "Signs elicited", ", ".join(signs) or "none"


def _timeline(session: Debriefing, events: Sequence[tuple[float, str, str]]) -> Markup:
    force, pain, heard = session.force, session.pain, session.heard
    seen_ns, pspi = session.visible.broken(session.seen["t_ns"], session.seen["pspi"])
    force_s, pain_s, heard_s, seen_s = (
        (t_ns - session.zero_ns) * 1e-9 for t_ns in (force["t_ns"], pain["t_ns"], heard["t_ns"], seen_ns)
    )
    newton = force["total_newton"]
    top = max(10.0, math.ceil(newton.max(initial=0.0) / 10.0) * 10.0)
    lanes = [
        plots.Lane("Force", "N, all cells", "pressed", force_s, newton, 0.0, top, True),
        plots.Lane("Pain felt", "NRS 0–10", "felt", pain_s, pain["nrs"], 0.0, 10.0, True),
        plots.Lane("Pain shown", "PSPI 0–16", "seen", seen_s, pspi, 0.0, 16.0, True),
        plots.Lane("Voice level", "dBFS", "heard", heard_s, heard["level_dbfs"], -80.0, 0.0, True),
    ]
    marks = [
        plots.PressMark(n, session.at_s(press.t_ns), session.at_s(press.release_t_ns), _press_text(n, press, nrs))
        for n, press, nrs in _pressed(session)
    ]
    notes = [(t_s, f"{t_s:.1f} s, {who}: {text}") for t_s, who, text in events]
    return plots.timeline(lanes, marks, notes, (0.0, session.length_s))


def _events(session: Debriefing) -> Iterator[tuple[float, str, str]]:
    """Scenario, instructor and annotations in words."""
    for change in session.record.messages("scenario"):
        text = change.text or (f"now: {change.state}" if not change.event else change.event)
        yield session.at_s(change.t_ns), "scenario", f"{text} ({change.why})" if change.why != "start" else text
    for action in session.record.messages("action"):
        if action.source != "scenario" and action.action in ("trigger", "cue", "ask", "scenario", "stress", "relief"):
            yield session.at_s(action.t_ns), "instructor", f"{action.action}: {action.argument}"
    for note in session.record.messages("note"):
        if note.source in ("console", "operator"):
            yield session.at_s(note.t_ns), "note", note.text


def _force_pain(session: Debriefing) -> Markup | None:
    loops = []
    for n, press, worst in _pressed(session):
        first, last = np.searchsorted(session.force["t_ns"], (press.t_ns, press.release_t_ns))
        newton = session.force["total_newton"][first:last]
        at = np.searchsorted(session.pain["t_ns"], session.force["t_ns"][first:last])
        nrs = session.pain["nrs"][np.minimum(at, len(session.pain["nrs"]) - 1)] if len(session.pain["nrs"]) else newton
        loops.append(plots.Loop(n, newton, nrs, _press_text(n, press, worst)))
    return plots.force_pain(loops) if loops else None


def _moments(session: Debriefing, moments: Sequence[DebriefMoment]) -> list[dict[str, Any]]:
    shown = []
    for moment in moments:
        press, felt = session.presses[moment.press - 1], session.examination.press_nrs[moment.press - 1]
        face = f"shown PSPI {moment.pspi:.1f}" if math.isfinite(moment.pspi) else "face not shown"
        shown.append(
            {
                "press": moment.press,
                "at_s": session.at_s(moment.t_ns),
                "image": data_uri(moment.rgb, FACE_PX) if moment.rgb is not None else "",
                "sound": "data:audio/wav;base64," + base64.b64encode(moment.wav).decode() if moment.wav else "",
                "where": f"{press.region}, {press.peak_newton:.0f} N",
                "text": f"felt {felt:.1f}, {face}",
            }
        )
    return shown


def _ratings(session: Debriefing, earlier: Sequence[Figures]) -> dict[str, Any] | None:
    """None when there is none to compare."""
    before = [(pair.truth, pair.given) for figures in earlier for pair in figures.own_ratings]
    mine = own_numbers(session.pairs, session.config.training.trainee)
    now = [(pair.truth, pair.given) for pair in mine if math.isfinite(pair.truth)]
    if not session.pairs and not before:
        return None
    errors = [given - truth for truth, given in now]
    rows = [
        (
            f"{pair.t_s:.1f}",
            pair.rater,
            pair.scale,
            f"{pair.given:g}",
            number(pair.truth, 1),
            signed(pair.given - pair.truth),
        )
        for pair in session.pairs
    ]
    return {
        "columns": columns("at|s", ":by", ":scale", "rated", "truth", "difference"),
        "rows": rows,
        "mean": signed(float(np.mean(errors))) if errors else "",
        "count": len(errors),
        "figure": plots.calibration(now, before) if now or before else None,
    }


def _scales(session: Debriefing) -> list[dict[str, Any]]:
    end_ns = session.zero_ns + round(session.length_s * 1e9) + 1
    grades = grade_items(session.seen, session.heard, session.zero_ns, end_ns)
    shown = []
    for name, scale in SCALES.items():
        mine = [each for each in grades if each.scale == name]
        if mine:
            shown.append(
                {
                    "title": scale.title,
                    "columns": columns(":Item", "grade", "::what was seen or heard"),
                    "rows": [_graded(each) for each in mine],
                    "scored": sum(math.isfinite(each.value) for each in mine),
                    "items": len(mine),
                    "caveat": f" {scale.caveat[:1].upper()}{scale.caveat[1:]}." if scale.caveat else "",
                }
            )
    return shown


def _graded(graded: Graded) -> tuple[str, str, str]:
    item = next(item for item in SCALES[graded.scale].items if item.name == graded.item)
    if not math.isfinite(graded.value):
        return graded.item, number(None), f"not computable: {graded.why}"
    grade = f"{graded.value:g} ({item.low:g}–{item.high:g})"
    return graded.item, grade, f"{item.grades[int(graded.value - item.low)]} ({graded.why})"


def _figures_row(figures: Figures) -> tuple[str, ...]:
    before = figures.regions_before_pain
    return (
        figures.wall_time_iso[:16].replace("T", " "),
        figures.patient,
        str(figures.light_regions),
        str(figures.deep_regions),
        number(before if before >= 0 else None),
        number(figures.peak_newton),
        number(figures.shown_median_newton),
        number(figures.eased_ms),
        signed(figures.rating_error),
    )


def _tender(session: Debriefing) -> str:
    places = (session.phantom.plate_mm(site.left_mm, site.head_mm) for site in session.patient.sites)
    return ", ".join(dict.fromkeys(session.phantom.region(*place) for place in places))


def _others(count: int) -> str:
    """Regions besides the tender one, in words."""
    return f"{count} other region{'' if count == 1 else 's'}"


def _pressed(session: Debriefing) -> Iterator[tuple[int, m.Press, float]]:
    """Number, press and its worst pain, in the order of time."""
    for n, (press, nrs) in enumerate(zip(session.presses, session.examination.press_nrs, strict=True), 1):
        yield n, press, nrs


def _press_text(n: int, press: m.Press, nrs: float) -> str:
    return f"Press {n}: {press.region}, {press.peak_newton:.1f} N, pain {nrs:.1f}"


def _mark(value: float | None) -> str:
    """An instructor's mark, or boxes to tick on a print."""
    if value is None:
        return "☐\u00a0done ☐\u00a0partly ☐\u00a0not"
    return "done" if value >= 1 else "partly" if value > 0 else "not done"
