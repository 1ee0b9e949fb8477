"""When the face could be seen: a picture leaves a row of ``seen`` in the record, and where rows lack nothing was shown.

Every page, table and film asks here, so that no figure is drawn from a face that was not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from robopatient import messages as m
from robopatient.record.info import read_info
from robopatient.record.reader import Record
from robopatient.topics import TOPICS

__all__ = ["GAP_S", "Gap", "Visibility", "load_visibility", "overlaps", "row_gaps"]

Table = Mapping[str, np.ndarray]

GAP_S = (TOPICS["seen"].max_age_ms or 0.0) * 1e-3
"""Between pictures farther apart the face was not shown: the age from which the live console believes no picture
either, 2.5 periods of the slowest face (5 pictures a second)."""
NO_PICTURE = ("no picture", "drawing failed")
DRAWS = "ms a frame"
"""Words of the face's own state. Version 0.1 recorded ``seen`` without a picture; it said so there, and a renderer that
draws says how long a frame takes."""
SPANS_TOLD = 3


class Gap(NamedTuple):
    """A span without the face, from the last picture to the next, ns; ``why`` is what the face's process said."""

    begin_ns: int
    end_ns: int
    why: str = ""


def row_gaps(t_ns: np.ndarray, begin_ns: int, end_ns: int) -> list[tuple[int, int]]:
    """Spans between two moments in which no picture came for longer than ``GAP_S``.

    Parameters
    ----------
    t_ns
        Times of the pictures, shape (n,), ascending.
    """
    within = t_ns[(t_ns > begin_ns) & (t_ns < end_ns)]
    before = t_ns[t_ns <= begin_ns]
    first_ns = begin_ns if not len(before) or begin_ns - before[-1] > GAP_S * 1e9 else int(before[-1])
    edges = np.concatenate([[first_ns], within, [max(begin_ns, end_ns)]]).astype(np.int64)
    wide = np.flatnonzero(np.diff(edges) > GAP_S * 1e9)
    return [(max(begin_ns, int(edges[index])), int(edges[index + 1])) for index in wide]


def overlaps(gaps: Sequence[tuple[int, int]], begin_ns: int, end_ns: int) -> bool:
    """Whether the face was missing in any part of a span."""
    return any(first_ns < end_ns and begin_ns < last_ns for first_ns, last_ns in gaps)


class Visibility(NamedTuple):
    """When the face of a session was visible, from the first force to the end.

    Attributes
    ----------
    gaps
        In the order of time; empty when a face was no part of the session.
    """

    record: Record
    begin_ns: int
    end_ns: int
    gaps: tuple[Gap, ...]

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Begin and end of each gap."""
        return [(gap.begin_ns, gap.end_ns) for gap in self.gaps]

    @property
    def unseen_s(self) -> float:
        """How long the face was not visible, s."""
        return sum(gap.end_ns - gap.begin_ns for gap in self.gaps) * 1e-9

    @property
    def never(self) -> bool:
        """Whether the face was not visible at all."""
        return self.spans == [(self.begin_ns, self.end_ns)]

    def lacks(self, begin_ns: int, end_ns: int) -> bool:
        """Whether the face was missing in any part of a span."""
        return overlaps(self.spans, begin_ns, end_ns)

    def shown(self, t_ns: np.ndarray) -> np.ndarray:
        """Which moments lie outside of every gap, bool, shape (n,)."""
        inside = np.zeros(len(t_ns), dtype=bool)
        for gap in self.gaps:
            inside |= (t_ns > gap.begin_ns) & (t_ns < gap.end_ns)
        return ~inside

    def table(self, *only: str) -> dict[str, np.ndarray]:
        """``Record.table("seen")`` of the pictures that were shown, and their place among all rows as ``row``."""
        table = self.record.table("seen", *only)
        shown = self.shown(table["t_ns"])
        return {name: column[shown] for name, column in table.items()} | {"row": np.flatnonzero(shown)}

    def messages(self) -> list[m.Seen]:
        """The pictures that were shown, in the order of time."""
        seen: list[m.Seen] = sorted(self.record.messages("seen"), key=lambda each: each.t_ns)
        shown = self.shown(np.array([each.t_ns for each in seen], np.int64))
        return [each for each, there in zip(seen, shown, strict=True) if there]

    def broken(self, t_ns: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A curve with a NaN in every gap, so that a chart draws no line across it."""
        if not len(t_ns):
            return t_ns, values
        middle_ns = np.array([(gap.begin_ns + gap.end_ns) // 2 for gap in self.gaps], np.int64)
        places = np.searchsorted(t_ns, middle_ns)
        return np.insert(t_ns, places, middle_ns), np.insert(values, places, np.nan)

    def told(self, zero_ns: int) -> str:
        """One sentence for the top of a page, times counted from ``zero_ns``; "" when nothing was missing."""
        if not self.gaps:
            return ""
        if self.never:
            return "The face was not visible in the whole session: lines about the face are empty."
        spans = [
            f"from {_clock(gap.begin_ns - zero_ns)} to {_clock(gap.end_ns - zero_ns)}" for gap in self.gaps[:SPANS_TOLD]
        ]
        if len(self.gaps) > SPANS_TOLD:
            spans.append(f"{len(self.gaps) - SPANS_TOLD} more times, {self.unseen_s:.0f} s in all")
        where = spans[0] if len(spans) == 1 else f"{', '.join(spans[:-1])} and {spans[-1]}"
        return f"The face was not visible {where}: lines about the face are empty for that time."


def load_visibility(record: Record) -> Visibility:
    """When the face of a record was visible; RecordError when the record cannot be read."""
    starts: list[m.SessionStart] = record.messages("start")
    stop = record.stop
    t_ns, force_ns, heard_ns = (np.sort(record.table(topic, "t_ns")["t_ns"]) for topic in ("seen", "force", "heard"))
    start_ns = starts[0].t_ns if starts else 0
    begin_ns = int(force_ns[0]) if len(force_ns) else start_ns
    last_ns = max((int(each[-1]) for each in (t_ns, force_ns, heard_ns) if len(each)), default=start_ns)
    end_ns = max(begin_ns, stop.t_ns if stop else last_ns)
    if not (starts and _has_face(starts[0])) or end_ns == begin_ns:
        return Visibility(record, begin_ns, end_ns, ())
    states: list[m.ActorState] = [each for each in record.messages("actor") if each.actor == "face"]
    for first_ns, until_ns in _undrawn(states, end_ns):
        t_ns = t_ns[(t_ns < first_ns) | (t_ns >= until_ns)]
    gaps = tuple(Gap(*span, _why(states, *span)) for span in row_gaps(t_ns, begin_ns, end_ns))
    return Visibility(record, begin_ns, end_ns, gaps)


def _has_face(start: m.SessionStart) -> bool:
    try:
        return read_info(start).face.enabled
    except msgspec.DecodeError:
        return True


def _undrawn(states: Sequence[m.ActorState], end_ns: int) -> list[tuple[int, int]]:
    """Spans in which the face said that it had no picture."""
    spans = []
    for index, state in enumerate(states):
        if any(words in state.detail for words in NO_PICTURE) and DRAWS not in state.detail:
            spans.append((state.t_ns, states[index + 1].t_ns if index + 1 < len(states) else end_ns))
    return spans


def _why(states: Sequence[m.ActorState], begin_ns: int, end_ns: int) -> str:
    """What the face said last in a span, or before it, that is not well."""
    told = [state for state in states if state.t_ns < end_ns]
    within = [state for state in told if state.t_ns >= begin_ns] or told[-1:]
    ill = [state for state in within if state.state in ("degraded", "failed", "stopped")]
    return (ill[-1].detail or ill[-1].state) if ill else ""


def _clock(span_ns: int) -> str:
    seconds = max(0, round(span_ns * 1e-9))
    return f"{seconds // 60}:{seconds % 60:02d}"
