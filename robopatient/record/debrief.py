"""The debriefing report after a session: one self-contained page, and its figures for later comparison.

Made from the record alone; faces and sounds are given by the caller, who can draw and play them.
"""

from __future__ import annotations

import base64
import math
import string
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np

from robopatient import messages as m
from robopatient.errors import RecordError
from robopatient.record import charts
from robopatient.record.debrief_charts import Loop, calibration, coverage, force_pain
from robopatient.record.debrief_figures import Figures
from robopatient.record.debrief_scales import Graded, grade_items, own_numbers
from robopatient.record.debrief_session import Debriefing
from robopatient.record.osce import EASED_SHARE, SHOWN_PSPI
from robopatient.record.pictures import data_uri
from robopatient.scales import OSCE_ITEMS, SCALES

__all__ = ["DebriefMoment", "write_debrief"]

FACE_PX = 240
EVENTS_SHOWN = 60


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
    body = "\n".join(
        part
        for part in (
            _style(),
            _header(session),
            _case(session),
            _coverage(session),
            _lines(session),
            _timeline(session),
            _force_pain(session),
            _responses(session),
            _moments(session, moments),
            _conversation(session),
            _ratings(session, earlier),
            _scales(session),
            _earlier(session, earlier),
            _caveats(session),
        )
        if part
    )
    template = files("robopatient.record").joinpath("report.html").read_text(encoding="utf-8")
    title = escape(f"Debrief – {session.script.title or session.config.title or session.start.session_id}")
    try:
        out.write_text(string.Template(template).substitute(title=title, body=body), encoding="utf-8")
    except OSError as error:
        raise RecordError(f"{out}: the debrief cannot be written ({error.strerror})") from error


def _style() -> str:
    return f"<style>{files('robopatient.record').joinpath('debrief.css').read_text(encoding='utf-8')}</style>"


def _header(session: Debriefing) -> str:
    training, patient, x = session.config.training, session.patient, session.examination
    who = ", ".join(
        filter(None, (patient.name, f"{patient.age_years} years" if patient.age_years else "", patient.sex))
    )
    facts = [
        f"trainee {training.trainee}" if training.trainee else "no trainee named",
        f"instructor {training.instructor}" if training.instructor else "",
        session.start.wall_time_iso[:16].replace("T", " ") + " UTC",
        f"{session.length_s:.0f} s of examination",
    ]
    banners = []
    if session.simulated:
        banners.append(f"A simulated hand pressed ({session.simulated}): the figures below describe it, not a trainee.")
    if session.stop is None:
        banners.append(
            f"The session has no end on the record: it was cut off, or still runs. Up to {session.length_s:.0f} s."
        )
    unseen = session.visible.told(session.zero_ns)
    tiles = (
        (f"{x.light_regions}", "of 9", "regions felt lightly"),
        (f"{x.deep_regions}", "of 9", "regions felt deeply"),
        (f"{x.peak_newton:.0f}", "N", "hardest press"),
        (f"{x.worst_nrs:.1f}", "of 10", "worst pain felt"),
        ("–" if session.visible.never else f"{x.shown_touched_s:.0f}", "s", "pressed while the face showed pain"),
        (_number(x.eased_ms, 0), "ms", "from grimace to half the force, median"),
    )
    cells = "".join(
        f'<div class="tile"><b>{value} <small>{unit if value != "–" else ""}</small></b><span>{name}</span></div>'
        for value, unit, name in tiles
    )
    return (
        f'<p class="kind">Debrief · {escape(session.start.session_id)}</p>'
        f"<h1>{escape(session.script.title or session.config.title or 'Palpation of the abdomen')}</h1>"
        f'<p class="facts">{escape(" · ".join(filter(None, facts)))}</p><p class="facts">Patient: {escape(who)}</p>'
        + (f'<p class="banner bad">{escape(unseen)}</p>' if unseen else "")
        + "".join(f'<p class="banner">{escape(text)}</p>' for text in banners)
        + f'<p class="summary">{escape(_summary(session))}</p><div class="tiles">{cells}</div>'
        '<p class="quiet">Figures to talk about, not a judgement: no pass mark has been shown to be valid for them.</p>'
    )


def _summary(session: Debriefing) -> str:
    x, tender = session.examination, _tender(session)
    if not x.presses:
        return "Nobody pressed the abdomen."
    text = f"{x.presses} presses on {sum(f.light + f.deep > 0 for f in x.regions.values())} of 9 regions. "
    text += f"The first was on the {x.first_region} region"
    if math.isfinite(x.first_distance_mm):
        text += f", {x.first_distance_mm / 10:.0f} cm from where it hurts"
    if x.regions_before_pain >= 0:
        others = _others(x.regions_before_pain)
        text += f"; the tender region ({tender}) came after {others}"
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


def _case(session: Debriefing) -> str:
    script, patient = session.script, session.patient
    if not (script.brief or patient.history):
        return ""
    goals = "".join(f"<li>{escape(goal)}</li>" for goal in script.objectives)
    brief = f"<p>{escape(script.brief)}</p>" if script.brief else ""
    story = f'<p class="quiet">{escape(patient.complaint)}. {escape(patient.history)}</p>' if patient.complaint else ""
    aims = f"<h3>What was to be practised</h3><ul>{goals}</ul>" if goals else ""
    return (
        f'<h2>The case</h2><div class="pair even"><div class="half"><h3>What the trainee was told</h3>{brief}</div>'
        f'<div class="half"><h3>The patient</h3>{story}{aims}</div></div>'
    )


def _coverage(session: Debriefing) -> str:
    x, deep = session.examination, session.config.training.deep_newton
    spots = [
        charts.Spot(n, press.x_mm, press.y_mm, press.peak_newton, nrs, _press_text(n, press, nrs))
        for n, press, nrs in _pressed(session)
    ]
    sites = [
        (site.name, *session.phantom.plate_mm(site.left_mm, site.head_mm), site.sigma_mm)
        for site in session.patient.sites
    ]
    dotted = "Dotted: where this patient is tender." if sites else "This patient is tender nowhere."
    body = "".join(
        f'<tr><td class="word">{escape(name)}</td><td>{f.light or "–"}</td><td>{f.deep or "–"}</td>'
        f"<td>{_number(f.first_s, 1)}</td><td>{_number(f.peak_newton or math.nan, 1)}</td>"
        f"<td>{_number(f.worst_nrs if f.light or f.deep else math.nan, 1)}</td></tr>"
        for name, f in x.regions.items()
    )
    return (
        f'<h2>Where, how deep, in what order</h2><p class="quiet">Light is a peak below {deep:g} N, deep is {deep:g} N '
        f"and more (a convention of this trainer, not a published limit). Tinted: felt in one way; darker: in both. "
        f"{dotted}</p>"
        f'<div class="pair even"><div class="half"><h3>Coverage</h3>{coverage(x.regions, _tender(session).split(", "))}'
        '</div><div class="half"><h3>Presses by number; size by force, colour by pain</h3>'
        f'{charts.abdomen(session.phantom, spots, sites)}</div></div><div class="scroll"><table><tr>'
        '<th class="word">Region</th><th>light<br>presses</th><th>deep<br>presses</th><th>first at<br>s</th>'
        f"<th>peak force<br>N</th><th>worst pain<br>NRS</th></tr>{body}</table></div>"
    )


def _lines(session: Debriefing) -> str:
    """Lines of a station that the record answers, and those that only a person can."""
    rows = "".join(
        f'<tr><td class="text">{escape(line)}</td><td class="word">{escape(figure)}</td></tr>'
        for line, figure in _scored(session)
    )
    marks = "".join(
        f'<tr><td class="text">{escape(text)}</td>{_mark(session.marks.get(name))}</tr>'
        for name, text in OSCE_ITEMS.items()
    )
    return (
        '<h2>The examination, line by line</h2><div class="pair even"><div class="half"><h3>From the record</h3>'
        f'<table class="lines">{rows}</table></div><div class="half"><h3>Scored by the instructor</h3>'
        f'<table class="lines">{marks}</table><p class="quiet">Marked in the console during the session, or by hand '
        "on a print of this page.</p></div></div>"
    )


def _scored(session: Debriefing) -> Iterator[tuple[str, str]]:
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


def _timeline(session: Debriefing) -> str:
    force, pain, heard = session.force, session.pain, session.heard
    seen_ns, pspi = session.visible.broken(session.seen["t_ns"], session.seen["pspi"])
    zero = session.zero_ns
    top = max(10.0, math.ceil(force["total_newton"].max(initial=0.0) / 10.0) * 10.0)
    lanes = [
        charts.Lane(
            "Force", "N, all cells", "pressed", (force["t_ns"] - zero) * 1e-9, force["total_newton"], 0.0, top, True
        ),
        charts.Lane("Pain felt", "NRS 0–10", "felt", (pain["t_ns"] - zero) * 1e-9, pain["nrs"], 0.0, 10.0, True),
        charts.Lane("Pain shown", "PSPI 0–16", "seen", (seen_ns - zero) * 1e-9, pspi, 0.0, 16.0, True),
        charts.Lane(
            "Voice level", "dBFS", "heard", (heard["t_ns"] - zero) * 1e-9, heard["level_dbfs"], -80.0, 0.0, True
        ),
    ]
    marks = [
        charts.PressMark(n, session.at_s(press.t_ns), session.at_s(press.release_t_ns), _press_text(n, press, nrs))
        for n, press, nrs in _pressed(session)
    ]
    events = sorted(_events(session), key=lambda event: event[0])
    notes = [(t_s, f"{t_s:.1f} s, {who}: {text}") for t_s, who, text in events]
    rows = "".join(
        f'<tr><td>{t_s:.1f} s</td><td class="word">{escape(who)}</td><td class="text">{escape(text)}</td></tr>'
        for t_s, who, text in events[:EVENTS_SHOWN]
    )
    more = f'<p class="quiet">and {len(events) - EVENTS_SHOWN} more.</p>' if len(events) > EVENTS_SHOWN else ""
    told = f'<h3>What happened</h3><div class="scroll"><table>{rows}</table></div>{more}' if rows else ""
    return (
        '<h2>Over time</h2><p class="quiet">Numbered bands are presses; triangles are the events listed below. Time '
        "runs from the first force on the record.</p>"
        f'<div class="scroll">{charts.timeline(lanes, marks, notes, (0.0, session.length_s))}</div>{told}'
    )


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


def _force_pain(session: Debriefing) -> str:
    loops = []
    for n, press, worst in _pressed(session):
        first, last = np.searchsorted(session.force["t_ns"], (press.t_ns, press.release_t_ns))
        newton = session.force["total_newton"][first:last]
        at = np.searchsorted(session.pain["t_ns"], session.force["t_ns"][first:last])
        nrs = session.pain["nrs"][np.minimum(at, len(session.pain["nrs"]) - 1)] if len(session.pain["nrs"]) else newton
        loops.append(Loop(n, newton, nrs, _press_text(n, press, worst)))
    if not loops:
        return ""
    return (
        '<h2>How much force, how much pain</h2><p class="quiet">Each curve is one press, from touch to release; its '
        "colour is its worst pain. Steep curves are tender places; where a curve comes back above itself, pain "
        f"outlasted the force.</p>{force_pain(loops)}"
    )


def _responses(session: Debriefing) -> str:
    x = session.examination
    if not x.shown_s:
        return ""
    body = "".join(
        f'<tr><td>{r.press}</td><td class="word">{escape(session.presses[r.press - 1].region)}</td>'
        f"<td>{r.start_s:.1f}</td><td>{r.newton:.0f}</td><td>{r.most_newton:.0f}</td><td>{r.eased_ms:.0f}</td></tr>"
        for r in x.responses
    )
    table = (
        '<div class="scroll"><table><tr><th>Press</th><th class="word">region</th><th>face shows pain<br>at, s</th>'
        f"<th>force then<br>N</th><th>most force after<br>N</th><th>half the force<br>after, ms</th></tr>"
        f"{body}</table></div>"
        if body
        else ""
    )
    return (
        f'<h2>When the face showed pain</h2><p class="quiet">Pain is shown from PSPI {SHOWN_PSPI:g} on. The face '
        f"showed it for {x.shown_s:.0f} s; for {x.shown_touched_s:.0f} s of these the hand was on the abdomen, with "
        f"{_number(x.shown_median_newton, 0)} N (median), {_number(x.shown_peak_newton, 0)} N at most. "
        f"{x.begun_while_shown} presses began while the face still showed pain of another; they are not in the table. "
        f"“Half the force” is when it fell below {100 * EASED_SHARE:.0f} % of what it was when the face began to show "
        f"pain.</p>{table}"
    )


def _moments(session: Debriefing, moments: Sequence[DebriefMoment]) -> str:
    figures = []
    for moment in moments:
        shown = f"shown PSPI {moment.pspi:.1f}" if math.isfinite(moment.pspi) else "face not shown"
        press, felt = session.presses[moment.press - 1], session.examination.press_nrs[moment.press - 1]
        image = (
            f'<img alt="Face in press {moment.press}" src="{data_uri(moment.rgb, FACE_PX)}">'
            if moment.rgb is not None
            else ""
        )
        sound = (
            '<audio controls preload="metadata" src="data:audio/wav;base64,'
            f'{base64.b64encode(moment.wav).decode()}"></audio>'
            if moment.wav
            else ""
        )
        figures.append(
            f"<figure>{image}{sound}<figcaption><b>Press {moment.press}</b>, {session.at_s(moment.t_ns):.1f} s<br>"
            f"{escape(press.region)}, {press.peak_newton:.0f} N<br>felt {felt:.1f}, {shown}</figcaption></figure>"
        )
    if not figures:
        return ""
    return (
        '<h2>Moments to look at again</h2><p class="quiet">The worst presses with the face at its strongest and the '
        f'voice as it was played.</p><div class="faces">{"".join(figures)}</div>'
    )


def _conversation(session: Debriefing) -> str:
    said: list[m.Said] = session.record.messages("said")
    if not said:
        return ""
    rows = "".join(
        f'<tr><td>{session.at_s(each.t_ns):.1f} s</td><td class="word">{escape(each.question)}</td>'
        f'<td class="text">“{escape(each.text)}”</td><td>{each.nrs if each.nrs >= 0 else "–"}</td>'
        f"<td>{each.felt_nrs:.1f}</td></tr>"
        for each in said
    )
    return (
        '<h2>What the patient said</h2><p class="quiet">A number speaks of the worst that is remembered, and '
        "may be held back or exaggerated; beside it is the pain felt at the moment of asking.</p>"
        f'<div class="scroll"><table><tr><th>at</th><th class="word">asked</th><th class="word">answer</th>'
        f"<th>said<br>NRS</th><th>felt<br>NRS</th></tr>{rows}</table></div>"
    )


def _ratings(session: Debriefing, earlier: Sequence[Figures]) -> str:
    head = "<h2>The trainee’s own rating of the pain</h2>"
    before = [(pair.truth, pair.given) for figures in earlier for pair in figures.own_ratings]
    mine = own_numbers(session.pairs, session.config.training.trainee)
    now = [(pair.truth, pair.given) for pair in mine if math.isfinite(pair.truth)]
    if not session.pairs and not before:
        return (
            head + '<p class="quiet">None was entered. They are entered in the console (R) while the session runs.</p>'
        )
    rows = "".join(
        f'<tr><td>{pair.t_s:.1f} s</td><td class="word">{escape(pair.rater)}</td>'
        f'<td class="word">{escape(pair.scale)}</td>'
        f"<td>{pair.given:g}</td><td>{_number(pair.truth, 1)}</td><td>{_signed(pair.given - pair.truth)}</td></tr>"
        for pair in session.pairs
    )
    errors = [given - truth for truth, given in now]
    text = (
        f"This session: {_signed(float(np.mean(errors)))} of 10 on average over {len(errors)} ratings "
        "(minus: less than was felt). " if errors else ""
    )  # fmt: skip
    chart = calibration(now, before) if now or before else ""
    return (
        f'{head}<p class="quiet">Each rating is compared with the worst moment of the ten seconds before it. {text}'
        "Filled: this session; rings: earlier ones; on the dotted line is agreement, and the curve is a fit to all.</p>"
        f'<div class="pair even"><div class="half"><table><tr><th>at</th><th class="word">by</th>'
        '<th class="word">scale</th>'
        f'<th>rated</th><th>truth</th><th>difference</th></tr>{rows}</table></div><div class="half">{chart}</div></div>'
    )


def _scales(session: Debriefing) -> str:
    end_ns = session.zero_ns + round(session.length_s * 1e9) + 1
    grades = grade_items(session.seen, session.heard, session.zero_ns, end_ns)
    parts = [
        '<h2>What an observer could have scored</h2><p class="quiet">Observational scales at the worst moment of the '
        "session, item by item. What a robotic patient cannot show is left open, and no total is made up from the "
        "rest. How figures become grades is a convention of this trainer.</p>"
    ]
    for name, scale in SCALES.items():
        mine = [each for each in grades if each.scale == name]
        if mine:
            parts.append(_scale(scale.title, scale.caveat, mine))
    return f'{parts[0]}<div class="scales">{"".join(parts[1:])}</div>'


def _scale(title: str, caveat: str, grades: Sequence[Graded]) -> str:
    scored = [each for each in grades if math.isfinite(each.value)]
    ranges = {item.name: item for item in SCALES[grades[0].scale].items}
    rows = "".join(
        f'<tr><td class="word">{escape(each.item)}</td><td>'
        + (
            f"{each.value:g} <small>({ranges[each.item].low:g}–{ranges[each.item].high:g})</small>"
            if each in scored
            else "–"
        )
        + f'</td><td class="text quiet">{escape(_grade_text(each))}</td></tr>'
        for each in grades
    )
    note = f" {caveat[:1].upper()}{caveat[1:]}." if caveat else ""
    return (
        f'<div><h3>{escape(title)}</h3><table>{rows}</table><p class="quiet">{len(scored)} of {len(grades)} items; no '
        f"total.{escape(note)}</p></div>"
    )


def _grade_text(graded: Graded) -> str:
    item = next(item for item in SCALES[graded.scale].items if item.name == graded.item)
    if not math.isfinite(graded.value):
        return f"not computable: {graded.why}"
    return f"{item.grades[int(graded.value - item.low)]} ({graded.why})"


def _earlier(session: Debriefing, earlier: Sequence[Figures]) -> str:
    trainee = session.config.training.trainee
    if not trainee:
        return ""
    head = f"<h2>Beside the earlier sessions of {escape(trainee)}</h2>"
    if not earlier:
        return head + '<p class="quiet">There is none in this folder of sessions.</p>'
    rows = "".join(_figures_row(figures) for figures in [*earlier[-9:], session.figures])
    return (
        f'{head}<div class="scroll"><table><tr><th class="word">When</th><th class="word">patient</th><th>light<br>of 9'
        "</th><th>deep<br>of 9</th><th>regions before<br>the tender one</th><th>hardest<br>N</th>"
        f"<th>force while pain<br>shown, N</th><th>half the force<br>ms</th>"
        f"<th>rating error<br>NRS</th></tr>{rows}</table></div>"
        '<p class="quiet">The last row is this session. Patients and scenarios differ: compare like with like.</p>'
    )


def _figures_row(figures: Figures) -> str:
    before = figures.regions_before_pain
    return (
        f'<tr><td class="word">{escape(figures.wall_time_iso[:16].replace("T", " "))}</td>'
        f'<td class="word">{escape(figures.patient)}</td><td>{figures.light_regions}</td>'
        f"<td>{figures.deep_regions}</td>"
        f"<td>{before if before >= 0 else '–'}</td><td>{figures.peak_newton:.0f}</td>"
        f"<td>{_number(figures.shown_median_newton, 0)}</td><td>{_number(figures.eased_ms, 0)}</td>"
        f"<td>{_signed(figures.rating_error)}</td></tr>"
    )


def _caveats(session: Debriefing) -> str:
    points = [
        "Pain is what the model of this patient computes from force, place and what went before. Nobody was hurt.",
        "PSPI and the face items are computed from what was drawn, not judged by a trained coder.",
        "Two hands at once appear as one point between them; a press is assigned to the region of that point.",
        "Whether light or deep is right, and how much force is too much, depends on the patient: figures do not say.",
        "Sounds are as they were computed for the loudspeaker; how loud they were in the room is not known.",
    ]
    items = "".join(f"<li>{escape(point)}</li>" for point in points)
    start = session.start
    return (
        f'<h2>What these figures are not</h2><ul class="quiet">{items}</ul><footer>Made by robopatient '
        f"{escape(start.version)} from <code>record.sqlite</code>; seed {start.seed}. Personal data: keep it where "
        "your consent forms allow; <code>robopatient sessions delete</code> removes it.</footer>"
    )


def _tender(session: Debriefing) -> str:
    places = (session.phantom.plate_mm(site.left_mm, site.head_mm) for site in session.patient.sites)
    return ", ".join(dict.fromkeys(session.phantom.region(*place) for place in places))


def _others(count: int) -> str:
    """Regions besides the tender one, in words."""
    return f"{count} other region{'' if count == 1 else 's'}"


def _pressed(session: Debriefing) -> Iterator[tuple[int, m.Press, float]]:
    """Number, press and its worst pain, in the order of time."""
    for number, (press, nrs) in enumerate(zip(session.presses, session.examination.press_nrs, strict=True), 1):
        yield number, press, nrs


def _press_text(number: int, press: m.Press, nrs: float) -> str:
    return f"Press {number}: {press.region}, {press.peak_newton:.1f} N, pain {nrs:.1f}"


def _mark(value: float | None) -> str:
    """Cell with an instructor's mark, or with boxes to tick."""
    if value is None:
        return '<td class="boxes">☐ done&ensp;☐ partly&ensp;☐ not</td>'
    return f'<td class="word">{"done" if value >= 1 else "partly" if value > 0 else "not done"}</td>'


def _number(value: float | None, decimals: int) -> str:
    return f"{value:.{decimals}f}" if value is not None and math.isfinite(value) else "–"


def _signed(value: float | None) -> str:
    return f"{value:+.1f}".replace("-", "−") if value is not None and math.isfinite(value) else "–"
