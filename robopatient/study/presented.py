"""The presented stimulus of a trial: completes its row from the sound played and the pictures shown."""

from __future__ import annotations

import math
import statistics
from collections import deque
from typing import NamedTuple

import msgspec

from robopatient.calls import BREATHS
from robopatient.messages import Heard, Seen, TrialRecord

__all__ = ["SOUNDING_DBFS", "Draft", "Presented"]

SOUNDING_DBFS = -90.0
"""Above silence; a soft call begins far below the level that it reaches (with -55 the quietest seemed 130 ms late).
Idle breathing is told apart by its name."""
KEEP_NS = 120_000_000_000
"""How far back a trial may begin: window, reaction, replays and a slow answer (assumption)."""


class Draft(NamedTuple):
    """A row as the trial machine knows it.

    Attributes
    ----------
    serial
        Number of the row, from 1: the machine waits until this one is on the disk.
    trigger_seq
        Force frame that set off the reaction, -1 when none did.
    begin_ns, end_ns
        From when to when the reaction was given, host monotonic time.
    """

    serial: int
    row: TrialRecord
    trigger_seq: int = -1
    begin_ns: int = 0
    end_ns: int = 0


class Presented:
    """The last minutes of what was heard and seen."""

    def __init__(self) -> None:
        self._heard: deque[Heard] = deque()
        self._seen: deque[Seen] = deque()

    def heard(self, block: Heard) -> None:
        """An audio block was played."""
        self._heard.append(block)
        while self._heard[0].t_ns < block.t_ns - KEEP_NS:
            self._heard.popleft()

    def seen(self, frame: Seen) -> None:
        """A picture was shown."""
        self._seen.append(frame)
        while self._seen[0].t_ns < frame.t_ns - KEEP_NS:
            self._seen.popleft()

    def fill(self, draft: Draft) -> TrialRecord:
        """The row with what was presented between the trigger and the reaction's end; unchanged without a trigger.

        Without a picture the PSPI is unknown: NaN.
        """
        if draft.trigger_seq < 0:
            return draft.row
        sounding = [
            block
            for block in self._heard
            if block.cause_seq >= draft.trigger_seq
            and draft.begin_ns <= block.t_ns <= draft.end_ns
            and block.level_dbfs > SOUNDING_DBFS
            and block.call not in BREATHS
        ]
        shown = [
            frame
            for frame in self._seen
            if frame.cause_seq >= draft.trigger_seq and draft.begin_ns <= frame.t_ns <= draft.end_ns
        ]
        pitches = [block.f0_hz for block in sounding if block.f0_hz > 0.0]
        au: dict[str, float] = {}
        for frame in shown:
            for unit, intensity in frame.pose.au.items():
                au[unit] = max(intensity, au.get(unit, 0.0))
        return msgspec.structs.replace(
            draft.row,
            sound_ns=sounding[0].t_ns if sounding else 0,
            frame_ns=shown[0].t_ns if shown else 0,
            f0_hz=float(statistics.median(pitches)) if pitches else 0.0,
            level_dbfs=max((block.level_dbfs for block in sounding), default=draft.row.level_dbfs),
            au={unit: round(intensity, 3) for unit, intensity in sorted(au.items())},
            pspi=max((frame.pspi for frame in shown), default=math.nan),
        )
