"""The report's pictures as inline SVG: curves over time, a map of the abdomen, distributions.

Drawn as text, so that they follow the page's light or dark colours, stay sharp in print and need no plotting package.
Classes are styled in ``report.html``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from robopatient.phantom import REGIONS, Phantom

__all__ = ["Lane", "PressMark", "Spot", "abdomen", "distribution", "pain_colour", "ticks", "timeline"]

WIDTH = 1000
LEFT, RIGHT = 132, 12
"""Margins of the curves: the names of the lanes stand on the left."""
LANE_HEIGHT, LANE_GAP, HEAD, FOOT = 84, 22, 26, 30

TIME_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200)

PAIN_COLOURS = ((253, 231, 197), (250, 189, 121), (240, 134, 62), (205, 78, 22), (127, 36, 8))
"""NRS 0 to 10: one hue from pale to dark, told apart by lightness alone and so by colour-blind readers too."""


class Lane(NamedTuple):
    """One curve over time.

    Attributes
    ----------
    kind
        CSS class of its colour: "pressed", "felt", "heard" or "seen".
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


def timeline(
    lanes: Sequence[Lane],
    marks: Sequence[PressMark],
    notes: Sequence[tuple[float, str]],
    span: tuple[float, float],
) -> str:
    """Curves above each other on one time axis, with the presses as bands behind them and notes as ticks below.

    Parameters
    ----------
    notes
        Time, s, and text of each.
    span
        Where the axis begins and ends, s.
    """
    begin_s, span_s = span[0], max(span[1] - span[0], 1e-3)
    bottom = HEAD + len(lanes) * (LANE_HEIGHT + LANE_GAP) - LANE_GAP
    scale = (WIDTH - LEFT - RIGHT) / span_s

    def x(t_s: float) -> float:
        return LEFT + (t_s - begin_s) * scale

    parts = [
        f'<svg class="timeline" viewBox="0 0 {WIDTH} {bottom + FOOT}" role="img" '
        'aria-label="Force, pain, voice and face over time" '
        f'data-left="{LEFT}" data-scale="{scale:.6g}" data-begin="{begin_s:.3f}">'
    ]
    free_x = -math.inf
    for mark in marks:
        width = max(1.5, (mark.end_s - mark.start_s) * scale)
        parts.append(
            f'<rect class="band" x="{x(mark.start_s):.1f}" y="{HEAD}" width="{width:.1f}" height="{bottom - HEAD}">'
            f"<title>{escape(mark.text)}</title></rect>"
        )
        middle = x(mark.start_s) + width / 2
        if middle - free_x >= 17:  # numbers of a long session would cover each other
            parts.append(f'<text class="number" x="{middle:.1f}" y="{HEAD - 9}">{mark.number}</text>')
            free_x = middle
    minutes = begin_s + span_s > 120
    step_s = next((step for step in TIME_STEPS_S if span_s / step <= 12), TIME_STEPS_S[-1])
    for step in range(math.ceil(begin_s / step_s), math.floor((begin_s + span_s) / step_s) + 1):
        t_s = step * step_s
        label = f"{t_s // 60:g}:{t_s % 60:02g}" if minutes else f"{t_s:g}"
        parts.append(f'<line class="grid" x1="{x(t_s):.1f}" x2="{x(t_s):.1f}" y1="{HEAD}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" text-anchor="middle" x="{x(t_s):.1f}" y="{bottom + 17}">{label}</text>')
    parts.append(f'<text class="tick" x="0" y="{bottom + 17}">time, {"min:s" if minutes else "s"}</text>')
    for index, lane in enumerate(lanes):
        parts.append(_lane(lane, HEAD + index * (LANE_HEIGHT + LANE_GAP), begin_s, span_s))
    for t_s, text in notes:
        at = x(min(max(t_s, begin_s), begin_s + span_s))
        parts.append(f'<path class="note" d="M{at:.1f} {bottom + 1}l4 6h-8z"><title>{escape(text)}</title></path>')
    parts.append(f'<line class="now" x1="0" x2="0" y1="{HEAD}" y2="{bottom}" visibility="hidden"/></svg>')
    return "".join(parts)


def _lane(lane: Lane, top: float, begin_s: float, span_s: float) -> str:
    """Axis, name and curve of one lane."""
    height, right = LANE_HEIGHT, WIDTH - RIGHT
    parts = [
        f'<text class="name" x="0" y="{top + 14}">{escape(lane.name)}</text>',
        f'<text class="tick" x="0" y="{top + 29}">{escape(lane.unit)}</text>',
    ]
    for value in ticks(lane.low, lane.high, 4):
        y = top + height * (lane.high - value) / (lane.high - lane.low)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" text-anchor="end" x="{LEFT - 8}" y="{y + 4:.1f}">{_number(value)}</text>')
    shown = (lane.t_s >= begin_s) & (lane.t_s <= begin_s + span_s)
    if not shown.any():
        parts.append(f'<text class="tick" x="{LEFT + 8}" y="{top + height / 2}">nothing on the record</text>')
    for run_t_s, run in _runs(*_envelope(lane.t_s[shown] - begin_s, lane.values[shown], span_s)):
        xs = LEFT + run_t_s * (WIDTH - LEFT - RIGHT) / span_s
        ys = top + height * (lane.high - np.clip(run, lane.low, lane.high)) / (lane.high - lane.low)
        line = "L".join(f"{px:.1f} {py:.1f}" for px, py in zip(xs, ys, strict=True))
        if lane.filled:
            base = f"{top + height:.1f}"
            parts.append(f'<path class="area {lane.kind}" d="M{xs[0]:.1f} {base}L{line}L{xs[-1]:.1f} {base}z"/>')
        parts.append(f'<path class="curve {lane.kind}" d="M{line}"/>')
    return "".join(parts)


def _envelope(t_s: np.ndarray, values: np.ndarray, span_s: float) -> tuple[np.ndarray, np.ndarray]:
    """At most two points (lowest, highest) for each pixel column, so that no peak is lost in a long session."""
    column = np.floor(t_s / span_s * (WIDTH - LEFT - RIGHT)).astype(np.int64)
    if len(t_s) <= 2 * (WIDTH - LEFT - RIGHT):
        return t_s, values
    order = np.lexsort((np.nan_to_num(values, nan=-np.inf), column))
    starts = np.flatnonzero(np.diff(column[order], prepend=-1))
    ends = np.append(starts[1:], len(order)) - 1
    keep = np.unique(np.concatenate([order[starts], order[ends]]))
    return t_s[keep], values[keep]


def _runs(t_s: np.ndarray, values: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Stretches without NaN, of two points and more."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], np.isfinite(values), [False]]).astype(np.int8)))
    pairs = edges.reshape(-1, 2)
    return [(t_s[first:last], values[first:last]) for first, last in pairs if last - first > 1]


def abdomen(phantom: Phantom, spots: Sequence[Spot], sites: Sequence[tuple[str, float, float, float]]) -> str:
    """The abdomen as the clinician sees it: the patient's right on the left, the head above.

    Parameters
    ----------
    sites
        Tender places: name, x and y in plate coordinates, radius (one sigma), mm.
    """
    turned = phantom.head_towards == "-y"
    width, height = phantom.width_mm, phantom.height_mm

    def at(x_mm: float, y_mm: float) -> tuple[float, float]:
        """Picture coordinates (y down) of a plate point."""
        return (width - x_mm, y_mm) if turned else (x_mm, height - y_mm)

    parts = [
        f'<svg class="abdomen" viewBox="-14 -24 {width + 28:g} {height + 40:g}" role="img" '
        'aria-label="Map of the abdomen with the presses">',
        f'<rect class="body" x="0" y="0" width="{width:g}" height="{height:g}" rx="26"/>',
    ]
    columns = sorted(at(x, 0.0)[0] for x in phantom.vertical_lines_mm)
    rows = sorted(at(0.0, y)[1] for y in phantom.horizontal_lines_mm)
    parts += [f'<line class="plane" x1="{x:g}" x2="{x:g}" y1="0" y2="{height:g}"/>' for x in columns]
    parts += [f'<line class="plane" y1="{y:g}" y2="{y:g}" x1="0" x2="{width:g}"/>' for y in rows]
    lefts, rights = (0.0, *columns), (*columns, width)
    for names, bottom in zip(REGIONS, (*rows, height), strict=True):
        for name, left, right in zip(names, lefts, rights, strict=True):
            middle, words = (left + right) / 2, name.split()
            parts += [
                f'<text class="region" x="{middle:.1f}" y="{bottom - 6 - 10 * line:.1f}">{word}</text>'
                for line, word in enumerate(reversed(words))
            ]
    navel_x, navel_y = at(*phantom.navel_mm)
    parts.append(f'<ellipse class="navel" cx="{navel_x:.1f}" cy="{navel_y:.1f}" rx="3" ry="4.5"/>')
    for name, x_mm, y_mm, radius_mm in sites:
        cx, cy = at(x_mm, y_mm)
        parts.append(
            f'<circle class="site" cx="{cx:.1f}" cy="{cy:.1f}" r="{radius_mm:.1f}"><title>{escape(name)}: tender, '
            f"one sigma is {radius_mm:.0f} mm</title></circle>"
        )
    for spot in sorted(spots, key=lambda spot: -spot.peak_newton):
        if not (math.isfinite(spot.x_mm) and math.isfinite(spot.y_mm)):
            continue
        cx, cy = at(spot.x_mm, spot.y_mm)
        colour, ink = pain_colour(spot.peak_nrs)
        parts.append(
            f'<g class="spot"><circle cx="{cx:.1f}" cy="{cy:.1f}" r="{spot_radius_mm(spot.peak_newton):.1f}" '
            f'fill="{colour}"/><text x="{cx:.1f}" y="{cy + 3:.1f}" style="fill:{ink}">{spot.number}</text>'
            f"<title>{escape(spot.text)}</title></g>"
        )
    parts.append(f'<text class="side" x="{width / 2:g}" y="-10" text-anchor="middle">head</text>')
    parts.append('<text class="side" x="0" y="-10">patient’s right</text>')
    parts.append(f'<text class="side" x="{width:g}" y="-10" text-anchor="end">patient’s left</text></svg>')
    return "".join(parts)


def spot_radius_mm(newton: float) -> float:
    """Radius of a press on the map: its area grows with the force."""
    return 5.0 + 1.5 * math.sqrt(max(0.0, newton))


def pain_colour(nrs: float) -> tuple[str, str]:
    """Fill and a legible ink on it for a pain of 0 to 10; grey when it is unknown."""
    if not math.isfinite(nrs):
        return "#9aa0a6", "#111"
    place = min(max(nrs / 10.0, 0.0), 1.0) * (len(PAIN_COLOURS) - 1)
    low = min(int(place), len(PAIN_COLOURS) - 2)
    share = place - low
    red, green, blue = (
        round(a + share * (b - a)) for a, b in zip(PAIN_COLOURS[low], PAIN_COLOURS[low + 1], strict=True)
    )
    return f"#{red:02x}{green:02x}{blue:02x}", "#fff" if nrs > 6.0 else "#2a1608"


def distribution(values_ms: np.ndarray, kind: str, lines: Sequence[tuple[str, float]]) -> str:
    """Histogram with lines at named values; the axis ends at the 99.5th percentile, and what is beyond is counted."""
    width, height, foot = 480, 130, 34
    top_ms = max(1.0, float(np.percentile(values_ms, 99.5)), *(value for _, value in lines)) * 1.05
    counts, edges = np.histogram(values_ms[values_ms <= top_ms], bins=48, range=(0.0, top_ms))
    scale = (width - 16) / top_ms
    parts = [
        f'<svg class="distribution" viewBox="-8 0 {width} {height + foot}" role="img" aria-label="Distribution, ms">'
    ]
    for count, edge in zip(counts, edges[:-1], strict=True):
        if count:
            bar = max(1.0, (height - 36) * count / counts.max())
            parts.append(
                f'<rect class="bar {kind}" x="{edge * scale:.1f}" y="{height - bar:.1f}" '
                f'width="{(edges[1] - edges[0]) * scale - 1:.1f}" height="{bar:.1f}"/>'
            )
    parts.append(f'<line class="axis" x1="0" x2="{width - 16}" y1="{height}" y2="{height}"/>')
    parts += [
        f'<text class="tick" text-anchor="middle" x="{value * scale:.1f}" y="{height + 16}">{_number(value)}</text>'
        for value in ticks(0.0, top_ms, 6)
    ]
    for row, (name, value) in enumerate(lines):
        x, y = value * scale, 14 + 14 * row
        parts.append(f'<line class="percentile" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 9}" y2="{height}"/>')
        parts.append(
            f'<text class="tick" text-anchor="end" x="{x - 5:.1f}" y="{y}">{escape(name)} {value:.0f} ms</text>'
        )
    beyond = int((values_ms > top_ms).sum())
    if beyond:
        parts.append(f'<text class="tick" text-anchor="end" x="{width - 16}" y="{height + 31}">{beyond} beyond</text>')
    return "".join(parts) + "</svg>"


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers between two values, some ``about`` of them."""
    raw = (high - low) / max(about, 1)
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(magnitude * factor for factor in (1, 2, 5, 10) if magnitude * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")
