"""The debrief's own pictures as inline SVG: coverage by region, force against pain, ratings against the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from robopatient.phantom import REGIONS
from robopatient.record.charts import pain_colour, ticks
from robopatient.record.osce import RegionFigures

__all__ = ["Loop", "calibration", "coverage", "force_pain"]

POINTS = 160
"""Points of a loop: enough for a smooth curve, few enough for a page of a hundred presses."""


FIT_FROM, FIT_SPREAD_NRS = 4, 2.0
"""Ratings, and range of the pain felt, from which a line is fitted (assumption: fewer say nothing about a slope)."""


class Loop(NamedTuple):
    """One press from touch to release: force, N, and pain felt, NRS; shapes (n,)."""

    number: int
    newton: np.ndarray
    nrs: np.ndarray
    text: str


def coverage(regions: Mapping[str, RegionFigures], tender: Sequence[str]) -> str:
    """The nine regions as the clinician sees them, each with what was done to it."""
    width, height, gap = 130, 92, 4
    parts = [
        f'<svg class="coverage" viewBox="0 -18 {3 * width} {3 * height + 18}" role="img" '
        'aria-label="Regions palpated lightly and deeply">',
        '<text class="side" x="0" y="-6">patient’s right</text>',
        f'<text class="side" x="{3 * width - gap}" y="-6" text-anchor="end">patient’s left</text>',
    ]
    for row, names in enumerate(REGIONS):
        for column, name in enumerate(names):
            figures = regions.get(name, RegionFigures())
            done = (figures.light > 0) + (figures.deep > 0)
            x, y = column * width, row * height
            parts.append(
                f'<rect class="cell done{done}" x="{x}" y="{y}" width="{width - gap}" height="{height - gap}" rx="7"/>'
            )
            if name in tender:
                parts.append(
                    f'<rect class="tender" x="{x + 2.5}" y="{y + 2.5}" width="{width - gap - 5}" '
                    f'height="{height - gap - 5}" rx="5"/>'
                )
            parts.append(f'<text class="where" x="{x + 10}" y="{y + 19}">{escape(name)}</text>')
            lines = (
                (
                    f"{_mark(figures.light)} light {figures.light or ''}",
                    f"{_mark(figures.deep)} deep {figures.deep or ''}",
                    f"up to {figures.peak_newton:.0f} N",
                )
                if done
                else ("not palpated",)
            )
            parts += [f'<text x="{x + 10}" y="{y + 39 + 17 * line}">{text}</text>' for line, text in enumerate(lines)]
    return "".join(parts) + "</svg>"


def force_pain(loops: Sequence[Loop]) -> str:
    """Pain against force: one curve a press, coloured by its worst pain, its number at that point."""
    width, height, left, foot = 520, 300, 40, 40
    top = max(10.0, max((float(loop.newton.max(initial=0.0)) for loop in loops), default=10.0)) * 1.05
    xs, ys = (width - left - 12) / top, (height - foot - 10) / 10.0

    def x(newton: float) -> float:
        return left + newton * xs

    def y(nrs: float) -> float:
        return height - foot - nrs * ys

    parts = [f'<svg class="plot" viewBox="0 0 {width} {height}" role="img" aria-label="Pain felt against force">']
    for value in ticks(0.0, top, 6):
        parts.append(f'<line class="grid" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{y(10):.1f}" y2="{y(0):.1f}"/>')
        parts.append(f'<text class="tick" text-anchor="middle" x="{x(value):.1f}" y="{y(0) + 16:.1f}">{value:g}</text>')
    for value in (0, 2, 4, 6, 8, 10):
        parts.append(f'<line class="grid" x1="{left}" x2="{width - 12}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text class="tick" text-anchor="end" x="{left - 7}" y="{y(value) + 4:.1f}">{value}</text>')
    parts.append(f'<text class="tick" x="{left}" y="{height - 6}">force, N (all cells)</text>')
    parts.append(f'<text class="tick" x="{left + 6}" y="{y(10) + 14:.1f}">pain felt, NRS</text>')
    labels = []
    for loop in sorted(loops, key=lambda each: float(each.nrs.max(initial=0.0))):
        if not len(loop.newton):
            continue
        pick = np.unique(np.linspace(0, len(loop.newton) - 1, POINTS).astype(int))
        worst = int(np.argmax(loop.nrs))
        colour, _ = pain_colour(max(2.0, float(loop.nrs[worst])))
        line = "L".join(f"{x(float(loop.newton[i])):.1f} {y(float(loop.nrs[i])):.1f}" for i in pick)
        parts.append(
            f'<path class="loop" style="stroke:{colour}" d="M{line}"><title>{escape(loop.text)}</title></path>'
        )
        labels.append((x(float(loop.newton[worst])), y(float(loop.nrs[worst])), loop.number))
    placed: list[tuple[float, float]] = []
    for at_x, at_y, number in reversed(labels):  # the worst first: numbers that would cover each other are left out
        if all(math.hypot(at_x - px, at_y - py) > 16 for px, py in placed):
            placed.append((at_x, at_y))
            parts.append(f'<text class="number" x="{at_x:.1f}" y="{at_y - 5:.1f}">{number}</text>')
    return "".join(parts) + "</svg>"


def calibration(now: Sequence[tuple[float, float]], earlier: Sequence[tuple[float, float]]) -> str:
    """The trainee's numbers (up) against the pain that was felt (right), NRS; the diagonal is agreement.

    From ``FIT_FROM`` ratings on, a line fitted to all of them shows how the trainee's scale runs.
    """
    size, left, foot = 300, 36, 40
    scale = (size - left - 12) / 10.0
    bottom = size - foot

    def at(truth: float, given: float) -> str:
        return f'cx="{left + truth * scale:.1f}" cy="{bottom - given * scale * (bottom - 10) / (size - left - 12):.1f}"'

    rise = (bottom - 10) / 10.0
    parts = [f'<svg class="plot small" viewBox="0 0 {size} {size}" role="img" aria-label="Ratings against the truth">']
    for value in (0, 2, 4, 6, 8, 10):
        px, py = left + value * scale, bottom - value * rise
        parts.append(f'<line class="grid" x1="{px:.1f}" x2="{px:.1f}" y1="10" y2="{bottom}"/>')
        parts.append(f'<line class="grid" x1="{left}" x2="{size - 12}" y1="{py:.1f}" y2="{py:.1f}"/>')
        parts.append(f'<text class="tick" text-anchor="middle" x="{px:.1f}" y="{bottom + 16}">{value}</text>')
        parts.append(f'<text class="tick" text-anchor="end" x="{left - 6}" y="{py + 4:.1f}">{value}</text>')
    parts.append(f'<line class="percentile" x1="{left}" y1="{bottom}" x2="{size - 12}" y2="10"/>')
    parts.append(f'<text class="tick" x="{left}" y="{size - 6}">pain felt, NRS</text>')
    parts.append(f'<text class="tick" x="{left + 6}" y="22">rated</text>')
    parts += _fitted(np.array([*now, *earlier]).reshape(-1, 2), left, bottom, scale, rise)
    parts += [f'<circle class="before" {at(*point)} r="4"/>' for point in earlier]
    parts += [f'<circle class="felt" {at(*point)} r="5"/>' for point in now]
    return "".join(parts) + "</svg>"


def _fitted(points: np.ndarray, left: float, bottom: float, scale: float, rise: float) -> list[str]:
    """Least-squares line over the range of the truth; none when there is too little to fit."""
    if len(points) < FIT_FROM or np.ptp(points[:, 0]) < FIT_SPREAD_NRS:
        return []
    slope, offset = np.polyfit(points[:, 0], points[:, 1], 1)
    ends = [float(points[:, 0].min()), float(points[:, 0].max())]
    line = "L".join(
        f"{left + truth * scale:.1f} {bottom - min(max(offset + slope * truth, 0.0), 10.0) * rise:.1f}"
        for truth in ends
    )
    return [f'<path class="curve felt" d="M{line}"/>']


def _mark(count: int) -> str:
    return "●" if count else "○"
