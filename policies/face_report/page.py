"""Writes ``report.html``: what was measured, on whom, against what, and where the baselines win.

One file without scripts or links: pictures and the film are inside it.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup

from policies.face_evaluate import AGAIN, TO_BEAT, FaceEvaluation
from policies.face_metrics.cases import pspi_of
from policies.face_metrics.compat import COMPAT
from policies.face_metrics.corrected import CORRECTED
from policies.face_metrics.react import REACT
from policies.face_metrics.realism import PUBLISHED, REALISM
from policies.face_report.films import film, strip
from policies.face_report.plots import colours, plot_ahead, plot_courses, plot_dose, plot_drift, plot_traces
from policies.statistics.resampling import Interval
from robopatient.report.page import PageRow, PageSection, columns, render, table, write_page

__all__ = ["verdicts", "write_report"]

INTRODUCTION = """<p>Every number is of people whom no generator was trained on; intervals are 95 % bootstrap intervals
over people. The corpus is made up by a documented simulator unless its line above says otherwise, so this says how well
a generator learned <em>that</em> corpus, not how real it looks: not evaluated with people.</p>"""

APPROPRIATE = f"""<p>Appropriate reactions are further takes of the same simulated person at the same stimulus and mood,
those with the most similar voice (for real recordings: the most similar clips). The held-out value of FRDiv, FRVar and
FRDvs is the row “{AGAIN}”.</p>"""

DEFECTS = """<p>For comparison with its repository only. PainCorr is the best single clip; PainAcc compares PSPI with
degrees Celsius, so that a strong frozen grimace wins; PainDist rewards the mean face; PainVar rewards jitter; PSPI is
read from action units here and from a rendered mesh there.</p>"""

BANDS = "<p>Bands from other people, stimuli and cameras: no target of any training.</p>"

CONTROLS = """<p>One condition is changed, the seeds stay the same; the statistic must move in the direction of the
corpus. Slots: change of the motion when pain and expressiveness are put into each other's place (0 would mean that
nobody notices).</p>"""

LIMITS = """<ul><li>Nobody has judged these faces yet. PainDiffusion's clinicians preferred it to recordings in 31 % of
choices: the number that a study would have to meet.</li>
<li>On a simulated corpus a generator is measured against the simulator's assumptions; train and evaluate on licensed
recordings (<code>robopatient face import</code>) to say more.</li>
<li>The recipe is trained at a reduced size and schedule on this corpus, not on BioVid, and is given controls in their
right slots: its numbers are not those of the paper.</li></ul>"""


def verdicts(result: FaceEvaluation) -> list[tuple[str, str, bool]]:
    """Targets: what was asked, what was found, whether it was reached."""
    rows = []
    for metric in TO_BEAT:
        lost = [name for name, gains in result.ahead.items() if not gains[metric].low > 0.0]
        worse = [name for name in lost if result.ahead[name][metric].high < 0.0]
        said = "better than every baseline, each interval above 0"
        if lost:
            said = f"not surely better than {', '.join(lost)}" + (
                f"; surely worse than {', '.join(worse)}" if worse else ""
            )
        rows.append((f"{metric} better than every baseline", said, not lost and bool(result.ahead)))
    for metric, what in (("pain_divrs_ratio", "diversity"), ("pain_var_ratio", "variance over time")):
        one = result.summary[result.ours][metric]
        rows.append((f"{what} within 10 % of held-out people", _plain(one), 0.9 <= one.value <= 1.1))
    dose, own = result.dose[result.ours].value, result.dose["held-out"].value
    said = f"{dose:.3f} against {own:.3f}" if np.isfinite(dose - own) else "too few trials a person"
    rows.append(("dose and response within 0.05 of held-out people", said, abs(dose - own) <= 0.05))
    swaps = result.swaps[result.ours]
    failed = [one.condition for one in swaps if not one.passed]
    rows.append(
        (
            "every condition moves what it should, p < 0.01",
            f"{len(swaps) - len(failed)} of {len(swaps)}" + (f"; not {', '.join(failed)}" if failed else ""),
            not failed,
        )
    )
    if result.ours in result.drift:
        drift = result.drift[result.ours]
        last = len(drift.variance)
        rows.append(
            (
                f"variance of minute {last} over minute 1 within 0.9-1.1",
                _plain(drift.variance_ratio),
                0.9 <= drift.variance_ratio.value <= 1.1,
            )
        )
        rows.append(
            (
                f"mean PSPI of minute {last} within 5 % of minute 1",
                _percent(drift.pspi_change),
                abs(drift.pspi_change.value) <= 0.05,
            )
        )
    return rows


def write_report(
    result: FaceEvaluation,
    path: Path,
    about: Sequence[tuple[str, str]],
    faces: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Write the page.

    Parameters
    ----------
    about
        Lines of its head: corpus, machine, version, ….
    faces
        Whether to draw faces and the film, which takes about a minute.
    """
    names = _shown(result)
    clip = _telling_clip(result, names)
    targets = [(a, b, _mark(reached=c)) for a, b, c in verdicts(result)]
    ahead = plot_ahead(result) if result.ahead else "<p>No baselines were run.</p>"
    drift = plot_drift(result) if result.drift else ""
    case = result.cases[clip]
    sections = [
        ("Targets", _table(("target", "found", "reached"), targets, words=(1,))),
        ("Against every baseline, paired by clip", ahead),
        ("Corrected metrics", _block(result, {k: (w, b) for k, (w, b) in CORRECTED.items()})),
        ("REACT metrics", APPROPRIATE + _block(result, {k: (w, b) for k, (w, b) in REACT.items()})),
        (
            "PainDiffusion's own metrics, as coded",
            DEFECTS + _block(result, {k: (w, "low" if low else "high") for k, (w, low) in COMPAT.items()}),
        ),
        ("Dynamics against held-out people", f"{_distances(result)}{plot_courses(result, names)}"),
        ("Published summaries", BANDS + _bands(result)),
        ("Controls", CONTROLS + _controls(result)),
        ("Dose and response", f"{_doses(result)}{plot_dose(result, names)}"),
        (f"{result.plan.drift_minutes} minutes on end", f"{drift}{_drifts(result)}"),
        (
            "One clip",
            f"<p>{html.escape(case.subject)}, {html.escape(case.trial)}.</p>{plot_traces(result, clip, names)}",
        ),
    ]
    if faces:
        say("drawing faces")
        sections.append(("The faces", _faces(result, clip, names)))
    sections.append(("What this does not say", LIMITS))
    page = render(
        "sections.html",
        title=f"Face generators on held-out people: {result.ours}",
        kind="Robopatient · face generator",
        facts=[f"{name}: {text}" for name, text in about],
        remarks=(),
        lead=Markup(INTRODUCTION),
        sections=[PageSection(title, Markup(body)) for title, body in sections],
        footer="Made by robopatient face evaluate.",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_page(page, path)


def _shown(result: FaceEvaluation) -> list[str]:
    """Generators that the plots show: ours, and the baselines that move."""
    wanted = [result.ours, "PainDiffusion recipe", "token model", "GRU regression", "attack-decay"]
    return [name for name in dict.fromkeys(wanted) if name in result.names]


def _telling_clip(result: FaceEvaluation, names: Sequence[str]) -> int:
    """Clip that all of them answered, with a strong reaction of the held-out person that is seen to end."""
    common = set(range(len(result.cases)))
    for name in names:
        common &= set(result.answers[name].rows.tolist())
    shown = {i: pspi_of(result.cases[i].appropriate[:1])[0] for i in sorted(common or {0})}
    whole = [i for i, one in shown.items() if 0.1 * len(one) < int(one.argmax()) < 0.7 * len(one)] or list(shown)
    whole.sort(key=lambda i: float(shown[i].max()))
    return whole[int(0.8 * (len(whole) - 1))]


def _block(result: FaceEvaluation, metrics: Mapping[str, tuple[str, str]]) -> str:
    """A row a generator, a column a metric; the best of the generators bold."""
    metrics = {name: one for name, one in metrics.items() if name in result.summary[result.ours]}
    best = {name: _best(result, name, goal) for name, (_, goal) in metrics.items()}
    rows = []
    for generator in result.names:
        cells = [_name(result, generator)]
        for name in metrics:
            cell = _with_interval(result.summary[generator][name])
            cells.append(f"<b>{cell}</b>" if generator == best[name] else cell)
        rows.append(tuple(cells))
    legend = "".join(
        f"<li><b>{html.escape(name)}</b> ({_goal(goal)}): {html.escape(what)}.</li>"
        for name, (what, goal) in metrics.items()
    )
    return _table(("generator", *metrics), rows, result) + f"<ul>{legend}</ul>"


def _goal(goal: str) -> str:
    return {"low": "low is good", "high": "high is good", "one": "1 is best", "zero": "0 is best"}.get(
        goal, "like held-out people"
    )


def _best(result: FaceEvaluation, metric: str, goal: str) -> str:
    values = {g: result.summary[g][metric].value for g in result.names if g != AGAIN}
    values = {g: v for g, v in values.items() if np.isfinite(v)}
    if not values:
        return ""
    if goal == "held-out":
        if AGAIN not in result.summary:
            return ""
        right = result.summary[AGAIN][metric].value
        return min(values, key=lambda g: abs(values[g] - right))
    if goal in ("one", "zero"):
        return min(values, key=lambda g: abs(values[g] - (1.0 if goal == "one" else 0.0)))
    return (min if goal == "low" else max)(values, key=lambda g: values[g])


def _distances(result: FaceEvaluation) -> str:
    best = {}
    for key in REALISM:
        values = {
            g: result.realism[g][key].value
            for g in result.names
            if g != AGAIN and np.isfinite(result.realism[g][key].value)
        }
        best[key] = min(values, key=lambda g: values[g]) if values else ""
    rows = []
    for name in result.names:
        cells = [_name(result, name)]
        for key in REALISM:
            cell = _with_interval(result.realism[name][key])
            cells.append(f"<b>{cell}</b>" if best[key] == name else cell)
        rows.append(tuple(cells))
    legend = "".join(f"<li><b>{html.escape(k)}</b>: {html.escape(w)}.</li>" for k, w in REALISM.items())
    return (
        "<p>Distance of generated from held-out distributions; the row "
        f"“{AGAIN}” is how far two takes of the same people are apart: nothing can be expected below it.</p>"
        + _table(("generator", *REALISM), rows, result)
        + f"<ul>{legend}<li>A dash: nothing to measure, because no face reacted.</li></ul>"
    )


def _bands(result: FaceEvaluation) -> str:
    columns = ["held-out", *(name for name in result.names if name != AGAIN)]
    rows = []
    for key, (low, high, _) in PUBLISHED.items():
        cells = [html.escape(key), f"{low:g}–{high:g}"]
        for name in columns:
            value = result.published[name][key]
            inside = low <= value <= high
            cells.append(
                "–" if not np.isfinite(value) else f'<span class="{"good" if inside else "bad"}">{value:.2f}</span>'
            )
        rows.append(tuple(cells))
    sources = "".join(f"<li>{html.escape(key)}: {html.escape(source)}.</li>" for key, (*_, source) in PUBLISHED.items())
    return _table(("summary", "published", *columns), rows) + f"<ul><small>{sources}</small></ul>"


def _controls(result: FaceEvaluation) -> str:
    asked = {name: {one.condition: one for one in swaps} for name, swaps in result.swaps.items()}
    rows = []
    for one in result.swaps[result.ours]:
        cells = [
            html.escape(one.condition),
            html.escape(one.question),
            {1: "grows", -1: "shrinks", 0: "stays"}[one.direction],
        ]
        for name in result.swaps:
            found = asked[name].get(one.condition)
            if found is None:
                cells.append("<small>not asked</small>")
                continue
            mark = "good" if found.passed else "bad"
            cells.append(f'{found.low:.2f} → {found.high:.2f} <span class="{mark}">p {_p(found.p)}</span>')
        rows.append(tuple(cells))
    rows.append(
        ("slots", "root-mean-square change of the motion", "above 0", *(f"{v:.2f}" for v in result.slots.values()))
    )
    return _table(("condition", "statistic", "must", *result.swaps), rows, words=(1,)) + (
        "<p><small>Generators that work one face at a time are asked only for the conditions that the recipe has too, "
        f"those below {result.plan.slow_fps:g} frames a processor second on fewer people; with few pairs p cannot "
        "become small."
        "</small></p>"
    )


def _doses(result: FaceEvaluation) -> str:
    rows = [
        (_name(result, name) if name in result.names else html.escape(name), _with_interval(one))
        for name, one in result.dose.items()
    ]
    return (
        "<p>Rank correlation of the strongest pain and the peak PSPI over all trials of a person, mean over people. "
        "The plot shows single episodes of the clips.</p>" + _table(("generator", "Spearman"), rows, result)
    ) + _presses(result)


def _presses(result: FaceEvaluation) -> str:
    if not result.presses:
        return ""
    rows = [
        (_name(result, name) if name in result.names else html.escape(name), *map(_with_interval, found.values()))
        for name, found in result.presses.items()
    ]
    head = ("generator", *(f"pain {nrs:g}" for nrs in result.presses["held-out"]))
    return (
        "<p>Peak PSPI of a short press (0.95 s in all), one of each strength a person, mean over people.</p>"
        + _table(head, rows, result)
    )


def _drifts(result: FaceEvaluation) -> str:
    rows = [
        (_name(result, name), _with_interval(d.variance_ratio), _percent(d.pspi_change))
        for name, d in result.drift.items()
    ]
    last = result.plan.drift_minutes
    slow = [name for name in result.names if name not in (*result.drift, AGAIN)]
    note = f"<p><small>Too slow to be let run on: {html.escape(', '.join(slow))}.</small></p>" if slow else ""
    return _table(("generator", f"variance, minute {last} / 1", f"mean PSPI, minute {last} / 1"), rows, result) + note


def _faces(result: FaceEvaluation, clip: int, names: Sequence[str]) -> str:
    case = result.cases[clip]
    rows = [("held-out person", case.truth)]
    for name in names:
        place = np.flatnonzero(result.answers[name].rows == clip)
        if len(place):
            rows.append((name, result.answers[name].tries[int(place[0])][0]))
    n = len(case.truth)
    strongest = int(pspi_of(case.appropriate[:1])[0].argmax())
    start = max(0, min(strongest - 60, n - 136))
    moments = np.linspace(start, min(n - 1, start + 135), 8).round().astype(int).tolist()
    pictures = strip([motion for _, motion in rows], moments)
    strips = "".join(
        f'<div class="strip"><span>{html.escape(name)}</span>{_image(name, picture)}</div>'
        for (name, _), picture in zip(rows, pictures, strict=True)
    )
    clip_film = film([name for name, _ in rows], [motion for _, motion in rows])
    encoded = base64.b64encode(clip_film).decode()
    times = ", ".join(f"{m / 30.0:.1f}" for m in moments)
    return (
        f"<p>The same moments ({times} s) of each face; one identity draws them all.</p>{strips}"
        f'<p>The whole clip:</p><video controls loop muted src="data:video/mp4;base64,{encoded}"></video>'
    )


def _name(result: FaceEvaluation, name: str) -> str:
    return f'<span style="color:{colours(result)[name]}">■</span> {html.escape(name)}'


def _with_interval(one: Interval) -> str:
    if not np.isfinite(one.value):
        return "–"
    if not np.isfinite(one.low):
        return f"{_short(one.value)}"
    return f"{_short(one.value)} <small>{_short(one.low)}–{_short(one.high)}</small>"


def _plain(one: Interval) -> str:
    return f"{_short(one.value)} (95 % interval {_short(one.low)} to {_short(one.high)})"


def _percent(one: Interval) -> str:
    low, value, high = (f"{100.0 * number:+.1f}" for number in (one.low, one.value, one.high))
    return f"{value} % (95 % interval {low} to {high})" if one.n > 1 else f"{value} %"


def _short(value: float) -> str:
    size = abs(value)
    if size >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.3f}"


def _p(p: float) -> str:
    return "&lt; 0.001" if p < 0.001 else f"{p:.3f}"


def _mark(*, reached: bool) -> str:
    return '<span class="good">yes</span>' if reached else '<span class="bad">no</span>'


def _image(name: str, jpeg: bytes) -> str:
    source = base64.b64encode(jpeg).decode()
    return f'<img alt="Eight moments of {html.escape(name)}" src="data:image/jpeg;base64,{source}">'


def _table(
    head: Sequence[str], rows: Sequence[Sequence[str]], result: FaceEvaluation | None = None, words: Sequence[int] = ()
) -> str:
    """A table whose cells are HTML. Rows that begin with our generator's or the ceiling's name are marked."""
    marked = []
    for row in rows:
        ours = result is not None and row[0].endswith(html.escape(result.ours))
        kind = "ours" if ours else "ceiling" if row[0].endswith(AGAIN) else ""
        marked.append(PageRow([Markup(cell) for cell in row], kind=kind))
    kinds = (":" if index == 0 else "::" if index in words else "" for index in range(len(head)))
    return str(table(", ".join(head), columns(*(kind + name for kind, name in zip(kinds, head, strict=True))), marked))
