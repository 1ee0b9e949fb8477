"""How the abdomen was examined: coverage, order, force and the answer to pain, as figures of a session.

Figures, not verdicts: scores built on palpation figures alone did not tell novices from experts (BMC Med Educ 2023,
doi 10.1186/s12909-023-04861-6; facts sheet robopatient_systems, 4). Pure: presses and curves in, figures out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from robopatient.levels import HAND_OFF_NEWTON
from robopatient.messages import Press
from robopatient.phantom import REGIONS
from robopatient.record.visibility import GAP_S, overlaps, row_gaps

__all__ = ["REGION_NAMES", "SHOWN_PSPI", "Examination", "RegionFigures", "Response", "examine"]

Table = Mapping[str, np.ndarray]

REGION_NAMES = tuple(name for row in REGIONS for name in row)
SHOWN_PSPI = 2.0
"""PSPI from which the face shows pain (assumption: above the play of a resting face, below any grimace)."""
EASED_SHARE = 0.5
"""The hand has eased off when the force is below this share of what it was as the face began to show pain."""
PRESSED_ON_SHARE = 1.1
"""The hand pressed on when the force rose by a tenth and more after that (assumption: above tremor)."""
PAINFUL_NRS = 4.0
"""Pain from which a press counts as painful: moderate on the 0-10 scale."""
TAIL_NS = 500_000_000
"""Pain felt this soon after a release still belongs to the press: rebound."""
LEFT_OVER_NS = 300_000_000
"""How long after its strongest moment a press may still let the pain of the one before fade, as in ``presses.csv``."""


class RegionFigures(msgspec.Struct, frozen=True):
    """What was done to one region; ``first_s`` from the session's start, NaN when it was never pressed."""

    light: int = 0
    deep: int = 0
    first_s: float = math.nan
    peak_newton: float = 0.0
    worst_nrs: float = 0.0


class Response(msgspec.Struct, frozen=True):
    """What the hand did when the face began to show pain during a press.

    Attributes
    ----------
    press
        Number of the press, from 1.
    start_s
        When the face began to show pain, from the session's start.
    newton
        Force at that moment.
    most_newton
        Largest force from then to the release.
    eased_ms
        From that moment until the force had fallen to half.
    """

    press: int
    start_s: float
    newton: float
    most_newton: float
    eased_ms: float

    @property
    def pressed_on(self) -> bool:
        """Whether the force rose further although the face showed pain."""
        return self.most_newton > PRESSED_ON_SHARE * self.newton


class Examination(msgspec.Struct, frozen=True):
    """All figures of one examination. NaN where there is nothing to tell.

    Attributes
    ----------
    regions
        By name, all nine.
    first_distance_mm
        From the first press to the nearest tender site.
    regions_before_pain
        Other regions pressed before the tender one; -1 when it was never pressed, or nothing is tender.
    light_before_deep
        Regions pressed deep that had been pressed lightly before, and ``deep_regions`` in all.
    light_regions_before_first_deep
        How much of the abdomen had been felt lightly when the first deep press came.
    press_nrs
        Worst pain of each press, in the order of time.
    painful_presses
        Presses that reached pain 4 of 10.
    shown_s, shown_touched_s
        Time for which the face showed pain, and the part of it in which the hand was on the abdomen.
    shown_median_newton, shown_peak_newton
        Force while the face showed pain and the hand was on the abdomen.
    begun_while_shown
        Presses that began while the face still showed pain of another.
    unseen_presses
        Presses during which the face was not visible, all the time or at times: lines about the face leave them out.
    """

    presses: int
    regions: dict[str, RegionFigures]
    light_regions: int
    deep_regions: int
    light_before_deep: int
    light_regions_before_first_deep: int
    first_region: str
    first_distance_mm: float
    regions_before_pain: int
    peak_newton: float
    worst_nrs: float
    press_nrs: tuple[float, ...]
    painful_presses: int
    shown_s: float
    shown_touched_s: float
    shown_median_newton: float
    shown_peak_newton: float
    begun_while_shown: int
    responses: tuple[Response, ...]
    unseen_presses: int = 0

    @property
    def eased_ms(self) -> float:
        """Median time from the first sign in the face to half the force; NaN without such a press."""
        return float(np.median([response.eased_ms for response in self.responses])) if self.responses else math.nan

    @property
    def pressed_on(self) -> int:
        """Presses in which the force rose further although the face showed pain."""
        return sum(response.pressed_on for response in self.responses)


def examine(
    presses: Sequence[Press],
    force: Table,
    pain: Table,
    seen: Table,
    *,
    start_ns: int,
    sites: Sequence[tuple[float, float, str]],
    deep_newton: float,
    touch_newton: float = HAND_OFF_NEWTON,
) -> Examination:
    """Figures of an examination.

    Parameters
    ----------
    presses
        Finished presses in any order.
    force, pain, seen
        Columns ``t_ns`` with ``total_newton``, ``nrs`` and ``pspi``, shape (n,), ascending in time; of ``seen`` the
        pictures that were shown.
    start_ns
        Start of the session.
    sites
        Tender sites: x and y in plate coordinates, mm, and the region they lie in.
    deep_newton
        Peak force from which a press is deep palpation.
    touch_newton
        Force from which the hand is on the abdomen (the published press counter ends a press there).
    """
    ordered = sorted(presses, key=lambda press: press.t_ns)
    regions: dict[str, RegionFigures] = {name: RegionFigures() for name in REGION_NAMES}
    order: list[str] = []
    lightly: set[str] = set()
    light_before_deep: dict[str, bool] = {}
    light_when_deep = -1
    next_ns = [*(press.t_ns for press in ordered[1:]), 2**62][: len(ordered)]
    worst = [_felt(pain, press, until_ns) for press, until_ns in zip(ordered, next_ns, strict=True)]
    for press, nrs in zip(ordered, worst, strict=True):
        deep = press.peak_newton >= deep_newton
        known = regions.get(press.region, RegionFigures())
        regions[press.region] = RegionFigures(
            light=known.light + (not deep),
            deep=known.deep + deep,
            first_s=(press.t_ns - start_ns) * 1e-9 if not (known.light or known.deep) else known.first_s,
            peak_newton=max(known.peak_newton, press.peak_newton),
            worst_nrs=max(known.worst_nrs, nrs),
        )
        if press.region not in order:
            order.append(press.region)
        if deep:
            light_before_deep.setdefault(press.region, press.region in lightly)
            light_when_deep = len(lightly) if light_when_deep < 0 else light_when_deep
        else:
            lightly.add(press.region)
    tender = {region for _, _, region in sites}
    reached = [order.index(region) for region in tender if region in order]
    showing = _showing(seen["pspi"])
    last_ns = max([start_ns, *force["t_ns"][-1:].tolist(), *(press.release_t_ns for press in ordered)])
    gaps = row_gaps(seen["t_ns"], start_ns, last_ns)
    responses, begun = _responses(ordered, force, seen, showing, gaps, start_ns)
    newton = _held(seen["t_ns"], force["t_ns"], force["total_newton"])
    touched = showing & (newton >= touch_newton)
    step_s = np.diff(seen["t_ns"], append=seen["t_ns"][-1:]) * 1e-9
    step_s[step_s > GAP_S] = 0.0
    return Examination(
        presses=len(ordered),
        regions=regions,
        light_regions=sum(figures.light > 0 for figures in regions.values()),
        deep_regions=sum(figures.deep > 0 for figures in regions.values()),
        light_before_deep=sum(light_before_deep.values()),
        light_regions_before_first_deep=len(lightly) if light_when_deep < 0 else light_when_deep,
        first_region=ordered[0].region if ordered else "",
        first_distance_mm=_distance(ordered[0], sites) if ordered else math.nan,
        regions_before_pain=min(reached, default=-1),
        peak_newton=max((press.peak_newton for press in ordered), default=0.0),
        worst_nrs=max(worst, default=0.0),
        press_nrs=tuple(worst),
        painful_presses=sum(nrs >= PAINFUL_NRS for nrs in worst),
        shown_s=float(step_s[showing].sum()),
        shown_touched_s=float(step_s[touched].sum()),
        shown_median_newton=float(np.median(newton[touched])) if touched.any() else math.nan,
        shown_peak_newton=float(newton[touched].max()) if touched.any() else math.nan,
        begun_while_shown=begun,
        responses=tuple(responses),
        unseen_presses=sum(overlaps(gaps, press.t_ns, press.release_t_ns) for press in ordered),
    )


def _responses(
    presses: Sequence[Press],
    force: Table,
    seen: Table,
    showing: np.ndarray,
    gaps: Sequence[tuple[int, int]],
    start_ns: int,
) -> tuple[list[Response], int]:
    """Answers to the face in each press, and the number of presses that began while it showed pain."""
    responses, begun = [], 0
    for number, press in enumerate(presses, 1):
        if overlaps(gaps, press.t_ns, press.release_t_ns):
            continue
        first = int(np.searchsorted(seen["t_ns"], press.t_ns))
        if first and showing[first - 1]:
            begun += 1
            continue
        last = int(np.searchsorted(seen["t_ns"], press.release_t_ns))
        onsets = np.flatnonzero(showing[first:last])
        if not len(onsets):
            continue
        at_ns = int(seen["t_ns"][first + onsets[0]])
        held = (force["t_ns"] >= at_ns) & (force["t_ns"] <= press.release_t_ns)
        t_ns, newton = force["t_ns"][held], force["total_newton"][held]
        if not len(newton):
            continue
        eased = np.flatnonzero(newton < EASED_SHARE * newton[0])
        end_ns = int(t_ns[eased[0]]) if len(eased) else press.release_t_ns
        responses.append(
            Response(
                press=number,
                start_s=(at_ns - start_ns) * 1e-9,
                newton=float(newton[0]),
                most_newton=float(newton.max()),
                eased_ms=(end_ns - at_ns) * 1e-6,
            )
        )
    return responses, begun


def _showing(pspi: np.ndarray) -> np.ndarray:
    """Where the face shows pain: from ``SHOWN_PSPI`` until it has fallen to half of that."""
    showing = np.zeros(len(pspi), dtype=bool)
    on = False
    for index, value in enumerate(pspi):
        on = value >= (0.5 * SHOWN_PSPI if on else SHOWN_PSPI)
        showing[index] = on
    return showing


def _held(at_ns: np.ndarray, t_ns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Newest value at each of some times, 0 before the first."""
    index = np.searchsorted(t_ns, at_ns, side="right") - 1
    held: np.ndarray = np.where(index >= 0, values[np.maximum(index, 0)] if len(values) else 0.0, 0.0)
    return held


def _felt(pain: Table, press: Press, next_ns: int) -> float:
    """Worst pain of a press, less what the one before has left over: from the lowest point near its onset on."""
    end_ns = min(press.release_t_ns + TAIL_NS, next_ns)
    first, fresh, last = np.searchsorted(pain["t_ns"], (press.t_ns, press.peak_t_ns + LEFT_OVER_NS, end_ns))
    early = pain["nrs"][first : min(fresh, last)]
    return float(pain["nrs"][first + (int(np.argmin(early)) if len(early) else 0) : last].max(initial=0.0))


def _distance(press: Press, sites: Sequence[tuple[float, float, str]]) -> float:
    return min((math.hypot(press.x_mm - x, press.y_mm - y) for x, y, _ in sites), default=math.nan)
