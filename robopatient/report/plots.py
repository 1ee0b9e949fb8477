"""What the pages of a session draw: curves over time, the abdomen, latencies, coverage, force against pain, ratings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from robopatient.errors import require
from robopatient.phantom import REGIONS, Phantom
from robopatient.record.info import RecordedSite
from robopatient.record.osce import RegionFigures
from robopatient.report.figures import ACCENTS, FAINT, INK, QUIET, RULE, inline_svg, new_figure, styled

__all__ = [
    "Lane",
    "Loop",
    "PressMark",
    "Spot",
    "abdomen",
    "calibration",
    "coverage",
    "distribution",
    "force_pain",
    "pain_colour",
    "timeline",
]

COLOURS = dict(zip(("pressed", "felt", "heard", "seen"), ACCENTS, strict=True))
BODY, EDGE, CARD, LOOK = "#f7ede4", "#d9c7b6", "#fefefe", "#a85b01"
PAIN_COLOURS = ((253, 231, 197), (250, 189, 121), (240, 134, 62), (205, 78, 22), (127, 36, 8))
"""NRS 0 to 10: one hue from pale to dark, told apart by lightness alone and so by colour-blind readers too."""
TIMELINE_IN, LEFT, RIGHT = 10.0, 0.132, 0.988
"""Width of the curves over time, and where their axis begins and ends in it."""
LANE_IN, LANE_GAP_IN, HEAD_IN, FOOT_IN = 0.84, 0.24, 0.3, 0.36
COLUMNS = 850
"""More points than two a pixel column are drawn as the lowest and the highest of each."""
TIME_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200)
FIT_FROM, FIT_SPREAD_NRS = 4, 2.0
"""Ratings, and range of the pain felt, from which a line is fitted (assumption: fewer say nothing about a slope)."""
LOOP_POINTS = 160


class Lane(NamedTuple):
    """One curve over time.

    Attributes
    ----------
    kind
        Its colour: "pressed", "felt", "heard" or "seen".
    t_s, values
        Shape (n,); NaN leaves a gap.
    low, high
        Range of the axis; values beyond are clipped.
    filled
        Whether the area under the curve is tinted.
    """

    name: str
    unit: str
    kind: str
    t_s: np.ndarray
    values: np.ndarray
    low: float
    high: float
    filled: bool = False


class PressMark(NamedTuple):
    """A press on the time axis: number, beginning and end, and what to say about it."""

    number: int
    start_s: float
    end_s: float
    text: str


class Spot(NamedTuple):
    """A press on the map: number, plate coordinates, what sets its size and its colour, and what to say about it."""

    number: int
    x_mm: float
    y_mm: float
    peak_newton: float
    peak_nrs: float
    text: str


class Loop(NamedTuple):
    """One press from touch to release: force, N, and pain felt, NRS; shapes (n,)."""

    number: int
    newton: np.ndarray
    nrs: np.ndarray
    text: str


def timeline(
    lanes: Sequence[Lane],
    marks: Sequence[PressMark],
    notes: Sequence[tuple[float, str]],
    span: tuple[float, float],
) -> Markup:
    """Curves above each other on one time axis, with the presses as bands behind them and notes as ticks below.

    Parameters
    ----------
    notes
        Time, s, and text of each.
    span
        Where the axis begins and ends, s.
    """
    begin_s, end_s = span[0], max(span[1], span[0] + 1e-3)
    height_in = HEAD_IN + len(lanes) * (LANE_IN + LANE_GAP_IN) - LANE_GAP_IN + FOOT_IN
    told: dict[str, str] = {}
    with styled():
        figure = new_figure(TIMELINE_IN, height_in)
        behind = figure.add_axes((LEFT, FOOT_IN / height_in, RIGHT - LEFT, 1 - (FOOT_IN + HEAD_IN) / height_in))
        behind.set(xlim=(begin_s, end_s), ylim=(0, 1), yticks=[])
        behind.spines[["left", "bottom"]].set_visible(False)
        _time_axis(behind, begin_s, end_s)
        free_s, step_s = -math.inf, 17.0 / 856.0 * (end_s - begin_s)
        for mark in marks:
            band = behind.axvspan(mark.start_s, mark.end_s, color=FAINT, alpha=0.16, linewidth=0, gid=f"p{mark.number}")
            told[str(band.get_gid())] = mark.text
            middle_s = (mark.start_s + mark.end_s) / 2
            if middle_s - free_s >= step_s:  # numbers of a long session would cover each other
                behind.text(middle_s, 1.02, str(mark.number), ha="center", va="bottom", weight="bold")
                free_s = middle_s
        for index, (t_s, text) in enumerate(notes):
            at = min(max(t_s, begin_s), end_s)
            behind.plot(at, -0.004, "^", color=LOOK, markersize=6, clip_on=False, gid=f"n{index}")
            told[f"n{index}"] = text
        for index, lane in enumerate(lanes):
            bottom_in = height_in - HEAD_IN - LANE_IN - index * (LANE_IN + LANE_GAP_IN)
            _lane(
                figure.add_axes((LEFT, bottom_in / height_in, RIGHT - LEFT, LANE_IN / height_in)), lane, begin_s, end_s
            )
    points = TIMELINE_IN * 72.0
    scale = (RIGHT - LEFT) * points / (end_s - begin_s)
    data = f'data-left="{LEFT * points:.1f}" data-scale="{scale:.6g}" data-begin="{begin_s:.3f}"'
    names = ", ".join(lane.name.lower() for lane in lanes)
    return inline_svg(figure, f"Over time: {names}; {len(marks)} presses as bands", "timeline", told, data)


def _time_axis(axes: Any, begin_s: float, end_s: float) -> None:
    minutes = end_s > 120
    step_s = next((step for step in TIME_STEPS_S if (end_s - begin_s) / step <= 12), TIME_STEPS_S[-1])
    places = [step * step_s for step in range(math.ceil(begin_s / step_s), math.floor(end_s / step_s) + 1)]
    axes.set_xticks(places, [f"{t // 60:g}:{t % 60:02g}" if minutes else f"{t:g}" for t in places])
    axes.text(-0.154, 0, f"\ntime, {'min:s' if minutes else 's'}", transform=axes.transAxes, va="top", color=QUIET)


def _lane(axes: Any, lane: Lane, begin_s: float, end_s: float) -> None:
    """Axis, name and curve of one lane."""
    axes.set(xlim=(begin_s, end_s), ylim=(lane.low, lane.high), xticks=[])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.yaxis.set_major_locator(require("matplotlib.ticker", "study").MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.text(-0.154, 1.0, lane.name, transform=axes.transAxes, va="top", weight="bold")
    axes.text(-0.154, 0.78, lane.unit, transform=axes.transAxes, va="top", color=QUIET, size=9.5)
    shown = (lane.t_s >= begin_s) & (lane.t_s <= end_s)
    if not shown.any():
        axes.text(0.01, 0.5, "nothing on the record", transform=axes.transAxes, color=QUIET)
        return
    t_s, values = _envelope(lane.t_s[shown], np.clip(lane.values[shown], lane.low, lane.high), begin_s, end_s)
    colour = COLOURS[lane.kind]
    if lane.filled:
        axes.fill_between(t_s, lane.low, values, color=colour, alpha=0.13, linewidth=0)
    axes.plot(t_s, values, color=colour, gid=f"curve-{lane.kind}")


def _envelope(t_s: np.ndarray, values: np.ndarray, begin_s: float, end_s: float) -> tuple[np.ndarray, np.ndarray]:
    """At most two points (lowest, highest) for each pixel column, so that no peak is lost in a long session."""
    if len(t_s) <= 2 * COLUMNS:
        return t_s, values
    column = np.floor((t_s - begin_s) / (end_s - begin_s) * COLUMNS).astype(np.int64)
    order = np.lexsort((np.nan_to_num(values, nan=-np.inf), column))
    starts = np.flatnonzero(np.diff(column[order], prepend=-1))
    ends = np.append(starts[1:], len(order)) - 1
    keep = np.unique(np.concatenate([order[starts], order[ends]]))
    return t_s[keep], values[keep]


def abdomen(phantom: Phantom, spots: Sequence[Spot], sites: Sequence[RecordedSite]) -> Markup:
    """The abdomen as the clinician sees it: the patient's right on the left, the head above.

    Parameters
    ----------
    sites
        Tender places.
    """
    patches = require("matplotlib.patches", "study")
    turned = phantom.head_towards == "-y"
    width, height = phantom.width_mm, phantom.height_mm
    told: dict[str, str] = {}

    def at(x_mm: float, y_mm: float) -> tuple[float, float]:
        """Picture coordinates (y up) of a plate point."""
        return (width - x_mm, height - y_mm) if turned else (x_mm, y_mm)

    with styled():
        size_in = 4.3
        figure = new_figure(size_in, size_in * (height + 30) / (width + 28))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(-14, width + 14), ylim=(-8, height + 22), aspect="equal")
        axes.axis("off")
        corner = patches.BoxStyle("round", pad=0, rounding_size=26)
        axes.add_patch(patches.FancyBboxPatch((0, 0), width, height, boxstyle=corner, facecolor=BODY, edgecolor=EDGE))
        across = sorted(at(x, 0.0)[0] for x in phantom.vertical_lines_mm)
        down = sorted((at(0.0, y)[1] for y in phantom.horizontal_lines_mm), reverse=True)
        axes.vlines(across, 0, height, color=EDGE, linestyle=(0, (3, 4)), linewidth=0.9)
        axes.hlines(down, 0, width, color=EDGE, linestyle=(0, (3, 4)), linewidth=0.9)
        edges = (0.0, *across, width)
        for names, bottom in zip(REGIONS, (*down, 0.0), strict=True):
            for name, left, right in zip(names, edges[:-1], edges[1:], strict=True):
                axes.text(
                    (left + right) / 2,
                    bottom + 5,
                    name.replace(" ", "\n"),
                    ha="center",
                    va="bottom",
                    color=FAINT,
                    size=8,
                )
        navel = patches.Ellipse(at(*phantom.navel_mm), 6, 9, fill=False, edgecolor=EDGE, linewidth=1.5)
        navel.set_gid("navel")
        axes.add_patch(navel)
        for index, site in enumerate(sites):
            ring = patches.Circle(at(*phantom.plate_mm(site.left_mm, site.head_mm)), site.sigma_mm, fill=False)
            ring.set(edgecolor=COLOURS["felt"], linestyle=(0, (1, 2)), gid=f"s{index}")
            axes.add_patch(ring)
            told[f"s{index}"] = f"{site.name}: tender, one sigma is {site.sigma_mm:.0f} mm"
        for spot in sorted(spots, key=lambda spot: -spot.peak_newton):
            if not (math.isfinite(spot.x_mm) and math.isfinite(spot.y_mm)):
                continue
            colour, ink = pain_colour(spot.peak_nrs)
            place, radius = at(spot.x_mm, spot.y_mm), 5.0 + 1.5 * math.sqrt(max(0.0, spot.peak_newton))
            disc = patches.Circle(place, radius, facecolor=colour, edgecolor=CARD, alpha=0.93)
            disc.set_gid(f"p{spot.number}")
            axes.add_patch(disc)
            axes.text(*place, str(spot.number), ha="center", va="center", color=ink, size=8, weight="bold")
            told[f"p{spot.number}"] = spot.text
        _sides(axes, 0.0, width, height + 8)
        axes.text(width / 2, height + 8, "head", ha="center", color=QUIET, size=8.5)
    return inline_svg(figure, f"Map of the abdomen with {len(spots)} presses", "abdomen", told)


def _sides(axes: Any, left: float, right: float, y: float) -> None:
    """Whose left and right these are."""
    axes.text(left, y, "patient’s right", color=QUIET, size=8.5)
    axes.text(right, y, "patient’s left", color=QUIET, size=8.5, ha="right")


def pain_colour(nrs: float) -> tuple[str, str]:
    """Fill and a legible ink on it for a pain of 0 to 10; grey when it is unknown."""
    if not math.isfinite(nrs):
        return "#9aa0a6", "#111111"
    place = min(max(nrs / 10.0, 0.0), 1.0) * (len(PAIN_COLOURS) - 1)
    low = min(int(place), len(PAIN_COLOURS) - 2)
    share = place - low
    red, green, blue = (
        round(a + share * (b - a)) for a, b in zip(PAIN_COLOURS[low], PAIN_COLOURS[low + 1], strict=True)
    )
    return f"#{red:02x}{green:02x}{blue:02x}", "#ffffff" if nrs > 6.0 else "#2a1608"


def distribution(values_ms: np.ndarray, kind: str, lines: Sequence[tuple[str, float]], name: str) -> Markup:
    """Histogram with lines at named values; the axis ends at the 99.5th percentile, and what is beyond is counted."""
    top_ms = max(1.0, float(np.percentile(values_ms, 99.5)), *(value for _, value in lines)) * 1.05
    with styled():
        figure = new_figure(4.8, 1.75, layout="constrained")
        axes = figure.subplots()
        axes.grid(visible=False)
        axes.hist(values_ms[values_ms <= top_ms], bins=48, range=(0.0, top_ms), color=COLOURS[kind], alpha=0.55)
        axes.spines["left"].set_visible(False)
        beyond = int((values_ms > top_ms).sum())
        axes.set(xlim=(0, top_ms), yticks=[], xlabel=f"ms; {beyond} beyond" if beyond else "ms")
        axes.set_ylim(0, axes.get_ylim()[1] * 1.25)
        for row, (label, value) in enumerate(lines):
            axes.axvline(value, color=INK, linewidth=1, linestyle=(0, (2, 2)))
            words = f"{label} {value:.0f} ms "
            axes.text(
                value, 1.0 - 0.13 * row, words, transform=axes.get_xaxis_transform(), ha="right", va="top", size=9.5
            )
    return inline_svg(figure, f"{name}: distribution, ms", "distribution")


def coverage(regions: Mapping[str, RegionFigures], tender: Sequence[str]) -> Markup:
    """The nine regions as the clinician sees them, each with what was done to it."""
    patches = require("matplotlib.patches", "study")
    width, height, gap = 130.0, 92.0, 4.0
    with styled():
        figure = new_figure(4.3, 4.3 * (3 * height + 18) / (3 * width))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 3 * width), ylim=(3 * height, -18))
        axes.axis("off")
        _sides(axes, 0.0, 3 * width - gap, -6)
        for row, names in enumerate(REGIONS):
            for column, name in enumerate(names):
                found = regions.get(name, RegionFigures())
                done = (found.light > 0) + (found.deep > 0)
                x, y = column * width, row * height
                box, round7 = (width - gap, height - gap), patches.BoxStyle("round", pad=0, rounding_size=7)
                axes.add_patch(patches.FancyBboxPatch((x, y), *box, boxstyle=round7, facecolor=CARD, edgecolor=RULE))
                if done:
                    tint = patches.FancyBboxPatch(
                        (x, y), *box, boxstyle=round7, facecolor=COLOURS["heard"], linewidth=0
                    )
                    tint.set_alpha(0.16 * done)
                    axes.add_patch(tint)
                if name in tender:
                    inner, round5 = (
                        (width - gap - 5, height - gap - 5),
                        patches.BoxStyle("round", pad=0, rounding_size=5),
                    )
                    ring = patches.FancyBboxPatch((x + 2.5, y + 2.5), *inner, boxstyle=round5, fill=False)
                    ring.set(edgecolor=COLOURS["felt"], linestyle=(0, (1.5, 2)), linewidth=1.5)
                    axes.add_patch(ring)
                axes.text(x + 10, y + 19, name, weight="bold", size=8)
                lines = (
                    (
                        f"{'●' if found.light else '○'} light {found.light or ''}",
                        f"{'●' if found.deep else '○'} deep {found.deep or ''}",
                        f"up to {found.peak_newton:.0f} N",
                    )
                    if done
                    else ("not palpated",)
                )
                for index, text in enumerate(lines):
                    axes.text(x + 10, y + 39 + 17 * index, text, size=9)
    felt = sum(1 for one in regions.values() if one.light or one.deep)
    return inline_svg(figure, f"Regions palpated: {felt} of 9; the table below has the numbers", "coverage")


def force_pain(loops: Sequence[Loop]) -> Markup:
    """Pain against force: one curve a press, coloured by its worst pain, its number at that point."""
    loops = sorted((loop for loop in loops if len(loop.newton)), key=lambda loop: float(loop.nrs.max(initial=0.0)))
    top = max(10.0, max((float(loop.newton.max(initial=0.0)) for loop in loops), default=10.0)) * 1.05
    told = {}
    with styled():
        figure = new_figure(6.4, 3.5, layout="constrained")
        axes = figure.subplots()
        axes.set(xlim=(0, top), ylim=(0, 10), xlabel="force, N (all cells)", ylabel="pain felt, NRS")
        places = []
        for loop in loops:
            pick = np.unique(np.linspace(0, len(loop.newton) - 1, LOOP_POINTS).astype(int))
            worst = int(np.argmax(loop.nrs))
            colour, _ = pain_colour(max(2.0, float(loop.nrs[worst])))
            axes.plot(loop.newton[pick], loop.nrs[pick], color=colour, alpha=0.85, gid=f"l{loop.number}")
            told[f"l{loop.number}"] = loop.text
            places.append((float(loop.newton[worst]), float(loop.nrs[worst]), loop.number))
        placed: list[tuple[float, float]] = []
        for x, y, number in reversed(places):  # the worst first: numbers that would cover each other are left out
            if all(math.hypot((x - px) / top * 520, (y - py) / 10 * 250) > 16 for px, py in placed):
                placed.append((x, y))
                axes.annotate(str(number), (x, y), (0, 3), textcoords="offset points", ha="center", weight="bold")
    return inline_svg(figure, f"Pain felt against force, {len(loops)} presses", "plot", told)


def calibration(now: Sequence[tuple[float, float]], earlier: Sequence[tuple[float, float]]) -> Markup:
    """The trainee's numbers (up) against the pain that was felt (right), NRS; the diagonal is agreement.

    From ``FIT_FROM`` ratings on, a line fitted to all of them shows how the trainee's scale runs.
    """
    with styled():
        figure = new_figure(3.4, 3.4, layout="constrained")
        axes = figure.subplots()
        axes.set(xlim=(0, 10), ylim=(0, 10), xlabel="pain felt, NRS", ylabel="rated, NRS", aspect="equal")
        axes.plot([0, 10], [0, 10], color=INK, linewidth=1, linestyle=(0, (2, 2)))
        points = np.array([*now, *earlier]).reshape(-1, 2)
        if len(points) >= FIT_FROM and np.ptp(points[:, 0]) >= FIT_SPREAD_NRS:
            slope, offset = np.polyfit(points[:, 0], points[:, 1], 1)
            ends = np.array([points[:, 0].min(), points[:, 0].max()])
            axes.plot(ends, np.clip(offset + slope * ends, 0.0, 10.0), color=COLOURS["felt"])
        for given, options in (
            (earlier, {"markerfacecolor": "none", "markeredgecolor": FAINT}),
            (now, {"color": COLOURS["felt"]}),
        ):
            if given:
                axes.plot(*np.array(given).T, "o", markersize=6, clip_on=False, **options)
    return inline_svg(
        figure, f"Ratings against the pain felt: {len(now)} of this session, {len(earlier)} earlier", "plot small"
    )
