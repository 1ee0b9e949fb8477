"""Quality of a record: what was lost, late, missing or flagged, in words for the reader of the report."""

from __future__ import annotations

from collections import Counter
from typing import Literal, NamedTuple

import numpy as np

from robopatient import messages as m
from robopatient.levels import Flag
from robopatient.record.reader import Record
from robopatient.record.visibility import load_visibility, row_gaps

__all__ = ["HealthLine", "findings"]


class HealthLine(NamedTuple):
    """One line of the record's health."""

    verdict: Literal["good", "look", "bad"]
    subject: str
    text: str


def findings(record: Record) -> list[HealthLine]:
    """What was counted, each with a verdict: "look" asks for a second look, "bad" means that data are missing."""
    found = [_end(record)]
    health: list[m.Health] = record.messages("health")
    if health:
        found += [_link(health), _loop(health[-1])]
    found.append(_force(record))
    found.append(_voice(record))
    found += _loudness(record)
    found.append(_face(record))
    return found + _actors(record)


def _end(record: Record) -> HealthLine:
    stop = record.stop
    if stop is None:
        return HealthLine("bad", "End", "not on the record: the session was cut off, or still runs")
    words = {"done": "as planned", "operator": "by the operator", "interrupted": "interrupted", "failed": "failed"}
    text = words.get(stop.reason, stop.reason) + (f": {stop.detail}" if stop.detail else "")
    return HealthLine("bad" if stop.reason == "failed" else "good", "End", text)


def _link(health: list[m.Health]) -> HealthLine:
    frames, lost, bad = (max(getattr(row, name) for row in health) for name in ("frames", "frames_lost", "frames_bad"))
    text = f"{frames} frames received, {lost} lost, {bad} damaged"
    streaming = [row.link == "streaming" for row in health]
    since = health[streaming.index(True) :] if any(streaming) else health
    away = sorted({row.link for row in since if row.link != "streaming"})
    if away:
        text += f"; at times {', '.join(away)}"
    return HealthLine(
        "bad" if lost else "look" if bad or away else "good", "Sensor board", f"{health[-1].board}: {text}"
    )


def _loop(last: m.Health) -> HealthLine:
    text = f"{last.loop_missed} ticks skipped; 99 % woke within {last.loop_late_p99_us / 1000:.1f} ms of their time"
    return HealthLine("look" if last.loop_missed else "good", "Control loop", text)


def _force(record: Record) -> HealthLine:
    force = record.table("force")
    count = len(force["t_ns"])
    if not count:
        return HealthLine("bad", "Force", "none recorded")
    flags = Counter(flag for row in force["flags"] for flag in row)
    marked = ", ".join(f"{flag.replace('_', ' ')} {100 * n / count:.2g} %" for flag, n in flags.most_common())
    gap_ms = float(np.diff(force["t_ns"]).max(initial=0)) * 1e-6
    text = f"{count} values, longest gap {gap_ms:.0f} ms" + (f"; marked {marked}" if marked else "; none marked")
    return HealthLine("look" if set(flags) - {Flag.UNTARED} else "good", "Force", text)  # every session starts untared


def _voice(record: Record) -> HealthLine:
    heard = record.table("heard")
    if not len(heard["t_ns"]):
        return HealthLine("look", "Voice", "nothing heard")
    blocks = np.diff(heard["block"])
    missing, restarts = int((blocks[blocks > 0] - 1).sum()), int((blocks <= 0).sum())
    underruns = int(heard["underruns"].max())
    text = f"{len(heard['t_ns'])} blocks played, {underruns} underruns, {missing} blocks not reported"
    if restarts:
        text += f", the stream began again {_times(restarts)}"
    return HealthLine("look" if underruns or missing or restarts else "good", "Voice", text)


def _loudness(record: Record) -> list[HealthLine]:
    """How loud it was in the room and how much of a day's allowance that took; nothing of records without it."""
    loudness = record.table("loudness")
    if not len(loudness["t_ns"]):
        return []
    ceiling = f"no sample above {loudness['max_dbfs'].max():.1f} dBFS"
    known = loudness["level_dba"][np.isfinite(loudness["level_dba"])]
    if not len(known):
        return [
            HealthLine("good", "Level in the room", f"not known without calibration (voice.calibration); {ceiling}")
        ]
    # A restarted voice counts from zero again: what its runs reached adds up.
    dose = loudness["dose_percent"]
    ends = np.append(np.flatnonzero(np.diff(dose) < 0.0), len(dose) - 1)
    percent = float(dose[ends].sum())
    text = f"loudest second {known.max():.0f} dB(A) at 1 m, dose {percent:.2g} % of a day's allowance (NIOSH)"
    return [HealthLine("bad" if percent >= 100.0 else "good", "Level in the room", f"{text}; {ceiling}")]


def _face(record: Record) -> HealthLine:
    visible = load_visibility(record)
    seen = visible.table("t_ns", "dropped")
    count = len(seen["t_ns"])
    if count < 2:
        return HealthLine("look", "Face", "nothing seen" if not count else "one picture shown")
    shown_s = float(seen["t_ns"][-1] - seen["t_ns"][0]) * 1e-9
    inner = row_gaps(seen["t_ns"], int(seen["t_ns"][0]), int(seen["t_ns"][-1]))
    shown_s -= sum(end_ns - begin_ns for begin_ns, end_ns in inner) * 1e-9
    fps = (count - 1 - len(inner)) / shown_s if shown_s > 0 else 0.0
    dropped = int(seen["dropped"].sum())
    text = f"{count} pictures shown, {fps:.1f} a second, {dropped} display periods missed"
    if visible.gaps:
        reasons = "; ".join(dict.fromkeys(gap.why for gap in visible.gaps if gap.why))
        text += f"; not visible for {visible.unseen_s:.0f} s in all" + (f": {reasons}" if reasons else "")
        return HealthLine("bad", "Face", text)
    return HealthLine("look" if dropped else "good", "Face", text)


def _actors(record: Record) -> list[HealthLine]:
    states: list[m.ActorState] = record.messages("actor")
    lines = []
    for actor in dict.fromkeys(state.actor for state in states):
        own = [state for state in states if state.actor == actor]
        restarts = max(0, len({state.pid for state in own if state.pid}) - 1)
        faulty = [state for state in own if state.state in ("degraded", "failed")]
        if restarts or faulty:
            parts = [f"started again {_times(restarts)}"] if restarts else []
            parts += dict.fromkeys(f"{state.state}: {state.detail}" for state in faulty)
            lines.append(HealthLine("look", f"Process {actor}", "; ".join(parts)))
    return lines


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
