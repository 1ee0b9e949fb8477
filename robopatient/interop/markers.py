"""Which messages become markers, and the text of the marker."""

from __future__ import annotations

import msgspec

from robopatient import messages as m

__all__ = ["Marker", "Markers"]


class Marker(msgspec.Struct, frozen=True):
    """A moment: ``text`` is a JSON object whose "event" names it, the same for LSL and OSC."""

    t_ns: int
    text: str


class Markers:
    """From messages to markers: presses, actions, notes, a study's trials, the session's ends, changes of the link."""

    def __init__(self) -> None:
        self._link = ""
        self._phase = ""

    def every(self, message: m.Message) -> list[Marker]:
        """All markers of a message: a trial has one for each of its moments, dated by it, told when the trial is over.

        They are "trigger", "sound", "picture" and "response", as far as they happened, and "trial" with the row itself.
        """
        if isinstance(message, m.TrialRecord):
            return _of_trial(message)
        marker = self.of(message)
        return [] if marker is None else [marker]

    def of(self, message: m.Message) -> Marker | None:
        """Marker of a message, None when it is none."""
        match message:
            case m.Press():
                return _marker(
                    message.t_ns,
                    "press",
                    peak_newton=round(message.peak_newton, 3),
                    peak_after_s=round((message.peak_t_ns - message.t_ns) * 1e-9, 4),
                    release_after_s=round((message.release_t_ns - message.t_ns) * 1e-9, 4),
                    x_mm=round(message.x_mm, 1),
                    y_mm=round(message.y_mm, 1),
                    region=message.region,
                    flags=list(message.flags),
                )
            case m.OperatorAction():
                return _marker(message.t_ns, "action", action=message.action, argument=message.argument)
            case m.Note():
                return _marker(message.t_ns, "note", level=message.level, source=message.source, text=message.text)
            case m.SessionStop():
                return _marker(message.t_ns, "session_stop", reason=message.reason)
            case m.Health() if message.link != self._link:
                self._link = message.link
                return _marker(message.t_ns, "link", state=message.link)
            case m.StudyState() if message.phase != self._phase:
                self._phase = message.phase
                return _marker(
                    message.t_ns,
                    "phase",
                    phase=message.phase,
                    study=message.study,
                    participant=message.participant,
                    block=message.block,
                    trial=message.trial,
                )
        return None

    @staticmethod
    def begin(t_ns: int, session: str) -> Marker:
        """First marker of a session."""
        return _marker(t_ns, "session", name=session)


def _of_trial(row: m.TrialRecord) -> list[Marker]:
    who = {"trial": row.trial, "attempt": row.attempt}
    moments: dict[str, tuple[int, dict[str, object]]] = {
        "trigger": (row.trigger_ns, {"newton": round(row.force_at_trigger_newton, 3)}),
        "sound": (row.sound_ns, {"f0_hz": round(row.f0_hz, 2), "level_dbfs": round(row.level_dbfs, 2)}),
        "picture": (row.frame_ns, {"pspi": round(row.pspi, 2)}),
        "response": (row.response_ns, {"response": row.response, "value": row.response_value}),
    }
    markers = [_marker(t_ns, event, **who, **fields) for event, (t_ns, fields) in moments.items() if t_ns]
    told = {"kind": row.kind, "status": row.status, "question": row.question, "factors": row.factors}
    where = {"study": row.study, "participant": row.participant, "session": row.session, "block": row.block}
    return [*markers, _marker(row.t_ns, "trial", **who, **where, **told, flags=list(row.flags))]


def _marker(t_ns: int, event: str, **fields: object) -> Marker:
    return Marker(t_ns, msgspec.json.encode({"event": event, **fields}).decode())
