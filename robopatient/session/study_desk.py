"""The study's side of the control loop: rows completed with what was presented, put on the disk, and reported saved."""

from __future__ import annotations

import threading
from collections import deque

import msgspec

from robopatient import messages as m
from robopatient.presence import Presence
from robopatient.record.writer import RecordWriter
from robopatient.session.pipeline import Outputs
from robopatient.study.presented import Presented

__all__ = ["TrialRowWriter"]

LINGER_NS = 5_000_000_000
"""How long the participant's farewell stays when no operator's console ends the session."""


class TrialRowWriter:
    """Between the pipeline's drafts and the record.

    Parameters
    ----------
    min_free_mb
        Below so much free space the study is asked to pause after the trial under way.
    presence
        Whether the patient can be seen and heard: where a trial needs what cannot, the study is asked to pause at once.
    """

    def __init__(self, record: RecordWriter, min_free_mb: int, presence: Presence) -> None:
        self._record = record
        self._presence = presence
        self._min_free_mb = min_free_mb
        self._presented = Presented()
        self._waiting: deque[tuple[int, threading.Event]] = deque()
        self._shown: m.StudyState | None = None
        self._full = False
        self._over_ns = 0

    def presented(self, message: m.Heard | m.Seen) -> None:
        """Something was heard or seen."""
        if isinstance(message, m.Heard):
            self._presented.heard(message)
        else:
            self._presented.seen(message)

    def take(self, outputs: Outputs) -> list[m.Message]:
        """What a turn had to say, recorded; returns what the screens are to be told."""
        told: list[m.Message] = []
        for draft in outputs.drafts:
            row = self._presented.fill(draft)
            self._waiting.append((draft.serial, self._record.put_now(row)))
            told.append(row)
        if outputs.started is not None:
            self._record.put(outputs.started)
            told.append(outputs.started)
        state = outputs.study
        if state is None:
            return told
        told.append(state)
        plain = msgspec.structs.replace(state, t_ns=0, force_newton=0.0, time_left_s=0.0)
        if plain != self._shown:  # the force has its own table: a row a change is enough
            self._shown = plain
            self._record.put(state)
        if state.phase in ("done", "aborted"):
            self._over_ns = self._over_ns or state.t_ns
        return told

    def actions(self, now_ns: int, needs: frozenset[str] = frozenset()) -> list[m.OperatorAction]:
        """What the trial machine must know of the disk, and of voice and face.

        Parameters
        ----------
        needs
            What the trial under way needs: "voice", "face".
        """
        actions = []
        faults = [
            fault.what
            for name, ask in (("face", self._presence.face), ("voice", self._presence.voice))
            if name in needs and (fault := ask(now_ns)) is not None
        ]
        if faults:
            actions.append(m.OperatorAction(now_ns, "pause", ", ".join(faults), source="control"))
        while self._waiting and self._waiting[0][1].is_set():
            serial, _ = self._waiting.popleft()
            actions.append(m.OperatorAction(now_ns, "saved", str(serial), source="record"))
        full = self._record.free_mb < self._min_free_mb
        if full and not self._full:
            actions.append(m.OperatorAction(now_ns, "pause", "disk nearly full", source="record"))
        self._full = full
        return actions

    def wait(self, timeout_s: float) -> bool:
        """Wait until every row is on the disk, for those who have nothing else to do; False when it takes longer."""
        return all(safe.wait(timeout_s) for _, safe in self._waiting)

    def over(self, now_ns: int) -> bool:
        """Whether the study has ended, its rows are safe, and the farewell has been read."""
        return bool(self._over_ns) and not self._waiting and now_ns - self._over_ns > LINGER_NS
